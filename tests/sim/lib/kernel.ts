/** The kernel's routing socket, as far as the engine asks it (linux/rtnetlink.h). */
import { addressBytes } from "./address.ts";

const Type = { DONE: 3, NEWLINK: 16, GETLINK: 18, NEWADDR: 20, DELADDR: 21, NEWROUTE: 24 } as const;
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

export class Kernel {
  readonly interfaces: Interface[] = [];

  /** What it answers to a dump request. */
  answer(request: Buffer): Buffer {
    const seq = request.readUInt32LE(8);
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
