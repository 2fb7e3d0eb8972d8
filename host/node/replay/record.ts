/** An engine on Node that records what it is told and what it does, as rekeyd's recorder does. */
import { readFileSync } from "node:fs";
import { Action, Engine, Trap, type ActionRecord } from "../engine.ts";
import { inputBytes, type CallName } from "./format.ts";
import type { Call, EngineId, RecordedTrap } from "./recording.ts";
import { copySlots, takeSnapshot, view, type Recordable } from "./state.ts";
import { beginSegment, sha256, writeCall, writeSnapshot } from "./write.ts";

const ACTION_BYTES = 16;
const VERSION = "0.1.0";

export class RecordingEngine extends Engine {
  private readonly records: Buffer[] = [];
  private readonly id: EngineId;
  private readonly recordable: Recordable;

  constructor(path = "build/engine.wasm") {
    super(path);
    this.id = { sha256: sha256(readFileSync(path)), version: VERSION, begun_ms: 0n, number: 0 };
    this.recordable = this.exports as unknown as Recordable;
  }

  /** What is recorded so far. */
  recording(): Buffer {
    return Buffer.concat(this.records);
  }

  /** A further segment begins, with the engine as it is; or, forgetting the past, a recording. */
  nextSegment(forgets = false): void {
    if (forgets) this.records.length = 0;
    this.id.number++;
    const snapshot = takeSnapshot(this.recordable, BigInt(this.now_ms), BigInt(this.wall_ms));
    this.records.push(...beginSegment(this.id), ...writeSnapshot(snapshot));
  }

  protected override call(name: string, ...numbers: (number | bigint)[]): ActionRecord[] {
    if (name === "start") {
      this.id.begun_ms = BigInt(this.wall_ms);
      this.records.push(...beginSegment(this.id));
    }
    const call = this.input(name as CallName | "start", numbers);
    try {
      const actions = super.call(name, ...numbers);
      this.records.push(
        ...writeCall({ ...call, actions: actions.map((action, i) => this.concealed(action, i)) }),
      );
      return actions;
    } catch (error) {
      if (error instanceof Trap) this.records.push(...writeCall({ ...call, trap: trapOf(error) }));
      throw error;
    }
  }

  private input(name: CallName | "start", numbers: (number | bigint)[]): Call {
    const is_start = name === "start";
    const own = numbers.slice(is_start ? 3 : 0).map(Number);
    return {
      offset: 0,
      name,
      numbers: own,
      seed: is_start ? BigInt.asIntN(64, BigInt(numbers[2]!)) : 0n,
      now_ms: BigInt(this.now_ms),
      wall_ms: BigInt(this.wall_ms),
      bytes: is_start ? Buffer.alloc(0) : this.inputOf(name, own),
      actions: undefined,
      trap: undefined,
    };
  }

  private inputOf(name: CallName, numbers: number[]): Buffer {
    const { exports, recordable } = this;
    if (name === "replies") {
      const [version = 4, count = 0] = numbers;
      return copySlots(recordable, exports.receiveSlots(), version, count);
    }
    const length = inputBytes(name, numbers);
    if (length > exports.inputBytes()) return Buffer.alloc(0);
    return Buffer.from(view(recordable, exports.input(), length));
  }

  private concealed(action: ActionRecord, index: number): ActionRecord {
    const { kind, argument, bytes } = action;
    if (kind !== Action.SEND_ECHOES) return action;
    const record = view(
      this.recordable,
      this.exports.actions() + index * ACTION_BYTES,
      ACTION_BYTES,
    );
    const pointer = record.readUInt32LE(8);
    const count = bytes.length / this.exports.slotBytes();
    return { kind, argument, bytes: copySlots(this.recordable, pointer, argument, count) };
  }
}

function trapOf({ message, cause }: Trap): RecordedTrap {
  const own_words = message !== "";
  return { own_words, text: own_words ? message : String(cause) };
}
