/** The kernel's routing socket, as far as the engine asks it (linux/rtnetlink.h). */
import { addressBytes } from "./address.ts";

const Type = {
  ...{ ERROR: 2, DONE: 3, NEWLINK: 16, GETLINK: 18, NEWADDR: 20, DELADDR: 21 },
  ...{ NEWROUTE: 24, GETROUTE: 26, NEWRULE: 32, GETRULE: 34 },
} as const;
const HEADER_BYTES = 16;
const AF_INET = 2;
const AF_INET6 = 10;
const IFLA_IFNAME = 3;
const IFA_LOCAL = 2;
const UP = 0x1;
const RUNNING = 0x40;
const RT_TABLE_MAIN = 254;
const RTN_UNICAST = 1;

interface Interface {
  name: string;
  addresses: string[];
  /** Its cable is out. */
  unplugged?: boolean;
}

/** A rule of policy routing. */
export interface Rule {
  priority: number;
  table: number;
  mark?: number;
  mask?: number;
}

/** Where a packet goes: `errno` if nowhere. */
export interface Way {
  errno?: number;
  oif?: number;
  table?: number;
  local?: boolean;
}

const RTA = { DST: 1, OIF: 4, TABLE: 15, MARK: 16 } as const;
const FRA = { PRIORITY: 6, FWMARK: 10, TABLE: 15, FWMASK: 16 } as const;
const RTN_LOCAL = 2;

export class Kernel {
  readonly interfaces: Interface[] = [];
  readonly rules: Rule[] = [];
  /** The way of a packet to an address (in bytes, as in dotted text) with a mark. */
  way: (destination: string, mark: number) => Way = () => ({ oif: 1 });

  /** What it answers to a request: a dump, or as many routes as are asked for. */
  answer(request: Buffer): Buffer {
    const seq = request.readUInt32LE(8);
    const type = request.readUInt16LE(4);
    if (type === Type.GETROUTE) return this.routes(request);
    if (type === Type.GETRULE) {
      const rules = this.rules.map((rule) => ruleMessage(rule, seq));
      return Buffer.concat([...rules, message(Type.DONE, Buffer.alloc(4), seq)]);
    }
    const dumped =
      request.readUInt16LE(4) === Type.GETLINK
        ? this.interfaces.map((_, i) => this.link(i, seq))
        : this.interfaces.flatMap(({ addresses }, i) =>
            addresses.map((address) => addressMessage(Type.NEWADDR, i, address, seq)),
          );
    return Buffer.concat([...dumped, message(Type.DONE, Buffer.alloc(4), seq)]);
  }

  /** An interface gets an address: what the kernel tells of that. */
  addAddress(name: string, address: string): Buffer {
    const index = this.indexOf(name);
    this.interfaces[index]!.addresses.push(address);
    return addressMessage(Type.NEWADDR, index, address, 0);
  }

  /** An interface loses an address. */
  removeAddress(name: string, address: string): Buffer {
    const index = this.indexOf(name);
    const { addresses } = this.interfaces[index]!;
    addresses.splice(addresses.indexOf(address), 1);
    return addressMessage(Type.DELADDR, index, address, 0);
  }

  /** The cable of an interface is pulled out, or plugged in. */
  plug(name: string, plugged: boolean): Buffer {
    const index = this.indexOf(name);
    this.interfaces[index]!.unplugged = !plugged;
    return this.link(index, 0);
  }

  /** A route appears in the main table. */
  addRoute(): Buffer {
    const body = Buffer.alloc(12);
    body.writeUInt8(AF_INET, 0);
    body.writeUInt8(RT_TABLE_MAIN, 4);
    body.writeUInt8(RTN_UNICAST, 7);
    return message(Type.NEWROUTE, body, 0);
  }

  private routes(requests: Buffer): Buffer {
    const answers: Buffer[] = [];
    for (let at = 0; at < requests.length; at += requests.readUInt32LE(at)) {
      const request = requests.subarray(at, at + requests.readUInt32LE(at));
      const seq = request.readUInt32LE(8);
      const asked = attributesOf(request.subarray(HEADER_BYTES + 12));
      const mark = asked.get(RTA.MARK)?.readUInt32LE(0) ?? 0;
      const {
        errno = 0,
        oif = 0,
        table = RT_TABLE_MAIN,
        local,
      } = this.way([...(asked.get(RTA.DST) ?? [])].join("."), mark);
      const body = Buffer.alloc(12);
      body.writeUInt8(local ? RTN_LOCAL : RTN_UNICAST, 7);
      const found = [body, attribute(RTA.OIF, u32(oif)), attribute(RTA.TABLE, u32(table))];
      const error = Buffer.alloc(20);
      error.writeInt32LE(-errno, 0);
      if (errno !== 0) answers.push(message(Type.ERROR, error, seq));
      else answers.push(message(Type.NEWROUTE, Buffer.concat(found), seq));
    }
    return Buffer.concat(answers);
  }

  private indexOf(name: string): number {
    return this.interfaces.findIndex((known) => known.name === name);
  }

  private link(index: number, seq: number): Buffer {
    const { name, unplugged } = this.interfaces[index]!;
    const body = Buffer.alloc(16);
    body.writeInt32LE(index + 1, 4);
    body.writeUInt32LE(unplugged ? UP : UP | RUNNING, 8);
    const named = attribute(IFLA_IFNAME, Buffer.from(`${name}\0`));
    return message(Type.NEWLINK, Buffer.concat([body, named]), seq);
  }
}

function addressMessage(type: number, index: number, address: string, seq: number): Buffer {
  const own = addressBytes(address);
  const v4 = own.length === 4;
  const body = Buffer.alloc(8);
  body.writeUInt8(v4 ? AF_INET : AF_INET6, 0);
  body.writeUInt8(v4 ? 24 : 64, 1);
  body.writeUInt32LE(index + 1, 4);
  return message(type, Buffer.concat([body, attribute(IFA_LOCAL, own)]), seq);
}

function attribute(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + payload.length + 3) & ~3);
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(payload, 4);
  return bytes;
}

function message(type: number, body: Buffer, seq: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt32LE(seq, 8);
  return Buffer.concat([header, body]);
}

function ruleMessage({ priority, table, mark = 0, mask }: Rule, seq: number): Buffer {
  const body = Buffer.alloc(12);
  body.writeUInt8(AF_INET, 0);
  body.writeUInt8(1, 7);
  const parts = [attribute(FRA.PRIORITY, u32(priority)), attribute(FRA.TABLE, u32(table))];
  if (mark !== 0) parts.push(attribute(FRA.FWMARK, u32(mark)));
  if (mask !== undefined) parts.push(attribute(FRA.FWMASK, u32(mask)));
  return message(Type.NEWRULE, Buffer.concat([body, ...parts]), seq);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function attributesOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3) {
    const length = bytes.readUInt16LE(at);
    found.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 4, at + length));
  }
  return found;
}
