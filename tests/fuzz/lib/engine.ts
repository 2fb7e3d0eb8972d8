/**
 * The engine with probes, as fuzzers use it: after each input it is put back to where it was, and
 * after each call everything that holds for any call is checked.
 */
import { Action, Trap, type ActionRecord, type Received } from "../../../host/node/engine.ts";
import { MAX_ACTIONS } from "../../../host/node/replay/format.ts";
import { checkAction } from "./actions.ts";
import { Finding } from "./finding.ts";
import { GRANULE_BYTES, type Instrumented } from "./instrument.ts";

/** Turns of loops and calls that one input may take: what needs more is taken for endless. */
const FUEL = 50_000_000;
/**
 * Memory that inputs of this size may make of what was there at the start. The allocator takes as
 * much again as there is: once for the tables, and once for what small inputs put into them.
 */
const GROWTH = 4;
/** Bytes behind an input that are set to `behind`. */
const BEHIND_BYTES = 1024;
const RECORD_BYTES = 16;
const SLOT = { length: 4, destination: 16, message: 64 };

interface Exports extends Record<string, unknown> {
  memory: WebAssembly.Memory;
  /** Where there are probes. */
  fuel?: WebAssembly.Global<"i32">;
  saveGlobals(): void;
  restoreGlobals(): void;
  deadline(): bigint;
  conceal(slots: number, version: number, count: number): void;
  reveal(slots: number, version: number, count: number): void;
  actions(): number;
  input(): number;
  inputBytes(): number;
  receiveSlots(): number;
  slotBytes(): number;
}

/** The host's contract was broken on purpose, and an assertion ended the call. */
export class Refused extends Error {}

export class FuzzedEngine {
  now_ms = 1_000_000n;
  wall_ms = 1_700_000_000_000n;
  /** Whether calls break the contract from here on, so that assertions may fail. */
  lawless = false;
  /** Whether the host lets time stand still where its clock runs back, so the engine need not. */
  steady = false;
  /** Of all calls. */
  private latest_ms = 0n;
  /** What lies behind an input, which the engine must not look at. */
  behind = 0;
  /** Is told each action. */
  watch: ((action: ActionRecord) => void) | undefined;
  private readonly exports: Exports;
  private memory: Buffer;
  private last_words = "";
  /** Memory and time as `save` found them. */
  private image = Buffer.alloc(0);
  /** Where the last call left bytes to be sent. */
  private readonly to_send: { start: number; end: number }[] = [];
  private saved_ms: [bigint, bigint, bigint] = [0n, 0n, 0n];
  private readonly slot_bytes: number;
  private readonly input: number;
  private readonly input_end: number;
  private readonly slots: number;
  private readonly first_bytes: number;

  constructor(private readonly built: Instrumented) {
    const trap = (pointer: number, length: number): void => {
      this.last_words = this.memory.toString("utf8", pointer, pointer + length);
    };
    const instance = new WebAssembly.Instance(built.module, { host: { trap } });
    this.exports = instance.exports as unknown as Exports;
    this.memory = Buffer.from(this.exports.memory.buffer);
    this.first_bytes = this.memory.length;
    this.slot_bytes = this.exports.slotBytes();
    this.input = this.exports.input();
    this.input_end = this.input + this.exports.inputBytes();
    this.slots = this.exports.receiveSlots();
  }

  /** How often each probe was passed since `restore`, up to 255. A view. */
  get counters(): Uint8Array {
    const { counters, probes } = this.built;
    return new Uint8Array(this.exports.memory.buffer, counters, probes.length);
  }

  get pages(): number {
    return (this.exports.memory.buffer.byteLength >> 16) - this.built.extra_pages;
  }

  /** From here every input begins. */
  save(): void {
    this.exports.saveGlobals();
    this.memory = Buffer.from(this.exports.memory.buffer);
    this.written().fill(0);
    this.counters.fill(0);
    this.image = Buffer.from(this.memory);
    this.saved_ms = [this.now_ms, this.wall_ms, this.latest_ms];
    this.exports.fuel!.value = FUEL;
  }

  /** Puts back what was written since; false if memory grew, and only a new engine would do. */
  restore(): boolean {
    if (this.exports.memory.buffer.byteLength !== this.image.length) return false;
    const written = this.written();
    for (let i = written.indexOf(1); i >= 0; i = written.indexOf(1, i + 1)) {
      const at = i * GRANULE_BYTES;
      this.image.copy(this.memory, at, at, at + GRANULE_BYTES);
    }
    written.fill(0);
    this.counters.fill(0);
    this.exports.restoreGlobals();
    this.exports.fuel!.value = FUEL;
    [this.now_ms, this.wall_ms, this.latest_ms] = this.saved_ms;
    this.steady = false;
    this.lawless = false;
    this.behind = 0;
    this.watch = undefined;
    return true;
  }

  private written(): Buffer {
    const { written } = this.built;
    return this.memory.subarray(written, written + this.memory.length / GRANULE_BYTES);
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.now_ms += BigInt(ms);
    this.wall_ms += BigInt(ms);
  }

  /** Lets the time come that the engine waits for, if that is within `at_most_ms`. */
  passToDeadline(at_most_ms: number): boolean {
    const deadline = this.exports.deadline();
    if (deadline > this.now_ms + BigInt(at_most_ms)) return false;
    if (deadline > this.now_ms) this.pass(Number(deadline - this.now_ms));
    return true;
  }

  start(key: [bigint, bigint], identifier: number, utc_offset_s = 0): ActionRecord[] {
    return this.call("start", ...key, key[0] ^ key[1], identifier, utc_offset_s);
  }

  configure(path: Buffer, text: Buffer): ActionRecord[] {
    this.write(Buffer.concat([path, text]));
    return this.call("configure", path.length, text.length, 0);
  }

  network(bytes: Buffer): ActionRecord[] {
    return this.call("network", this.write(bytes));
  }

  xfrm(bytes: Buffer): ActionRecord[] {
    return this.call("xfrm", this.write(bytes));
  }

  viciBytes(bytes: Buffer): ActionRecord[] {
    return this.call("viciBytes", this.write(bytes));
  }

  facts(text: Buffer): ActionRecord[] {
    return this.call("facts", this.write(text));
  }

  command(client: number, line: Buffer | string): ActionRecord[] {
    return this.call("command", client, this.write(Buffer.from(line)));
  }

  /** Slots filled with what was received; `length` may say something else than the bytes. */
  replies(
    version: number,
    received: (Received & { length?: number })[],
    concealed = false,
  ): ActionRecord[] {
    received.forEach(({ source, message, length }, i) => {
      const at = this.slots + i * this.slot_bytes;
      this.memory.fill(this.behind, at, at + this.slot_bytes);
      this.memory.writeUInt32LE((length ?? message.length) >>> 0, at + SLOT.length);
      source.copy(this.memory, at + SLOT.destination, 0, 16);
      message.copy(this.memory, at + SLOT.message, 0, this.slot_bytes - SLOT.message);
      this.note(at, this.slot_bytes);
    });
    if (concealed) {
      // What a recording does to replies makes no difference to them (docs/recording.md).
      this.exports.conceal(this.slots, version, received.length);
      this.exports.reveal(this.slots, version, received.length);
    }
    return this.call("replies", version, received.length);
  }

  /** Any export that takes the time; checks what it did and what it asks for. */
  call(name: string, ...numbers: (number | bigint)[]): ActionRecord[] {
    const call = this.exports[name] as (...numbers: (number | bigint)[]) => number;
    if (this.now_ms > this.latest_ms) this.latest_ms = this.now_ms;
    let count: number;
    try {
      count = call(...numbers, this.steady ? this.latest_ms : this.now_ms, this.wall_ms);
    } catch (error) {
      throw this.judgeTrap(name, error);
    }
    if (this.exports.memory.buffer !== this.memory.buffer) {
      this.memory = Buffer.from(this.exports.memory.buffer);
      if (this.memory.length > this.first_bytes * GROWTH) {
        throw new Finding("grows", `${name}: ${this.pages} pages`);
      }
    }
    if (count < 0 || count > MAX_ACTIONS) throw new Finding("actions", `${name}: ${count} actions`);
    if (this.exports.deadline() < 0n) throw new Finding("deadline", `${name}: before all time`);
    this.to_send.length = 0;
    return Array.from({ length: count }, (_, i) => this.action(name, i));
  }

  private judgeTrap(name: string, error: unknown): Error {
    const words = this.last_words;
    this.last_words = "";
    if ((this.exports.fuel?.value ?? 0) < 0) return new Finding("spins", name);
    if (words !== "" && this.lawless) return new Refused(words);
    const what = words !== "" ? words : (error as Error).message;
    return new Finding("traps", `${name}: ${what}`);
  }

  private action(name: string, index: number): ActionRecord {
    const at = this.exports.actions() + index * RECORD_BYTES;
    const kind = this.memory.readUInt32LE(at);
    const argument = this.memory.readUInt32LE(at + 4);
    const pointer = this.memory.readUInt32LE(at + 8);
    const count = this.memory.readUInt32LE(at + 12);
    // Of echoes the length counts slots.
    const length = kind === Action.SEND_ECHOES ? count * this.slot_bytes : count;
    const end = pointer + length;
    if (
      end > this.built.counters &&
      pointer < this.built.counters + this.built.extra_pages * 65_536
    ) {
      throw new Finding("actions", `${name}: bytes at ${pointer} + ${length} are nobody's`);
    }
    if (end > this.memory.length) {
      throw new Finding("actions", `${name}: bytes at ${pointer} + ${length} outside of memory`);
    }
    this.checkPlace(name, kind, pointer, end);
    const record = { kind, argument, bytes: Buffer.from(this.memory.subarray(pointer, end)) };
    checkAction(name, record, this.slot_bytes);
    this.watch?.(record);
    return record;
  }

  /** What is to be sent stands in a place of its own until it is sent, after the call. */
  private checkPlace(name: string, kind: number, start: number, end: number): void {
    const kinds: number[] = [Action.VICI_SEND, Action.NETLINK_SEND, Action.XFRM_SEND];
    if (!kinds.includes(kind)) return;
    const taken = this.to_send.some((other) => start < other.end && other.start < end);
    if (taken) throw new Finding("actions", `${name}: two of kind ${kind} in one place`);
    this.to_send.push({ start, end });
  }

  /** Puts bytes where the next call looks for them; answers their length. */
  write(bytes: Buffer): number {
    const end = this.input + bytes.length;
    bytes.copy(this.memory, this.input);
    this.memory.fill(this.behind, end, Math.min(end + BEHIND_BYTES, this.input_end));
    this.note(this.input, bytes.length + BEHIND_BYTES);
    return bytes.length;
  }

  /** What the host writes is put back, too. */
  private note(at: number, length: number): void {
    if (this.built.probes.length === 0) return;
    const first = Math.floor(at / GRANULE_BYTES);
    const last = Math.floor((at + length) / GRANULE_BYTES);
    this.memory.fill(1, this.built.written + first, this.built.written + last + 1);
  }
}

export { Trap };
