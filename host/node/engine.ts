/**
 * The engine on Node: the calls of assembly/index.ts with their types, and the actions that they
 * leave behind. Like every host it decides nothing.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { readFileSync, statSync } from "node:fs";

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
  RECORDER: 10,
  SAVE_RECORDING: 11,
  LOG_JSON: 12,
  LOG_FIELDS: 13,
  RUN_HOOK: 14,
  CONFIG_CHANGED: 15,
  SAVE_CONFIG: 16,
  TELL_FACTS: 17,
  XFRM_SEND: 18,
} as const;

/** In the argument of a SEND_ECHOES: beside the tunnel. */
export const UNGUARDED = 0x100;

/** What the engine asks for. The bytes are a copy. */
export interface ActionRecord {
  kind: number;
  argument: number;
  bytes: Buffer;
  /** Of a SEND_ECHOES without bytes: where its slots stand, and how many there are. */
  slots?: { pointer: number; count: number };
}

export type Version = 4 | 6;

/** A packet in a slot (assembly/icmp/slot.ts); addresses are 16 bytes, IPv4 ones mapped. */
export interface Echo {
  /** The kernel's number of the interface that it leaves by; 0: any. */
  ifindex: number;
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

/** Takes its numbers, and the times `now_ms` and `wall_ms`; answers the count of actions. */
type Call = (...numbers: (number | bigint)[]) => number;

type Input =
  | ("start" | "configure" | "command" | "network" | "networkLost" | "tick" | "chores")
  | ("replies" | "unsent" | "viciOpened" | "viciClosed" | "viciBytes")
  | ("hookEnded" | "hookTold" | "xfrmOpened" | "xfrm");

interface Exports extends Record<Input, Call> {
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
/** As in assembly/icmp/slot.ts. */
export const SLOT = { length: 4, ifindex: 8, destination: 16, source: 32, message: 64 } as const;
const ADDRESS_BYTES = 16;
/** Later than any deadline but never. */
const NEVER_MS = 2 ** 62;
const NOTHING: ActionRecord[] = [];
const NO_BYTES = Buffer.alloc(0);

/** What a failed assertion of the engine said, `FILE:LINE:COLUMN: text`. */
export class Trap extends Error {}

/** Modules that are compiled: many engines of one are made. */
const compiled = new Map<string, WebAssembly.Module>();

/** The module of a file, which must not change under its name. */
function moduleOf(path: string): WebAssembly.Module {
  const { mtimeMs, ino } = statSync(path);
  const key = `${path} ${ino} ${mtimeMs}`;
  const known = compiled.get(key) ?? new WebAssembly.Module(readFileSync(path));
  compiled.set(key, known);
  return known;
}

export class Engine {
  readonly exports: Exports;
  /** The time that goes with each call: monotonic, and since 1970 in UTC. */
  now_ms = 0;
  wall_ms = 0;
  /** A SEND_ECHOES is not copied: its host reads the slots in `words()` before the next call. */
  leaves_echoes = false;
  protected last_words = "";
  private view = NO_BYTES;
  private word_view = new Int32Array(0);
  private readonly actions: number;
  readonly slot_bytes: number;
  readonly receive_slots: number;

  /** `imports` are added to the engine's own, for builds that are instrumented. */
  constructor(path = "build/engine.wasm", imports: Record<string, Record<string, unknown>> = {}) {
    const trap = (pointer: number, length: number): void => {
      this.last_words = this.bytes(pointer, length).toString("utf8");
    };
    const { instance } = instantiateSync(moduleOf(path), { ...imports, host: { trap } });
    // Not the loader's, which wrap each call.
    this.exports = instance.exports as unknown as Exports;
    this.actions = this.exports.actions();
    this.slot_bytes = this.exports.slotBytes();
    this.receive_slots = this.exports.receiveSlots();
  }

  start(
    key: [bigint, bigint],
    identifier: number,
    utc_offset_s = 0,
    seed = key[0] ^ key[1],
  ): ActionRecord[] {
    return this.call("start", ...key, seed, identifier, utc_offset_s);
  }

  /** `edited`: the text is that of a CONFIG_CHANGED, and not the file's. */
  configure(path: string, text: string | Buffer, edited = false): ActionRecord[] {
    const file = Buffer.from(text);
    this.write(Buffer.concat([Buffer.from(path), file]));
    return this.call("configure", Buffer.byteLength(path), file.length, edited ? 1 : 0);
  }

  network(bytes: Buffer): ActionRecord[] {
    return this.call("network", this.write(bytes));
  }

  networkLost(): ActionRecord[] {
    return this.call("networkLost");
  }

  /** The socket for SAs is there (0), or `errno` says why not. */
  xfrmOpened(errno: number): ActionRecord[] {
    return this.call("xfrmOpened", errno);
  }

  xfrm(bytes: Buffer): ActionRecord[] {
    return this.call("xfrm", this.write(bytes));
  }

  tick(): ActionRecord[] {
    return this.call("tick");
  }

  chores(): ActionRecord[] {
    return this.call("chores");
  }

  replies(version: Version, received: Received[]): ActionRecord[] {
    received.forEach(({ source, message }, i) => {
      const slot = this.receive_slots + i * this.slot_bytes;
      const memory = this.memory();
      memory.writeUInt32LE(message.length, slot + SLOT.length);
      memory.set(source, slot + SLOT.destination);
      memory.set(message, slot + SLOT.message);
    });
    return this.received(version, received.length);
  }

  /** So many replies stand in the slots from `receive_slots`. */
  received(version: Version, count: number): ActionRecord[] {
    return this.call("replies", version, count);
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

  command(client: number, line: string | Buffer): ActionRecord[] {
    return this.call("command", client, this.write(Buffer.from(line)));
  }

  facts(text: string): ActionRecord[] {
    return this.call("facts", this.write(Buffer.from(text)));
  }

  recorder(on: boolean, errno: number): ActionRecord[] {
    return this.call("recorder", on ? 1 : 0, errno);
  }

  hookEnded(outcome: number, detail: number, vpn: string): ActionRecord[] {
    return this.call("hookEnded", outcome, detail, this.write(Buffer.from(vpn)));
  }

  hookTold(told: number, runs: boolean, vpn: string): ActionRecord[] {
    return this.call("hookTold", told, Number(runs), this.write(Buffer.from(vpn)));
  }

  /** SAVE_CONFIG was done, or `errno` says what kept it from that. */
  saved(errno: number): ActionRecord[] {
    return this.call("saved", errno);
  }

  /** When `tick` and `chores` are due; Infinity for never. */
  deadline(): number {
    const deadline_ms = Number(this.exports.deadline());
    return deadline_ms > NEVER_MS ? Infinity : deadline_ms;
  }

  /** The echoes of a SEND_ECHOES, whose bytes are the slots. */
  echoes(action: ActionRecord): Echo[] {
    const { slot_bytes } = this;
    const echoes: Echo[] = [];
    for (let at = 0; at < action.bytes.length; at += slot_bytes) {
      const slot = action.bytes.subarray(at, at + slot_bytes);
      const length = slot.readUInt32LE(SLOT.length);
      echoes.push({
        ifindex: slot.readUInt32LE(SLOT.ifindex),
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

  /** All memory: a view, good until it grows, so never kept over a call. */
  memory(): Buffer {
    // A buffer that memory has outgrown is empty.
    if (this.view.length === 0) this.view = Buffer.from(this.exports.memory.buffer);
    return this.view;
  }

  /** The same as words. */
  words(): Int32Array {
    if (this.word_view.length === 0) this.word_view = new Int32Array(this.exports.memory.buffer);
    return this.word_view;
  }

  protected call(name: string, ...numbers: (number | bigint)[]): ActionRecord[] {
    const input = this.exports[name as Input];
    const now_ms = BigInt(this.now_ms);
    const wall_ms = BigInt(this.wall_ms);
    let count: number;
    try {
      // To spread takes its time, and these come often.
      if (numbers.length === 0) count = input(now_ms, wall_ms);
      else if (numbers.length === 2) count = input(numbers[0]!, numbers[1]!, now_ms, wall_ms);
      else count = input(...numbers, now_ms, wall_ms);
    } catch (error) {
      throw new Trap(this.last_words, { cause: error });
    }
    if (count === 0) return NOTHING;
    const actions: ActionRecord[] = [];
    for (let i = 0; i < count; i++) actions.push(this.action(i));
    return actions;
  }

  private action(index: number): ActionRecord {
    const words = this.words();
    const record = (this.actions + index * RECORD_BYTES) >> 2;
    const kind = words[record]!;
    const argument = words[record + 1]! >>> 0;
    const pointer = words[record + 2]! >>> 0;
    const length = words[record + 3]!;
    // Of echoes the length counts slots.
    if (kind === Action.SEND_ECHOES) {
      if (this.leaves_echoes) {
        return { kind, argument, bytes: NO_BYTES, slots: { pointer, count: length } };
      }
      return { kind, argument, bytes: this.copy(pointer, length * this.slot_bytes) };
    }
    return { kind, argument, bytes: this.copy(pointer, length) };
  }

  private copy(pointer: number, length: number): Buffer {
    return Buffer.from(this.bytes(pointer, length));
  }

  /** Puts bytes where the next call looks for them; answers their length. */
  private write(bytes: Buffer): number {
    if (bytes.length > this.exports.inputBytes()) throw new RangeError("more than one input");
    this.memory().set(bytes, this.exports.input());
    return bytes.length;
  }

  /** A view, good until memory grows: so never kept over a call. */
  private bytes(pointer: number, length: number): Buffer {
    return this.memory().subarray(pointer, pointer + length);
  }
}
