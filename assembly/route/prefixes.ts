/** The networks in force that peers are told (`nhtb_announce`) and may announce (`nhtb_accept`). */
import { ADDRESS_BYTES, isV4 } from "../bytes/address";
import { nameBytes, nameLength, sameName } from "../bytes/slice";
import { TABLE_BYTES, tableAt } from "../bytes/table";
import { stagedPrefix, stagedPrefixCount } from "../config/staged";
import { PREFIX_CONFIG_BYTES, PrefixConfig, PrefixKind } from "../config/tunnel_model";
import { MAX_PREFIXES, MAX_TUNNELS } from "../limits";
import { findTunnel } from "./tunnel";

/** Bytes of a record: a PrefixConfig fits. */
const PREFIX_BYTES: i32 = 64;

const table = tableAt(memory.data(TABLE_BYTES));
let count: i32 = 0;
/** For each tunnel interface the first network of each kind + 1; 0: it has none. */
const of_tunnels: usize = memory.data(MAX_TUNNELS * 2 * sizeof<u16>(), 2);

/** Empties the lists. */
export function initPrefixes(): void {
  assert(PREFIX_CONFIG_BYTES <= PREFIX_BYTES && MAX_PREFIXES < <i32>u16.MAX_VALUE);
  table.init(PREFIX_BYTES, MAX_PREFIXES);
  count = 0;
}

/** Puts the staged lists into force; behind the tunnel interfaces that they belong to. */
export function prefixesApply(): void {
  count = stagedPrefixCount();
  const has_room = table.ensure(count);
  assert(has_room);
  memory.fill(of_tunnels, 0, MAX_TUNNELS * 2 * sizeof<u16>());
  for (let i = count - 1; i >= 0; i--) {
    memory.copy(table.at(i), changetype<usize>(stagedPrefix(i)), PREFIX_CONFIG_BYTES);
    const prefix = prefixAt(i);
    if (prefix.of_vpn) continue;
    const tunnel = findTunnel(nameBytes(prefix.owner), nameLength(prefix.owner));
    if (tunnel >= 0) store<u16>(placeOf(tunnel, prefix.kind), <u16>(i + 1));
  }
}

function placeOf(tunnel: i32, kind: i32): usize {
  return of_tunnels + ((tunnel * 2 + kind) << 1);
}

/** Networks in all lists. */
export function prefixCount(): i32 {
  return count;
}

/** One of them. */
export function prefixAt(i: i32): PrefixConfig {
  return changetype<PrefixConfig>(table.at(i));
}

/** The first network that peers on the tunnel interface are told, or -1. */
export function firstAnnounced(tunnel: i32): i32 {
  return <i32>load<u16>(placeOf(tunnel, PrefixKind.ANNOUNCE)) - 1;
}

/** The first network that they may announce, or -1. */
export function firstAccepted(tunnel: i32): i32 {
  return <i32>load<u16>(placeOf(tunnel, PrefixKind.ACCEPT)) - 1;
}

/** The next network of the same list, or -1. */
export function nextPrefix(i: i32): i32 {
  const prefix = prefixAt(i);
  while (++i < count) {
    const next = prefixAt(i);
    // Those of one section stand together.
    if (next.of_vpn != prefix.of_vpn || !sameName(next.owner, prefix.owner)) return -1;
    if (next.kind == prefix.kind) return i;
  }
  return -1;
}

/** Whether a network of the list that begins with `first` (-1: an empty one) contains this one. */
export function isInside(first: i32, network: usize, prefix: i32): bool {
  for (let i = first; i >= 0; i = nextPrefix(i)) {
    const allowed = prefixAt(i);
    if (prefix >= allowed.prefix && begins(network, allowed.network, allowed.prefix)) return true;
  }
  return false;
}

/** Whether the address is of the network's family and begins with its `bits` bits. */
function begins(address: usize, network: usize, bits: i32): bool {
  const v4 = isV4(network);
  if (isV4(address) != v4) return false;
  if (v4) bits += 96;
  const whole = bits >> 3;
  if (memory.compare(address, network, whole) != 0) return false;
  if (whole == ADDRESS_BYTES) return true;
  const mask = (0xff00 >> (bits & 7)) & 0xff;
  return (((<i32>load<u8>(address + whole)) ^ (<i32>load<u8>(network + whole))) & mask) == 0;
}
