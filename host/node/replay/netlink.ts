/** What the kernel's routing socket says, shortly (linux/rtnetlink.h): an answer for all bytes. */
import { addressText } from "../address.ts";

const Type = {
  ERROR: 2,
  DONE: 3,
  OVERRUN: 4,
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
} as const;
/** nlmsg_flags. */
const REQUEST = 0x1;

const HEADER_BYTES = 16;
const LINK_BYTES = 16;
const ADDRESS_BYTES = 8;
const ROUTE_BYTES = 12;
const ATTRIBUTE_BYTES = 4;
const IFLA_IFNAME = 3;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_TABLE = 15;
const RTA_ENCAP = 22;
const LWT_XFRM_IF_ID = 1;
const FRA_OIFNAME = 17;
const RT_TABLE_MAIN = 254;
/** Who made a route (rtm_protocol): rekeyd. */
const RTPROT_REKEYD = 114;
const IFLA_OPERSTATE = 16;
const DORMANT = 5;
const UP = 0x1;
const UP_RUNNING = 0x41;
/** Bit in an attribute's type: it holds others. */
const NLA_F_NESTED = 0x8000;
const LOCAL = /^(?:route )?(?:fe80|ff00):/;

/** One change or answer. */
export interface NetlinkItem {
  text: string;
  /** It is part of a list that was asked for, or tells that a request was carried out. */
  listed: boolean;
  /** It asks for a change. */
  changes: boolean;
  /** About link-local or multicast addresses, which no tunnel runs over. */
  is_local: boolean;
}

/** Interfaces by the kernel's number, as far as they were told. */
export type InterfaceNames = Map<number, string>;

/** The messages in `bytes`; names that they tell are noted in `names`. */
export function netlinkItems(bytes: Buffer, names: InterfaceNames): NetlinkItem[] {
  const items: NetlinkItem[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    const type = bytes.readUInt16LE(at + 4);
    const seq = bytes.readUInt32LE(at + 8);
    const body = bytes.subarray(at + HEADER_BYTES, at + length);
    const asks = (bytes.readUInt16LE(at + 6) & REQUEST) !== 0;
    const changes = asks && (type & 3) < 2;
    const text = changes ? request(type, body, names) : describe(type, body, names);
    const listed = seq !== 0 && !text.startsWith("refuses");
    items.push({ text, listed, changes, is_local: LOCAL.test(text) });
    at += (length + 3) & ~3;
  }
  const left = bytes.length - at;
  const text = `${left} bytes more`;
  if (left > 0) items.push({ text, listed: false, changes: false, is_local: false });
  return items;
}

/** What the engine asks for. */
function request(type: number, body: Buffer, names: InterfaceNames): string {
  switch (type) {
    case Type.NEWLINK:
      return body.length < LINK_BYTES ? "link, cut" : `sets ${linkRequest(body, names)}`;
    case Type.DELLINK:
      return body.length < LINK_BYTES ? "link, cut" : `removes ${linkRequest(body, names)}`;
    default: {
      const text = describe(type, body, names);
      const gone = / is gone(?: from)?/;
      return gone.test(text) ? `removes ${text.replace(gone, "")}` : `adds ${text}`;
    }
  }
}

function linkRequest(body: Buffer, names: InterfaceNames): string {
  const name = nameOf(body) ?? interfaceName(body.readUInt32LE(4), names);
  const state = attribute(body, LINK_BYTES, IFLA_OPERSTATE)?.readUInt8(0);
  if (state === undefined) return name;
  return `${name} ${state === DORMANT ? "dormant" : "running"}`;
}

function describe(type: number, body: Buffer, names: InterfaceNames): string {
  switch (type) {
    case Type.NEWLINK:
    case Type.DELLINK:
      return body.length < LINK_BYTES ? "link, cut" : link(type, body, names);
    case Type.NEWADDR:
    case Type.DELADDR:
      return body.length < ADDRESS_BYTES ? "address, cut" : address(type, body, names);
    case Type.NEWROUTE:
    case Type.DELROUTE:
      return body.length < ROUTE_BYTES ? "route, cut" : route(type, body, names);
    case Type.NEWRULE:
    case Type.DELRULE:
      return body.length < ROUTE_BYTES ? "rule, cut" : rule(type, body);
    case Type.GETLINK:
      return "lists all interfaces";
    case Type.GETADDR:
      return "lists all addresses";
    case Type.GETROUTE:
      return "looks for routes";
    case Type.GETRULE:
      return "lists all rules";
    case Type.DONE:
      return "end of the list";
    case Type.ERROR:
      return body.length < 4 ? "error, cut" : answer(-body.readInt32LE(0));
    case Type.OVERRUN:
      return "messages were lost";
    default:
      return `type ${type}`;
  }
}

function link(type: number, body: Buffer, names: InterfaceNames): string {
  const index = body.readUInt32LE(4);
  const name = nameOf(body);
  if (name !== undefined) names.set(index, name);
  const shown = name ?? interfaceName(index, names);
  if (type === Type.DELLINK) return `${shown} is gone`;
  const flags = body.readUInt32LE(8);
  const state = attribute(body, LINK_BYTES, IFLA_OPERSTATE);
  const is_dormant = (flags & UP) !== 0 && state?.[0] === DORMANT;
  if (is_dormant) return `${shown} is dormant`;
  return `${shown} is ${(flags & UP_RUNNING) === UP_RUNNING ? "up" : "down"}`;
}

function nameOf(body: Buffer): string | undefined {
  return attribute(body, LINK_BYTES, IFLA_IFNAME)?.toString("utf8").replace(/\0.*$/s, "");
}

function answer(errno: number): string {
  return errno === 0 ? "carried out" : `refuses, errno ${errno}`;
}

function address(type: number, body: Buffer, names: InterfaceNames): string {
  const own =
    attribute(body, ADDRESS_BYTES, IFA_LOCAL) ?? attribute(body, ADDRESS_BYTES, IFA_ADDRESS);
  const text = own === undefined ? "an address" : `${addressText(own)}/${body.readUInt8(1)}`;
  const gone = type === Type.DELADDR ? " is gone from" : " on";
  return `${text}${gone} ${interfaceName(body.readUInt32LE(4), names)}`;
}

function route(type: number, body: Buffer, names: InterfaceNames): string {
  const destination = attribute(body, ROUTE_BYTES, RTA_DST);
  const gateway = attribute(body, ROUTE_BYTES, RTA_GATEWAY);
  const to =
    destination === undefined ? "default" : `${addressText(destination)}/${body.readUInt8(1)}`;
  const via = gateway === undefined ? "" : ` via ${addressText(gateway)}`;
  const more = body.readUInt8(5) === RTPROT_REKEYD ? ownRoute(body, names) : "";
  return `route ${to}${via}${more}${type === Type.DELROUTE ? " is gone" : ""}`;
}

/** What tells routes over tunnel interfaces apart. */
function ownRoute(body: Buffer, names: InterfaceNames): string {
  const oif = number(body, RTA_OIF);
  const metric = number(body, RTA_PRIORITY) ?? 0;
  const table = number(body, RTA_TABLE) ?? body.readUInt8(4);
  const encap = attribute(body, ROUTE_BYTES, RTA_ENCAP);
  const if_id = encap && attribute(encap, 0, LWT_XFRM_IF_ID);
  const parts = [
    oif === undefined ? "" : ` over ${interfaceName(oif, names)}`,
    if_id === undefined || if_id.length < 4 ? "" : ` if_id ${if_id.readUInt32LE(0)}`,
    metric === 0 ? "" : ` metric ${metric}`,
    table === RT_TABLE_MAIN ? "" : ` table 0x${table.toString(16)}`,
  ];
  return parts.join("");
}

function rule(type: number, body: Buffer): string {
  const oif = attribute(body, ROUTE_BYTES, FRA_OIFNAME)?.toString("utf8").replace(/\0.*$/s, "");
  const table = number(body, RTA_TABLE) ?? body.readUInt8(4);
  const text = `rule ${oif === undefined ? "" : `oif ${oif} `}lookup 0x${table.toString(16)}`;
  return type === Type.DELRULE ? `${text} is gone` : text;
}

function number(body: Buffer, wanted: number): number | undefined {
  const found = attribute(body, ROUTE_BYTES, wanted);
  return found === undefined || found.length < 4 ? undefined : found.readUInt32LE(0);
}

function interfaceName(index: number, names: InterfaceNames): string {
  return names.get(index) ?? `interface ${index}`;
}

function attribute(body: Buffer, fixed: number, wanted: number): Buffer | undefined {
  let at = fixed;
  while (at + ATTRIBUTE_BYTES <= body.length) {
    const length = body.readUInt16LE(at);
    if (length < ATTRIBUTE_BYTES || at + length > body.length) return undefined;
    if ((body.readUInt16LE(at + 2) & ~NLA_F_NESTED) === wanted)
      return body.subarray(at + ATTRIBUTE_BYTES, at + length);
    at += (length + 3) & ~3;
  }
  return undefined;
}
