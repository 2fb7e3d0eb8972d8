/** The bytes of rtnetlink (linux/netlink.h, rtnetlink.h): requests read, messages written. */
import { addressBytes } from "./address.ts";

export const Type = {
  ...{ ERROR: 2, DONE: 3, NEWLINK: 16, DELLINK: 17, GETLINK: 18, SETLINK: 19 },
  ...{ NEWADDR: 20, DELADDR: 21, GETADDR: 22, NEWROUTE: 24, DELROUTE: 25, GETROUTE: 26 },
  ...{ NEWRULE: 32, DELRULE: 33, GETRULE: 34 },
} as const;

/** nlmsg_flags. */
export const Flag = {
  ...{ ACK: 0x4, DUMP_INTR: 0x10, DUMP_FILTERED: 0x20, REPLACE: 0x100, EXCL: 0x200 },
  ...{ DUMP: 0x300, CREATE: 0x400, APPEND: 0x800 },
} as const;

/** errno(3). */
export const Errno = {
  ...{ ENOENT: 2, ESRCH: 3, EBUSY: 16, EEXIST: 17, ENODEV: 19, EINVAL: 22 },
  ...{ EOPNOTSUPP: 95, EADDRNOTAVAIL: 99, ENETDOWN: 100, ENETUNREACH: 101 },
} as const;

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const HEADER_BYTES = 16;
/** Bit in an attribute's type: it holds others. */
const NLA_F_NESTED = 0x8000;

/** A message to the kernel. */
export interface Request {
  type: number;
  flags: number;
  seq: number;
  body: Buffer;
  /** All of it. */
  bytes: Buffer;
}

/** A request is refused, as in errno(3). */
export class Refused extends Error {
  constructor(readonly errno: number) {
    super(`errno ${errno}`);
  }
}

export type Attributes = Map<number, Buffer>;

/** The requests of a datagram. */
export function requestsIn(bytes: Buffer): Request[] {
  const requests: Request[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > bytes.length) {
      throw new Error(`netlink: a message of ${length} bytes in ${bytes.length - at}`);
    }
    requests.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      seq: bytes.readUInt32LE(at + 8),
      body: bytes.subarray(at + HEADER_BYTES, at + length),
      bytes: bytes.subarray(at, at + length),
    });
    at += (length + 3) & ~3;
  }
  return requests;
}

/** Whether it asks for all there are. */
export function isDump({ type, flags }: Request): boolean {
  return (type & 3) === 2 && (flags & Flag.DUMP) === Flag.DUMP;
}

export function attributesOf(bytes: Buffer): Attributes {
  const found: Attributes = new Map();
  for (let at = 0; at + 4 <= bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) throw new Refused(Errno.EINVAL);
    found.set(bytes.readUInt16LE(at + 2) & ~NLA_F_NESTED, bytes.subarray(at + 4, at + length));
  }
  return found;
}

/** Those inside of one of them. */
export function nestedIn(attributes: Attributes, type: number): Attributes {
  return attributesOf(attributes.get(type) ?? Buffer.alloc(0));
}

export function numberIn(attributes: Attributes, type: number): number | undefined {
  return attributes.get(type)?.readUInt32LE(0);
}

export function textIn(attributes: Attributes, type: number): string | undefined {
  return attributes.get(type)?.toString("latin1").replace(/\0.*$/s, "");
}

export function attribute(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + payload.length + 3) & ~3);
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(payload, 4);
  return bytes;
}

export function nested(type: number, ...attributes: Buffer[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(attributes));
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, "latin1");
}

export function message(type: number, body: Buffer, seq: number, flags = 0): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(seq, 8);
  return Buffer.concat([header, body]);
}

/** What became of a request; 0: all is well. A refusal holds the whole of it. */
export function acknowledgement({ seq, bytes }: Request, errno: number): Buffer {
  const error = Buffer.alloc(4);
  error.writeInt32LE(-errno);
  const about = errno === 0 ? bytes.subarray(0, HEADER_BYTES) : bytes;
  return message(Type.ERROR, Buffer.concat([error, about]), seq);
}

/** The end of a dump. */
export function done(seq: number, flags = 0): Buffer {
  return message(Type.DONE, Buffer.alloc(4), seq, flags);
}

/** A network or an address, as the kernel keeps it. */
export interface Network {
  family: number;
  /** Hexadecimal digits of its bytes. */
  address: string;
  prefix: number;
}

/** `10.1.0.0/16`, or an address alone; bits behind the prefix are kept. */
export function networkOf(text: string): Network {
  const [address = "", prefix] = text.split("/");
  const bytes = addressBytes(address);
  return {
    family: bytes.length === 4 ? AF_INET : AF_INET6,
    address: bytes.toString("hex"),
    prefix: prefix === undefined ? 8 * bytes.length : Number(prefix),
  };
}

/** Clears the bits behind the prefix. */
export function masked({ family, address, prefix }: Network): Network {
  const bytes = Buffer.from(address, "hex");
  for (let i = 0; i < bytes.length; i++) {
    const bits = Math.min(8, Math.max(0, prefix - 8 * i));
    bytes[i]! &= 0xff00 >> bits;
  }
  return { family, address: bytes.toString("hex"), prefix };
}

/** Whether the network holds the address. */
export function holds(network: Network, address: string): boolean {
  if (network.address.length !== address.length) return false;
  const { family, prefix } = network;
  return masked({ family, address, prefix }).address === network.address;
}

/** As people write it. */
export function networkText({ family, address, prefix }: Network): string {
  const bytes = Buffer.from(address, "hex");
  if (family === AF_INET) return `${bytes.join(".")}/${prefix}`;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return `${groups.join(":").replace(/(^|:)0(:0)+(:|$)/, "::")}/${prefix}`;
}
