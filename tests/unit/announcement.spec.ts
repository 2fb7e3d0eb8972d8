/** The codec of announcements (docs/nhtb.md): both ways, at its limits, and on hostile bytes. */
import { ADDRESS_BYTES, parseAddress } from "../../assembly/bytes/address";
import { storeU16be } from "../../assembly/bytes/slice";
import {
  Announcement,
  beginAnnouncement,
  endAnnouncement,
  Flag,
  isAnnouncement,
  MAX_ANNOUNCEMENT_BYTES,
  NO_ANNOUNCEMENT,
  receivedAnnouncement,
  returnedAnnouncement,
} from "../../assembly/icmp/announcement";
import { challengeOf, masked } from "../../assembly/icmp/challenge";
import { checksum, pseudoHeader } from "../../assembly/icmp/checksum";
import { conceal, reveal } from "../../assembly/icmp/conceal";
import { parseReply, setIdentifier } from "../../assembly/icmp/echo";
import { receiveSlot, receiveSlots, sendSlot, sendSlots, Slot } from "../../assembly/icmp/slot";
import { SLOT_BYTES } from "../../assembly/icmp/slot";
import { setKey } from "../../assembly/icmp/token";
import { MAX_ANNOUNCED_ADDRESSES, MAX_ANNOUNCED_NETWORKS } from "../../assembly/limits";
import { seedRandom } from "../../assembly/random";
import {
  answer,
  begin,
  destination,
  headerBytes,
  IDENTIFIER,
  mendChecksum,
  roundTrip,
  setReferenceKey,
  source,
} from "./echoes";
import { copyAtEdge, flip, mutate, put, random, randomBytes } from "./hostile";

const SPI_IN: u32 = 0xc1c2_c3c4;
const SPI_OUT: u32 = 0xd1d2_d3d4;
const HEARD: u32 = 0x0a0b_0c0d;
const SENT: i64 = 0x0102_0304_0506;
const THEIR_CHALLENGE: u64 = 0x1111_2222_3333_4444;

const address: usize = memory.data(ADDRESS_BYTES, 8);
const kept: usize = memory.data(SLOT_BYTES, 8);

function at(text: string): usize {
  parseAddress(put(text), text.length, address);
  return address;
}

/** Ours, with two networks, in a send slot. */
function ours(version: i32): Slot {
  begin(version);
  const slot = sendSlot(version, 0);
  const it = beginAnnouncement(slot, source, destination, 7, SENT);
  it.flags = Flag.POLL;
  it.spi_in = SPI_IN;
  it.spi_out = SPI_OUT;
  it.heard = HEARD;
  it.challenge = challengeOf(SPI_IN, SPI_OUT);
  it.answer = THEIR_CHALLENGE;
  it.addAddress(at("10.1.3.1"));
  it.addNetwork(at("10.3.0.0"), 24);
  it.addNetwork(at("2001:db8::"), 32);
  endAnnouncement(slot);
  return slot;
}

/** The same as it comes in, from a peer, whose challenge and answer they then are. */
function theirs(version: i32): Slot {
  const out = ours(version);
  const slot = receiveSlot(0);
  answer(out, version, slot);
  const message = slot.message + headerBytes(version);
  storeU16be(message, (version == 4 ? 8 : 128) << 8);
  const it = changetype<Announcement>(message);
  it.spi_in = SPI_OUT;
  it.spi_out = SPI_IN;
  it.challenge = THEIR_CHALLENGE;
  it.answer = challengeOf(SPI_IN, SPI_OUT);
  mendChecksum(slot, version);
  return slot;
}

function found(slot: Slot, version: i32): bool {
  return receivedAnnouncement(slot, version) != NO_ANNOUNCEMENT;
}

function returned(slot: Slot, version: i32): bool {
  return returnedAnnouncement(slot, version) != NO_ANNOUNCEMENT;
}

function builds(version: i32): void {
  const slot = ours(version);
  const length = <i32>slot.length;
  expect(length).toBe(56 + 16 + 2 * 17);
  expect(isAnnouncement(slot.message, length)).toBe(true);
  expect(<i32>load<u8>(slot.message)).toBe(version == 4 ? 8 : 128);
  expect(load<u32>(slot.message, 8)).toBe(bswap<u32>(0x72656b65));
  expect(load<u32>(slot.message, 20)).toBe(bswap(SPI_IN));
  const seed = version == 4 ? 0 : pseudoHeader(source, destination, length);
  expect(checksum(slot.message, length, seed)).toBe(0);
}

function reads(version: i32): void {
  const slot = theirs(version);
  const it = receivedAnnouncement(slot, version);
  expect(it != NO_ANNOUNCEMENT).toBe(true);
  expect(it.flags).toBe(Flag.POLL);
  expect(it.spi_in).toBe(SPI_OUT);
  expect(it.spi_out).toBe(SPI_IN);
  expect(it.heard).toBe(HEARD);
  expect(it.sent_ms).toBe(SENT);
  expect(it.challenge).toBe(THEIR_CHALLENGE);
  expect(it.address_count).toBe(1);
  expect(memory.compare(it.address(0), at("10.1.3.1"), 16)).toBe(0);
  expect(it.network_count).toBe(2);
  expect(memory.compare(it.network(0), at("10.3.0.0"), 16)).toBe(0);
  expect(it.prefix(0)).toBe(24);
  expect(memory.compare(it.network(1), at("2001:db8::"), 16)).toBe(0);
  expect(it.prefix(1)).toBe(32);
  expect(returned(slot, version)).toBe(false);
  expect(parseReply(slot, version)).toBe(false);
}

/** The kernel's reply is known as what comes back, and as nothing else. */
function knowsItsReturn(version: i32): void {
  const out = ours(version);
  const slot = receiveSlot(0);
  answer(out, version, slot);
  expect(returned(slot, version)).toBe(true);
  expect(found(slot, version)).toBe(false);
  expect(parseReply(slot, version)).toBe(false);
  setIdentifier(IDENTIFIER + 1);
  expect(returned(slot, version)).toBe(false);
}

function full(version: i32, addresses: i32, networks: i32): Slot {
  begin(version);
  const slot = sendSlot(version, 1);
  const it = beginAnnouncement(slot, source, destination, 7, SENT);
  it.challenge = 1;
  for (let i = 0; i < addresses; i++) it.addAddress(at("10.1.3.1"));
  for (let i = 0; i < networks; i++) it.addNetwork(at("fd00::"), 8 + (i % 121));
  endAnnouncement(slot);
  return slot;
}

function takesEveryNumber(version: i32): void {
  for (let addresses = 0; addresses <= MAX_ANNOUNCED_ADDRESSES; addresses++) {
    for (let networks = 0; networks <= MAX_ANNOUNCED_NETWORKS; networks++) {
      const out = full(version, addresses, networks);
      const slot = receiveSlot(1);
      answer(out, version, slot);
      if (!returned(slot, version)) throw new Error(`${addresses}, ${networks}`);
      const length = <i32>out.length;
      const message = copyAtEdge(out.message, length);
      if (!isAnnouncement(message, length)) throw new Error(`${addresses}, ${networks}`);
    }
  }
}

/** With the number of contents that are not there, or with more than there may be. */
function refusesWrongCounts(version: i32): void {
  for (let addresses = 0; addresses < 256; addresses++) {
    for (let networks = 0; networks < 256; networks++) {
      const out = ours(version);
      store<u8>(out.message, <u8>addresses, 18);
      store<u8>(out.message, <u8>networks, 19);
      const length = <i32>out.length;
      const whole = isAnnouncement(copyAtEdge(out.message, length), length);
      if (whole != (addresses == 1 && networks == 2)) throw new Error(`${addresses}, ${networks}`);
    }
  }
}

function refusesFlippedBits(version: i32): void {
  // Of ICMPv6 the kernel checks the checksum: there a bit may change, and only the shape counts.
  if (version == 6) return;
  const slot = theirs(version);
  const message = slot.message + headerBytes(version);
  for (let bit = 0; bit < 8 * 106; bit++) {
    flip(message, bit);
    if (found(slot, version) || returned(slot, version)) throw new Error(`bit ${bit}`);
    flip(message, bit);
  }
  expect(found(slot, version)).toBe(true);
}

function refusesOtherLengths(version: i32): void {
  const slot = theirs(version);
  const right = slot.length;
  for (let length = 0; length <= SLOT_BYTES + 100; length++) {
    slot.length = length;
    if (version == 4) storeU16be(slot.message + 2, length);
    if (found(slot, version) != (length == right)) throw new Error(`${length} bytes`);
  }
  slot.length = u32.MAX_VALUE;
  expect(found(slot, version)).toBe(false);
}

function takesAnyBytes(version: i32): void {
  begin(version);
  seedRandom(30);
  let whole = 0;
  for (let i = 0; i < 30_000; i++) {
    const slot = theirs(version);
    const message = slot.message + headerBytes(version);
    for (let n = 1 + random(3); n > 0; n--) mutate(message + 16, 90);
    if (i & 1) randomBytes(message + 56, 50);
    mendChecksum(slot, version);
    const it = receivedAnnouncement(slot, version);
    if (it == NO_ANNOUNCEMENT) continue;
    whole++;
    // What is taken can be read to its end.
    for (let a = 0; a < it.address_count; a++) expect(load<u64>(it.address(a)) >= 0).toBe(true);
    for (let n = 0; n < it.network_count; n++) {
      if (it.prefix(n) < 0 || it.prefix(n) > 128) throw new Error(`input ${i}`);
    }
  }
  expect(whole > 1_000 && whole < 29_000).toBe(true);
}

function refusesNetwork(text: string, bits: i32, is_right: bool): void {
  const out = ours(4);
  store<u8>(out.message, <u8>bits, 72);
  memory.copy(out.message + 73, at(text), 16);
  const length = <i32>out.length;
  if (isAnnouncement(out.message, length) != is_right) throw new Error(`${text}/${bits}`);
}

function keep(slot: Slot): void {
  memory.copy(kept, changetype<usize>(slot), SLOT_BYTES);
}

function isKept(slot: Slot): bool {
  return memory.compare(kept, changetype<usize>(slot), SLOT_BYTES) == 0;
}

/** Whether four bytes of the number, side by side, stand anywhere in the slot. */
function betrays(slot: Slot, secret: u64): bool {
  for (let at = 0; at + 4 <= SLOT_BYTES; at++) {
    const bytes = load<u32>(changetype<usize>(slot) + at);
    for (let i = 0; i <= 4; i++) if (bytes == <u32>(secret >> (8 * i))) return true;
  }
  return false;
}

function otherKey(): void {
  setKey(0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00);
}

/** What leaves, leaves as if nobody had looked; and neither challenge is to be seen. */
function leavesOurs(version: i32): void {
  const slot = ours(version);
  const challenge = challengeOf(SPI_IN, SPI_OUT);
  keep(slot);
  conceal(sendSlots(version), version, 1);
  expect(betrays(slot, challenge) || betrays(slot, THEIR_CHALLENGE)).toBe(false);
  expect(isAnnouncement(slot.message, <i32>slot.length)).toBe(true);
  reveal(sendSlots(version), version, 1);
  expect(isKept(slot)).toBe(true);
}

/**
 * A peer's is hidden; under another key its answer is right again, and its challenge another one,
 * which hides to the same bytes.
 */
function keepsTheVerdict(version: i32, answered: i32): void {
  const slot = theirs(version);
  let it = receivedAnnouncement(slot, version);
  if (answered == 0) it.answer = 0;
  if (answered == 1) it.answer ^= 1;
  mendChecksum(slot, version);
  const right = it.answer == challengeOf(SPI_IN, SPI_OUT);
  const shown = masked(THEIR_CHALLENGE, SPI_IN, SPI_OUT);
  conceal(receiveSlots(), version, 1);
  expect(betrays(slot, challengeOf(SPI_IN, SPI_OUT))).toBe(false);
  expect(betrays(slot, THEIR_CHALLENGE)).toBe(false);
  keep(slot);
  otherKey();
  reveal(receiveSlots(), version, 1);
  it = receivedAnnouncement(slot, version);
  expect(it != NO_ANNOUNCEMENT).toBe(true);
  expect(it.answer == challengeOf(SPI_IN, SPI_OUT)).toBe(right);
  expect(it.answer == 0).toBe(answered == 0);
  expect(masked(it.challenge, SPI_IN, SPI_OUT)).toBe(shown);
  conceal(receiveSlots(), version, 1);
  expect(isKept(slot)).toBe(true);
}

function keepsDamage(): void {
  const slot = theirs(4);
  flip(slot.message + headerBytes(4), 8 * 60);
  conceal(receiveSlots(), 4, 1);
  otherKey();
  reveal(receiveSlots(), 4, 1);
  expect(found(slot, 4)).toBe(false);
}

describe("icmp/announcement", () => {
  test("builds an echo request that carries it", () => {
    builds(4);
    builds(6);
  });

  test("is read as it was sent", () => {
    reads(4);
    reads(6);
  });

  test("comes back as the kernel's reply, and is then no peer's", () => {
    knowsItsReturn(4);
    knowsItsReturn(6);
  });

  test("has room for all that may be announced, in the smallest MTU of IPv6 (RFC 8200, 5)", () => {
    takesEveryNumber(4);
    takesEveryNumber(6);
    expect(MAX_ANNOUNCEMENT_BYTES + 40).toBeLessThanOrEqual(1280);
    const slot = full(6, MAX_ANNOUNCED_ADDRESSES, MAX_ANNOUNCED_NETWORKS);
    expect(<i32>slot.length).toBe(MAX_ANNOUNCEMENT_BYTES);
  });

  test("is refused with other counts, lengths, bits", () => {
    refusesWrongCounts(4);
    refusesFlippedBits(4);
    refusesOtherLengths(4);
    refusesOtherLengths(6);
  });

  test("takes any bytes", () => {
    takesAnyBytes(4);
    takesAnyBytes(6);
  });

  test("names networks only: a prefix of its family, and nothing behind it", () => {
    refusesNetwork("10.3.0.0", 96 + 24, true);
    refusesNetwork("10.3.0.0", 96 + 16, true);
    refusesNetwork("10.3.0.1", 96 + 32, true);
    refusesNetwork("0.0.0.0", 96, true);
    refusesNetwork("::", 0, true);
    refusesNetwork("10.3.0.0", 96 + 33, false);
    refusesNetwork("10.3.0.0", 24, false);
    refusesNetwork("10.3.0.1", 96 + 24, false);
    refusesNetwork("10.3.128.0", 96 + 16, false);
    refusesNetwork("2001:db8::", 129, false);
    refusesNetwork("2001:db8::1", 127, false);
    refusesNetwork("8000::", 0, false);
    refusesNetwork("8000::", 1, true);
  });

  test("is refused in another version, with another word in front, without a challenge", () => {
    const out = ours(4);
    const length = <i32>out.length;
    store<u8>(out.message, 2, 16);
    expect(isAnnouncement(out.message, length)).toBe(false);
    store<u8>(out.message, 1, 16);
    flip(out.message, 64);
    expect(isAnnouncement(out.message, length)).toBe(false);
    flip(out.message, 64);
    changetype<Announcement>(out.message).challenge = 0;
    expect(isAnnouncement(out.message, length)).toBe(false);
  });

  test("an echo is none", () => {
    begin(4);
    const slot = roundTrip(4, 106);
    expect(found(slot, 4) || returned(slot, 4)).toBe(false);
  });

  test("its digest changes with each bit of the contents, and with nothing else", () => {
    const out = ours(4);
    const it = changetype<Announcement>(out.message);
    const right = it.digest;
    for (let bit = 8 * 20; bit < 8 * 106; bit++) {
      flip(out.message, bit);
      if ((it.digest == right) != bit < 8 * 56) throw new Error(`bit ${bit}`);
      flip(out.message, bit);
    }
  });
});

describe("icmp/challenge", () => {
  test("hangs on both SPIs, their order, and the key", () => {
    setReferenceKey();
    const right = challengeOf(SPI_IN, SPI_OUT);
    expect(challengeOf(SPI_OUT, SPI_IN) == right).toBe(false);
    for (let bit = 0; bit < 32; bit++) {
      expect(challengeOf(SPI_IN ^ (1 << bit), SPI_OUT) == right).toBe(false);
      expect(challengeOf(SPI_IN, SPI_OUT ^ (1 << bit)) == right).toBe(false);
    }
    otherKey();
    expect(challengeOf(SPI_IN, SPI_OUT) == right).toBe(false);
  });

  test("masks, and unmasks under the same key on the same SA only", () => {
    setReferenceKey();
    const shown = masked(THEIR_CHALLENGE, SPI_IN, SPI_OUT);
    expect(shown == THEIR_CHALLENGE).toBe(false);
    expect(masked(shown, SPI_IN, SPI_OUT)).toBe(THEIR_CHALLENGE);
    expect(masked(shown, SPI_OUT, SPI_IN) == THEIR_CHALLENGE).toBe(false);
    otherKey();
    expect(masked(shown, SPI_IN, SPI_OUT) == THEIR_CHALLENGE).toBe(false);
  });
});

describe("icmp/conceal of announcements", () => {
  test("hides both challenges of one of ours, and gives them back", () => {
    leavesOurs(4);
    leavesOurs(6);
  });

  test("of a peer's keeps whether its answer is right, wrong or missing, under any key", () => {
    for (let version = 4; version <= 6; version += 2) {
      for (let answered = 0; answered <= 2; answered++) keepsTheVerdict(version, answered);
    }
  });

  test("a damaged one stays damaged", () => {
    keepsDamage();
  });

  test("hides what the kernel sends back", () => {
    for (let version = 4; version <= 6; version += 2) {
      const out = ours(version);
      const slot = receiveSlot(0);
      answer(out, version, slot);
      const challenge = challengeOf(SPI_IN, SPI_OUT);
      conceal(receiveSlots(), version, 1);
      expect(betrays(slot, challenge) || betrays(slot, THEIR_CHALLENGE)).toBe(false);
      otherKey();
      reveal(receiveSlots(), version, 1);
      const it = returnedAnnouncement(slot, version);
      expect(it != NO_ANNOUNCEMENT).toBe(true);
      expect(it.challenge == challengeOf(SPI_IN, SPI_OUT)).toBe(true);
    }
  });

  test("one that was cut off betrays nothing", () => {
    for (let length = 0; length < 106; length++) {
      const slot = theirs(4);
      slot.length = length + headerBytes(4);
      memory.fill(slot.message + slot.length, 0, 200);
      storeU16be(slot.message + 2, slot.length);
      conceal(receiveSlots(), 4, 1);
      if (betrays(slot, THEIR_CHALLENGE)) throw new Error(`${length} bytes`);
      if (betrays(slot, challengeOf(SPI_IN, SPI_OUT))) throw new Error(`${length} bytes`);
    }
  });
});
