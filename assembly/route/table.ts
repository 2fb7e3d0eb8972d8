/**
 * Routes of ours: what should be, and beside it what the kernel shows. What the kernel tells routes
 * apart by never changes in a record: table, target and metric.
 */
import { ADDRESS_BYTES, sameAddress } from "../bytes/address";
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { POOL_BYTES, poolAt } from "../bytes/pool";
import { hash } from "../bytes/slice";
import { TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_KERNEL_ROUTES } from "../limits";
import { metricOf, RT_TABLE_MAIN } from "../netlink/route";
import { vpnAt } from "../sa/vpn";

/** Where a route comes from. */
export const enum Origin {
  /** The kernel alone: it is one of ours from before, and nothing wants it. */
  NONE = 0,
  /** `config route`. */
  CONFIGURED,
  /** A network that the peer announced, or that its selectors tell. */
  LEARNED,
  /** To a next hop itself, on an interface that several VPNs share. */
  NEXT_HOP,
  /** To what is monitored, in the interface's own table, for echoes alone. */
  PROBE,
}

/** The metric of a network that was learned: a configured route to it comes first. */
export const LEARNED_METRIC: u32 = 20;

/** Bytes of a Route record. */
const ROUTE_BYTES: i32 = 128;
const TARGET: i32 = 80;
const GATEWAY: i32 = TARGET + ADDRESS_BYTES;

/** A route. */
@unmanaged
export class Route {
  /** Whether the record is in use. */
  used: bool;
  /** Origin. */
  origin: u8;
  /** Bits of the target's prefix, as its family counts them. */
  prefix: u8;
  /** It is wanted while its next hop is down, with the interface's worse metric. */
  standby: bool;
  private free: i32;
  /** Interface, VPN (-1: that is not known), next route of the VPN, or -1. */
  tunnel: i32;
  vpn: i32;
  next: i32;
  /** What the kernel tells it by, beside the target. */
  table: u32;
  metric: u32;
  /** The kernel has it, with this interface and if_id. */
  there: bool;
  /** Another's is in its place. */
  foreign: bool;
  /** The configuration that is being applied names it. */
  kept: bool;
  ifindex: u32;
  if_id: u32;
  /** The dump that last showed it. */
  mark: u32;
  /** Refusals by the kernel in a row, their errno, and when it is asked again. */
  failures: i32;
  errno: i32;
  retry_at_ms: i64;

  get target(): usize {
    return changetype<usize>(this) + TARGET;
  }
  /** Next hop; unset: none is named. */
  get gateway(): usize {
    return changetype<usize>(this) + GATEWAY;
  }
  /** Learned, not configured. */
  get automatic(): bool {
    return this.origin == Origin.LEARNED || this.origin == Origin.NEXT_HOP;
  }
  /** For echoes alone. */
  get probe(): bool {
    return this.origin == Origin.PROBE;
  }
}

const table = tableAt(memory.data(TABLE_BYTES));
const pool = poolAt(memory.data(POOL_BYTES));
const by_key = hashIndexAt(memory.data(HASH_INDEX_BYTES));
let in_use: i32 = 0;
/** Entries that the index has room for, and has taken: freed ones stay in it. */
const MIN_ROOM: i32 = 256;
let room: i32 = 0;
let indexed: i32 = 0;

/** Empties the table. */
export function initRoutes(): void {
  assert(<i32>offsetof<Route>() <= TARGET && GATEWAY + ADDRESS_BYTES <= ROUTE_BYTES);
  pool.init(table.init(ROUTE_BYTES, MAX_KERNEL_ROUTES));
  in_use = 0;
  indexAnew();
}

/** Records to walk over; those without `used` are free. */
export function routeCount(): i32 {
  return pool.used;
}

/** The record at `index`. */
export function routeAt(index: i32): Route {
  return changetype<Route>(table.at(index));
}

/** The first route that the kernel would tell by these; -1: none. Several may want one place. */
export function firstRoute(target: usize, prefix: u32, in_table: u32, metric: u32): i32 {
  const h = keyOf(target, prefix, in_table, metric);
  return matching(by_key.first(h), h, target, prefix, in_table, metric);
}

/** The next such route, or -1. */
export function routeAfter(index: i32): i32 {
  const route = routeAt(index);
  const h = keyOf(route.target, route.prefix, route.table, route.metric);
  let slot = by_key.first(h);
  while (by_key.indexIn(slot) != index) slot = by_key.after(h, slot);
  slot = by_key.after(h, slot);
  return matching(slot, h, route.target, route.prefix, route.table, route.metric);
}

function matching(slot: i32, h: u32, target: usize, prefix: u32, in_table: u32, metric: u32): i32 {
  for (; slot >= 0; slot = by_key.after(h, slot)) {
    const index = by_key.indexIn(slot);
    const route = routeAt(index);
    const same = route.used && route.table == in_table && route.metric == metric;
    if (same && <u32>route.prefix == prefix && sameAddress(route.target, target)) return index;
  }
  return -1;
}

/**
 * A new route, of a VPN or of none (-1), that the kernel does not have yet; -1 at the limit.
 * `metric` is the configuration's.
 */
export function addRoute(
  origin: Origin,
  tunnel: i32,
  vpn: i32,
  target: usize,
  prefix: u32,
  in_table: u32,
  metric: u32,
): i32 {
  const index = pool.take();
  if (index < 0) return -1;
  const route = routeAt(index);
  route.used = true;
  route.origin = <u8>origin;
  route.tunnel = tunnel;
  route.vpn = vpn;
  route.next = -1;
  memory.copy(route.target, target, ADDRESS_BYTES);
  route.prefix = <u8>prefix;
  route.table = in_table;
  route.metric = metricOf(target, metric);
  in_use++;
  if (indexed == room) indexAnew();
  else addToIndex(index);
  return index;
}

/** Puts the route at the head of its VPN's chain. */
export function chainRoute(index: i32): void {
  const route = routeAt(index);
  const vpn = vpnAt(route.vpn);
  route.next = vpn.first_route;
  vpn.first_route = index;
}

/** Nothing wants the route any more: it goes as soon as the kernel has it no longer. */
export function dropRoute(index: i32): void {
  const route = routeAt(index);
  assert(route.used);
  if (!route.there) return giveRoute(index);
  route.origin = <u8>Origin.NONE;
  route.vpn = -1;
  route.next = -1;
  route.standby = false;
}

/** Frees the record. */
export function giveRoute(index: i32): void {
  assert(routeAt(index).used);
  routeAt(index).used = false;
  in_use--;
  pool.give(index);
}

/** Whether it is one that `get route` shows. */
export function isShown(route: Route): bool {
  return route.used && route.table == RT_TABLE_MAIN && route.origin != Origin.NONE;
}

function keyOf(target: usize, prefix: u32, in_table: u32, metric: u32): u32 {
  return hash(target, ADDRESS_BYTES) ^ ((prefix ^ in_table ^ (metric << 8)) * 0x9e3779b1);
}

function indexAnew(): void {
  room = max(2 * in_use, MIN_ROOM);
  indexed = 0;
  by_key.rebuild(room);
  for (let i = 0; i < pool.used; i++) if (routeAt(i).used) addToIndex(i);
}

function addToIndex(index: i32): void {
  const route = routeAt(index);
  by_key.add(keyOf(route.target, route.prefix, route.table, route.metric), index);
  indexed++;
}
