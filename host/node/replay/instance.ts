/**
 * An engine for replay: one instance of a module, call by call with the recorded numbers and times,
 * and with its memory and variables open. (host/node/engine.ts is for those who play its host.)
 */
import { BATCH, CALLS, inputBytes, MAX_TRAP_BYTES, SLOT_BYTES } from "./format.ts";
import { cutSlots } from "./read_call.ts";
import type { Call, RecordedTrap, Snapshot, RecordedAction } from "./recording.ts";
import {
  actionsOf,
  copyState,
  restoreSnapshot,
  takeSnapshot,
  view,
  type Recordable,
} from "./state.ts";

/** Whatever it is: nothing that is compared hangs on it. */
const KEY = Buffer.from("a key for replay");

interface Exports extends Recordable {
  input(): number;
}

/** What a call came to. */
export type Outcome = { actions: RecordedAction[] } | { trap: RecordedTrap };

export class Instance {
  private readonly exports: Exports;
  private last_words: string | undefined;
  private copy: Instance | undefined;

  constructor(private readonly module: WebAssembly.Module) {
    const trap = (pointer: number, length: number): void => {
      const bytes = Math.min(length >>> 0, MAX_TRAP_BYTES);
      this.last_words = view(this.exports, pointer >>> 0, bytes).toString("utf8");
    };
    const { exports } = new WebAssembly.Instance(module, { host: { trap } });
    for (const name of [...CALLS, "start", "conceal", "reveal", "wipe", "secret"]) {
      if (!(name in exports)) throw new Error(`the engine cannot be replayed: it has no '${name}'`);
    }
    this.exports = exports as unknown as Exports;
  }

  /** Makes a call that leaves no trace: a copy answers. */
  ask(call: Call): Outcome {
    // One copy for all questions, as long as it is of the same size.
    const bytes = this.exports.memory.buffer.byteLength;
    const fits = this.copy?.exports.memory.buffer.byteLength === bytes;
    this.copy = fits ? this.copy! : new Instance(this.module);
    copyState(this.exports, this.copy.exports);
    return this.copy.feed(call);
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
      return { actions: actionsOf(this.exports, this.enter(call)) };
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
}
