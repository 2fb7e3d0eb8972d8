/** Runs inputs of one target, each from the same beginning, and looks at what they reached. */
import type { ActionRecord } from "../../../host/node/engine.ts";
import { FuzzedEngine, Refused } from "./engine.ts";
import { Finding } from "./finding.ts";
import type { Instrumented } from "./instrument.ts";
import type { Target } from "./target.ts";

/** Counts that are told apart, as in AFL: 1, 2, 3, 4 to 7, 8 to 15, and so on. */
const CLASS = Uint8Array.from({ length: 256 }, (_, n) =>
  n === 0 ? 0 : n < 4 ? 1 << (n - 1) : 1 << Math.min(7, Math.floor(Math.log2(n)) + 1),
);

/** One in so many is tried twice, with other bytes behind it: nothing else may come of it. */
const TWICE_EVERY = 5;
/** In vici the type of a list's item, in netlink a length, in text a control character. */
const BEHIND = 5;

export class Runner {
  /** Classes of counts seen so far at each probe, as bits. */
  readonly seen: Uint8Array;
  runs = 0;
  /** Whether the last run reached something for the first time. */
  fresh = false;
  /** How often the last input passed each probe; kept only if somebody asks. */
  reached: Uint8Array | undefined;
  private readonly engines: FuzzedEngine[];

  constructor(
    private readonly built: Instrumented,
    readonly target: Target,
  ) {
    this.seen = new Uint8Array(built.probes.length);
    this.engines = target.stages.map((_, i) => this.make(i));
  }

  private make(stage: number): FuzzedEngine {
    const engine = new FuzzedEngine(this.built);
    this.target.stages[stage]!(engine);
    engine.save();
    return engine;
  }

  /** What the input shows to be wrong, if anything. */
  run(input: Buffer): Finding | undefined {
    this.runs++;
    this.fresh = false;
    const alike = this.target.alike?.(input) ?? input;
    const unlike = !alike.equals(input);
    const twice = this.engines.length > 0 && input.length % TWICE_EVERY === 0;
    const asked = unlike || twice ? ([] as ActionRecord[]) : undefined;
    const finding = this.once(input, 0, asked);
    if (finding !== undefined || asked === undefined) return finding;
    const behind = twice ? this.again(input, BEHIND, asked, "looks behind its input") : undefined;
    if (behind !== undefined || !unlike) return behind;
    return this.again(alike, 0, asked, "takes what is to be passed over");
  }

  /** Tries what must lead to the same actions as before. */
  private again(
    input: Buffer,
    behind: number,
    asked: ActionRecord[],
    complaint: string,
  ): Finding | undefined {
    const actions: ActionRecord[] = [];
    const finding = this.once(input, behind, actions);
    if (finding !== undefined || sameActions(asked, actions)) return finding;
    return new Finding(complaint, this.target.name);
  }

  private once(input: Buffer, behind: number, asked?: ActionRecord[]): Finding | undefined {
    const stage = (input[0] ?? 0) % Math.max(this.engines.length, 1);
    const engine = this.engines[stage];
    if (engine !== undefined) {
      engine.behind = behind;
      engine.watch = asked && ((action) => void asked.push(action));
    }
    try {
      const words = this.target.run(input.subarray(1), engine!);
      if (words !== undefined) this.noteWords(words);
      return undefined;
    } catch (error) {
      if (error instanceof Refused) return undefined;
      if (error instanceof Finding) return error;
      throw error;
    } finally {
      if (engine !== undefined) {
        this.note(engine.counters);
        if (!engine.restore()) this.engines[stage] = this.make(stage);
      }
    }
  }

  private note(counters: Uint8Array): void {
    const { seen } = this;
    for (let i = 0; i < counters.length; i++) {
      const count = counters[i]!;
      if (count === 0) continue;
      const bit = CLASS[count]!;
      if ((seen[i]! & bit) !== 0) continue;
      seen[i]! |= bit;
      this.fresh = true;
    }
    this.reached?.set(counters);
  }

  private noteWords(words: string[]): void {
    this.reached?.fill(0);
    for (const word of words) {
      const at = hash(word) % this.seen.length;
      this.reached?.fill(1, at, at + 1);
      if (this.seen[at] !== 0) continue;
      this.seen[at] = 1;
      this.fresh = true;
    }
  }

  /** Probes that any input passed. */
  get edges(): number {
    return this.seen.reduce((sum, bits) => sum + (bits === 0 ? 0 : 1), 0);
  }
}

function sameActions(a: ActionRecord[], b: ActionRecord[]): boolean {
  const same = ({ kind, argument, bytes }: ActionRecord, other: ActionRecord): boolean =>
    kind === other.kind && argument === other.argument && bytes.equals(other.bytes);
  return a.length === b.length && a.every((action, i) => same(action, b[i]!));
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
