/** Interfaces of a modelled kernel and their addresses, in messages (linux/if_link.h). */
import {
  AF_INET,
  AF_INET6,
  attribute,
  attributesOf,
  message,
  nested,
  nestedIn,
  networkOf,
  networkText,
  numberIn,
  Refused,
  Errno,
  text,
  textIn,
  u32,
  u8,
  type Attributes,
  type Request,
} from "./rtnetlink.ts";

const IFLA = { IFNAME: 3, MTU: 4, OPERSTATE: 16, LINKMODE: 17, LINKINFO: 18, AF_SPEC: 26 } as const;
const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
const IFLA_XFRM = { LINK: 1, IF_ID: 2, COLLECT_METADATA: 3 } as const;
const IFLA_INET_CONF = 1;
const IPV4_DEVCONF_RP_FILTER = 8;
const IFA = { ADDRESS: 1, LOCAL: 2 } as const;
const LINK_BYTES = 16;
const ADDRESS_BYTES = 8;
export const UP = 0x1;
const RUNNING = 0x40;
const NOARP = 0x80;
const ARPHRD_NONE = 0xfffe;
/** RFC 2863, as linux/if.h has it. */
export const OperState = { UNKNOWN: 0, DORMANT: 5, UP: 6 } as const;

/** What an XFRM interface leads into; without an if_id: `external`, each route says it. */
export interface Xfrm {
  if_id?: number;
}

export interface Interface {
  name: string;
  /** `10.1.0.1`, or with its prefix. */
  addresses: string[];
  /** Its cable is out. */
  unplugged?: boolean;
  /** The kernel's number: given when it is first asked for. */
  index?: number;
  xfrm?: Xfrm;
  /** `ip link set down`. */
  down?: boolean;
  operstate?: number;
  linkmode?: number;
  mtu?: number;
  rp_filter?: number;
}

/** What a request about an interface says. */
export interface LinkRequest {
  index: number;
  flags: number;
  change: number;
  attributes: Attributes;
  name: string | undefined;
  kind: string | undefined;
  xfrm: Xfrm;
}

export function readLink({ body }: Request): LinkRequest {
  const attributes = attributesOf(body.subarray(LINK_BYTES));
  const info = nestedIn(attributes, IFLA.LINKINFO);
  const data = nestedIn(info, IFLA_INFO.DATA);
  const kind = textIn(info, IFLA_INFO.KIND);
  const if_id = numberIn(data, IFLA_XFRM.IF_ID) ?? 0;
  const external = data.has(IFLA_XFRM.COLLECT_METADATA);
  const wrong = external
    ? if_id !== 0 || (numberIn(data, IFLA_XFRM.LINK) ?? 0) !== 0
    : if_id === 0 && kind === "xfrm";
  if (wrong) throw new Refused(Errno.EINVAL);
  return {
    index: body.readInt32LE(4),
    flags: body.readUInt32LE(8),
    change: body.readUInt32LE(12),
    attributes,
    name: textIn(attributes, IFLA.IFNAME),
    kind,
    xfrm: external ? {} : { if_id },
  };
}

/** Whether an interface with that flag set or not is what the request wants. */
export function wantsUp(link: Interface, { flags, change }: LinkRequest): boolean {
  const was_up = link.down !== true;
  if (flags === 0 && change === 0) return was_up;
  if (change !== 0 && (change & UP) === 0) return was_up;
  return (flags & UP) !== 0;
}

/** What else of an interface the request sets. */
export function setLink(link: Interface, { attributes }: LinkRequest, is_new: boolean): void {
  const mtu = numberIn(attributes, IFLA.MTU);
  if (mtu !== undefined) link.mtu = mtu;
  const asked = attributes.get(IFLA.OPERSTATE)?.readUInt8(0);
  if (asked !== undefined) setOperState(link, asked);
  const mode = attributes.get(IFLA.LINKMODE)?.readUInt8(0);
  if (mode !== undefined) link.linkmode = mode;
  // Linux looks at this where there is an interface, and not where it makes one.
  if (is_new) return;
  const inet = nestedIn(nestedIn(attributes, IFLA.AF_SPEC), AF_INET);
  const rp_filter = numberIn(nestedIn(inet, IFLA_INET_CONF), IPV4_DEVCONF_RP_FILTER);
  if (rp_filter !== undefined) link.rp_filter = rp_filter;
}

function setOperState(link: Interface, asked: number): void {
  const { operstate = OperState.UNKNOWN } = link;
  if (asked === OperState.UP) link.operstate = asked;
  else if (asked === OperState.DORMANT && operstate !== OperState.DORMANT) link.operstate = asked;
}

/** Whether `ip link` shows it UP, and able to let packets flow (RFC 2863). */
export function isRunning({ down, unplugged, operstate }: Interface): boolean {
  return down !== true && unplugged !== true && operstate !== OperState.DORMANT;
}

export function linkMessage(type: number, link: Interface, seq: number, flags = 0): Buffer {
  const { name, down, xfrm, operstate = OperState.UNKNOWN, linkmode = 0, mtu = 1500 } = link;
  const body = Buffer.alloc(LINK_BYTES);
  if (xfrm !== undefined) body.writeUInt16LE(ARPHRD_NONE, 2);
  body.writeInt32LE(link.index!, 4);
  const bits = (down ? 0 : UP) | (isRunning(link) ? RUNNING : 0) | (xfrm ? NOARP : 0);
  body.writeUInt32LE(bits, 8);
  const parts = [body, attribute(IFLA.IFNAME, text(name))];
  if (xfrm !== undefined) {
    const { if_id } = xfrm;
    const own =
      if_id === undefined
        ? attribute(IFLA_XFRM.COLLECT_METADATA, Buffer.alloc(0))
        : Buffer.concat([
            attribute(IFLA_XFRM.LINK, u32(0)),
            attribute(IFLA_XFRM.IF_ID, u32(if_id)),
          ]);
    parts.push(attribute(IFLA.OPERSTATE, u8(operstate)), attribute(IFLA.LINKMODE, u8(linkmode)));
    parts.push(attribute(IFLA.MTU, u32(mtu)));
    const kind = attribute(IFLA_INFO.KIND, text("xfrm"));
    parts.push(nested(IFLA.LINKINFO, kind, nested(IFLA_INFO.DATA, own)));
  }
  return message(type, Buffer.concat(parts), seq, flags);
}

/** The address of a request, and of which interface. */
export function readAddress({ body }: Request): { index: number; address: string } {
  const attributes = attributesOf(body.subarray(ADDRESS_BYTES));
  const family = body.readUInt8(0);
  const own = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS);
  if ((family !== AF_INET && family !== AF_INET6) || own === undefined) {
    throw new Refused(Errno.EINVAL);
  }
  if (own.length !== (family === AF_INET ? 4 : 16)) throw new Refused(Errno.EINVAL);
  const prefix = body.readUInt8(1);
  return {
    index: body.readUInt32LE(4),
    address: networkText({ family, address: own.toString("hex"), prefix }),
  };
}

export function addressMessage(
  type: number,
  index: number,
  address: string,
  seq: number,
  flags = 0,
): Buffer {
  const { family, address: digits, prefix } = networkOf(address);
  const v4 = family === AF_INET;
  const body = Buffer.alloc(ADDRESS_BYTES);
  body.writeUInt8(family, 0);
  body.writeUInt8(address.includes("/") ? prefix : v4 ? 24 : 64, 1);
  body.writeUInt32LE(index, 4);
  const own = attribute(IFA.LOCAL, Buffer.from(digits, "hex"));
  return message(type, Buffer.concat([body, own]), seq, flags);
}
