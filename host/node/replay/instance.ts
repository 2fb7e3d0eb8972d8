/**
 * An engine for replay: one instance of a module, call by call with the recorded numbers and times,
 * and with its memory and variables open. (host/node/engine.ts is for those who play its host.)
 */
import { Action, type ActionRecord } from "../engine.ts";
import { BATCH, CALLS, inputBytes, SLOT_BYTES } from "./format.ts";
import { cutSlots } from "./read_call.ts";
import type { Call, RecordedTrap, Snapshot } from "./recording.ts";
import {
  copySlots,
  copyState,
  restoreSnapshot,
  takeSnapshot,
  view,
  type Recordable,
} from "./state.ts";

const RECORD_BYTES = 16;
/** Whatever it is: nothing that is compared hangs on it. */
const KEY = Buffer.from("a key for replay");

interface Exports extends Recordable {
  actions(): number;
  input(): number;
}

/** What a call came to. */
export type Outcome = { actions: ActionRecord[] } | { trap: RecordedTrap };

export class Instance {
  private readonly exports: Exports;
  private last_words: string | undefined;

  constructor(private readonly module: WebAssembly.Module) {
    const trap = (pointer: number, length: number): void => {
      this.last_words = view(this.exports, pointer >>> 0, length >>> 0).toString("utf8");
    };
    const { exports } = new WebAssembly.Instance(module, { host: { trap } });
    for (const name of [...CALLS, "start", "conceal", "reveal", "wipe", "secret"]) {
      if (!(name in exports)) throw new Error(`the engine cannot be replayed: it has no '${name}'`);
    }
    this.exports = exports as unknown as Exports;
  }

  /** Another instance in the same state. */
  fork(): Instance {
    const fork = new Instance(this.module);
    copyState(this.exports, fork.exports);
    return fork;
  }

  /** Takes on a recorded state. */
  restore(snapshot: Snapshot): void {
    restoreSnapshot(this.exports, snapshot, KEY);
  }

  /** The state, as a recording has it. It clears what no later call reads. */
  snapshot(now_ms: bigint, wall_ms: bigint): Snapshot {
    return takeSnapshot(this.exports, now_ms, wall_ms);
  }

  /** Makes the call and answers its actions, with tokens concealed; the bytes are copies. */
  feed(call: Call): Outcome {
    this.last_words = undefined;
    try {
      const count = this.enter(call);
      return { actions: Array.from({ length: count }, (_, i) => this.action(i)) };
    } catch (error) {
      const own_words = this.last_words !== undefined;
      return { trap: { own_words, text: this.last_words ?? (error as Error).message } };
    }
  }

  private enter(call: Call): number {
    const { name, numbers, now_ms, wall_ms } = call;
    const enter = this.exports[name] as (...numbers: (number | bigint)[]) => number;
    if (name === "start") {
      const key = [KEY.readBigUInt64LE(0), KEY.readBigUInt64LE(8)];
      return enter(...key, call.seed, ...numbers, now_ms, wall_ms);
    }
    if (name === "replies") this.fillSlots(call);
    else if (call.bytes.length === inputBytes(name, numbers)) {
      view(this.exports, this.exports.input(), call.bytes.length).set(call.bytes);
    }
    return enter(...numbers, now_ms, wall_ms);
  }

  private fillSlots({ numbers, bytes }: Call): void {
    const [version = 4, count = 0] = numbers;
    if (count >>> 0 > BATCH) return;
    const slots = this.exports.receiveSlots();
    cutSlots(bytes).forEach((slot, i) => {
      view(this.exports, slots + i * SLOT_BYTES, slot.length).set(slot);
    });
    this.exports.reveal(slots, version, count);
  }

  private action(index: number): ActionRecord {
    const record = view(this.exports, this.exports.actions() + index * RECORD_BYTES, RECORD_BYTES);
    const kind = record.readUInt32LE(0);
    const argument = record.readUInt32LE(4);
    const pointer = record.readUInt32LE(8);
    const length = record.readUInt32LE(12);
    const bytes =
      kind === Action.SEND_ECHOES
        ? copySlots(this.exports, pointer, argument, length)
        : Buffer.from(view(this.exports, pointer, length));
    return { kind, argument, bytes };
  }
}
