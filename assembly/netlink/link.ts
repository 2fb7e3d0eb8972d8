/**
 * XFRM interfaces and their addresses in rtnetlink's bytes (Linux's uapi/linux/if_link.h and
 * if_addr.h): what messages say, and requests to make, change and remove them.
 */
import { ADDRESS_BYTES, isV4 } from "../bytes/address";
import { equalText, nameBytes, nameLength } from "../bytes/slice";
import { Builder } from "./builder";
import { attributeBytes, attributeIn, Flag, Message, textBytes, Type } from "./message";
import { AF_INET, AF_INET6 } from "./route";

/** Bytes of ifinfomsg. */
export const LINK_BYTES: i32 = 16;
const LINK_INDEX = 4;
const LINK_FLAGS = 8;
const LINK_CHANGE = 12;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINKINFO: u16 = 18;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_XFRM_IF_ID: u16 = 2;
const IFLA_XFRM_COLLECT_METADATA: u16 = 3;
const IFLA_INET_CONF: u16 = 1;
const IPV4_DEVCONF_RP_FILTER: u16 = 8;
/** The source of a packet must be reachable, by whatever interface (RFC 3704, 2.4). */
const RP_FILTER_LOOSE: u32 = 2;
const IFF_UP: u32 = 0x1;
/** OSPF speaks to its neighbours by multicast, and bird looks whether it may. */
const IFF_UP_MULTICAST: u32 = 0x1 | 0x1000;
const IFF_UP_RUNNING: u32 = 0x1 | 0x40;

/** ifaddrmsg. */
export const ADDRESS_HEAD_BYTES: i32 = 8;
const ADDRESS_PREFIX = 1;
const ADDRESS_INDEX = 4;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/** RFC 2863's ifOperStatus, in Linux's numbers. */
export const enum Oper {
  UNKNOWN = 0,
  DORMANT = 5,
  UP = 6,
}

/** An interface as a NEWLINK tells it. */
@unmanaged
class LinkRead {
  index: u32;
  mtu: u32;
  /** Its XFRM interface ID. */
  if_id: u32;
  is_xfrm: bool;
  /** In external mode: each route says where its packets go. */
  external: bool;
  up: bool;
  /** Up, and with a carrier. */
  running: bool;
  /** Oper. */
  oper: u8;
  /** Of the name, in the message. */
  name_len: i32;
  name: usize;
}

/** The interface that `readLink` has read. */
export const link_read: LinkRead = changetype<LinkRead>(memory.data(32, 8));

/** Takes a NEWLINK or DELLINK into `link_read`; false: it tells of something else. */
export function readLink(message: Message): bool {
  // A DELLINK of AF_BRIDGE is a port that left its bridge.
  if (message.payload_bytes < LINK_BYTES || load<u8>(message.payload) != 0) return false;
  const found = link_read;
  found.index = load<u32>(message.payload, LINK_INDEX);
  found.name = message.attribute(LINK_BYTES, IFLA_IFNAME, 1);
  found.name_len = found.name != 0 ? textBytes(found.name) : 0;
  const flags = load<u32>(message.payload, LINK_FLAGS);
  found.up = (flags & IFF_UP) != 0;
  found.running = (flags & IFF_UP_RUNNING) == IFF_UP_RUNNING;
  const mtu = message.attribute(LINK_BYTES, IFLA_MTU, 4);
  found.mtu = mtu != 0 ? load<u32>(mtu) : 0;
  const oper = message.attribute(LINK_BYTES, IFLA_OPERSTATE, 1);
  found.oper = oper != 0 ? load<u8>(oper) : <u8>Oper.UNKNOWN;
  found.is_xfrm = false;
  found.external = false;
  found.if_id = 0;
  const info = message.attribute(LINK_BYTES, IFLA_LINKINFO, 0);
  if (info != 0) readKind(info);
  return true;
}

function readKind(info: usize): void {
  const kind = attributeIn(info, IFLA_INFO_KIND, 4);
  if (kind == 0 || !equalText(kind, 4, "xfrm")) return;
  const bytes = attributeBytes(kind);
  link_read.is_xfrm = bytes == 4 || (bytes == 5 && load<u8>(kind, 4) == 0);
  const data = attributeIn(info, IFLA_INFO_DATA, 0);
  if (data == 0) return;
  const if_id = attributeIn(data, IFLA_XFRM_IF_ID, 4);
  if (if_id != 0) link_read.if_id = load<u32>(if_id);
  link_read.external = attributeIn(data, IFLA_XFRM_COLLECT_METADATA, 0) != 0;
}

/**
 * Asks for an XFRM interface that is up and takes multicast: with this if_id, or with 0 in external
 * mode. `mtu` 0: the kernel's.
 */
export function buildInterface(b: Builder, seq: u32, name: usize, if_id: u32, mtu: u32): void {
  b.begin(Type.NEWLINK, Flag.REQUEST | Flag.ACK | Flag.CREATE | Flag.EXCL, seq);
  const head = b.fixed(LINK_BYTES);
  store<u32>(head, IFF_UP_MULTICAST, LINK_FLAGS);
  store<u32>(head, IFF_UP_MULTICAST, LINK_CHANGE);
  if (mtu != 0) b.number(IFLA_MTU, mtu);
  b.text(IFLA_IFNAME, nameBytes(name), nameLength(name));
  const info = b.beginNest(IFLA_LINKINFO);
  b.literal(IFLA_INFO_KIND, "xfrm");
  const data = b.beginNest(IFLA_INFO_DATA);
  if (if_id != 0) b.number(IFLA_XFRM_IF_ID, if_id);
  else b.flag(IFLA_XFRM_COLLECT_METADATA);
  b.endNest(data);
  b.endNest(info);
  b.end();
}

/** Asks for a loose reverse path filter: echoes' answers come in while routes are withdrawn. */
export function buildLooseFilter(b: Builder, seq: u32, index: u32): void {
  beginChange(b, seq, index);
  const families = b.beginNest(IFLA_AF_SPEC);
  const inet = b.beginNest(AF_INET);
  const conf = b.beginNest(IFLA_INET_CONF);
  b.number(IPV4_DEVCONF_RP_FILTER, RP_FILTER_LOOSE);
  b.endNest(conf);
  b.endNest(inet);
  b.endNest(families);
  b.end();
}

/** Asks for another MTU. */
export function buildMtu(b: Builder, seq: u32, index: u32, mtu: u32): void {
  beginChange(b, seq, index);
  b.number(IFLA_MTU, mtu);
  b.end();
}

/** Asks for another operational state: with DORMANT packets pass, but IFF_RUNNING is gone. */
export function buildOper(b: Builder, seq: u32, index: u32, oper: Oper): void {
  beginChange(b, seq, index);
  b.byte(IFLA_OPERSTATE, <u8>oper);
  b.end();
}

function beginChange(b: Builder, seq: u32, index: u32): void {
  b.begin(Type.NEWLINK, Flag.REQUEST | Flag.ACK, seq);
  store<u32>(b.fixed(LINK_BYTES), index, LINK_INDEX);
}

/** Asks to remove an interface. */
export function buildRemoval(b: Builder, seq: u32, index: u32): void {
  b.begin(Type.DELLINK, Flag.REQUEST | Flag.ACK, seq);
  store<u32>(b.fixed(LINK_BYTES), index, LINK_INDEX);
  b.end();
}

/** Asks for an address on an interface, or to remove it. */
export function buildAddress(
  b: Builder,
  add: bool,
  seq: u32,
  index: u32,
  address: usize,
  prefix: u32,
): void {
  const v4 = isV4(address);
  if (add) b.begin(Type.NEWADDR, Flag.REQUEST | Flag.ACK | Flag.CREATE | Flag.EXCL, seq);
  else b.begin(Type.DELADDR, Flag.REQUEST | Flag.ACK, seq);
  const head = b.fixed(ADDRESS_HEAD_BYTES);
  store<u8>(head, v4 ? AF_INET : AF_INET6);
  store<u8>(head, <u8>prefix, ADDRESS_PREFIX);
  store<u32>(head, index, ADDRESS_INDEX);
  const bytes = v4 ? 4 : ADDRESS_BYTES;
  const from = address + ADDRESS_BYTES - bytes;
  b.attribute(IFA_LOCAL, from, bytes);
  b.attribute(IFA_ADDRESS, from, bytes);
  b.end();
}
