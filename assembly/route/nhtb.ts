/**
 * The next-hop tunnel binding table: which VPN of an interface leads to which next hop. Static
 * entries are the configuration's, automatic ones are learned and live as long as their SA. One
 * next hop has at most one entry: a static one wins, and of two VPNs that claim it the first stays.
 */
import { ADDRESS_BYTES, sameAddress } from "../bytes/address";
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { POOL_BYTES, poolAt } from "../bytes/pool";
import { hash } from "../bytes/slice";
import { TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_NEXT_HOPS } from "../limits";
import { Vpn, vpnAt } from "../sa/vpn";
import { TunnelState } from "./tunnel";

/** What came of learning a next hop or a network (learn.ts). */
export const enum Learned {
  /** It is in the table. */
  TAKEN = 0,
  /** It was, of the same VPN. */
  KNOWN,
  /** The configuration says it already. */
  STATIC_WINS,
  /** Another VPN has claimed it, or a network that overlaps with it. */
  CLAIMED,
  /** The VPN is on no interface, or the table is full. */
  FULL,
}

/** Bytes of a NextHop record. */
const NEXT_HOP_BYTES: i32 = 64;
const ADDRESS: i32 = 32;

/** An entry of the table. */
@unmanaged
export class NextHop {
  /** Whether the record is in use. */
  used: bool;
  /** Flag A of `get interface nhtb`; else S. */
  automatic: bool;
  private free: i32;
  /** Indices of the interface and of the VPN. */
  tunnel: i32;
  vpn: i32;
  /** Next automatic entry of the VPN, or -1. */
  next: i32;
  /** The route to it alone (table.ts), or -1. */
  route: i32;

  get next_hop(): usize {
    return changetype<usize>(this) + ADDRESS;
  }
  /** Whether packets can be sent to it: routes with this gateway are active. */
  get usable(): bool {
    return isUsable(vpnAt(this.vpn));
  }
}

const table = tableAt(memory.data(TABLE_BYTES));
const pool = poolAt(memory.data(POOL_BYTES));
const by_address = hashIndexAt(memory.data(HASH_INDEX_BYTES));
let in_use: i32 = 0;
/** Entries that the index has room for, and has taken: freed ones stay in it. */
const MIN_ROOM: i32 = 64;
let room: i32 = 0;
let indexed: i32 = 0;

/** Empties the table. */
export function initNextHops(): void {
  assert(<i32>offsetof<NextHop>() <= ADDRESS && ADDRESS + ADDRESS_BYTES <= NEXT_HOP_BYTES);
  pool.init(table.init(NEXT_HOP_BYTES, MAX_NEXT_HOPS));
  in_use = 0;
  indexAnew();
}

/** Records to walk over; those without `used` are free. */
export function nextHopCount(): i32 {
  return pool.used;
}

/** The record at `index`. */
export function nextHopAt(index: i32): NextHop {
  return changetype<NextHop>(table.at(index));
}

/** Whether a VPN on an interface is to be sent packets. */
export function isUsable(vpn: Vpn): bool {
  return <i32>vpn.tunnel_state != TunnelState.DOWN;
}

/** The entry of a next hop on an interface, or -1. */
export function findNextHop(tunnel: i32, next_hop: usize): i32 {
  const h = keyOf(tunnel, next_hop);
  for (let slot = by_address.first(h); slot >= 0; slot = by_address.after(h, slot)) {
    const index = by_address.indexIn(slot);
    const entry = nextHopAt(index);
    if (entry.used && entry.tunnel == tunnel && sameAddress(entry.next_hop, next_hop)) return index;
  }
  return -1;
}

/** A new entry; -1 at the limit. What has this next hop must have been removed. */
export function addNextHop(tunnel: i32, vpn: i32, next_hop: usize, automatic: bool): i32 {
  assert(findNextHop(tunnel, next_hop) < 0);
  const index = pool.take();
  if (index < 0) return -1;
  const entry = nextHopAt(index);
  entry.used = true;
  entry.automatic = automatic;
  entry.tunnel = tunnel;
  entry.vpn = vpn;
  entry.next = -1;
  entry.route = -1;
  memory.copy(entry.next_hop, next_hop, ADDRESS_BYTES);
  if (automatic) {
    entry.next = vpnAt(vpn).first_next_hop;
    vpnAt(vpn).first_next_hop = index;
  }
  in_use++;
  if (indexed == room) indexAnew();
  else addToIndex(index);
  return index;
}

/** Removes an entry. */
export function removeNextHop(index: i32): void {
  const entry = nextHopAt(index);
  assert(entry.used);
  if (entry.automatic) unchain(index);
  entry.used = false;
  in_use--;
  pool.give(index);
}

function unchain(index: i32): void {
  const vpn = vpnAt(nextHopAt(index).vpn);
  if (vpn.first_next_hop == index) {
    vpn.first_next_hop = nextHopAt(index).next;
    return;
  }
  let i = vpn.first_next_hop;
  while (nextHopAt(i).next != index) i = nextHopAt(i).next;
  nextHopAt(i).next = nextHopAt(index).next;
}

function keyOf(tunnel: i32, next_hop: usize): u32 {
  return hash(next_hop, ADDRESS_BYTES) ^ (<u32>tunnel * 0x9e3779b1);
}

function indexAnew(): void {
  room = max(2 * in_use, MIN_ROOM);
  indexed = 0;
  by_address.rebuild(room);
  for (let i = 0; i < pool.used; i++) if (nextHopAt(i).used) addToIndex(i);
}

/** A record that has been of the same next hop before stands there already. */
function addToIndex(index: i32): void {
  const h = keyOf(nextHopAt(index).tunnel, nextHopAt(index).next_hop);
  for (let slot = by_address.first(h); slot >= 0; slot = by_address.after(h, slot)) {
    if (by_address.indexIn(slot) == index) return;
  }
  by_address.add(h, index);
  indexed++;
}
