/**
 * Slots as they may stand in a recording (docs/recording.md). Of a token only whether it is right
 * matters, so only that is kept of it, and of the checksum over it. Where a target could write what
 * it likes, and repeat a token, nothing is kept.
 */
import { storeU16be } from "../bytes/slice";
import { BATCH } from "../limits";
import { checksum, pseudoHeader } from "./checksum";
import {
  CHECKSUM,
  DATA,
  ipv4HeaderBytes,
  isEchoSize,
  isZero,
  PADDING,
  TOKEN,
  tokenOf,
} from "./echo";
import { receiveSlots, sendSlots, Slot, SLOT_BYTES } from "./slot";

/** In place of a token and of a checksum; wrong ones have all bits set. */
const RIGHT: u64 = 0;
const WRONG: u64 = u64.MAX_VALUE;
/** Begins a padding that is not zeros. */
const NOT_ZERO: u8 = 1;

/** An IPv4 header without options: what stands behind one that is none is nothing that we know. */
const IPV4_HEADER_BYTES: i32 = 20;

/** The slot's ICMP message, as `findEcho` found it; 0: there is none behind that IPv4 header. */
let message: usize = 0;
let length: i32 = 0;

/** Hides the tokens in the first `count` slots of a batch; `slots` is one of our three. */
export function conceal(slots: usize, version: i32, count: i32): void {
  const received = isReceived(slots, version, count);
  for (let i = 0; i < count; i++) {
    const slot = changetype<Slot>(slots + i * SLOT_BYTES);
    if (findEcho(slot, version, received)) concealEcho(slot, version, received);
    else concealScrap(slot);
    const options = slot.message + IPV4_HEADER_BYTES;
    if (message > options) memory.fill(options, 0, message - options);
  }
  forgetEcho();
}

/**
 * Undoes `conceal` under the key of this instance: what was right is right again, and what was
 * wrong is wrong in some way.
 */
export function reveal(slots: usize, version: i32, count: i32): void {
  const received = isReceived(slots, version, count);
  for (let i = 0; i < count; i++) {
    const slot = changetype<Slot>(slots + i * SLOT_BYTES);
    if (findEcho(slot, version, received)) revealEcho(slot, version, received);
  }
  forgetEcho();
}

function isReceived(slots: usize, version: i32, count: i32): bool {
  assert(<u32>count <= <u32>BATCH);
  const received = slots == receiveSlots();
  assert(received || slots == sendSlots(version));
  return received;
}

function findEcho(slot: Slot, version: i32, received: bool): bool {
  message = slot.message;
  length = min(<i32>slot.length, <i32>(changetype<usize>(slot) + SLOT_BYTES - message));
  if (received && version == 4) {
    const header = ipv4HeaderBytes(message, length);
    message = header == 0 ? 0 : message + header;
    length -= header;
    if (header == 0) return false;
  }
  return isEchoSize(length);
}

/** An engine that was recorded, and one that replays, are to be alike. */
function forgetEcho(): void {
  message = 0;
  length = 0;
}

function concealEcho(slot: Slot, version: i32, received: bool): void {
  const is_right = load<u64>(message, TOKEN) == tokenOf(message, slot.peer);
  const has_sum = hasChecksum(version, received);
  const sums_up = !has_sum || checksum(message, PADDING, seedOf(slot, version)) == 0;
  const is_padded = isZero(message + PADDING, length - PADDING);
  store<u16>(message, <u16>(sums_up ? RIGHT : WRONG), CHECKSUM);
  clearFrom(message, is_right ? PADDING : DATA);
  store<u64>(message, is_right ? RIGHT : WRONG, TOKEN);
  if (!is_padded) store<u8>(message, NOT_ZERO, PADDING);
}

function revealEcho(slot: Slot, version: i32, received: bool): void {
  const token = tokenOf(message, slot.peer);
  store<u64>(message, load<u64>(message, TOKEN) == RIGHT ? token : ~token, TOKEN);
  if (!hasChecksum(version, received)) return;
  const flaw: u32 = load<u16>(message, CHECKSUM) == <u16>RIGHT ? 0 : 1;
  store<u16>(message, 0, CHECKSUM);
  const sum = checksum(message, PADDING, seedOf(slot, version));
  storeU16be(message + CHECKSUM, sum ^ flaw);
}

/** A received ICMPv6 message lacks the addresses that its checksum covers, and nobody reads it. */
function hasChecksum(version: i32, received: bool): bool {
  return version == 4 || !received;
}

function seedOf(slot: Slot, version: i32): u64 {
  return version == 4 ? 0 : pseudoHeader(slot.source, slot.peer, length);
}

/** What is no echo by its size is refused for that, and may be part of one all the same. */
function concealScrap(slot: Slot): void {
  if (message == 0) return clearFrom(slot.message, IPV4_HEADER_BYTES);
  if (length >= CHECKSUM + 2) store<u16>(message, 0, CHECKSUM);
  clearFrom(message, DATA);
}

function clearFrom(p: usize, offset: i32): void {
  if (length > offset) memory.fill(p + offset, 0, length - offset);
}
