import { act, Action } from "../action";
import { ADDRESS_BYTES, fromV4 } from "../bytes/address";
import { MAX_INTERFACE_BYTES } from "../limits";
import {
  beginDump,
  Change,
  endAddressDump,
  endInterfaceDump,
  removeAddress,
  removeInterface,
  setAddress,
  setInterface,
} from "./interfaces";
import { isLookup, takeLookup } from "./lookup";
import { ADDRESS_HEAD_BYTES, LINK_BYTES, link_read, readLink } from "./link";
import { align, Flag, hasMessage, HEADER_BYTES, Message, Type } from "./message";
import {
  AF_INET,
  AF_INET6,
  ROUTE_BYTES,
  ROUTE_PROTOCOL,
  ROUTE_TYPE,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTPROT_REKEYD,
  tableOf,
} from "./route";

/**
 * The conversation with the kernel's routing socket: first everything is
 * dumped, interfaces and then their addresses; from then on the kernel tells
 * of every change. Where it lost some of them (`startDump` after ENOBUFS),
 * the dump is compared with what was known.
 */

const ADDRESS_PREFIX = 1;
const ADDRESS_FLAGS = 2;
const ADDRESS_SCOPE = 3;
const ADDRESS_INDEX = 4;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFA_F_SECONDARY: u32 = 0x01;
const IFA_F_OPTIMISTIC: u32 = 0x04;
const IFA_F_DADFAILED: u32 = 0x08;
const IFA_F_DEPRECATED: u32 = 0x20;
const IFA_F_TENTATIVE: u32 = 0x40;

const EBUSY: i32 = 16;

/**
 * The request: a header, and an ifinfomsg or ifaddrmsg of zeros (every family, every interface).
 */
const request: Message = changetype<Message>(memory.data(HEADER_BYTES + LINK_BYTES, 8));
/** Number of the dump under way. */
let seq: u32 = 0;
/** What it dumps: GETLINK or GETADDR; 0 when none is under way. */
let dumping: i32 = 0;
/** It has gaps. */
let interrupted: bool = false;
/** The kernel refused it: an older one is still under way. */
let refused: bool = false;
/** It is yet to be asked for. */
let requested: bool = false;
/** A dump has been complete: what is new from now on has come up. */
let complete: bool = false;

/** Asks the kernel for all interfaces, and then for all addresses. */
export function startDump(): void {
  beginAnew();
  sendRequest();
}

/** Whether one is under way: what is known may be out of date. */
export function isDumping(): bool {
  return dumping != 0;
}

function beginAnew(): void {
  beginDump();
  requestDump(Type.GETLINK);
}

/**
 * Takes what was read from the socket: whole messages, as the kernel sends them. Returns bits of
 * Change.
 */
export function netlinkBytes(p: usize, len: i32): i32 {
  let change = 0;
  while (hasMessage(p, len)) {
    const message = changetype<Message>(p);
    change |= take(message);
    const step = align(<i32>message.length);
    p += step;
    len -= step;
  }
  if (requested) sendRequest();
  return complete ? change : change & ~Change.CAME_UP;
}

function take(message: Message): i32 {
  if (isLookup(message.seq)) {
    takeLookup(message);
    return Change.NONE;
  }
  if (message.seq == seq && (message.flags & Flag.DUMP_INTR) != 0) interrupted = true;
  switch (<i32>message.type) {
    case Type.NEWLINK:
    case Type.DELLINK:
      return takeLink(message);
    case Type.NEWADDR:
    case Type.DELADDR:
      return takeAddress(message);
    case Type.NEWROUTE:
      return takeRoute(message);
    case Type.DONE:
      return takeDone(message);
    case Type.ERROR:
      takeError(message);
      return Change.NONE;
    case Type.OVERRUN:
      beginAnew();
      return Change.NONE;
    default:
      return Change.NONE;
  }
}

function takeLink(message: Message): i32 {
  if (!readLink(message)) return Change.NONE;
  const link = link_read;
  if (message.type == Type.DELLINK) return removeInterface(link.index);
  if (link.name_len == 0 || link.name_len > MAX_INTERFACE_BYTES) return Change.NONE;
  const change = setInterface(link.index, link.name, link.name_len, link.running);
  // The way to a peer does not lead through a tunnel.
  return link.is_xfrm ? change & ~Change.CAME_UP : change;
}

const address: usize = memory.data(ADDRESS_BYTES, 8);

function takeAddress(message: Message): i32 {
  if (message.payload_bytes < ADDRESS_HEAD_BYTES) return Change.NONE;
  const p = message.payload;
  const family = load<u8>(p);
  if (family != AF_INET && family != AF_INET6) return Change.NONE;
  // Of a point-to-point link IFA_ADDRESS is the other end.
  const bytes = family == AF_INET ? 4 : 16;
  let own = message.attribute(ADDRESS_HEAD_BYTES, IFA_LOCAL, bytes);
  if (own == 0) own = message.attribute(ADDRESS_HEAD_BYTES, IFA_ADDRESS, bytes);
  if (own == 0) return Change.NONE;
  if (family == AF_INET) fromV4(own, address);
  else memory.copy(address, own, ADDRESS_BYTES);

  const index = load<u32>(p, ADDRESS_INDEX);
  const prefix = <u32>load<u8>(p, ADDRESS_PREFIX);
  const scope = <u32>load<u8>(p, ADDRESS_SCOPE);
  const wide = message.attribute(ADDRESS_HEAD_BYTES, IFA_FLAGS, 4);
  const flags = wide != 0 ? load<u32>(wide) : <u32>load<u8>(p, ADDRESS_FLAGS);
  if (message.type == Type.DELADDR || !usable(flags)) return removeAddress(index, address, prefix);
  return setAddress(index, address, prefix, rank(scope, flags));
}

/** Whether duplicate address detection allows the address as a source (RFC 4862, 5.4; RFC 4429). */
function usable(flags: u32): bool {
  if ((flags & IFA_F_DADFAILED) != 0) return false;
  return (flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0;
}

/** Global scope first, then not deprecated, then not secondary (or, in IPv6, not temporary). */
function rank(scope: u32, flags: u32): u32 {
  const deprecated: u32 = (flags & IFA_F_DEPRECATED) != 0 ? 2 : 0;
  const secondary: u32 = (flags & IFA_F_SECONDARY) != 0 ? 1 : 0;
  return (scope << 2) | deprecated | secondary;
}

/**
 * A new route of the main table may be the way back to a peer. Other tables, among them
 * strongSwan's own, are not, nor is a route of ours into a tunnel.
 */
function takeRoute(message: Message): i32 {
  if (message.payload_bytes < ROUTE_BYTES) return Change.NONE;
  const p = message.payload;
  if (load<u8>(p, ROUTE_PROTOCOL) == RTPROT_REKEYD) return Change.NONE;
  const reaches = tableOf(message) == RT_TABLE_MAIN && load<u8>(p, ROUTE_TYPE) == RTN_UNICAST;
  return reaches ? Change.CAME_UP : Change.NONE;
}

function takeDone(message: Message): i32 {
  if (message.seq != seq) {
    // The end of the older dump that ours had to wait for.
    if (refused) beginAnew();
    return Change.NONE;
  }
  if (dumping == 0 || requested) return Change.NONE;
  if (interrupted) {
    requestDump(dumping);
    return Change.NONE;
  }
  if (dumping == Type.GETLINK) {
    const change = endInterfaceDump();
    requestDump(Type.GETADDR);
    return change;
  }
  dumping = 0;
  complete = true;
  return endAddressDump();
}

function takeError(message: Message): void {
  if (message.payload_bytes < 4 || message.seq != seq) return;
  if (load<i32>(message.payload) == -EBUSY) refused = true;
}

function requestDump(type: i32): void {
  seq++;
  dumping = type;
  interrupted = false;
  refused = false;
  requested = true;
}

/** Sends what was asked for last: the request's bytes must stay as they are until it is sent. */
function sendRequest(): void {
  requested = false;
  request.length = HEADER_BYTES + (dumping == Type.GETLINK ? LINK_BYTES : ADDRESS_HEAD_BYTES);
  request.type = <u16>dumping;
  request.flags = <u16>(Flag.REQUEST | Flag.DUMP);
  request.seq = seq;
  act(Action.NETLINK_SEND, 0, changetype<usize>(request), request.length);
}
