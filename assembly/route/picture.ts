/** What the kernel tells of our interfaces, routes and rules goes into their records. */
import { equal, nameBytes, nameLength, setName } from "../bytes/slice";
import { now_ms } from "../clock";
import { tunnelLost } from "../event/route";
import { MAX_INTERFACE_BYTES } from "../limits";
import { link_read, Oper, readLink } from "../netlink/link";
import { Flag, Message, Type } from "../netlink/message";
import { readRoute, readRule, route_read, RT_TABLE_MAIN, rule_read } from "../netlink/route";
import { RTPROT_REKEYD } from "../netlink/route";
import { noteChange } from "./change";
import { adoptDown } from "./follow";
import { ruleOf, tunnelOfTable } from "./probe";
import { firstRoute, giveRoute, nextRoute, Origin, Route, routeAt, routeCount } from "./table";
import { sharePlace, takeRoute } from "./table";
import { findIndex, findTunnel, Tunnel, tunnelAt, tunnelCount } from "./tunnel";

/**
 * A route of ours that nothing wants stays so long when it is found: what is learned again
 * meanwhile takes it over.
 */
const UNWANTED_MS: i64 = 30_000;

/** Of the dump under way, or of the last one. */
let mark: u32 = 0;

/** From here on a dump shows all routes of ours. */
export function beginRoutes(): void {
  mark++;
}

/** Takes a NEWLINK or DELLINK. */
export function takeLink(message: Message): void {
  if (!readLink(message)) return;
  const link = link_read;
  if (message.type == Type.DELLINK || !link.up) retryForeign();
  const known = findIndex(link.index);
  if (message.type == Type.DELLINK) {
    if (known >= 0) interfaceGone(known);
    return;
  }
  if (link.name_len == 0 || link.name_len > MAX_INTERFACE_BYTES) return;
  const named = findTunnel(link.name, link.name_len);
  // Renamed, or made anew under our feet.
  if (known >= 0 && known != named && !isNamed(tunnelAt(known))) interfaceGone(known);
  const index = named >= 0 ? named : findIndex(link.index);
  if (index < 0) return;
  if (tunnelAt(index).named_index != link.index && tunnelAt(index).named_index != 0) {
    interfaceGone(index);
  }
  showInterface(index);
}

/** Whether the interface just read has its name. */
function isNamed(tunnel: Tunnel): bool {
  const name = tunnel.config.name;
  return equal(nameBytes(name), nameLength(name), link_read.name, link_read.name_len);
}

function showInterface(index: i32): void {
  const tunnel = tunnelAt(index);
  const link = link_read;
  const is_new = tunnel.named_index == 0;
  const was_up = tunnel.up;
  const was = tunnel.ifindex;
  const other =
    tunnel.up != link.up || tunnel.mtu != link.mtu || <i32>tunnel.oper != <i32>link.oper;
  if (<i32>tunnel.oper != <i32>link.oper) tunnel.asked_oper = 0;
  tunnel.named_index = link.index;
  tunnel.is_xfrm = link.is_xfrm;
  tunnel.is_external = link.external;
  tunnel.if_id = link.if_id;
  tunnel.up = link.up;
  tunnel.oper = link.oper;
  tunnel.mtu = link.mtu;
  if (!tunnel.leaving) tunnel.fit();
  // The kernel drops the routes of an interface that goes down without a word.
  if (was_up && !link.up) interfaceDown(tunnel);
  if (is_new && tunnel.ifindex != 0 && <i32>link.oper == Oper.DORMANT) adoptDown(index);
  if (is_new) tunnel.retry_at_ms = 0;
  if (is_new || other || was != tunnel.ifindex) noteChange();
}

/** The interface is gone, with its routes and addresses. */
export function interfaceGone(index: i32): void {
  const tunnel = tunnelAt(index);
  if (!tunnel.leaving && !tunnel.outdated && tunnel.ifindex != 0) {
    tunnelLost(tunnel.config.name, tunnel.config.create);
  }
  loseRoutes(tunnel.named_index);
  tunnel.gone();
  noteChange();
}

function interfaceDown(tunnel: Tunnel): void {
  loseRoutes(tunnel.named_index);
  tunnel.addresses = 0;
}

function loseRoutes(ifindex: u32): void {
  for (let i = 0; i < routeCount(); i++) {
    const route = routeAt(i);
    if (route.used && route.there && route.ifindex == ifindex) loseRoute(i);
  }
}

/** The kernel has the route no longer. */
export function loseRoute(index: i32): void {
  const route = routeAt(index);
  route.there = false;
  // A request that is under way has its answer.
  if (route.pending > 0) return;
  if (route.origin == Origin.NONE) giveRoute(index);
  else noteChange();
}

/** Takes a NEWADDR or DELADDR: which addresses an interface has is to be looked at again. */
export function takeAddress(message: Message): void {
  if (message.type != Type.DELADDR || message.payload_bytes < 8) return;
  const index = findIndex(load<u32>(message.payload, 4));
  if (index < 0) return;
  tunnelAt(index).addresses = 0;
  noteChange();
}

/** Takes a NEWROUTE or DELROUTE. */
export function takeRouteMessage(message: Message): void {
  if (!readRoute(message)) return;
  const found = route_read;
  const is_probe = tunnelOfTable(found.table, i32.MAX_VALUE) >= 0;
  if (found.table != RT_TABLE_MAIN && !is_probe) return;
  const ours = found.protocol == RTPROT_REKEYD && !found.elsewhere;
  if (message.type == Type.DELROUTE) return ours ? routeLeft() : foreignLeft();
  if (ours) routeShown();
  else if ((message.flags & Flag.REPLACE) != 0) routeLeft();
}

/** The kernel has the route just read. */
function routeShown(): void {
  const found = route_read;
  let index = -1;
  for (let i = firstRoute(found.target, found.prefix); i >= 0; i = nextRoute(i)) {
    const route = routeAt(i);
    if (!sharePlace(route, found.table, found.metric)) continue;
    // Of several that want the place it is the one that was asked for.
    if (index < 0 || route.there || isShown(route)) index = i;
    if (isShown(route)) break;
  }
  if (index < 0) {
    index = takeRoute(found.target, found.prefix, found.table, found.metric);
    if (index < 0) return;
    routeAt(index).retry_at_ms = now_ms + UNWANTED_MS;
  }
  const route = routeAt(index);
  if (route.pending == 0 && !(route.there && isShown(route))) noteChange();
  route.there = true;
  route.ifindex = found.ifindex;
  route.if_id = found.if_id;
  route.mark = mark;
}

/** Whether the message just read shows the route as it was asked for. */
function isShown(route: Route): bool {
  return route.ifindex == route_read.ifindex && route.if_id == route_read.if_id;
}

/** The kernel has it no longer, or another's instead. */
function routeLeft(): void {
  const found = route_read;
  for (let i = firstRoute(found.target, found.prefix); i >= 0;) {
    const next = nextRoute(i);
    const route = routeAt(i);
    if (route.there && sharePlace(route, found.table, found.metric)) loseRoute(i);
    i = next;
  }
}

/** A route that somebody else made is gone: one of ours may have waited for its place. */
function foreignLeft(): void {
  const found = route_read;
  for (let i = firstRoute(found.target, found.prefix); i >= 0; i = nextRoute(i)) {
    const route = routeAt(i);
    if (!route.foreign || !sharePlace(route, found.table, found.metric)) continue;
    route.retry_at_ms = 0;
    noteChange();
  }
}

/**
 * Others' routes may be gone without a word: an interface is down, or the kernel's word was lost.
 */
function retryForeign(): void {
  for (let i = 0; i < routeCount(); i++) {
    const route = routeAt(i);
    if (!route.used || !route.foreign || route.there) continue;
    route.retry_at_ms = 0;
    noteChange();
  }
}

/** All routes of ours have been shown: what was not is gone. */
export function endRoutes(): void {
  for (let i = 0; i < routeCount(); i++) {
    const route = routeAt(i);
    if (route.used && route.there && route.mark != mark) loseRoute(i);
  }
  // What was in the place of ours may be gone unheard.
  retryForeign();
}

/** A rule of ours that belongs to no interface of the configuration. */
@unmanaged
class Stray {
  table: u32;
  priority: u32;
  v4: bool;
  // A name field.
  private name0: u64;
  private name1: u64;

  get name(): usize {
    return changetype<usize>(this) + offsetof<Stray>("name0");
  }
}
const STRAY_BYTES: i32 = 32;
const MAX_STRAYS: i32 = 64;
const strays: usize = memory.data(MAX_STRAYS * STRAY_BYTES, 8);
let stray_count: i32 = 0;

/** Rules that are to be removed, of those that the last dump showed. */
export function strayCount(): i32 {
  return stray_count;
}

/** One of them. */
export function strayAt(i: i32): Stray {
  assert(<u32>i < <u32>MAX_STRAYS);
  return changetype<Stray>(strays + i * STRAY_BYTES);
}

/** They have been seen to; and from here on a dump shows all rules. */
export function forgetStrays(): void {
  stray_count = 0;
}

/** Forgets which rules there are. */
export function beginRules(): void {
  forgetStrays();
  for (let i = 0; i < tunnelCount(); i++) tunnelAt(i).rules = 0;
}

/** Takes a NEWRULE or DELRULE. */
export function takeRule(message: Message): void {
  if (!readRule(message)) return;
  const found = rule_read;
  const index = tunnelOfTable(found.table, tunnelCount());
  const rule = ruleOf(found.v4, found.by_interface);
  if (index >= 0 && isRuleOf(tunnelAt(index))) {
    const tunnel = tunnelAt(index);
    if (message.type == Type.NEWRULE) tunnel.rules |= rule;
    else tunnel.rules &= ~rule;
    noteChange();
  } else if (message.type == Type.NEWRULE) {
    noteStray();
  }
}

function isRuleOf(tunnel: Tunnel): bool {
  if (!tunnel.used && !tunnel.leaving) return false;
  const name = tunnel.config.name;
  if (!rule_read.by_interface) return true;
  return equal(nameBytes(name), nameLength(name), rule_read.name, rule_read.name_len);
}

function noteStray(): void {
  const found = rule_read;
  if (stray_count == MAX_STRAYS || tunnelOfTable(found.table, i32.MAX_VALUE) < 0) return;
  const stray = strayAt(stray_count);
  const name = found.name;
  if (!setName(stray.name, MAX_INTERFACE_BYTES, name, found.name_len)) return;
  stray_count++;
  stray.table = found.table;
  stray.priority = found.priority;
  stray.v4 = found.v4;
  noteChange();
}
