/** Which routes should be: what each is for, and whether its next hop is there. */
import { ADDRESS_BYTES, isUnset } from "../bytes/address";
import { RT_TABLE_MAIN } from "../netlink/route";
import { vpnAt } from "../sa/vpn";
import { findNextHop, isUsable, nextHopAt } from "./nhtb";
import { chainRoute } from "./chain";
import { addRoute, Origin, Route, routeAt } from "./table";
import { Tunnel, tunnelAt } from "./tunnel";

/**
 * Adds a route of the main table and, where routes get a worse metric instead of leaving, its twin
 * with that. `vpn` -1: by its gateway, or the interface's only one. False: there is no room.
 */
export function addWays(
  origin: Origin,
  tunnel: i32,
  vpn: i32,
  target: usize,
  prefix: u32,
  gateway: usize,
  metric: u32,
): bool {
  const worse = tunnelAt(tunnel).config.down_metric;
  const count = worse < 0 || <u32>worse == metric ? 1 : 2;
  for (let i = 0; i < count; i++) {
    const of_way = i == 0 ? metric : <u32>worse;
    const index = addRoute(origin, tunnel, vpn, target, prefix, RT_TABLE_MAIN, of_way);
    if (index < 0) return false;
    const route = routeAt(index);
    route.standby = i == 1;
    if (gateway != 0) memory.copy(route.gateway, gateway, ADDRESS_BYTES);
    if (vpn >= 0) chainRoute(index);
  }
  return true;
}

/** Whether the route should be in the kernel now; its VPN is found anew. */
export function isWanted(route: Route): bool {
  if (route.origin == Origin.NONE) return false;
  const tunnel = tunnelAt(route.tunnel);
  if (route.origin == Origin.CONFIGURED) route.vpn = vpnOf(route, tunnel);
  if (tunnel.ifindex == 0 || !tunnel.up) return false;
  const vpn = route.vpn;
  if (tunnel.external && (vpn < 0 || vpnAt(vpn).if_id == 0)) return false;
  if (route.origin == Origin.PROBE) return true;
  const usable = vpn < 0 || isUsable(vpnAt(vpn));
  return route.standby ? !usable : usable || keepsMetric(route, tunnel);
}

/** The worse metric is the one that it has anyway. */
function keepsMetric(route: Route, tunnel: Tunnel): bool {
  const worse = tunnel.config.down_metric;
  return worse >= 0 && <u32>worse == route.metric && route.origin != Origin.NEXT_HOP;
}

/** The VPN that a configured route leads to; -1: none is known. */
function vpnOf(route: Route, tunnel: Tunnel): i32 {
  if (!tunnel.external) return tunnel.vpn;
  if (isUnset(route.gateway)) return tunnel.vpn_count == 1 ? tunnel.vpn : -1;
  const entry = findNextHop(route.tunnel, route.gateway);
  return entry < 0 ? -1 : nextHopAt(entry).vpn;
}

/** The if_id that the kernel is to have with it; 0: none. */
export function ifIdOf(route: Route): u32 {
  return tunnelAt(route.tunnel).external && route.vpn >= 0 ? vpnAt(route.vpn).if_id : 0;
}

/** Whether packets take the route: `*` in `get route`. */
export function isActive(route: Route): bool {
  return route.there && isWanted(route);
}
