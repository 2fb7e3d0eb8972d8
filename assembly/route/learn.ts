/**
 * What is learned of a VPN's far end: its tunnel address, as an automatic entry of the next-hop
 * tunnel binding table, and its networks, as routes. Both leave with the SA that vouched for them.
 */
import { isV4, sameAddress } from "../bytes/address";
import { networkClaimed, nextHopClaimed } from "../event/route";
import { MAX_LEARNED } from "../limits";
import { vpnAt } from "../sa/vpn";
import { noteChange } from "./change";
import { chainRoute, dropChained, dropOf } from "./chain";
import { addNextHop, findNextHop, Learned, nextHopAt, removeNextHop } from "./nhtb";
import {
  addRoute,
  firstRoute,
  LEARNED_METRIC,
  nextRoute,
  Origin,
  Route,
  routeAt,
  routeCount,
} from "./table";
import { addWays } from "./ways";
import { RT_TABLE_MAIN } from "../netlink/route";

/** The VPN leads to this next hop, by what its peer says. */
export function learn(index: i32, next_hop: usize): Learned {
  const vpn = vpnAt(index);
  if (vpn.tunnel < 0) return Learned.FULL;
  const known = findNextHop(vpn.tunnel, next_hop);
  if (known >= 0) {
    const entry = nextHopAt(known);
    if (!entry.automatic) return Learned.STATIC_WINS;
    if (entry.vpn == index) return Learned.KNOWN;
    if (!vpn.said_claim) {
      nextHopClaimed(vpn.config.name, next_hop, vpnAt(entry.vpn).config.name);
    }
    vpn.said_claim = true;
    return Learned.CLAIMED;
  }
  return enter(vpn.tunnel, index, next_hop, true) ? Learned.TAKEN : Learned.FULL;
}

/** Makes an entry with its route; false: there is no room. */
export function enter(tunnel: i32, vpn: i32, next_hop: usize, automatic: bool): bool {
  const entry = addNextHop(tunnel, vpn, next_hop, automatic);
  if (entry < 0) return false;
  const bits = isV4(next_hop) ? 32 : 128;
  const route = addRoute(Origin.NEXT_HOP, tunnel, vpn, next_hop, bits, RT_TABLE_MAIN, 0);
  nextHopAt(entry).route = route;
  if (route >= 0) chainRoute(route);
  noteChange();
  return true;
}

/** Removes an entry with its route. */
export function leave(entry: i32): void {
  const route = nextHopAt(entry).route;
  if (route >= 0) dropChained(route);
  removeNextHop(entry);
  noteChange();
}

/** The VPN leads to this network, by what its peer says or strongSwan has negotiated. */
export function learnNetwork(index: i32, target: usize, prefix: i32): Learned {
  const vpn = vpnAt(index);
  if (vpn.tunnel < 0) return Learned.FULL;
  for (let i = firstRoute(target, prefix); i >= 0; i = nextRoute(i)) {
    const route = routeAt(i);
    if (route.origin == Origin.CONFIGURED) return Learned.STATIC_WINS;
    if (route.origin == Origin.LEARNED && route.vpn == index) return Learned.KNOWN;
  }
  let learned = 0;
  for (let i = 0; i < routeCount(); i++) {
    const route = routeAt(i);
    if (!route.used || route.origin != Origin.LEARNED) continue;
    learned++;
    if (route.vpn == index || !overlap(route, target, prefix)) continue;
    if (!vpn.said_claim) {
      networkClaimed(vpn.config.name, target, prefix, vpnAt(route.vpn).config.name);
    }
    vpn.said_claim = true;
    return Learned.CLAIMED;
  }
  if (learned >= MAX_LEARNED) return Learned.FULL;
  noteChange();
  const origin = Origin.LEARNED;
  const taken = addWays(origin, vpn.tunnel, index, target, prefix, 0, LEARNED_METRIC);
  return taken ? Learned.TAKEN : Learned.FULL;
}

/** Whether one of the two networks lies in the other. */
function overlap(route: Route, target: usize, prefix: i32): bool {
  const v4 = isV4(target);
  if (isV4(route.target) != v4) return false;
  const bits = min(prefix, <i32>route.prefix) + (v4 ? 96 : 0);
  return sameBits(route.target, target, bits);
}

function sameBits(a: usize, b: usize, bits: i32): bool {
  if (bits == 128) return sameAddress(a, b);
  if (memory.compare(a, b, bits >> 3) != 0) return false;
  const rest = bits & 7;
  const mask = (0xff00 >> rest) & 0xff;
  return ((load<u8>(a + (bits >> 3)) ^ load<u8>(b + (bits >> 3))) & mask) == 0;
}

/** Forgets all that was learned of the VPN's far end. */
export function forgetLearned(index: i32): void {
  const vpn = vpnAt(index);
  vpn.said_claim = false;
  while (vpn.first_next_hop >= 0) leave(vpn.first_next_hop);
  if (dropOf(index, Origin.LEARNED)) noteChange();
}
