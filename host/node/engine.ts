/**
 * The engine on Node: the calls of assembly/index.ts with their types, and the actions that they
 * leave behind. Like every host it decides nothing.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { readFileSync } from "node:fs";

/** As in assembly/action.ts. */
export const Action = {
  SEND_ECHOES: 1,
  VICI_CONNECT: 2,
  VICI_SEND: 3,
  VICI_CLOSE: 4,
  LOG: 5,
  REPLY: 6,
  CONFIG_ERROR: 7,
  NETLINK_SEND: 8,
  CONFIG_TAKEN: 9,
} as const;

/** What the engine asks for. The bytes are a copy. */
export interface ActionRecord {
  kind: number;
  argument: number;
  bytes: Buffer;
}

export type Version = 4 | 6;

/** A packet in a slot (assembly/icmp/slot.ts); addresses are 16 bytes, IPv4 ones mapped. */
export interface Echo {
  destination: Buffer;
  source: Buffer;
  /** ICMP header and data. */
  message: Buffer;
}

/** What is received: for IPv4 the message begins with the IP header. */
export interface Received {
  source: Buffer;
  message: Buffer;
}

type Call = (...numbers: (number | bigint)[]) => number;

interface Exports extends Record<string, unknown> {
  memory: WebAssembly.Memory;
  deadline(): bigint;
  actions(): number;
  input(): number;
  inputBytes(): number;
  receiveSlots(): number;
  slotBytes(): number;
  batch(): number;
}

const RECORD_BYTES = 16;
const SLOT = { length: 4, destination: 16, source: 32, message: 64 };
const ADDRESS_BYTES = 16;
const NEVER = 2n ** 63n - 1n;

/** What a failed assertion of the engine said, `FILE:LINE:COLUMN: text`. */
export class Trap extends Error {}

export class Engine {
  readonly exports: Exports;
  /** The time that goes with each call: monotonic, and since 1970 in UTC. */
  now_ms = 0;
  wall_ms = 0;
  private last_words = "";

  /** `imports` are added to the engine's own, for builds that are instrumented. */
  constructor(path = "build/engine.wasm", imports: Record<string, Record<string, unknown>> = {}) {
    const trap = (pointer: number, length: number): void => {
      this.last_words = this.bytes(pointer, length).toString("utf8");
    };
    const module = instantiateSync(readFileSync(path), { ...imports, host: { trap } });
    this.exports = module.exports as unknown as Exports;
  }

  start(key: [bigint, bigint], identifier: number, utc_offset_s = 0): ActionRecord[] {
    return this.call("start", ...key, identifier, utc_offset_s);
  }

  configure(path: string, text: string): ActionRecord[] {
    const file = Buffer.from(text);
    this.write(Buffer.concat([Buffer.from(path), file]));
    return this.call("configure", Buffer.byteLength(path), file.length);
  }

  network(bytes: Buffer): ActionRecord[] {
    return this.call("network", this.write(bytes));
  }

  networkLost(): ActionRecord[] {
    return this.call("networkLost");
  }

  tick(): ActionRecord[] {
    return this.call("tick");
  }

  chores(): ActionRecord[] {
    return this.call("chores");
  }

  replies(version: Version, received: Received[]): ActionRecord[] {
    const slot_bytes = this.exports.slotBytes();
    received.forEach(({ source, message }, i) => {
      const slot = this.bytes(this.exports.receiveSlots() + i * slot_bytes, slot_bytes);
      slot.writeUInt32LE(message.length, SLOT.length);
      slot.set(source, SLOT.destination);
      slot.set(message, SLOT.message);
    });
    return this.call("replies", version, received.length);
  }

  unsent(version: Version, index: number, errno: number): ActionRecord[] {
    return this.call("unsent", version, index, errno);
  }

  viciOpened(): ActionRecord[] {
    return this.call("viciOpened");
  }

  viciClosed(errno: number): ActionRecord[] {
    return this.call("viciClosed", errno);
  }

  viciBytes(bytes: Buffer): ActionRecord[] {
    return this.call("viciBytes", this.write(bytes));
  }

  command(client: number, line: string): ActionRecord[] {
    return this.call("command", client, this.write(Buffer.from(line)));
  }

  /** When `tick` and `chores` are due; Infinity for never. */
  deadline(): number {
    const deadline_ms = this.exports.deadline();
    return deadline_ms === NEVER ? Infinity : Number(deadline_ms);
  }

  /** The echoes of a SEND_ECHOES, whose bytes are the slots. */
  echoes(action: ActionRecord): Echo[] {
    const slot_bytes = this.exports.slotBytes();
    const echoes: Echo[] = [];
    for (let at = 0; at < action.bytes.length; at += slot_bytes) {
      const slot = action.bytes.subarray(at, at + slot_bytes);
      const length = slot.readUInt32LE(SLOT.length);
      echoes.push({
        destination: slot.subarray(SLOT.destination, SLOT.destination + ADDRESS_BYTES),
        source: slot.subarray(SLOT.source, SLOT.source + ADDRESS_BYTES),
        message: slot.subarray(SLOT.message, SLOT.message + length),
      });
    }
    return echoes;
  }

  /** Pages of linear memory. */
  pages(): number {
    return this.exports.memory.buffer.byteLength >> 16;
  }

  protected call(name: string, ...numbers: (number | bigint)[]): ActionRecord[] {
    const times = [BigInt(this.now_ms), BigInt(this.wall_ms)];
    let count: number;
    try {
      count = (this.exports[name] as Call)(...numbers, ...times);
    } catch (error) {
      throw new Trap(this.last_words, { cause: error });
    }
    return Array.from({ length: count }, (_, i) => this.action(i));
  }

  private action(index: number): ActionRecord {
    const record = this.bytes(this.exports.actions() + index * RECORD_BYTES, RECORD_BYTES);
    const kind = record.readUInt32LE(0);
    const length = record.readUInt32LE(12);
    // Of echoes the length counts slots.
    const bytes = kind === Action.SEND_ECHOES ? length * this.exports.slotBytes() : length;
    return {
      kind,
      argument: record.readUInt32LE(4),
      bytes: Buffer.from(this.bytes(record.readUInt32LE(8), bytes)),
    };
  }

  /** Puts bytes where the next call looks for them; answers their length. */
  private write(bytes: Buffer): number {
    if (bytes.length > this.exports.inputBytes()) throw new RangeError("more than one input");
    this.bytes(this.exports.input(), bytes.length).set(bytes);
    return bytes.length;
  }

  /** A view, good until memory grows: so never kept over a call. */
  private bytes(pointer: number, length: number): Buffer {
    return Buffer.from(this.exports.memory.buffer, pointer, length);
  }
}
