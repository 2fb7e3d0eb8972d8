import { storeU16be } from "../../assembly/bytes/slice";
import { conceal, reveal } from "../../assembly/icmp/conceal";
import { buildEcho, parseReply, reply } from "../../assembly/icmp/echo";
import {
  clearSlot,
  clearSlots,
  receiveSlot,
  receiveSlots,
  sendSlot,
  sendSlots,
} from "../../assembly/icmp/slot";
import { Slot, SLOT_BYTES, wipeSlots } from "../../assembly/icmp/slot";
import { keyAddress, setKey } from "../../assembly/icmp/token";
import { MAX_CLEAR_ECHOES, MAX_ECHO_BYTES, MIN_ECHO_BYTES } from "../../assembly/limits";
import { seedRandom } from "../../assembly/random";
import {
  begin,
  destination,
  headerBytes,
  mendChecksum,
  roundTrip,
  SENT,
  SEQ,
  source,
  TARGET,
  VPN,
} from "./echoes";
import { mutate, random, randomBytes } from "./hostile";

const kept: usize = memory.data(SLOT_BYTES, 8);

/** The token under the key that the specs use. */
let secret: u64 = 0;

function keep(slot: Slot): void {
  memory.copy(kept, changetype<usize>(slot), SLOT_BYTES);
}

function isKept(slot: Slot): bool {
  return memory.compare(kept, changetype<usize>(slot), SLOT_BYTES) == 0;
}

function takeSecret(slot: Slot, version: i32): void {
  secret = load<u64>(slot.message + headerBytes(version), 32);
}

/** Whether four bytes of the token, side by side, stand anywhere in the slot. */
function betrays(slot: Slot): bool {
  for (let at = 0; at + 4 <= SLOT_BYTES; at++) {
    const bytes = load<u32>(changetype<usize>(slot) + at);
    for (let i = 0; i <= 4; i++) if (bytes == <u32>(secret >> (8 * i))) return true;
  }
  return false;
}

function otherKey(): void {
  setKey(0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00);
}

/** A right answer is hidden, and is right again under any key. */
function hidesAnswers(version: i32): void {
  for (let size = MIN_ECHO_BYTES; size <= MAX_ECHO_BYTES; size += 7) {
    begin(version);
    const slot = roundTrip(version, size);
    takeSecret(slot, version);
    conceal(receiveSlots(), version, 1);
    if (betrays(slot) || parseReply(slot, version)) throw new Error(`${size} bytes`);
    keep(slot);
    conceal(receiveSlots(), version, 0);
    expect(isKept(slot)).toBe(true);
    otherKey();
    reveal(receiveSlots(), version, 1);
    reply.seq = 0;
    if (!parseReply(slot, version)) throw new Error(`${size} bytes`);
    expect(reply.vpn).toBe(VPN);
    expect(reply.seq).toBe(SEQ);
    expect(reply.sent_ms).toBe(SENT);
    conceal(receiveSlots(), version, 1);
    if (!isKept(slot)) throw new Error(`${size} bytes`);
  }
}

/** An echo goes out as if nobody had looked. */
function leavesEchoes(version: i32, slots: usize, slot: Slot): void {
  for (let size = MIN_ECHO_BYTES; size <= MAX_ECHO_BYTES; size += 7) {
    begin(version);
    buildEcho(slot, source, destination, VPN, TARGET, SEQ, SENT, size);
    secret = load<u64>(slot.message, 32);
    keep(slot);
    conceal(slots, version, 2);
    if (betrays(slot) || isKept(slot)) throw new Error(`${size} bytes`);
    reveal(slots, version, 2);
    if (!isKept(slot)) throw new Error(`${size} bytes`);
  }
}

/** Whatever a stranger sends: the verdict is the same afterwards, and nothing is betrayed. */
function keepsVerdicts(version: i32): void {
  begin(version);
  seedRandom(20);
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const slot = roundTrip(version, 64 + random(40));
    takeSecret(slot, version);
    const length = <i32>slot.length;
    // Not the peer's address: it decides what the right token is.
    for (let n = random(4); n > 0; n--) mutate(slot.message, length);
    if (random(2) == 0) mendChecksum(slot, version);
    if (random(4) == 0) slot.length = random(length + 20);
    if (random(2) == 0 && version == 4) storeU16be(slot.message + 2, slot.length);
    const accepted = parseReply(slot, version);
    if (!accepted) refused++;
    conceal(receiveSlots(), version, 1);
    keep(slot);
    if (i & 1) otherKey();
    reveal(receiveSlots(), version, 1);
    if (parseReply(slot, version) != accepted) throw new Error(`reply ${i}`);
    conceal(receiveSlots(), version, 1);
    if (!isKept(slot)) throw new Error(`reply ${i}`);
    if (i & 1) begin(version);
  }
  expect(refused > 5_000 && refused < 19_000).toBe(true);
}

/** What is left of an echo of ours that was cut off on its way. */
function hidesScraps(version: i32): void {
  begin(version);
  for (let length = 0; length < 64; length++) {
    const slot = roundTrip(version);
    takeSecret(slot, version);
    slot.length = length + headerBytes(version);
    memory.fill(slot.message + slot.length, 0, 200);
    if (version == 4) storeU16be(slot.message + 2, slot.length);
    conceal(receiveSlots(), version, 1);
    if (betrays(slot)) throw new Error(`${length} bytes`);
  }
}

describe("icmp/conceal", () => {
  test("hides the token of an answer, which is right again under any key", () => {
    hidesAnswers(4);
    hidesAnswers(6);
  });

  test("leaves an echo on its way out as it was", () => {
    leavesEchoes(4, sendSlots(4), sendSlot(4, 1));
    leavesEchoes(6, sendSlots(6), sendSlot(6, 1));
  });

  it("does the same for echoes that the doctor sends in the clear", () => {
    leavesEchoes(4, clearSlots(4), clearSlot(4, 1));
    leavesEchoes(6, clearSlots(6), clearSlot(6, 1));
  });

  test("keeps the verdict on whatever comes", () => {
    keepsVerdicts(4);
    keepsVerdicts(6);
  });

  test("hides the token of an echo that was cut off, and behind a wrong IPv4 header", () => {
    hidesScraps(4);
    hidesScraps(6);
    begin(4);
    const slot = roundTrip(4);
    takeSecret(slot, 4);
    store<u8>(slot.message, 0x46);
    conceal(receiveSlots(), 4, 1);
    expect(betrays(slot)).toBe(false);
    expect(parseReply(slot, 4)).toBe(false);
  });

  test("hides what a target writes into the padding", () => {
    begin(4);
    const slot = roundTrip(4, 200);
    takeSecret(slot, 4);
    store<u64>(slot.message + 20, secret, 100);
    conceal(receiveSlots(), 4, 1);
    expect(betrays(slot)).toBe(false);
    reveal(receiveSlots(), 4, 1);
    expect(parseReply(slot, 4)).toBe(false);
  });

  test("takes any bytes of any length", () => {
    seedRandom(21);
    for (let i = 0; i < 20_000; i++) {
      const slot = receiveSlot(0);
      randomBytes(changetype<usize>(slot), 200);
      if (i & 1) slot.length = random(1500);
      conceal(receiveSlots(), i & 2 ? 4 : 6, 1);
      reveal(receiveSlots(), i & 2 ? 4 : 6, 1);
    }
  });
});

describe("what a snapshot leaves out", () => {
  test("the key has its place, and no other", () => {
    setKey(0x0102_0304_0506_0708, 0x1112_1314_1516_1718);
    expect(load<u64>(keyAddress())).toBe(0x0102_0304_0506_0708);
    expect(load<u64>(keyAddress(), 8)).toBe(0x1112_1314_1516_1718);
  });

  test("slots are cleared", () => {
    for (let i = 0; i < 64; i++) {
      randomBytes(changetype<usize>(receiveSlot(i)), SLOT_BYTES);
      randomBytes(changetype<usize>(sendSlot(4, i)), SLOT_BYTES);
      randomBytes(changetype<usize>(sendSlot(6, i)), SLOT_BYTES);
    }
    for (let i = 0; i < MAX_CLEAR_ECHOES; i++) {
      randomBytes(changetype<usize>(clearSlot(4, i)), SLOT_BYTES);
      randomBytes(changetype<usize>(clearSlot(6, i)), SLOT_BYTES);
    }
    wipeSlots();
    for (let at = 0; at < MAX_CLEAR_ECHOES * SLOT_BYTES; at++) {
      const bytes = load<u8>(clearSlots(4) + at) | load<u8>(clearSlots(6) + at);
      if (bytes != 0) throw new Error(`byte ${at} in the clear`);
    }
    for (let at = 0; at < 64 * SLOT_BYTES; at++) {
      const bytes = load<u8>(receiveSlots() + at) | load<u8>(sendSlots(4) + at);
      if ((bytes | load<u8>(sendSlots(6) + at)) != 0) throw new Error(`byte ${at}`);
    }
  });
});
