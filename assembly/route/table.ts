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
  /** Requests about it that the kernel has not answered. */
  pending: u8;
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
const by_network = hashIndexAt(memory.data(HASH_INDEX_BYTES));
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

/** The first route to this network, of whatever table and metric; -1: none. */
export function firstRoute(target: usize, prefix: u32): i32 {
  const h = keyOf(target, prefix);
  return matching(by_network.first(h), h, target, prefix);
}

/** The next route to the same network, or -1. */
export function nextRoute(index: i32): i32 {
  const route = routeAt(index);
  const h = keyOf(route.target, route.prefix);
  let slot = by_network.first(h);
  while (by_network.indexIn(slot) != index) slot = by_network.after(h, slot);
  return matching(by_network.after(h, slot), h, route.target, route.prefix);
}

function matching(slot: i32, h: u32, target: usize, prefix: u32): i32 {
  for (; slot >= 0; slot = by_network.after(h, slot)) {
    const index = by_network.indexIn(slot);
    const route = routeAt(index);
    if (route.used && <u32>route.prefix == prefix && sameAddress(route.target, target)) {
      return index;
    }
  }
  return -1;
}

/** Whether the kernel could not have both: it tells routes by table, network and metric. */
export function sharePlace(route: Route, in_table: u32, metric: u32): bool {
  return route.table == in_table && route.metric == metric;
}

/**
 * A new route, of a VPN or of none (-1); -1 at the limit. One that the kernel has, and that nothing
 * wanted any more, becomes it. `metric` is the configuration's.
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
  const kernels = metricOf(target, metric);
  let index = findUnwanted(target, prefix, in_table, kernels);
  if (index < 0) index = takeRoute(target, prefix, in_table, kernels);
  if (index < 0) return -1;
  const route = routeAt(index);
  route.origin = <u8>origin;
  route.tunnel = tunnel;
  route.vpn = vpn;
  route.next = -1;
  route.standby = false;
  route.failures = 0;
  route.retry_at_ms = 0;
  memory.fill(route.gateway, 0, ADDRESS_BYTES);
  return index;
}

/** The route of ours in that place that nothing wants, or -1. */
export function findUnwanted(target: usize, prefix: u32, in_table: u32, metric: u32): i32 {
  let i = firstRoute(target, prefix);
  for (; i >= 0; i = nextRoute(i)) {
    const route = routeAt(i);
    if (route.origin == Origin.NONE && sharePlace(route, in_table, metric)) return i;
  }
  return -1;
}

/** A record that nothing wants, of a route that the kernel does not have; -1 at the limit. */
export function takeRoute(target: usize, prefix: u32, in_table: u32, metric: u32): i32 {
  const index = pool.take();
  if (index < 0) return -1;
  const route = routeAt(index);
  route.used = true;
  route.tunnel = -1;
  route.vpn = -1;
  route.next = -1;
  memory.copy(route.target, target, ADDRESS_BYTES);
  route.prefix = <u8>prefix;
  route.table = in_table;
  route.metric = metric;
  in_use++;
  if (indexed == room) indexAnew();
  else addToIndex(index);
  return index;
}

/** Nothing wants the route any more: it goes as soon as the kernel has it no longer. */
export function dropRoute(index: i32): void {
  const route = routeAt(index);
  assert(route.used);
  if (!route.there && route.pending == 0) return giveRoute(index);
  route.origin = <u8>Origin.NONE;
  route.vpn = -1;
  route.next = -1;
  route.standby = false;
  route.foreign = false;
  route.retry_at_ms = 0;
}

/** Frees the record. */
export function giveRoute(index: i32): void {
  assert(routeAt(index).used);
  routeAt(index).used = false;
  in_use--;
  pool.give(index);
}

/** Whether there is any record: the kernel may have a route of ours. */
export function hasRoutes(): bool {
  return in_use > 0;
}

/** Whether it is one that `get route` shows. */
export function isShown(route: Route): bool {
  return route.used && route.table == RT_TABLE_MAIN && route.origin != Origin.NONE;
}

function keyOf(target: usize, prefix: u32): u32 {
  return hash(target, ADDRESS_BYTES) ^ (prefix * 0x9e3779b1);
}

function indexAnew(): void {
  room = max(2 * in_use, MIN_ROOM);
  indexed = 0;
  by_network.rebuild(room);
  for (let i = 0; i < pool.used; i++) if (routeAt(i).used) addToIndex(i);
}

/** A record that has been to the same network before stands there already. */
function addToIndex(index: i32): void {
  const h = keyOf(routeAt(index).target, routeAt(index).prefix);
  for (let slot = by_network.first(h); slot >= 0; slot = by_network.after(h, slot)) {
    if (by_network.indexIn(slot) == index) return;
  }
  by_network.add(h, index);
  indexed++;
}
