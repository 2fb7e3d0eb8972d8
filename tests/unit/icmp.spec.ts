import { ADDRESS_BYTES, parseAddress } from "../../assembly/bytes/address";
import { loadU16be, storeU16be } from "../../assembly/bytes/slice";
import { checksum, pseudoHeader } from "../../assembly/icmp/checksum";
import { buildEcho, parseReply, reply, setIdentifier } from "../../assembly/icmp/echo";
import {
  receiveSlot,
  receiveSlots,
  sendSlot,
  sendSlots,
  Slot,
  SLOT_BYTES,
} from "../../assembly/icmp/slot";
import { setKey, token } from "../../assembly/icmp/token";
import { BATCH, MAX_ECHO_BYTES, MIN_ECHO_BYTES } from "../../assembly/limits";
import { randomBelow, seedRandom } from "../../assembly/random";
import {
  answer,
  begin,
  destination,
  headerBytes,
  IDENTIFIER,
  mendChecksum,
  roundTrip,
  SENT,
  SEQ,
  setReferenceKey,
  source,
  TARGET,
  VPN,
} from "./echoes";
import { flip, mutate, put, random, randomBytes } from "./hostile";

const room: usize = memory.data(2048, 8);

/** RFC 1071 as its section 4.1 writes it: 16 bits at a time. */
function naiveSum(p: usize, len: i32, seed: u32): u32 {
  let sum: u32 = seed;
  for (let i = 0; i < len; i++) sum += (<u32>load<u8>(p + i)) << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

function naiveChecksum(p: usize, len: i32): u32 {
  return ~naiveSum(p, len, 0) & 0xffff;
}

/** The longest header that IPv4 has (RFC 791, 3.1); raw sockets deliver it. */
const MAX_IPV4_HEADER_BYTES: i32 = 60;
/** Room for the message in a slot. */
const MAX_MESSAGE_BYTES = SLOT_BYTES - 64;

describe("icmp/checksum", () => {
  test("RFC 1071, section 3: the sum of 00 01 f2 03 f4 f5 f6 f7 is ddf2", () => {
    store<u32>(room, bswap<u32>(0x0001f203));
    store<u32>(room, bswap<u32>(0xf4f5f6f7), 4);
    expect(checksum(room, 8)).toBe(0x220d);
    storeU16be(room + 8, 0x220d);
    expect(checksum(room, 10)).toBe(0);
  });

  test("RFC 1071, section 2: an odd byte counts as if a zero followed it", () => {
    store<u8>(room, 0x12);
    expect(checksum(room, 1)).toBe(0xedff);
    expect(checksum(room, 0)).toBe(0xffff);
  });

  test("RFC 1071, section 3: splitting at an odd byte", () => {
    // Column "odd" of the table: the same bytes one place on give the sum with its bytes swapped.
    store<u8>(room, 0);
    store<u32>(room, bswap<u32>(0x0001f203), 1);
    store<u32>(room, bswap<u32>(0xf4f5f6f7), 5);
    store<u8>(room, 0, 9);
    expect(checksum(room, 10)).toBe(~0xf2dd & 0xffff);
  });

  test("is the plain sum for every length, alignment and byte", () => {
    seedRandom(1);
    for (let round = 0; round < 4; round++) {
      for (let len = 0; len < 100; len++) {
        for (let at = 0; at < 8; at++) {
          randomBytes(room, len + 8);
          // Many ones make many carries.
          if (round == 1) memory.fill(room, 0xff, len + 8);
          if (round == 2) for (let i = 0; i < len; i += 1 + random(9)) store<u8>(room + i, 0xff);
          const right = naiveChecksum(room + at, len);
          if (checksum(room + at, len) != right) throw new Error(`length ${len} at ${at}`);
        }
      }
    }
    randomBytes(room, 1500);
    expect(checksum(room, 1500)).toBe(naiveChecksum(room, 1500));
  });

  test("RFC 8200, 8.1: the pseudo-header", () => {
    seedRandom(2);
    for (let i = 0; i < 1000; i++) {
      randomBytes(room, 32);
      const len = random(1500);
      store<u32>(room, bswap<u32>(len), 32);
      store<u32>(room, bswap<u32>(58), 36);
      const right = naiveChecksum(room, 40);
      if (checksum(room, 0, pseudoHeader(room, room + 16, len)) != right) throw new Error(`${i}`);
    }
  });
});

/** The authors' reference values: of no byte, 00, 00 01, 00 01 02 ... under the key 00 01 .. 0f. */
// prettier-ignore
const siphash: usize = memory.data<u64>([
  0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
  0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
  0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
  0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
  0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
  0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
  0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
  0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
  0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
  0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
  0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
  0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
  0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
  0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
  0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
  0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
]);

describe("icmp/token", () => {
  test("gives the reference values of SipHash-2-4", () => {
    setReferenceKey();
    for (let i = 0; i < 64; i++) store<u8>(room + i, <u8>i);
    for (let len = 0; len < 64; len++) expect(token(room, len)).toBe(load<u64>(siphash + 8 * len));
  });

  test("gives the example of the paper's appendix A", () => {
    setReferenceKey();
    for (let i = 0; i < 15; i++) store<u8>(room + i, <u8>i);
    expect(token(room, 15)).toBe(0xa129ca6149be45e5);
  });

  test("depends on every bit of the key", () => {
    setReferenceKey();
    const right = token(room, 40);
    for (let bit = 0; bit < 64; bit++) {
      setKey(0x0706050403020100 ^ ((<u64>1) << bit), 0x0f0e0d0c0b0a0908);
      expect(token(room, 40) != right).toBe(true);
      setKey(0x0706050403020100, 0x0f0e0d0c0b0a0908 ^ ((<u64>1) << bit));
      expect(token(room, 40) != right).toBe(true);
    }
  });
});

describe("icmp/slot", () => {
  test("lies as the host expects", () => {
    const slot = changetype<usize>(sendSlot(4, 1));
    const echo = sendSlot(4, 1);
    echo.family = 2;
    echo.length = 64;
    echo.ifindex = 3;
    expect(<i32>load<u16>(slot)).toBe(2);
    expect(load<u32>(slot, 4)).toBe(64);
    expect(load<u32>(slot, 8)).toBe(3);
    expect(echo.peer).toBe(slot + 16);
    expect(echo.source).toBe(slot + 32);
    expect(echo.message).toBe(slot + 64);
    expect(slot).toBe(sendSlots(4) + SLOT_BYTES);
    expect(changetype<usize>(receiveSlot(BATCH - 1))).toBe(receiveSlots() + 63 * SLOT_BYTES);
  });

  test("has room for the largest echo behind the longest IPv4 header", () => {
    expect(MAX_IPV4_HEADER_BYTES + MAX_ECHO_BYTES <= MAX_MESSAGE_BYTES).toBe(true);
  });
});

/** Forgets the last accepted reply. */
function forget(): void {
  reply.vpn = -1;
  reply.target = -1;
  reply.seq = 0;
  reply.sent_ms = -1;
}

function expectUsualReply(): void {
  expect(reply.vpn).toBe(VPN);
  expect(reply.target).toBe(TARGET);
  expect(reply.seq).toBe(SEQ);
  expect(reply.sent_ms).toBe(SENT);
}

function acceptsAnswers(version: i32): void {
  begin(version);
  for (let size = MIN_ECHO_BYTES; size <= MAX_ECHO_BYTES; size++) {
    const slot = roundTrip(version, size);
    forget();
    if (!parseReply(slot, version)) throw new Error(`${size} bytes`);
    if (reply.vpn != VPN || reply.sent_ms != SENT) throw new Error(`${size} bytes`);
  }
  expectUsualReply();
}

function keepsExtremes(version: i32): void {
  begin(version);
  const echo = sendSlot(version, 7);
  for (let i = 0; i < 2; i++) {
    const ones = i == 1;
    buildEcho(
      echo,
      source,
      destination,
      ones ? i32.MAX_VALUE : 0,
      ones ? 0xffff : 0,
      ones ? u32.MAX_VALUE : 0,
      ones ? i64.MAX_VALUE : 0,
      64,
    );
    answer(echo, version, receiveSlot(7));
    expect(parseReply(receiveSlot(7), version)).toBe(true);
    expect(reply.vpn).toBe(ones ? i32.MAX_VALUE : 0);
    expect(reply.target).toBe(ones ? 0xffff : 0);
    expect(reply.seq).toBe(ones ? u32.MAX_VALUE : 0);
    expect(reply.sent_ms).toBe(ones ? i64.MAX_VALUE : 0);
  }
}

/** Every bit of the message, save those of ICMPv6's checksum, which the kernel checks. */
function refusesFlippedBits(version: i32, size: i32): void {
  begin(version);
  const slot = roundTrip(version, size);
  const message = slot.message + headerBytes(version);
  forget();
  for (let bit = 0; bit < 8 * size; bit++) {
    const at = bit >> 3;
    if (version == 6 && (at == 2 || at == 3)) continue;
    flip(message, bit);
    if (parseReply(slot, version)) throw new Error(`bit ${bit} of the message`);
    flip(message, bit);
  }
  expect(reply.vpn).toBe(-1);
  expect(parseReply(slot, version)).toBe(true);
}

/** The same, by someone who can mend the checksum. */
function refusesForgedBits(version: i32): void {
  begin(version);
  for (let bit = 0; bit < 8 * MIN_ECHO_BYTES; bit++) {
    const at = bit >> 3;
    if (at == 2 || at == 3) continue;
    const slot = roundTrip(version);
    const message = slot.message + headerBytes(version);
    flip(message, bit);
    mendChecksum(slot, version);
    if (parseReply(slot, version)) throw new Error(`bit ${bit} of the message`);
  }
}

function refusesOtherSenders(version: i32): void {
  begin(version);
  const slot = roundTrip(version);
  for (let bit = 0; bit < 8 * ADDRESS_BYTES; bit++) {
    flip(slot.peer, bit);
    if (parseReply(slot, version)) throw new Error(`bit ${bit} of the address`);
    flip(slot.peer, bit);
  }
  expect(parseReply(slot, version)).toBe(true);
}

function refusesOtherLengths(version: i32): void {
  begin(version);
  const slot = roundTrip(version, 100);
  const right = slot.length;
  for (let length = 0; length <= MAX_MESSAGE_BYTES + 100; length++) {
    slot.length = length;
    if (version == 4) storeU16be(slot.message + 2, length);
    if (parseReply(slot, version) != (length == right)) throw new Error(`${length} bytes`);
  }
  slot.length = u32.MAX_VALUE;
  expect(parseReply(slot, version)).toBe(false);
}

function refusesForgeries(version: i32): void {
  begin(version);
  seedRandom(10);
  const slot = roundTrip(version);
  const message = slot.message + headerBytes(version);
  for (let i = 0; i < 20_000; i++) {
    // All is known but the key.
    store<u32>(message + 8, random(VPN));
    store<u64>(message + 32, randomBelow(i64.MAX_VALUE));
    mendChecksum(slot, version);
    if (parseReply(slot, version)) throw new Error(`forgery ${i}`);
  }
}

function refusesRandomBytes(version: i32): void {
  begin(version);
  seedRandom(11);
  const slot = receiveSlot(BATCH - 1);
  for (let i = 0; i < 20_000; i++) {
    slot.length = random(120);
    randomBytes(slot.message, slot.length);
    // So far right that the later checks see it.
    if (version == 4) store<u8>(slot.message, <u8>(0x45 + random(2)));
    if (version == 4) storeU16be(slot.message + 2, slot.length);
    if (version == 4) store<u8>(slot.message, 1, 9);
    storeU16be(slot.message + headerBytes(version), version == 4 ? 0 : 129 << 8);
    storeU16be(slot.message + headerBytes(version) + 4, IDENTIFIER);
    if (parseReply(slot, version)) throw new Error(`random bytes ${i}`);
  }
}

function refusesMutations(version: i32): void {
  begin(version);
  seedRandom(12);
  const whole = roundTrip(version, 80);
  const slot = receiveSlot(1);
  const from = headerBytes(version);
  for (let i = 0; i < 20_000; i++) {
    memory.copy(changetype<usize>(slot), changetype<usize>(whole), 256);
    for (let n = 1 + random(4); n > 0; n--) mutate(slot.message + from + 4, 76);
    mendChecksum(slot, version);
    if (!parseReply(slot, version)) continue;
    // Two mutations may undo each other.
    const same = memory.compare(slot.message + from + 4, whole.message + from + 4, 76) == 0;
    if (!same) throw new Error(`mutation ${i}`);
  }
}

describe("icmp/echo, both families", () => {
  test("accepts the answer to its echo, of every size", () => {
    acceptsAnswers(4);
    acceptsAnswers(6);
  });

  test("brings back the smallest and the largest numbers", () => {
    keepsExtremes(4);
    keepsExtremes(6);
  });

  test("refuses an answer with any single bit changed", () => {
    refusesFlippedBits(4, MIN_ECHO_BYTES);
    refusesFlippedBits(4, 123);
    refusesFlippedBits(6, MIN_ECHO_BYTES);
    refusesFlippedBits(6, 123);
  });

  test("refuses any single changed bit even where the checksum is mended", () => {
    refusesForgedBits(4);
    refusesForgedBits(6);
  });

  test("refuses an answer from any other address", () => {
    refusesOtherSenders(4);
    refusesOtherSenders(6);
  });

  test("refuses an answer that is longer or shorter", () => {
    refusesOtherLengths(4);
    refusesOtherLengths(6);
  });

  test("refuses forged tokens", () => {
    refusesForgeries(4);
    refusesForgeries(6);
  });

  test("refuses its own echo", () => {
    for (let version = 4; version <= 6; version += 2) {
      begin(version);
      const slot = roundTrip(version);
      memory.copy(slot.message + headerBytes(version), sendSlot(version, 0).message, 64);
      expect(parseReply(slot, version)).toBe(false);
    }
  });

  test("refuses the answer of the other family", () => {
    begin(4);
    expect(parseReply(roundTrip(4), 6)).toBe(false);
    begin(6);
    expect(parseReply(roundTrip(6), 4)).toBe(false);
  });

  test("refuses answers to another process and to the one before it", () => {
    for (let version = 4; version <= 6; version += 2) {
      begin(version);
      const slot = roundTrip(version);
      setIdentifier(IDENTIFIER + 1);
      expect(parseReply(slot, version)).toBe(false);
      setIdentifier(IDENTIFIER);
      setKey(1, 2);
      expect(parseReply(slot, version)).toBe(false);
      setReferenceKey();
      expect(parseReply(slot, version)).toBe(true);
    }
  });

  test("takes any bytes", () => {
    refusesRandomBytes(4);
    refusesRandomBytes(6);
  });

  test("takes any change of right bytes", () => {
    refusesMutations(4);
    refusesMutations(6);
  });
});

describe("icmp/echo, IPv4", () => {
  test("builds what RFC 792 asks for", () => {
    begin(4);
    const echo = sendSlot(4, 0);
    buildEcho(echo, source, destination, VPN, TARGET, SEQ, SENT, 99);
    expect(<i32>echo.family).toBe(2);
    expect(echo.length).toBe(99);
    expect(echo.ifindex).toBe(0);
    expect(memory.compare(echo.peer, destination, 16)).toBe(0);
    expect(memory.compare(echo.source, source, 16)).toBe(0);
    expect(<i32>load<u8>(echo.message)).toBe(8);
    expect(<i32>load<u8>(echo.message, 1)).toBe(0);
    expect(loadU16be(echo.message + 4)).toBe(IDENTIFIER);
    expect(loadU16be(echo.message + 6)).toBe(SEQ & 0xffff);
    expect(naiveChecksum(echo.message, 99)).toBe(0);
  });

  test("steps over IPv4 options", () => {
    begin(4);
    const echo = sendSlot(4, 0);
    buildEcho(echo, source, destination, VPN, TARGET, SEQ, SENT, MAX_ECHO_BYTES);
    for (let options = 0; options <= 40; options += 4) {
      answer(echo, 4, receiveSlot(0), options);
      forget();
      expect(parseReply(receiveSlot(0), 4)).toBe(true);
      expectUsualReply();
    }
  });

  test("refuses a header that is too short to be one", () => {
    begin(4);
    const echo = sendSlot(4, 0);
    buildEcho(echo, source, destination, VPN, TARGET, SEQ, SENT, MIN_ECHO_BYTES);
    for (let missing = 4; missing <= 8; missing += 4) {
      answer(echo, 4, receiveSlot(0), -missing);
      expect(parseReply(receiveSlot(0), 4)).toBe(false);
    }
  });

  test("refuses a header that is none, is not ICMP's or does not fit", () => {
    begin(4);
    const slot = roundTrip(4);
    for (let first = 0; first < 256; first++) {
      store<u8>(slot.message, <u8>first);
      if (parseReply(slot, 4) != (first == 0x45)) throw new Error(`first byte ${first}`);
    }
    store<u8>(slot.message, 0x45);
    for (let protocol = 0; protocol < 256; protocol++) {
      store<u8>(slot.message, <u8>protocol, 9);
      if (parseReply(slot, 4) != (protocol == 1)) throw new Error(`protocol ${protocol}`);
    }
    store<u8>(slot.message, 1, 9);
    for (let bit = 0; bit < 16; bit++) {
      const total = loadU16be(slot.message + 2);
      storeU16be(slot.message + 2, total ^ (1 << bit));
      expect(parseReply(slot, 4)).toBe(false);
      storeU16be(slot.message + 2, total);
    }
    expect(parseReply(slot, 4)).toBe(true);
  });
});

describe("icmp/echo, IPv6", () => {
  test("builds what RFC 4443 asks for, the pseudo-header in the checksum", () => {
    begin(6);
    const echo = sendSlot(6, 0);
    buildEcho(echo, source, destination, VPN, TARGET, SEQ, SENT, 99);
    expect(<i32>echo.family).toBe(10);
    expect(echo.length).toBe(99);
    expect(<i32>load<u8>(echo.message)).toBe(128);
    expect(<i32>load<u8>(echo.message, 1)).toBe(0);
    const addresses = naiveSum(source, 16, naiveSum(destination, 16, 0));
    expect(naiveSum(echo.message, 99, addresses + 99 + 58)).toBe(0xffff);
  });
});
