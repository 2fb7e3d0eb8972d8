/** An engine on Node that records what it is told and what it does, as rekeyd's recorder does. */
import { readFileSync } from "node:fs";
import { VERSION } from "../../../tools/version.ts";
import { Engine } from "../engine.ts";
import { CALLS, inputBytes, type CallName } from "./format.ts";
import type { Call, EngineId } from "./recording.ts";
import { actionsOf, copySlots, takeSnapshot, view, type Recordable } from "./state.ts";
import { beginSegment, sha256, writeCall, writeSnapshot } from "./write.ts";

type Export = (...numbers: (number | bigint)[]) => number;

export class RecordingEngine extends Engine {
  private readonly records: Buffer[] = [];
  private readonly id: EngineId;
  private readonly original: Recordable;

  constructor(path = "build/engine.wasm") {
    super(path);
    this.id = { sha256: sha256(readFileSync(path)), version: VERSION, begun_ms: 0n, number: 0 };
    this.original = this.exports as unknown as Recordable;
    const recorded = (["start", ...CALLS] as const).map((name) => {
      const original = this.original[name] as Export;
      return [name, (...numbers: (number | bigint)[]) => this.enter(name, original, numbers)];
    });
    const exports = { ...this.original, ...Object.fromEntries(recorded) };
    Object.defineProperty(this, "exports", { value: exports });
  }

  /** What is recorded so far. */
  recording(): Buffer {
    return Buffer.concat(this.records);
  }

  /** A further segment begins, with the engine as it is; or, forgetting the past, a recording. */
  nextSegment(forgets = false): void {
    if (forgets) this.records.length = 0;
    this.id.number++;
    const snapshot = takeSnapshot(this.original, BigInt(this.now_ms), BigInt(this.wall_ms));
    this.records.push(...beginSegment(this.id), ...writeSnapshot(snapshot));
  }

  private enter(name: Call["name"], original: Export, numbers: (number | bigint)[]): number {
    const call = this.callOf(name, numbers);
    if (name === "start") {
      this.id.begun_ms = call.wall_ms;
      this.records.push(...beginSegment(this.id));
    }
    try {
      const count = original(...numbers);
      this.records.push(...writeCall({ ...call, actions: actionsOf(this.original, count) }));
      return count;
    } catch (error) {
      const own_words = this.last_words !== "";
      const text = own_words ? this.last_words : (error as Error).message;
      this.records.push(...writeCall({ ...call, trap: { own_words, text } }));
      throw error;
    }
  }

  private callOf(name: Call["name"], numbers: (number | bigint)[]): Call {
    const [now_ms = 0n, wall_ms = 0n] = numbers.slice(-2) as bigint[];
    const is_start = name === "start";
    // The two halves of the key come first.
    const own = numbers.slice(is_start ? 3 : 0, -2).map(Number);
    return {
      offset: 0,
      name,
      numbers: own,
      seed: is_start ? BigInt.asIntN(64, BigInt(numbers[2]!)) : 0n,
      now_ms,
      wall_ms,
      bytes: is_start ? Buffer.alloc(0) : this.inputOf(name, own),
      actions: undefined,
      trap: undefined,
    };
  }

  private inputOf(name: CallName, numbers: number[]): Buffer {
    if (name === "replies") {
      const [version = 4, count = 0] = numbers;
      return copySlots(this.original, this.original.receiveSlots(), version, count);
    }
    const length = inputBytes(name, numbers);
    if (length > this.exports.inputBytes()) return Buffer.alloc(0);
    return Buffer.from(view(this.original, this.exports.input(), length));
  }
}
