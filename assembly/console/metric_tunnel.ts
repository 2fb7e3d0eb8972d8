/** What Prometheus is told of each tunnel interface. docs/monitoring.md explains it. */
import { Writer } from "../bytes/writer";
import { MAX_TUNNELS } from "../limits";
import { nextHopAt, nextHopCount } from "../route/nhtb";
import { isShown, routeAt, routeCount } from "../route/table";
import { Tunnel, TunnelState } from "../route/tunnel";
import { isActive } from "../route/ways";
import { alsoState, endLabels, flag, gauge, labeled, stateset, whole } from "./metric_family";

/** What there is of each interface. */
const next_hops: usize = memory.data(MAX_TUNNELS * sizeof<i32>(), 4);
const routes: usize = memory.data(MAX_TUNNELS * sizeof<i32>(), 4);
const active: usize = memory.data(MAX_TUNNELS * sizeof<i32>(), 4);
const foreign: usize = memory.data(MAX_TUNNELS * sizeof<i32>(), 4);

/** Counts, once, what the families tell. */
export function countWays(): void {
  memory.fill(next_hops, 0, MAX_TUNNELS * sizeof<i32>());
  memory.fill(routes, 0, MAX_TUNNELS * sizeof<i32>());
  memory.fill(active, 0, MAX_TUNNELS * sizeof<i32>());
  memory.fill(foreign, 0, MAX_TUNNELS * sizeof<i32>());
  for (let i = 0; i < nextHopCount(); i++) {
    if (nextHopAt(i).used) count(next_hops, nextHopAt(i).tunnel);
  }
  for (let i = 0; i < routeCount(); i++) {
    const route = routeAt(i);
    if (!isShown(route)) continue;
    if (isActive(route)) count(active, route.tunnel);
    // The worse way of a route is no other route.
    if (!route.standby) count(routes, route.tunnel);
    if (route.foreign) count(foreign, route.tunnel);
  }
}

function count(counts: usize, tunnel: i32): void {
  store<i32>(counts + (tunnel << 2), load<i32>(counts + (tunnel << 2)) + 1);
}

/** The families of the tunnel interfaces; samples are about this one. */
export function tunnelFamilies(tunnel: Tunnel, index: i32): void {
  if (stateset("rekeyd_tunnel_state", "State of the tunnel interface.")) {
    stateOf(tunnel);
  }
  if (gauge("rekeyd_tunnel_present", "Whether the kernel has it, as it is configured.")) {
    flag(its(tunnel), tunnel.ifindex != 0);
  }
  if (gauge("rekeyd_tunnel_vpns", "VPNs that are bound to it.")) {
    whole(its(tunnel), tunnel.vpn_count);
  }
  if (gauge("rekeyd_tunnel_next_hops", "Entries of its next-hop tunnel binding table.")) {
    whole(its(tunnel), load<i32>(next_hops + (index << 2)));
  }
  if (gauge("rekeyd_tunnel_routes", "Routes over it, active or not.")) {
    whole(its(tunnel), load<i32>(routes + (index << 2)));
  }
  if (gauge("rekeyd_tunnel_routes_active", "Those that the kernel has.")) {
    whole(its(tunnel), load<i32>(active + (index << 2)));
  }
  if (gauge("rekeyd_tunnel_routes_foreign", "Those in whose place another's route is.")) {
    whole(its(tunnel), load<i32>(foreign + (index << 2)));
  }
}

/** Begins the interface's sample; its value follows. */
function its(tunnel: Tunnel): Writer {
  labeled("interface", tunnel.config.name);
  return endLabels();
}

/** A sample for each state, of which one is 1. */
function stateOf(tunnel: Tunnel): void {
  isState(tunnel, TunnelState.READY, "ready");
  isState(tunnel, TunnelState.UP, "up");
  isState(tunnel, TunnelState.DOWN, "down");
}

function isState(tunnel: Tunnel, state: TunnelState, word: string): void {
  labeled("interface", tunnel.config.name);
  alsoState(word);
  flag(endLabels(), tunnel.state == state);
}
