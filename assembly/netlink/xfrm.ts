/**
 * Questions to the kernel about SAs of IPsec, one by one, and their removal (Linux's
 * uapi/linux/xfrm.h). What GETAE tells of an SA has no keys in it, unlike a dump of them: so no key
 * comes here, nor into a recording.
 */
import { act, Action } from "../action";
import { ADDRESS_BYTES, clear, fromV4, isV4 } from "../bytes/address";
import { loadU32be, storeU32be } from "../bytes/slice";
import { MAX_SA_QUESTIONS } from "../limits";
import { Builder, BUILDER_BYTES, builderAt } from "./builder";
import { align, Flag, hasMessage, HEADER_BYTES, Message, Type } from "./message";

/** nlmsg_type, for this socket. */
const enum XfrmType {
  DELSA = 0x11,
  NEWAE = 0x1e,
  GETAE = 0x1f,
}

// xfrm_usersa_id; an xfrm_aevent_id begins with one.
const ID_BYTES: i32 = 24;
const ID_SPI = 16;
const ID_FAMILY = 20;
const ID_PROTOCOL = 22;
const EVENT_BYTES: i32 = 48;
const EVENT_SOURCE = 24;
/** xfrm_lifetime_cur: bytes, packets, when it was added and first used; the latter since 1970. */
const XFRMA_LTIME_VAL: u16 = 9;
const LIFETIME_BYTES: i32 = 32;
const LIFETIME_PACKETS = 8;
const LIFETIME_ADDED = 16;
const XFRMA_IF_ID: u16 = 31;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

const requests: usize = memory.data(MAX_SA_QUESTIONS * (HEADER_BYTES + EVENT_BYTES), 4);
const builder: Builder = builderAt(memory.data(BUILDER_BYTES));

/** Begins requests that are sent together. */
export function beginSaRequests(): void {
  builder.reset(requests, MAX_SA_QUESTIONS * (HEADER_BYTES + EVENT_BYTES));
}

/** Asks for an SA; `seq` comes back with the answer. */
export function askForSa(seq: u32, destination: usize, spi: u32, protocol: u8): void {
  builder.begin(<Type>XfrmType.GETAE, Flag.REQUEST, seq);
  putId(builder.fixed(EVENT_BYTES), destination, spi, protocol);
  assert(builder.end());
}

/** Has an SA removed. */
export function removeSa(seq: u32, destination: usize, spi: u32, protocol: u8): void {
  builder.begin(<Type>XfrmType.DELSA, Flag.REQUEST | Flag.ACK, seq);
  putId(builder.fixed(ID_BYTES), destination, spi, protocol);
  assert(builder.end());
}

/** Sends what was asked since `beginSaRequests`. */
export function sendSaRequests(): void {
  if (builder.length > 0) act(Action.XFRM_SEND, 0, requests, builder.length);
}

function putId(at: usize, destination: usize, spi: u32, protocol: u8): void {
  const v4 = isV4(destination);
  if (v4) store<u32>(at, load<u32>(destination, 12));
  else memory.copy(at, destination, ADDRESS_BYTES);
  storeU32be(at + ID_SPI, spi);
  store<u16>(at, v4 ? AF_INET : AF_INET6, ID_FAMILY);
  store<u8>(at, protocol, ID_PROTOCOL);
}

/** What the kernel answered to one request. */
@unmanaged
class SaAnswer {
  seq: u32;
  /** As in errno(3); 0 also where an SA was removed. */
  errno: i32;
  /** Whether it tells of an SA: the rest is set only then. */
  told: bool;
  spi: u32;
  /** 0: none. */
  if_id: u32;
  packets: i64;
  /** Seconds since 1970, by the clock as it was. */
  added_s: i64;

  /** Where its packets come from, 16 bytes. */
  get source(): usize {
    return source;
  }
}
const source: usize = memory.data(ADDRESS_BYTES, 8);

/** What `nextSaAnswer` read. */
export const sa_answer: SaAnswer = changetype<SaAnswer>(memory.data(offsetof<SaAnswer>(), 8));

let left: usize = 0;
let left_bytes: i32 = 0;

/** Takes what was read from the socket: whole messages, as the kernel sends them. */
export function openSaAnswers(p: usize, len: i32): void {
  left = p;
  left_bytes = len;
}

/** Reads the next answer into `sa_answer`; false: no more. What is none is passed over. */
export function nextSaAnswer(): bool {
  while (hasMessage(left, left_bytes)) {
    const message = changetype<Message>(left);
    const step = align(<i32>message.length);
    left += step;
    left_bytes -= step;
    if (readAnswer(message)) return true;
  }
  left_bytes = 0;
  return false;
}

function readAnswer(message: Message): bool {
  const p = message.payload;
  memory.fill(changetype<usize>(sa_answer), 0, offsetof<SaAnswer>());
  clear(source);
  sa_answer.seq = message.seq;
  if (message.type == <u16>Type.ERROR) {
    if (message.payload_bytes < 4) return false;
    const value = load<i32>(p);
    sa_answer.errno = value == 0 ? 0 : max(-value, 1);
    return true;
  }
  if (message.type != <u16>XfrmType.NEWAE || message.payload_bytes < EVENT_BYTES) return false;
  const lifetime = message.attribute(EVENT_BYTES, XFRMA_LTIME_VAL, LIFETIME_BYTES);
  if (lifetime == 0) return false;
  const if_id = message.attribute(EVENT_BYTES, XFRMA_IF_ID, 4);
  sa_answer.told = true;
  sa_answer.spi = loadU32be(p + ID_SPI);
  sa_answer.if_id = if_id == 0 ? 0 : load<u32>(if_id);
  sa_answer.packets = load<i64>(lifetime, LIFETIME_PACKETS);
  sa_answer.added_s = load<i64>(lifetime, LIFETIME_ADDED);
  if (load<u16>(p, ID_FAMILY) == AF_INET) fromV4(p + EVENT_SOURCE, source);
  else memory.copy(source, p + EVENT_SOURCE, ADDRESS_BYTES);
  return true;
}
