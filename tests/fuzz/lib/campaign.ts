/** The loop: what reaches something new is kept, and changed again. */
import { Random } from "../../../host/node/sim/random.ts";
import type { Finding } from "./finding.ts";
import { mutate } from "./mutate.ts";
import type { Runner } from "./runner.ts";

export interface Found {
  finding: Finding;
  input: Buffer;
}

/** Runs that making a finding's input smaller may take. */
const MINIMIZE_RUNS = 3_000;
/** The same for an input of the tree's corpus. */
const SHORTEN_RUNS = 1_000;

export class Campaign {
  readonly found: Found[] = [];
  private readonly random: Random;

  constructor(
    readonly runner: Runner,
    readonly corpus: Buffer[],
    seed: number,
  ) {
    this.random = new Random(seed);
    // What the corpus reaches is not new, and what it finds is told at once.
    for (const input of [...corpus]) this.keep(input, false);
    for (const input of runner.target.seeds()) this.keep(input, true);
  }

  /** Tries so many inputs. */
  run(runs: number): void {
    const { random, runner, corpus } = this;
    const { dictionary, max_bytes } = runner.target;
    for (let n = 0; n < runs; n++) {
      const parent = this.pick();
      const other = random.one(corpus);
      const knowing = runner.target.mutate !== undefined && random.percent(50);
      let input = knowing
        ? runner.target.mutate!(random, parent, other).subarray(0, max_bytes)
        : mutate(random, parent, other, dictionary, max_bytes);
      if (knowing && random.percent(20)) {
        input = mutate(random, input, other, dictionary, max_bytes);
      }
      this.keep(Buffer.from(input), true);
    }
  }

  /** Later ones reach what earlier ones did not. */
  private pick(): Buffer {
    const { random, corpus } = this;
    if (random.percent(50)) return random.one(corpus);
    const recent = Math.min(corpus.length, 64);
    return corpus[corpus.length - 1 - random.below(recent)]!;
  }

  private keep(input: Buffer, add: boolean): void {
    const finding = this.runner.run(input);
    if (finding !== undefined) {
      if (this.found.some((known) => known.finding.message === finding.message)) return;
      this.found.push({ finding, input: minimize(this.runner, input, finding) });
    } else if (add && this.runner.fresh) {
      this.corpus.push(input);
    }
  }
}

/** Leaves out of an input what the finding does not need. */
export function minimize(runner: Runner, input: Buffer, finding: Finding): Buffer {
  const same = (bytes: Buffer): boolean => runner.run(bytes)?.message === finding.message;
  return shorten(input, MINIMIZE_RUNS, 1, same);
}

/** Leaves out what it may, half of it and then less at a time, down to parts of `least` bytes. */
function shorten(
  input: Buffer,
  runs: number,
  least: number,
  may: (bytes: Buffer) => boolean,
): Buffer {
  let bytes = input;
  for (let size = bytes.length >> 1; size >= least; size >>= 1) {
    for (let at = 1; at < bytes.length && runs > 0; runs--) {
      const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
      if (may(shorter)) bytes = shorter;
      else at += size;
    }
  }
  return bytes;
}

/** Few and short inputs, small ones first, that together reach what all reach. */
export function distil(runner: Runner, inputs: Buffer[]): Buffer[] {
  const kept: Buffer[] = [];
  const covered = new Uint8Array(runner.seen.length);
  const reached = (runner.reached = new Uint8Array(runner.seen.length));
  for (const input of [...inputs].sort((a, b) => a.length - b.length || Buffer.compare(a, b))) {
    if (runner.run(input) !== undefined) continue;
    const fresh = [...reached.keys()].filter((i) => reached[i] !== 0 && covered[i] === 0);
    if (fresh.length === 0) continue;
    const enough = (bytes: Buffer): boolean =>
      runner.run(bytes) === undefined && fresh.every((i) => reached[i] !== 0);
    const short = shorten(input, SHORTEN_RUNS, 4, enough);
    kept.push(short);
    runner.run(short);
    reached.forEach((count, i) => (covered[i]! |= count === 0 ? 0 : 1));
  }
  runner.reached = undefined;
  return kept;
}
