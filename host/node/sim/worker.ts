/** A thread of pool.ts: runs what it is told to, and says all the while how far it is. */
import { parentPort, workerData } from "node:worker_threads";
import { shrink } from "./shrink.ts";
import { simulate, type Options } from "./simulate.ts";
import type { Answer, Task } from "./pool.ts";

const progress = new Float64Array(workerData as SharedArrayBuffer);

function answer(answer: Answer): void {
  parentPort!.postMessage(answer);
}

function run(options: Options, shrinks: boolean): void {
  const result = simulate(options, progress);
  answer({ result, shrunk: undefined, done: result.failure === undefined || !shrinks });
  if (result.failure === undefined || !shrinks) return;
  const shrunk = shrink(options, result, progress);
  answer({ result, shrunk, done: true });
}

parentPort!.on("message", ({ options, shrinks }: Task) => run(options, shrinks));
