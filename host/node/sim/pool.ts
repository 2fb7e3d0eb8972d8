/**
 * Runs on all cores, each in a thread; a thread whose engine does not return from a call is ended,
 * and that is a failure like any other.
 */
import { availableParallelism } from "node:os";
import { startThread } from "../thread.ts";
import { OF_THE_RUN } from "./invariants.ts";
import type { Shrunk } from "./shrink.ts";
import { UNSTARTED, type Options, type Result } from "./simulate.ts";

/** What a thread is told to do: a failure is shrunk, if that is wanted. */
export interface Task {
  options: Options;
  shrinks: boolean;
}

/** What comes of it: first the result, then, if it failed, fewer faults that are enough. */
export interface Answer {
  result: Result;
  shrunk: Shrunk | undefined;
  done: boolean;
}

/** A call takes microseconds, and the longest listing milliseconds. */
const HANGS_MS = 20_000;
const LOOK_MS = 1_000;
/** What a thread keeps telling: calls of the engine, simulated milliseconds since the start. */
const PROGRESS_BYTES = 2 * Float64Array.BYTES_PER_ELEMENT;

/** Threads that there are for runs, unless another number is given. */
export const THREADS = availableParallelism();

export class Pool {
  private readonly idle: Thread[] = [];
  private readonly waiting: (() => void)[] = [];
  private free: number;

  constructor(
    size = THREADS,
    private readonly hangs_ms = HANGS_MS,
  ) {
    this.free = size;
  }

  /** Runs it as soon as there is a thread for it. */
  async run(options: Options, shrinks = false): Promise<Answer> {
    if (this.free === 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.free--;
    const thread = this.idle.pop() ?? new Thread();
    try {
      const answer = await thread.run({ options, shrinks }, this.hangs_ms);
      if (thread.alive) this.idle.push(thread);
      return answer;
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.idle.map((thread) => thread.end()));
  }
}

class Thread {
  alive = true;
  private readonly shared = new SharedArrayBuffer(PROGRESS_BYTES);
  private readonly progress = new Float64Array(this.shared);
  private readonly worker = startThread(new URL("./worker.ts", import.meta.url), this.shared);

  async run(task: Task, hangs_ms: number): Promise<Answer> {
    let known: Answer | undefined;
    this.progress.fill(0);
    this.worker.postMessage(task);
    const answer = await new Promise<Answer | undefined>((resolve, reject) => {
      let calls = 0;
      let since_ms = performance.now();
      const watch = setInterval(() => {
        if (calls !== this.progress[0]) since_ms = performance.now();
        calls = this.progress[0]!;
        if (performance.now() - since_ms > hangs_ms) end(() => resolve(undefined));
      }, LOOK_MS);
      const failed = (error: Error): void => end(() => reject(error));
      const told = (answer: Answer): void => {
        known = answer;
        if (answer.done) end(() => resolve(answer));
      };
      const end = (how: () => void): void => {
        clearInterval(watch);
        this.worker.off("error", failed).off("message", told);
        how();
      };
      this.worker.on("error", failed).on("message", told);
    });
    if (answer !== undefined) return answer;
    await this.end();
    return known ?? { result: this.hung(hangs_ms), shrunk: undefined, done: true };
  }

  async end(): Promise<void> {
    this.alive = false;
    await this.worker.terminate();
  }

  /** The thread has taken what else it knew with it. */
  private hung(hangs_ms: number): Result {
    const [calls = 0, simulated_ms = 0] = this.progress;
    const failure = {
      invariant: OF_THE_RUN.HANG.name,
      says: OF_THE_RUN.HANG.says,
      seen: `call ${calls + 1} has not returned for ${hangs_ms / 1000} s`,
      after_ms: simulated_ms,
      log: [],
    };
    const counts = { ...UNSTARTED.counts, calls };
    return { ...UNSTARTED, simulated_ms, counts, failure };
  }
}
