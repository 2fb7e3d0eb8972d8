/**
 * The bytes of rtnetlink (Linux's uapi/linux/netlink.h and rtnetlink.h): one
 * message at a time, and its attributes. In the machine's byte order, which is
 * little-endian wherever the engine runs. Lengths are checked here, once, for
 * all readers.
 */

/** nlmsg_type: those that are sent or read. */
export const enum Type {
  ERROR = 2,
  DONE = 3,
  OVERRUN = 4,
  NEWLINK = 16,
  DELLINK = 17,
  GETLINK = 18,
  NEWADDR = 20,
  DELADDR = 21,
  GETADDR = 22,
  NEWROUTE = 24,
  DELROUTE = 25,
  GETROUTE = 26,
  NEWRULE = 32,
  DELRULE = 33,
  GETRULE = 34,
}

/** nlmsg_flags. */
export const enum Flag {
  REQUEST = 0x1,
  /** An answer is wanted also where all went well: an ERROR of 0. */
  ACK = 0x4,
  /** The table changed while it was dumped: the dump may have gaps. */
  DUMP_INTR = 0x10,
  /** In a request: NLM_F_ROOT | NLM_F_MATCH. */
  DUMP = 0x300,
  /** It took the place of what was there. */
  REPLACE = 0x100,
  /** Refused where it is there already ... */
  EXCL = 0x200,
  /** ... and made where it is not. */
  CREATE = 0x400,
}

/** Bytes of a message's header (nlmsghdr). */
export const HEADER_BYTES: i32 = 16;
const ATTRIBUTE_HEADER_BYTES: i32 = 4;
/** The type without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK: u16 = 0x3fff;

/** The message at the head of what is left to read. */
@unmanaged
export class Message {
  length: u32;
  type: u16;
  flags: u16;
  seq: u32;
  /** Netlink's port, Linux's `nlmsg_pid`. */
  port: u32;

  get payload(): usize {
    return changetype<usize>(this) + HEADER_BYTES;
  }
  get payload_bytes(): i32 {
    return <i32>this.length - HEADER_BYTES;
  }

  /**
   * Payload of the first attribute of `type` with at least `least` bytes,
   * behind a fixed part of `fixed` bytes; 0 where there is none.
   */
  attribute(fixed: i32, type: u16, least: i32): usize {
    return findAttribute(this.payload + fixed, this.payload + this.payload_bytes, type, least);
  }
}

/** The same among the attributes that the one with `payload` holds. */
export function attributeIn(payload: usize, type: u16, least: i32): usize {
  return findAttribute(payload, payload + attributeBytes(payload), type, least);
}

function findAttribute(from: usize, end: usize, type: u16, least: i32): usize {
  let at = from;
  while (at + ATTRIBUTE_HEADER_BYTES <= end) {
    const length = <i32>load<u16>(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) break;
    const payload = at + ATTRIBUTE_HEADER_BYTES;
    const found = load<u16>(at, 2) & TYPE_MASK;
    if (found == type && length - ATTRIBUTE_HEADER_BYTES >= least) return payload;
    at += align(length);
  }
  return 0;
}

/** Length of an attribute's payload as `Message.attribute` found it. */
export function attributeBytes(payload: usize): i32 {
  return <i32>load<u16>(payload - ATTRIBUTE_HEADER_BYTES) - ATTRIBUTE_HEADER_BYTES;
}

/** Length of the text in an attribute, without the zero that ends it. */
export function textBytes(payload: usize): i32 {
  const room = attributeBytes(payload);
  let len = 0;
  while (len < room && load<u8>(payload + len) != 0) len++;
  return len;
}

/** Whether a whole message stands at `p`. */
export function hasMessage(p: usize, len: i32): bool {
  if (len < HEADER_BYTES) return false;
  const length = load<u32>(p);
  return length >= <u32>HEADER_BYTES && length <= <u32>len;
}

/** Bytes from one message or attribute to the next (NLMSG_ALIGN, RTA_ALIGN). */
export function align(length: i32): i32 {
  return (length + 3) & ~3;
}
