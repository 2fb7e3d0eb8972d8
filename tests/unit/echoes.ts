/** Echoes and their answers, for the specs of icmp/. */
import { ADDRESS_BYTES, parseAddress } from "../../assembly/bytes/address";
import { storeU16be } from "../../assembly/bytes/slice";
import { checksum, pseudoHeader } from "../../assembly/icmp/checksum";
import { buildEcho, setIdentifier } from "../../assembly/icmp/echo";
import { receiveSlot, sendSlot, Slot, SLOT_BYTES } from "../../assembly/icmp/slot";
import { setKey } from "../../assembly/icmp/token";
import { MIN_ECHO_BYTES } from "../../assembly/limits";
import { put } from "./hostile";

/** The key of SipHash's reference values. */
export function setReferenceKey(): void {
  setKey(0x0706050403020100, 0x0f0e0d0c0b0a0908);
}

export const source: usize = memory.data(ADDRESS_BYTES, 8);
export const destination: usize = memory.data(ADDRESS_BYTES, 8);
export const IDENTIFIER = 0xbeef;

/** What the specs send, unless they say otherwise. */
export const VPN = 99_999;
export const TARGET = 3;
export const SEQ: u32 = 0xfedc_ba98;
export const SENT: i64 = 0x0123_4567_89ab;

export function begin(version: i32): void {
  setReferenceKey();
  setIdentifier(IDENTIFIER);
  const from = version == 4 ? "10.1.0.1" : "2001:db8:1::1";
  const to = version == 4 ? "10.2.0.10" : "2001:db8:2::10";
  parseAddress(put(from), from.length, source);
  parseAddress(put(to), to.length, destination);
}

/** Offset of the ICMP message in what is received. */
export function headerBytes(version: i32): i32 {
  return version == 4 ? 20 : 0;
}

/**
 * Answers the echo as its target would (RFC 792, RFC 4443: another type, the checksum mended, all
 * else as it came) into the slot, as the kernel would deliver it.
 */
export function answer(echo: Slot, version: i32, into: Slot, options: i32 = 0): void {
  const size = <i32>echo.length;
  const header = version == 4 ? headerBytes(version) + options : 0;
  const p = into.message;
  memory.fill(changetype<usize>(into), 0, SLOT_BYTES);
  memory.copy(into.peer, echo.peer, ADDRESS_BYTES);
  into.length = header + size;
  if (version == 4) {
    store<u8>(p, <u8>(0x40 | (header >> 2)));
    storeU16be(p + 2, header + size);
    store<u8>(p, 64, 8);
    store<u8>(p, 1, 9);
    memory.copy(p + 12, echo.peer + 12, 4);
    memory.copy(p + 16, echo.source + 12, 4);
    storeU16be(p + 10, checksum(p, header));
  }
  const message = p + header;
  memory.copy(message, echo.message, size);
  storeU16be(message, version == 4 ? 0 : 129 << 8);
  storeU16be(message + 2, 0);
  const seed = version == 4 ? 0 : pseudoHeader(echo.peer, echo.source, size);
  storeU16be(message + 2, checksum(message, size, seed));
}

/** Sends the usual echo and has it answered into receive slot 0. */
export function roundTrip(version: i32, size: i32 = MIN_ECHO_BYTES): Slot {
  const echo = sendSlot(version, 0);
  buildEcho(echo, source, destination, VPN, TARGET, SEQ, SENT, size);
  const slot = receiveSlot(0);
  answer(echo, version, slot);
  return slot;
}

/** Makes the ICMPv4 checksum right again: for forgeries that it would give away otherwise. */
export function mendChecksum(slot: Slot, version: i32): void {
  if (version != 4) return;
  const message = slot.message + headerBytes(4);
  storeU16be(message + 2, 0);
  storeU16be(message + 2, checksum(message, <i32>slot.length - headerBytes(4)));
}
