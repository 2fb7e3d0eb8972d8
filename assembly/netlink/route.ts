/**
 * Routes and rules of policy routing in rtnetlink's bytes (Linux's uapi/linux/rtnetlink.h,
 * fib_rules.h and lwtunnel.h): what messages say, and requests to change them.
 */
import { ADDRESS_BYTES, clear, fromV4, isV4 } from "../bytes/address";
import { nameBytes, nameLength } from "../bytes/slice";
import { Builder, NESTED } from "./builder";
import { attributeIn, Flag, Message, textBytes, Type } from "./message";

export const AF_INET: u8 = 2;
export const AF_INET6: u8 = 10;

/** Bytes of rtmsg, and of fib_rule_hdr, which has its shape. */
export const ROUTE_BYTES: i32 = 12;
const DESTINATION_BITS = 1;
const ROUTE_TABLE = 4;
export const ROUTE_PROTOCOL = 5;
const ROUTE_SCOPE = 6;
export const ROUTE_TYPE = 7;
export const ROUTE_FLAGS = 8;

export const RTA_DST: u16 = 1;
export const RTA_SRC: u16 = 2;
export const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_MULTIPATH: u16 = 9;
export const RTA_TABLE: u16 = 15;
export const RTA_MARK: u16 = 16;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const LWTUNNEL_ENCAP_XFRM: u16 = 10;
const LWT_XFRM_IF_ID: u16 = 1;

export const RTN_UNICAST: u8 = 1;
export const RTN_LOCAL: u8 = 2;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
/** In a request to delete: whatever scope it has. */
const RT_SCOPE_NOWHERE: u8 = 255;
const RT_TABLE_UNSPEC: u8 = 0;
export const RT_TABLE_MAIN: u32 = 254;
const RTM_F_CLONED: u32 = 0x200;
/** The reply to a lookup names the table that the route is really in. */
export const RTM_F_LOOKUP_TABLE: u32 = 0x1000;

export const FRA_PRIORITY: u16 = 6;
export const FRA_FWMARK: u16 = 10;
export const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_PROTOCOL: u16 = 21;
/** The action of a rule stands where a route has its type: 1 is `lookup TABLE`. */
export const FR_ACT_TO_TBL: u8 = 1;

/** Who made a route or rule (rtm_protocol, FRA_PROTOCOL): what has another one is not ours. */
export const RTPROT_REKEYD: u8 = 114;

/** IPv6 takes this metric where a route is given none (IP6_RT_PRIO_USER). */
const DEFAULT_V6_METRIC: u32 = 1024;

/** A unicast route as a message tells it. */
@unmanaged
class RouteRead {
  // The network's address takes the first 16 bytes.
  private target0: u64;
  private target1: u64;
  prefix: u32;
  table: u32;
  metric: u32;
  /** 0: through several interfaces, or none. */
  ifindex: u32;
  /** Where its packets go on an XFRM interface in external mode; 0: it does not say. */
  if_id: u32;
  protocol: u8;
  /** It has a gateway or several ways, as none of ours. */
  elsewhere: bool;

  get target(): usize {
    return changetype<usize>(this);
  }
}

/** The route that `readRoute` has read. */
export const route_read: RouteRead = changetype<RouteRead>(memory.data(48, 8));

/** Table of a route or rule. */
export function tableOf(message: Message): u32 {
  const wide = message.attribute(ROUTE_BYTES, RTA_TABLE, 4);
  return wide != 0 ? load<u32>(wide) : <u32>load<u8>(message.payload, ROUTE_TABLE);
}

/** Number in an attribute behind an rtmsg. */
export function numberIn(message: Message, type: u16, otherwise: u32): u32 {
  const p = message.attribute(ROUTE_BYTES, type, 4);
  return p != 0 ? load<u32>(p) : otherwise;
}

/** Takes a NEWROUTE or DELROUTE into `route_read`; false: it is none of a network. */
export function readRoute(message: Message): bool {
  if (message.payload_bytes < ROUTE_BYTES) return false;
  const p = message.payload;
  const family = load<u8>(p);
  const bits = <u32>load<u8>(p, DESTINATION_BITS);
  if (family != AF_INET && family != AF_INET6) return false;
  if (bits > (family == AF_INET ? 32 : 128) || load<u8>(p, ROUTE_TYPE) != RTN_UNICAST) return false;
  if ((load<u32>(p, ROUTE_FLAGS) & RTM_F_CLONED) != 0) return false;
  const found = route_read;
  const destination = message.attribute(ROUTE_BYTES, RTA_DST, family == AF_INET ? 4 : 16);
  if (destination == 0 && bits > 0) return false;
  if (destination == 0) clearOf(family, found.target);
  else if (family == AF_INET) fromV4(destination, found.target);
  else memory.copy(found.target, destination, ADDRESS_BYTES);
  found.prefix = bits;
  found.table = tableOf(message);
  found.metric = numberIn(message, RTA_PRIORITY, 0);
  found.ifindex = numberIn(message, RTA_OIF, 0);
  found.if_id = encapsulated(message);
  found.protocol = load<u8>(p, ROUTE_PROTOCOL);
  found.elsewhere =
    message.attribute(ROUTE_BYTES, RTA_GATEWAY, 4) != 0 ||
    message.attribute(ROUTE_BYTES, RTA_MULTIPATH, 0) != 0;
  return true;
}

/** 0.0.0.0 or ::. */
function clearOf(family: u8, out: usize): void {
  clear(out);
  if (family == AF_INET) store<u32>(out, 0xffff0000, 8);
}

function encapsulated(message: Message): u32 {
  const type = message.attribute(ROUTE_BYTES, RTA_ENCAP_TYPE, 2);
  if (type == 0 || load<u16>(type) != LWTUNNEL_ENCAP_XFRM) return 0;
  const nest = message.attribute(ROUTE_BYTES, RTA_ENCAP, 0);
  if (nest == 0) return 0;
  const if_id = attributeIn(nest, LWT_XFRM_IF_ID, 4);
  return if_id != 0 ? load<u32>(if_id) : 0;
}

/** The metric that the kernel gives to a route to such a target that is asked for with `metric`. */
export function metricOf(target: usize, metric: u32): u32 {
  return metric == 0 && !isV4(target) ? DEFAULT_V6_METRIC : metric;
}

/**
 * Asks for a route through an interface, or to delete it. `if_id` 0: it is no interface in external
 * mode. One that is there already, whoever made it, is not replaced, and only one of ours is
 * deleted.
 */
export function buildRoute(
  b: Builder,
  add: bool,
  seq: u32,
  target: usize,
  prefix: u32,
  table: u32,
  metric: u32,
  ifindex: u32,
  if_id: u32,
): void {
  const v4 = isV4(target);
  if (add) b.begin(Type.NEWROUTE, Flag.REQUEST | Flag.ACK | Flag.CREATE | Flag.EXCL, seq);
  else b.begin(Type.DELROUTE, Flag.REQUEST | Flag.ACK, seq);
  const head = b.fixed(ROUTE_BYTES);
  store<u8>(head, v4 ? AF_INET : AF_INET6);
  store<u8>(head, <u8>prefix, DESTINATION_BITS);
  store<u8>(head, table < 256 ? <u8>table : RT_TABLE_UNSPEC, ROUTE_TABLE);
  store<u8>(head, RTPROT_REKEYD, ROUTE_PROTOCOL);
  const scope = v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  store<u8>(head, add ? scope : RT_SCOPE_NOWHERE, ROUTE_SCOPE);
  store<u8>(head, RTN_UNICAST, ROUTE_TYPE);
  const bytes = v4 ? 4 : ADDRESS_BYTES;
  b.attribute(RTA_DST, target + ADDRESS_BYTES - bytes, bytes);
  b.number(RTA_PRIORITY, metric);
  if (table > 255) b.number(RTA_TABLE, table);
  if (if_id != 0 && add) {
    const nest = b.beginNest(RTA_ENCAP | NESTED);
    b.number(LWT_XFRM_IF_ID, if_id);
    b.endNest(nest);
    b.short(RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_XFRM);
  }
  b.number(RTA_OIF, ifindex);
  b.end();
}

/** Asks for the routes of one family that are ours; older kernels tell all. */
export function buildRouteDump(b: Builder, family: u8, seq: u32): void {
  b.begin(Type.GETROUTE, Flag.REQUEST | Flag.DUMP, seq);
  const head = b.fixed(ROUTE_BYTES);
  store<u8>(head, family);
  store<u8>(head, RTPROT_REKEYD, ROUTE_PROTOCOL);
  b.end();
}

/** A rule of ours as a message tells it: `oif NAME lookup TABLE`, or without `oif`. */
@unmanaged
class RuleRead {
  table: u32;
  priority: u32;
  v4: bool;
  /** Whether it looks at the interface that a packet is to leave by. */
  by_interface: bool;
  /** Of the interface's name, in the message. */
  name_len: i32;
  name: usize;
}

/** The rule that `readRule` has read. */
export const rule_read: RuleRead = changetype<RuleRead>(memory.data(24, 4));

/** Takes a NEWRULE or DELRULE into `rule_read`; false: it is none of ours. */
export function readRule(message: Message): bool {
  if (message.payload_bytes < ROUTE_BYTES) return false;
  const p = message.payload;
  const family = load<u8>(p);
  if ((family != AF_INET && family != AF_INET6) || load<u8>(p, ROUTE_TYPE) != FR_ACT_TO_TBL) {
    return false;
  }
  const protocol = message.attribute(ROUTE_BYTES, FRA_PROTOCOL, 1);
  if (protocol == 0 || load<u8>(protocol) != RTPROT_REKEYD) return false;
  rule_read.v4 = family == AF_INET;
  rule_read.table = tableOf(message);
  rule_read.priority = numberIn(message, FRA_PRIORITY, 0);
  rule_read.name = message.attribute(ROUTE_BYTES, FRA_OIFNAME, 1);
  rule_read.by_interface = rule_read.name != 0;
  rule_read.name_len = rule_read.by_interface ? textBytes(rule_read.name) : 0;
  return true;
}

/** Asks for a rule, or to delete it. `name`: the interface's name field; 0: any. */
export function buildRule(
  b: Builder,
  add: bool,
  seq: u32,
  v4: bool,
  name: usize,
  table: u32,
  priority: u32,
): void {
  if (add) b.begin(Type.NEWRULE, Flag.REQUEST | Flag.ACK | Flag.CREATE | Flag.EXCL, seq);
  else b.begin(Type.DELRULE, Flag.REQUEST | Flag.ACK, seq);
  const head = b.fixed(ROUTE_BYTES);
  store<u8>(head, v4 ? AF_INET : AF_INET6);
  store<u8>(head, FR_ACT_TO_TBL, ROUTE_TYPE);
  b.number(FRA_PRIORITY, priority);
  if (name != 0) b.text(FRA_OIFNAME, nameBytes(name), nameLength(name));
  b.number(RTA_TABLE, table);
  b.byte(FRA_PROTOCOL, RTPROT_REKEYD);
  b.end();
}

/** Asks for all rules of one family. */
export function buildRuleDump(b: Builder, family: u8, seq: u32): void {
  b.begin(Type.GETRULE, Flag.REQUEST | Flag.DUMP, seq);
  store<u8>(b.fixed(ROUTE_BYTES), family);
  b.end();
}
