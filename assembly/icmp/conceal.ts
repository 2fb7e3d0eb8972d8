/**
 * Slots as they may stand in a recording (docs/recording.md). Of a token only whether it is right
 * matters, so only that is kept of it, and of the checksum over it. Where a target could write what
 * it likes, and repeat a token, nothing is kept. Announcements fare likewise: of our challenge it
 * is kept whether it is right, and a peer's is masked.
 */
import { storeU16be } from "../bytes/slice";
import { BATCH } from "../limits";
import { Announcement, isAnnouncement } from "./announcement";
import { challengeOf, masked } from "./challenge";
import { checksum, pseudoHeader } from "./checksum";
import {
  CHECKSUM,
  DATA,
  ipv4HeaderBytes,
  isEchoSize,
  isRequest,
  isZero,
  PADDING,
  TOKEN,
  tokenOf,
} from "./echo";
import { clearSlots, receiveSlots, sendSlots, Slot, SLOT_BYTES } from "./slot";

/** In place of a token and of a checksum; wrong ones have all bits set. */
const RIGHT: u64 = 0;
const WRONG: u64 = u64.MAX_VALUE;
/** Likewise of a challenge, where 0 says that there is none. */
export const RIGHT_CHALLENGE: u64 = 1;
/** Begins a padding that is not zeros. */
const NOT_ZERO: u8 = 1;

/** An IPv4 header without options: what stands behind one that is none is nothing that we know. */
const IPV4_HEADER_BYTES: i32 = 20;

/** The slot's ICMP message, as `findEcho` found it; 0: there is none behind that IPv4 header. */
let message: usize = 0;
let length: i32 = 0;

/** Hides the tokens in the first `count` slots of a batch; `slots` is one of icmp/slot.ts. */
export function conceal(slots: usize, version: i32, count: i32): void {
  const received = isReceived(slots, version, count);
  for (let i = 0; i < count; i++) {
    const slot = changetype<Slot>(slots + i * SLOT_BYTES);
    const is_echo = findEcho(slot, version, received);
    if (message != 0 && isAnnouncement(message, length)) {
      concealAnnouncement(slot, version, received);
    } else if (is_echo) {
      concealEcho(slot, version, received);
    } else {
      concealScrap(slot);
    }
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
    const is_echo = findEcho(slot, version, received);
    if (message != 0 && isAnnouncement(message, length)) {
      revealAnnouncement(slot, version, received);
    } else if (is_echo) {
      revealEcho(slot, version, received);
    }
  }
  forgetEcho();
}

function isReceived(slots: usize, version: i32, count: i32): bool {
  assert(<u32>count <= <u32>BATCH);
  const received = slots == receiveSlots();
  assert(received || slots == sendSlots(version) || slots == clearSlots(version));
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
  revealChecksum(slot, version, received, PADDING);
}

/** The checksum over `summed` bytes is right again, or wrong. */
function revealChecksum(slot: Slot, version: i32, received: bool, summed: i32): void {
  if (!hasChecksum(version, received)) return;
  const flaw: u32 = load<u16>(message, CHECKSUM) == <u16>RIGHT ? 0 : 1;
  store<u16>(message, 0, CHECKSUM);
  const sum = checksum(message, summed, seedOf(slot, version));
  storeU16be(message + CHECKSUM, sum ^ flaw);
}

function concealAnnouncement(slot: Slot, version: i32, received: bool): void {
  const sums_up =
    !hasChecksum(version, received) || checksum(message, length, seedOf(slot, version)) == 0;
  store<u16>(message, <u16>(sums_up ? RIGHT : WRONG), CHECKSUM);
  const it = changetype<Announcement>(message);
  if (isPeers(version, received)) {
    concealPeers(it);
  } else {
    it.challenge = verdictOn(it.challenge, it.spi_in, it.spi_out);
    if (it.answer != 0) it.answer = masked(it.answer, it.spi_in, it.spi_out);
  }
}

/** Hides the challenges in a peer's announcement. */
export function concealPeers(it: Announcement): void {
  it.challenge = masked(it.challenge, it.spi_out, it.spi_in);
  it.answer = verdictOn(it.answer, it.spi_out, it.spi_in);
}

function revealAnnouncement(slot: Slot, version: i32, received: bool): void {
  const it = changetype<Announcement>(message);
  if (isPeers(version, received)) {
    it.challenge = masked(it.challenge, it.spi_out, it.spi_in);
    it.answer = undone(it.answer, it.spi_out, it.spi_in);
  } else {
    it.challenge = undone(it.challenge, it.spi_in, it.spi_out);
    if (it.answer != 0) it.answer = masked(it.answer, it.spi_in, it.spi_out);
  }
  revealChecksum(slot, version, received, length);
}

/** Whether it is a peer's: then what it answers is our challenge, else what it asks. */
function isPeers(version: i32, received: bool): bool {
  return received && isRequest(message, version);
}

/** In place of a challenge of ours; 0 stays: there is none. */
function verdictOn(challenge: u64, spi_in: u32, spi_out: u32): u64 {
  if (challenge == 0) return 0;
  return challenge == challengeOf(spi_in, spi_out) ? RIGHT_CHALLENGE : WRONG;
}

function undone(verdict: u64, spi_in: u32, spi_out: u32): u64 {
  if (verdict == 0) return 0;
  const challenge = challengeOf(spi_in, spi_out);
  return verdict == RIGHT_CHALLENGE ? challenge : ~challenge;
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
