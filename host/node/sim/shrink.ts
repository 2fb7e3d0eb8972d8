/** Finds fewer faults that break the same invariant: delta debugging over the schedule. */
import { simulate, type Options, type Result } from "./simulate.ts";

/** Runs are cheap, but not free. */
const MAX_RUNS = 200;

export interface Shrunk {
  /** Numbers of the faults that are left. */
  only: number[];
  result: Result;
  runs: number;
}

/** `failed` is what the options came to. */
export function shrink(options: Options, failed: Result, progress?: Float64Array): Shrunk {
  const wanted = failed.failure!;
  const end_ms = failed.start_ms + wanted.after_ms;
  // A run that gets past the failure by an hour is not going to fail as it did.
  const hours = Math.min(options.hours, wanted.after_ms / 3_600_000 + 1);
  let only = failed.faults.flatMap((fault, i) => (fault.at_ms <= end_ms ? [i] : []));
  if (options.only !== undefined) only = only.filter((number) => options.only!.includes(number));
  let result = failed;
  let runs = 0;
  for (let parts = 2; parts <= 2 * only.length && only.length > 0 && runs < MAX_RUNS;) {
    const size = Math.max(1, Math.ceil(only.length / parts));
    let fewer: number[] | undefined;
    for (let at = 0; at < only.length && runs < MAX_RUNS && fewer === undefined; at += size) {
      const rest = [...only.slice(0, at), ...only.slice(at + size)];
      const tried = simulate({ ...options, hours, only: rest }, progress);
      runs++;
      if (tried.failure?.invariant !== wanted.invariant) continue;
      fewer = rest;
      result = tried;
    }
    if (fewer === undefined) {
      if (size === 1) break;
      parts *= 2;
    } else {
      only = fewer;
      parts = Math.max(2, parts - 1);
    }
  }
  return { only, result, runs };
}
