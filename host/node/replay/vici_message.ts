/**
 * vici's packets (strongSwan, plugins/vici/README.md), read in a way that has an answer for all
 * bytes: what is no packet is undefined.
 */

/** Packet types, as on the wire. */
export const Packet = {
  CMD_REQUEST: 0,
  CMD_RESPONSE: 1,
  CMD_UNKNOWN: 2,
  EVENT_REGISTER: 3,
  EVENT_UNREGISTER: 4,
  EVENT_CONFIRM: 5,
  EVENT_UNKNOWN: 6,
  EVENT: 7,
} as const;

const NAMED: number[] = [
  Packet.CMD_REQUEST,
  Packet.EVENT_REGISTER,
  Packet.EVENT_UNREGISTER,
  Packet.EVENT,
];

const Element = {
  SECTION_START: 1,
  SECTION_END: 2,
  KEY_VALUE: 3,
  LIST_START: 4,
  LIST_ITEM: 5,
  LIST_END: 6,
} as const;

const HEADER_BYTES = 4;
/** strongSwan's own limit. */
const MAX_END = HEADER_BYTES + (512 << 10);

export type Value = string | string[] | Section;
export type Section = Map<string, Value>;

export interface ViciPacket {
  type: number;
  /** Of requests, events and registrations. */
  name: string;
  message: Section;
}

/** A text of that name; "" where there is none. */
export function textIn(section: Section, name: string): string {
  const value = section.get(name);
  return typeof value === "string" ? value : "";
}

/** A section of that name; an empty one where there is none. */
export function sectionIn(section: Section, name: string): Section {
  const value = section.get(name);
  return value instanceof Map ? value : new Map();
}

/** The sections inside, with their names. */
export function sectionsIn(section: Section): [name: string, section: Section][] {
  return [...section].filter((entry): entry is [string, Section] => entry[1] instanceof Map);
}

/** One packet without its length; undefined if it is none. */
export function readPacket(bytes: Buffer): ViciPacket | undefined {
  const type = bytes[0];
  if (type === undefined || type > Packet.EVENT) return undefined;
  if (!NAMED.includes(type)) {
    const message = readMessage(bytes.subarray(1));
    return message && { type, name: "", message };
  }
  const length = bytes[1] ?? 0;
  if (bytes.length < 2 + length) return undefined;
  const message = readMessage(bytes.subarray(2 + length));
  return message && { type, name: bytes.toString("utf8", 2, 2 + length), message };
}

/** A message; undefined if it is none. Depth costs no stack. */
export function readMessage(bytes: Buffer): Section | undefined {
  const root: Section = new Map();
  const open: Section[] = [root];
  let list: string[] | undefined;
  let at = 0;
  const text = (length_bytes: 1 | 2): string | undefined => {
    if (at + length_bytes > bytes.length) return undefined;
    const length = bytes.readUIntBE(at, length_bytes);
    at += length_bytes + length;
    return at > bytes.length ? undefined : bytes.toString("utf8", at - length, at);
  };
  while (at < bytes.length) {
    const element = bytes[at++];
    const inside = open.at(-1)!;
    if (list !== undefined) {
      if (element === Element.LIST_END) {
        list = undefined;
        continue;
      }
      const item = element === Element.LIST_ITEM ? text(2) : undefined;
      if (item === undefined) return undefined;
      list.push(item);
      continue;
    }
    if (element === Element.SECTION_END) {
      if (open.length === 1) return undefined;
      open.pop();
      continue;
    }
    const name = text(1);
    if (name === undefined) return undefined;
    if (element === Element.SECTION_START) {
      const section: Section = new Map();
      inside.set(name, section);
      open.push(section);
    } else if (element === Element.KEY_VALUE) {
      const value = text(2);
      if (value === undefined) return undefined;
      inside.set(name, value);
    } else if (element === Element.LIST_START) {
      list = [];
      inside.set(name, list);
    } else return undefined;
  }
  return open.length === 1 && list === undefined ? root : undefined;
}

/** One direction of a stream, which may be cut anywhere. */
export class ViciStream {
  private pieces: Buffer[] = [];
  private held_bytes = 0;
  /** Where it began is not known: the first bytes may be the rest of a packet. */
  private unsure = false;

  /** A new stream, or one that is looked at from somewhere in its middle. */
  reset(unsure = false): void {
    this.drop();
    this.unsure = unsure;
  }

  /** The packets that are whole now, and how many bytes made no sense. */
  take(bytes: Buffer): { packets: ViciPacket[]; skipped_bytes: number } {
    this.hold(bytes);
    const packets: ViciPacket[] = [];
    while (this.held_bytes > 0) {
      const end = this.packetEnd();
      const waits = end > this.held_bytes && !this.unsure && end <= MAX_END;
      if (waits) break;
      const all = this.drop();
      const packet = readPacket(all.subarray(HEADER_BYTES, end));
      if (end > all.length || packet === undefined) return { packets, skipped_bytes: all.length };
      this.unsure = false;
      packets.push(packet);
      this.hold(all.subarray(end));
    }
    return { packets, skipped_bytes: 0 };
  }

  /** Where the first packet ends, or at least its header. */
  private packetEnd(): number {
    if (this.held_bytes < HEADER_BYTES) return HEADER_BYTES;
    if (this.pieces[0]!.length < HEADER_BYTES) this.hold(this.drop());
    return HEADER_BYTES + this.pieces[0]!.readUInt32BE(0);
  }

  private hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.pieces.push(bytes);
    this.held_bytes += bytes.length;
  }

  /** Forgets what is held, and answers it. */
  private drop(): Buffer {
    const all = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces);
    this.pieces = [];
    this.held_bytes = 0;
    return all;
  }
}
