/**
 * The rekeyd at the other end of a VPN, as far as announcements are concerned (docs/nhtb.md): what
 * each of both has heard of the other. Nothing here is secret without the key: the peer's challenge
 * is masked.
 */
import { TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_VPNS } from "../limits";

/** Where the VPN's automatic entries come from; a greater one replaces a smaller one. */
export const enum Source {
  NONE = 0,
  /** Its SA's selectors and its peer's virtual IPs, as strongSwan lists them. */
  LISTED,
  /** Its peer's announcement. */
  ANNOUNCED,
}

/** Bytes of a Neighbour record. */
const NEIGHBOUR_BYTES: i32 = 128;

/** What is known of a VPN's neighbour. All of it is void when the VPN has no SA any more. */
@unmanaged
export class Neighbour {
  /** Whether the VPN announces or accepts anything. */
  used: bool;
  /** The peer has asked for an announcement. */
  owes: bool;
  /** Whether `challenge` is one, and whether it came with a right answer. */
  has_challenge: bool;
  is_proven: bool;
  /** The peer's announcement was taken, or found the same, since the SA in use is in use. */
  verified: bool;
  /** What strongSwan lists of the peer is to be entered. */
  lists: bool;
  source: Source;
  /** Announcements of our own accord that nothing has come of. */
  tries: i32;
  /** Timer of the wheel for the next announcement; -1: none. */
  timer: i32;
  /** The first network of its own list of what is accepted (route/prefixes.ts), or -1. */
  accepted: i32;
  /** The SA that the exchange is about, and on which `challenge` was made. */
  spi_in: u32;
  spi_out: u32;
  /** Digest of the peer's contents as they were last taken; 0: never. */
  heard: u32;
  /** Digest of the contents that an event was about; 0: none. */
  said: u32;
  /** Digest of our contents as the peer has last said to have taken them; 0: never. */
  told: u32;
  /** Digest of the lists that say what is accepted. */
  accepts: u32;
  /** When the last proven announcement was sent, by the peer's clock. */
  sent_ms: u64;
  /** The peer's challenge, masked. */
  challenge: u64;
  /** When ours was last sent, and when it is sent again of our own accord. */
  said_at_ms: i64;
  retry_at_ms: i64;
  /** When contents were last taken. */
  taken_at_ms: i64;
}

/** By the indices of the VPNs. */
const table = tableAt(memory.data(TABLE_BYTES));

/** Empties the table. */
export function initNeighbours(): void {
  assert(<i32>offsetof<Neighbour>() <= NEIGHBOUR_BYTES);
  table.init(NEIGHBOUR_BYTES, MAX_VPNS);
}

/** Room for the neighbours of so many VPNs. */
export function ensureNeighbours(count: i32): void {
  const has_room = table.ensure(count);
  assert(has_room);
}

/** Whether the VPN with that index announces or accepts anything. */
export function hasNeighbour(index: i32): bool {
  return index < table.capacity && neighbourAt(index).used;
}

/** The record of the VPN with that index. */
export function neighbourAt(index: i32): Neighbour {
  return changetype<Neighbour>(table.at(index));
}

/** Whether `lists` is set anywhere: what follows from it may take memory, so it is for `chores`. */
let any_lists: bool = false;

/** The VPN has come up, or has another SA: what strongSwan lists is entered by the next chores. */
export function listSoon(index: i32): void {
  if (!hasNeighbour(index)) return;
  neighbourAt(index).lists = true;
  any_lists = true;
}

/** Whether that waits for some VPN. */
export function anyLists(): bool {
  return any_lists;
}

/** It waits for none any more. */
export function doneLists(): void {
  any_lists = false;
}
