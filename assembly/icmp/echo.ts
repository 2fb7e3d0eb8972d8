import { isV4 } from "../bytes/address";
import { loadU16be, storeU16be } from "../bytes/slice";
import { MAX_ECHO_BYTES, MIN_ECHO_BYTES } from "../limits";
import { checksum, pseudoHeader } from "./checksum";
import { Family, Slot } from "./slot";
import { token } from "./token";

/**
 * The echo and its reply (RFC 792; RFC 4443, 4.1 and 4.2). The reply brings
 * back all that the engine must know, so nothing is kept for an echo that is
 * out:
 *
 *      0  u8 type, u8 code, u16 checksum, u16 identifier, u16 sequence
 *      8  u32 VPN, u32 round
 *     16  i64 time of sending
 *     24  u32 target, u32 length of this message
 *     32  u64 token over the peer's address and bytes 8 to 31
 *     40  zeros up to the length
 *
 * Only we read the data, so it is in the engine's byte order.
 */
/** Offset of the checksum. */
export const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
/** Offset of what follows ICMP's header. */
export const DATA = 8;
const VPN = DATA;
const SEQ = 12;
const SENT = 16;
const TARGET = 24;
const LENGTH = 28;
/** Offset of the token. */
export const TOKEN = 32;
/** Offset of what follows the token. */
export const PADDING = 40;

const ECHO_V4: u32 = 8;
const ECHO_REPLY_V4: u32 = 0;
const ECHO_V6: u32 = 128;
const ECHO_REPLY_V6: u32 = 129;

/** ICMP's protocol number in the IPv4 header (RFC 791, 3.1). */
const PROTOCOL_ICMP: i32 = 1;
const MIN_IPV4_HEADER_BYTES: i32 = 20;

/** What a reply says of the echo that it answers. */
@unmanaged
class Reply {
  vpn: i32;
  target: i32;
  seq: u32;
  sent_ms: i64;
}

/** The reply that `parseReply` last accepted. */
export const reply: Reply = changetype<Reply>(memory.data(offsetof<Reply>(), 8));

let identifier: u32 = 0;

/** The ICMP identifier of all our echoes: what the kernel's filter lets through to us. */
export function setIdentifier(id: i32): void {
  assert(id > 0 && id <= 0xffff);
  identifier = id;
}

/**
 * Fills a send slot with the echo of round `seq`, `size` bytes with the ICMP
 * header, from `source` to `destination` (both of one family). The padding is
 * not written: in a send slot it is zero from the start and stays so.
 */
export function buildEcho(
  slot: Slot,
  source: usize,
  destination: usize,
  vpn: i32,
  target: i32,
  seq: u32,
  now_ms: i64,
  size: i32,
): void {
  assert(isEchoSize(size));
  const message = beginRequest(slot, source, destination, seq, size);
  store<i32>(message, vpn, VPN);
  store<u32>(message, seq, SEQ);
  store<i64>(message, now_ms, SENT);
  store<i32>(message, target, TARGET);
  store<i32>(message, size, LENGTH);
  store<u64>(message, tokenOf(message, destination), TOKEN);

  // Zeros add nothing to the sum. The kernel computes ICMPv6's once more.
  sealRequest(slot, PADDING);
}

/** Begins an echo request of `size` bytes in a send slot; answers where its ICMP header stands. */
export function beginRequest(
  slot: Slot,
  source: usize,
  destination: usize,
  sequence: u32,
  size: i32,
): usize {
  const v4 = isV4(destination);
  slot.family = <u16>(v4 ? Family.INET : Family.INET6);
  slot.length = size;
  slot.ifindex = 0;
  copyAddress(slot.peer, destination);
  copyAddress(slot.source, source);

  const message = slot.message;
  storeU16be(message, (v4 ? ECHO_V4 : ECHO_V6) << 8);
  store<u16>(message, 0, CHECKSUM);
  storeU16be(message + IDENTIFIER, identifier);
  storeU16be(message + SEQUENCE, sequence);
  return message;
}

/** Puts the checksum in: over `summed` bytes of the message, behind which all is zero. */
export function sealRequest(slot: Slot, summed: i32): void {
  const seed =
    <i32>slot.family == Family.INET ? 0 : pseudoHeader(slot.source, slot.peer, slot.length);
  storeU16be(slot.message + CHECKSUM, checksum(slot.message, summed, seed));
}

/**
 * Whether the received bytes are the reply to an echo of ours, whole and
 * unchanged, from the address that it went to; if so `reply` is filled in.
 * ICMPv6's checksum covers addresses that are not among the bytes: the kernel
 * has checked it (RFC 3542, 3.1).
 */
export function parseReply(slot: Slot, version: i32): bool {
  let message = slot.message;
  let length = <i32>slot.length;
  if (version == 4) {
    const header = ipv4HeaderBytes(message, length);
    if (header == 0) return false;
    message += header;
    length -= header;
  }
  if (!isEchoSize(length)) return false;

  // Type and code, then ours and consistent, then proven, and the costly rest last.
  const seq = load<u32>(message, SEQ);
  if (!isReply(message, version)) return false;
  if (loadU16be(message + SEQUENCE) != (seq & 0xffff)) return false;
  if (load<i32>(message, LENGTH) != length) return false;
  if (load<u64>(message, TOKEN) != tokenOf(message, slot.peer)) return false;
  if (version == 4 && checksum(message, PADDING) != 0) return false;
  if (!isZero(message + PADDING, length - PADDING)) return false;

  reply.vpn = load<i32>(message, VPN);
  reply.target = load<i32>(message, TARGET);
  reply.seq = seq;
  reply.sent_ms = load<i64>(message, SENT);
  return true;
}

/** Whether the ICMP message is by its header the reply to a request of ours. */
export function isReply(message: usize, version: i32): bool {
  const type = version == 4 ? ECHO_REPLY_V4 : ECHO_REPLY_V6;
  return loadU16be(message) == type << 8 && loadU16be(message + IDENTIFIER) == identifier;
}

/** Whether the ICMP message is an echo request by its header. */
export function isRequest(message: usize, version: i32): bool {
  return loadU16be(message) == (version == 4 ? ECHO_V4 : ECHO_V6) << 8;
}

/** Whether an ICMP message of ours, with its header, may be so long. */
export function isEchoSize(length: i32): bool {
  return length >= MIN_ECHO_BYTES && length <= MAX_ECHO_BYTES;
}

/** Length of the IPv4 header in front of a whole ICMP packet, or 0 where it is none. */
export function ipv4HeaderBytes(p: usize, length: i32): i32 {
  if (length < MIN_IPV4_HEADER_BYTES) return 0;
  const version = (<i32>load<u8>(p)) >> 4;
  const header = ((<i32>load<u8>(p)) & 15) * 4;
  const total = <i32>loadU16be(p + 2);
  const protocol = <i32>load<u8>(p, 9);
  if (version != 4 || header < MIN_IPV4_HEADER_BYTES || header > length) return 0;
  return total == length && protocol == PROTOCOL_ICMP ? header : 0;
}

/** What the token is computed over, side by side. */
const vouched: usize = memory.data(16 + TOKEN - VPN, 8);

/** The token that belongs into the message, which went to `peer`. */
export function tokenOf(message: usize, peer: usize): u64 {
  copyAddress(vouched, peer);
  store<u64>(vouched, load<u64>(message, VPN), 16);
  store<u64>(vouched, load<u64>(message, SENT), 24);
  store<u64>(vouched, load<u64>(message, TARGET), 32);
  return token(vouched, 16 + TOKEN - VPN);
}

function copyAddress(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
}

/** Whether all bytes are zero. */
export function isZero(p: usize, len: i32): bool {
  const end = p + len;
  let bits: u64 = 0;
  for (; p + 8 <= end; p += 8) bits |= load<u64>(p);
  for (; p < end; p++) bits |= load<u8>(p);
  return bits == 0;
}
