/** Routes and next hops against each other, and against the interfaces and VPNs that they name. */
import { ADDRESS_BYTES, isUnset, isV4, sameAddress, writeAddress } from "../bytes/address";
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { hash, nameLength, sameName } from "../bytes/slice";
import { findStagedTunnel, findStagedVpn, hashName } from "./by_name";
import { boundTo, sayNoTunnel } from "./check_tunnels";
import { hasWrongHead } from "./head";
import { endMistake, mistake } from "./mistakes";
import { Option, optionName, Section } from "./option";
import {
  nhtb,
  routes,
  stagedNhtb,
  stagedNhtbCount,
  stagedRoute,
  stagedRouteCount,
  stagedTunnel,
  stagedVpn,
} from "./staged";
import { NhtbConfig, NO_TARGET, RouteConfig, WITHDRAW } from "./tunnel_model";

const GOLDEN: u32 = 0x9e3779b1;
/** What the kernel takes for an IPv6 route's metric where it is 0 (IP6_RT_PRIO_USER). */
const V6_METRIC: i32 = 1024;

const by_key = hashIndexAt(memory.data(HASH_INDEX_BYTES));

/** Checks them; the names are indexed (by_name.ts), and the bindings counted (check_tunnels.ts). */
export function checkRoutes(): void {
  checkRouteKeys();
  checkMetrics();
  for (let i = 0; i < stagedRouteCount(); i++) checkRoute(i, stagedRoute(i));
  checkNextHops();
  for (let i = 0; i < stagedNhtbCount(); i++) checkNhtb(i, stagedNhtb(i));
  by_key.rebuild(0);
}

/** A route is told from others by its target, interface and gateway. */
function checkRouteKeys(): void {
  by_key.rebuild(stagedRouteCount());
  for (let i = 0; i < stagedRouteCount(); i++) {
    const route = stagedRoute(i);
    if (isIncomplete(route)) continue;
    const h =
      hashTarget(route) ^ (hash(route.gateway, ADDRESS_BYTES) * GOLDEN) ^ hashName(route.tunnel);
    for (let slot = by_key.first(h); slot >= 0; slot = by_key.after(h, slot)) {
      const other = by_key.indexIn(slot);
      if (!isSameRoute(route, stagedRoute(other))) continue;
      const w = mistake(routes.lineOfOption(i, Option.TARGET)).text("target ");
      writeAddress(w, route.target).u8(0x2f).decimal(route.prefix);
      w.text(" stands twice with this interface and gateway, first in line ");
      w.decimal(routes.lineOf(other)).text("; keep one of them");
      endMistake();
      break;
    }
    by_key.add(h, i);
  }
}

/** The kernel takes no two routes to one target with one metric. */
function checkMetrics(): void {
  by_key.rebuild(stagedRouteCount());
  for (let i = 0; i < stagedRouteCount(); i++) {
    const route = stagedRoute(i);
    if (isIncomplete(route)) continue;
    const h = hashTarget(route) ^ (<u32>metricOf(route) * GOLDEN);
    for (let slot = by_key.first(h); slot >= 0; slot = by_key.after(h, slot)) {
      const other = stagedRoute(by_key.indexIn(slot));
      if (!isSameTarget(route, other) || metricOf(route) != metricOf(other)) continue;
      // The same route twice is one mistake, not two.
      if (isSameRoute(route, other)) break;
      const w = mistake(routes.lineOfOption(i, Option.METRIC))
        .text("metric ")
        .decimal(route.metric);
      w.text(" is that of the route to ");
      writeAddress(w, route.target).u8(0x2f).decimal(route.prefix).text(" in line ");
      w.decimal(routes.lineOf(by_key.indexIn(slot)));
      w.text(" as well; one of them needs another, and the lowest is taken");
      endMistake();
      break;
    }
    by_key.add(h, i);
  }
}

/** Whether it has a mistake of its own. */
function isIncomplete(route: RouteConfig): bool {
  return nameLength(route.tunnel) == 0 || route.prefix == NO_TARGET;
}

function hashTarget(route: RouteConfig): u32 {
  return hash(route.target, ADDRESS_BYTES) ^ ((<u32>route.prefix) << 24);
}

function isSameTarget(a: RouteConfig, b: RouteConfig): bool {
  return a.prefix == b.prefix && sameAddress(a.target, b.target);
}

function isSameRoute(a: RouteConfig, b: RouteConfig): bool {
  return isSameTarget(a, b) && sameAddress(a.gateway, b.gateway) && sameName(a.tunnel, b.tunnel);
}

function metricOf(route: RouteConfig): i32 {
  return route.metric > 0 || isV4(route.target) ? route.metric : V6_METRIC;
}

function checkRoute(i: i32, route: RouteConfig): void {
  if (nameLength(route.tunnel) == 0) return;
  const index = findStagedTunnel(route.tunnel);
  if (index < 0) {
    return sayNoTunnel(Option.INTERFACE, route.tunnel, routes.lineOfOption(i, Option.INTERFACE));
  }
  const tunnel = stagedTunnel(index);
  if (isUnset(route.gateway)) {
    if (boundTo(index) > 1 && !routes.hasLine(i, Option.ROUTE_GATEWAY)) sayGatewayNeeded(i, index);
  } else {
    checkNotOwn(
      Option.ROUTE_GATEWAY,
      index,
      route.gateway,
      routes.lineOfOption(i, Option.ROUTE_GATEWAY),
    );
  }
  if (tunnel.down_metric == WITHDRAW || route.metric < tunnel.down_metric) return;
  mistake(routes.lineOfOption(i, Option.METRIC))
    .text("metric ")
    .decimal(route.metric)
    .text(" is no better than ")
    .decimal(tunnel.down_metric)
    .text(", which the route has while '")
    .name(tunnel.name)
    .text("' is down; it is a number below that");
  endMistake();
}

function sayGatewayNeeded(i: i32, tunnel: i32): void {
  mistake(routes.lineOf(i))
    .text("gateway is missing, and ")
    .decimal(boundTo(tunnel))
    .text(" VPNs are bound to '")
    .name(stagedTunnel(tunnel).name)
    .text("'; name the next hop: option gateway '10.1.3.1'");
  endMistake();
}

/** No packet is sent on to the interface's own address. */
function checkNotOwn(option: Option, tunnel: i32, address: usize, line: i32): void {
  const config = stagedTunnel(tunnel);
  for (let i = 0; i < config.address_count; i++) {
    if (!sameAddress(config.address(i), address)) continue;
    const w = mistake(line).text(optionName(option)).u8(0x20);
    writeAddress(w, address).text(" is an address of '").name(config.name);
    w.text("' itself; it is that of a peer behind a VPN");
    return endMistake();
  }
}

/** A next hop leads through one VPN. */
function checkNextHops(): void {
  by_key.rebuild(stagedNhtbCount());
  for (let i = 0; i < stagedNhtbCount(); i++) {
    const entry = stagedNhtb(i);
    if (isUnset(entry.next_hop) || nameLength(entry.tunnel) == 0) continue;
    const h = hash(entry.next_hop, ADDRESS_BYTES) ^ hashName(entry.tunnel);
    for (let slot = by_key.first(h); slot >= 0; slot = by_key.after(h, slot)) {
      const other = stagedNhtb(by_key.indexIn(slot));
      if (!sameAddress(other.next_hop, entry.next_hop)) continue;
      if (!sameName(other.tunnel, entry.tunnel)) continue;
      const w = mistake(nhtb.lineOfOption(i, Option.NEXTHOP)).text("nexthop ");
      writeAddress(w, entry.next_hop).text(" stands twice for '").name(entry.tunnel);
      w.text("', first in line ").decimal(nhtb.lineOf(by_key.indexIn(slot)));
      w.text("; it leads through one VPN");
      endMistake();
      break;
    }
    by_key.add(h, i);
  }
}

function checkNhtb(i: i32, entry: NhtbConfig): void {
  if (nameLength(entry.tunnel) == 0) return;
  const tunnel = findStagedTunnel(entry.tunnel);
  if (tunnel < 0) {
    return sayNoTunnel(Option.INTERFACE, entry.tunnel, nhtb.lineOfOption(i, Option.INTERFACE));
  }
  checkNotOwn(Option.NEXTHOP, tunnel, entry.next_hop, nhtb.lineOfOption(i, Option.NEXTHOP));
  if (nameLength(entry.vpn) == 0) return;
  const vpn = findStagedVpn(entry.vpn);
  if (vpn < 0) sayNoVpn(i, entry);
  else if (!sameName(stagedVpn(vpn).tunnel, entry.tunnel)) sayNotBound(i, entry);
}

function sayNoVpn(i: i32, entry: NhtbConfig): void {
  // What is meant may be the one whose head is wrong.
  if (hasWrongHead(Section.VPN)) return;
  mistake(nhtb.lineOfOption(i, Option.VPN))
    .text("vpn '")
    .name(entry.vpn)
    .text("' is no VPN of this file; it is the name of a section config vpn 'NAME'");
  endMistake();
}

function sayNotBound(i: i32, entry: NhtbConfig): void {
  mistake(nhtb.lineOfOption(i, Option.VPN))
    .text("vpn '")
    .name(entry.vpn)
    .text("' is not bound to '")
    .name(entry.tunnel)
    .text("'; write option tunnel '")
    .name(entry.tunnel)
    .text("' into its section");
  endMistake();
}
