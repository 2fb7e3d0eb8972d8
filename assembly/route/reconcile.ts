/**
 * Turns the difference between what should be and what the kernel shows into requests: first what
 * is to be there, then what is not, so that traffic always has the better of both.
 */
import { NEVER, now_ms } from "../clock";
import { tunnelAnother, tunnelMissing } from "../event/route";
import { hasAddress } from "../netlink/interfaces";
import {
  buildAddress,
  buildInterface,
  buildLooseFilter,
  buildMtu,
  buildOper,
  buildRemoval,
  Oper,
} from "../netlink/link";
import { buildRoute, buildRule } from "../netlink/route";
import { nameLength } from "../bytes/slice";
import { forgetAnswers, takeDoubt } from "./answer";
import { noteChange, takeChange } from "./change";
import { initFollowing, isKnown } from "./follow";
import { dumpDeadline, dumpDue, initKernel, isComplete, isRouting, lookAgain } from "./kernel";
import { forgetStrays, strayAt, strayCount } from "./picture";
import { isV4Rule, priorityOf, Rule, tableOfTunnel, wantedRules } from "./probe";
import {
  answerLimit,
  answersWaiting,
  Ask,
  batch,
  beginRequests,
  hasWindow,
  sendRequests,
  seqFor,
} from "./request";
import { initNextHops } from "./nhtb";
import {
  firstRoute,
  initRoutes,
  nextRoute,
  Origin,
  Route,
  routeAt,
  routeCount,
  sharePlace,
} from "./table";
import {
  giveTunnel,
  initTunnels,
  Trouble,
  Tunnel,
  tunnelAt,
  tunnelCount,
  TunnelState,
} from "./tunnel";
import { ifIdOf, isWanted } from "./ways";

/** Where the comparison of routes stands. */
const enum Pass {
  NONE = 0,
  ADDING,
  REMOVING,
}

/** After this what could not be asked for is tried again. */
const RETRY_MS: i64 = 500;
/** An interface that the kernel will not remove is given up after so many refusals. */
const MAX_REMOVALS: i32 = 3;

let pass: Pass = Pass.NONE;
let cursor: i32 = 0;
/** When something that waits is looked at again. */
let wake_ms: i64 = NEVER;

/** Empties all of it: at the start. */
export function initRouting(): void {
  initTunnels();
  initNextHops();
  initRoutes();
  initFollowing();
  initKernel();
  pass = Pass.NONE;
  wake_ms = NEVER;
}

/** When `routesDue` is to be called. */
export function routesDeadline(): i64 {
  return min(wake_ms, min(answerLimit(), dumpDeadline()));
}

/** Something has waited long enough: a refused request, an answer, a dump. */
export function routesDue(): void {
  if (answerLimit() <= now_ms) {
    forgetAnswers();
    beginRequests();
    lookAgain();
  }
  dumpDue();
  if (wake_ms <= now_ms) {
    wake_ms = NEVER;
    noteChange();
  }
}

/** At the end of each call: asks for what should be and is not, if something has changed. */
export function reconcileRoutes(): void {
  if (!isRouting()) return;
  if (takeDoubt()) lookAgain();
  if (answersWaiting() > 0 || !isComplete()) return;
  if (takeChange()) {
    pass = Pass.ADDING;
    cursor = 0;
    wake_ms = NEVER;
  }
  if (pass == Pass.NONE) return;
  beginRequests();
  for (let i = 0; i < tunnelCount(); i++) reconcileTunnel(i);
  removeStrays();
  reconcileAll();
  if (sendRequests()) return;
  forgetAnswers();
  beginRequests();
  wakeAt(now_ms + RETRY_MS);
}

function wakeAt(at_ms: i64): void {
  wake_ms = min(wake_ms, at_ms);
}

function reconcileTunnel(index: i32): void {
  const tunnel = tunnelAt(index);
  if (!tunnel.used && !tunnel.leaving) return;
  if (tunnel.retry_at_ms > now_ms) return wakeAt(tunnel.retry_at_ms);
  // Whatever is asked of one interface has room; the others have their turn in the next batch.
  if (!hasWindow(REQUESTS_PER_TUNNEL)) return noteChange();
  if (tunnel.leaving || tunnel.outdated) remove(index, tunnel);
  else if (tunnel.named_index == 0) make(index, tunnel);
  else if (tunnel.ifindex == 0) complain(tunnel, Trouble.ANOTHER);
  else setUp(index, tunnel);
  if (tunnel.used || tunnel.leaving) reconcileRules(index, tunnel);
}

/** The interface, its filter, MTU, state, addresses (old and new) and rules. */
const REQUESTS_PER_TUNNEL: i32 = 16;

function make(index: i32, tunnel: Tunnel): void {
  const config = tunnel.config;
  if (!config.create) return complain(tunnel, Trouble.MISSING);
  const seq = seqFor(Ask.INTERFACE, index);
  buildInterface(batch, seq, config.name, config.if_id, config.mtu);
}

function complain(tunnel: Tunnel, trouble: Trouble): void {
  if (<i32>tunnel.said == trouble) return;
  tunnel.said = <u8>trouble;
  if (trouble == Trouble.MISSING) tunnelMissing(tunnel.config.name);
  else tunnelAnother(tunnel.config.name, tunnel.config.if_id);
}

function setUp(index: i32, tunnel: Tunnel): void {
  const config = tunnel.config;
  const ifindex = tunnel.ifindex;
  tunnel.said = <u8>Trouble.NONE;
  if (isKnown()) setOper(index, tunnel);
  if (!tunnel.made) return;
  if (!tunnel.filtered) buildLooseFilter(batch, seqFor(Ask.FILTER, index), ifindex);
  if (config.mtu != 0 && tunnel.mtu != <u32>config.mtu) {
    buildMtu(batch, seqFor(Ask.MTU, index), ifindex, config.mtu);
  }
  for (let i = 0; i < tunnel.dropped_count; i++) {
    const old = tunnel.dropped;
    const seq = seqFor(Ask.ADDRESS_REMOVAL, index, i);
    buildAddress(batch, false, seq, ifindex, old.address(i), old.address_prefix(i));
  }
  tunnel.dropped_count = 0;
  for (let i = 0; i < config.address_count && tunnel.up; i++) addAddress(index, tunnel, i);
}

function addAddress(index: i32, tunnel: Tunnel, i: i32): void {
  const address = tunnel.config.address(i);
  const prefix = tunnel.config.address_prefix(i);
  if ((tunnel.addresses & (1 << i)) != 0) return;
  if (hasAddress(tunnel.ifindex, address, prefix)) {
    tunnel.addresses |= 1 << i;
    return;
  }
  buildAddress(batch, true, seqFor(Ask.ADDRESS, index, i), tunnel.ifindex, address, prefix);
}

/**
 * RFC 2863's dormant: packets pass, but the interface no longer runs, which is what routing daemons
 * look at.
 */
function setOper(index: i32, tunnel: Tunnel): void {
  const down = tunnel.state == TunnelState.DOWN;
  if (!tunnel.up || down == (<i32>tunnel.oper == Oper.DORMANT)) return;
  const oper = down ? Oper.DORMANT : Oper.UP;
  // What did not help is not asked for again before the kernel tells of another state.
  if (<i32>tunnel.asked_oper == oper) return;
  tunnel.asked_oper = <u8>oper;
  buildOper(batch, seqFor(Ask.OPER, index), tunnel.ifindex, oper);
}

/** An interface that is configured no longer, or is to be another kind's. */
function remove(index: i32, tunnel: Tunnel): void {
  const stays = !tunnel.made || tunnel.failures >= MAX_REMOVALS;
  if (tunnel.named_index != 0 && !stays) {
    buildRemoval(batch, seqFor(Ask.REMOVAL, index), tunnel.named_index);
  } else if (tunnel.leaving && (tunnel.rules == 0 || tunnel.failures >= MAX_REMOVALS)) {
    giveTunnel(index);
  }
}

function reconcileRules(index: i32, tunnel: Tunnel): void {
  const wanted = wantedRules(tunnel);
  for (let rule: u32 = 1; rule <= <u32>Rule.LAST_V6; rule <<= 1) {
    const add = (wanted & rule) != 0;
    if (add == ((tunnel.rules & rule) != 0)) continue;
    const seq = seqFor(add ? Ask.RULE : Ask.RULE_REMOVAL, index, rule);
    const by_interface = (rule & (Rule.BY_INTERFACE_V4 | Rule.BY_INTERFACE_V6)) != 0;
    const name = by_interface ? tunnel.config.name : 0;
    buildRule(batch, add, seq, isV4Rule(rule), name, tableOfTunnel(index), priorityOf(rule));
  }
}

/** Rules of ours from another configuration. */
function removeStrays(): void {
  if (!isKnown()) return;
  let i = 0;
  for (; i < strayCount() && hasWindow(); i++) {
    const stray = strayAt(i);
    const name = nameLength(stray.name) > 0 ? stray.name : 0;
    const seq = seqFor(Ask.STRAY_RULE, i);
    buildRule(batch, false, seq, stray.v4, name, stray.table, stray.priority);
  }
  forgetStrays();
}

/** Goes on with the comparison as far as the batch has room. */
function reconcileAll(): void {
  const count = routeCount();
  // A route in another's place, and one with another if_id, are two requests.
  for (; pass != Pass.NONE && hasWindow(2); cursor++) {
    if (cursor >= count) {
      pass = pass == Pass.ADDING ? Pass.REMOVING : Pass.NONE;
      cursor = -1;
      continue;
    }
    const route = routeAt(cursor);
    if (!route.used || route.pending > 0) continue;
    const wanted = isWanted(route);
    if (pass == Pass.ADDING && wanted) add(cursor, route);
    else if (pass == Pass.REMOVING && !wanted && route.there) withdraw(cursor, route);
  }
}

function add(index: i32, route: Route): void {
  const ifindex = tunnelAt(route.tunnel).ifindex;
  const if_id = ifIdOf(route);
  if (route.there) {
    if (route.ifindex == ifindex && route.if_id == if_id) return;
    request(index, route, false);
  } else {
    if (route.retry_at_ms > now_ms) return wakeAt(route.retry_at_ms);
    const other = inPlace(index, route);
    if (other >= 0 && isWanted(routeAt(other))) return;
    if (other >= 0) request(other, routeAt(other), false);
  }
  route.ifindex = ifindex;
  route.if_id = if_id;
  request(index, route, true);
}

/** The route of ours that the kernel has in its place; -1: none. */
function inPlace(index: i32, route: Route): i32 {
  for (let i = firstRoute(route.target, route.prefix); i >= 0; i = nextRoute(i)) {
    const other = routeAt(i);
    if (i != index && other.there && sharePlace(other, route.table, route.metric)) return i;
  }
  return -1;
}

function withdraw(index: i32, route: Route): void {
  if (!isKnown()) return;
  const waits = route.retry_at_ms > now_ms && (route.origin == Origin.NONE || route.failures > 0);
  if (waits) return wakeAt(route.retry_at_ms);
  request(index, route, false);
}

function request(index: i32, route: Route, is_add: bool): void {
  const seq = seqFor(is_add ? Ask.ROUTE : Ask.ROUTE_REMOVAL, index);
  route.pending++;
  const ifindex = is_add || route.there ? route.ifindex : 0;
  const prefix = <u32>route.prefix;
  const table = route.table;
  buildRoute(
    batch,
    is_add,
    seq,
    route.target,
    prefix,
    table,
    route.metric,
    ifindex,
    is_add ? route.if_id : 0,
  );
}
