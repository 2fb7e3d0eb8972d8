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
} as const;

const HEADER_BYTES = 16;
const LINK_BYTES = 16;
const ADDRESS_BYTES = 8;
const ROUTE_BYTES = 12;
const ATTRIBUTE_BYTES = 4;
const IFLA_IFNAME = 3;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const RTA_DST = 1;
const RTA_GATEWAY = 5;
const UP_RUNNING = 0x41;
const LOCAL = /^(?:route )?(?:fe80|ff00):/;

/** One change or answer. */
export interface NetlinkItem {
  text: string;
  /** It is part of a list that was asked for. */
  listed: boolean;
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
    const text = describe(type, bytes.subarray(at + HEADER_BYTES, at + length), names);
    items.push({ text, listed: seq !== 0, is_local: LOCAL.test(text) });
    at += (length + 3) & ~3;
  }
  const left = bytes.length - at;
  if (left > 0) items.push({ text: `${left} bytes more`, listed: false, is_local: false });
  return items;
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
      return body.length < ROUTE_BYTES ? "route, cut" : route(type, body);
    case Type.GETLINK:
      return "lists all interfaces";
    case Type.GETADDR:
      return "lists all addresses";
    case Type.DONE:
      return "end of the list";
    case Type.ERROR:
      return `error ${body.length < 4 ? "" : -body.readInt32LE(0)}`.trimEnd();
    case Type.OVERRUN:
      return "messages were lost";
    default:
      return `type ${type}`;
  }
}

function link(type: number, body: Buffer, names: InterfaceNames): string {
  const index = body.readUInt32LE(4);
  const name = attribute(body, LINK_BYTES, IFLA_IFNAME)?.toString("utf8").replace(/\0.*$/s, "");
  if (name !== undefined) names.set(index, name);
  const shown = name ?? interfaceName(index, names);
  if (type === Type.DELLINK) return `${shown} is gone`;
  const up = (body.readUInt32LE(8) & UP_RUNNING) === UP_RUNNING;
  return `${shown} is ${up ? "up" : "down"}`;
}

function address(type: number, body: Buffer, names: InterfaceNames): string {
  const own =
    attribute(body, ADDRESS_BYTES, IFA_LOCAL) ?? attribute(body, ADDRESS_BYTES, IFA_ADDRESS);
  const text = own === undefined ? "an address" : `${addressText(own)}/${body.readUInt8(1)}`;
  const gone = type === Type.DELADDR ? " is gone from" : " on";
  return `${text}${gone} ${interfaceName(body.readUInt32LE(4), names)}`;
}

function route(type: number, body: Buffer): string {
  const destination = attribute(body, ROUTE_BYTES, RTA_DST);
  const gateway = attribute(body, ROUTE_BYTES, RTA_GATEWAY);
  const to =
    destination === undefined ? "default" : `${addressText(destination)}/${body.readUInt8(1)}`;
  const via = gateway === undefined ? "" : ` via ${addressText(gateway)}`;
  return `route ${to}${via}${type === Type.DELROUTE ? " is gone" : ""}`;
}

function interfaceName(index: number, names: InterfaceNames): string {
  return names.get(index) ?? `interface ${index}`;
}

function attribute(body: Buffer, fixed: number, wanted: number): Buffer | undefined {
  let at = fixed;
  while (at + ATTRIBUTE_BYTES <= body.length) {
    const length = body.readUInt16LE(at);
    if (length < ATTRIBUTE_BYTES || at + length > body.length) return undefined;
    if (body.readUInt16LE(at + 2) === wanted)
      return body.subarray(at + ATTRIBUTE_BYTES, at + length);
    at += (length + 3) & ~3;
  }
  return undefined;
}
