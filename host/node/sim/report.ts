/** What is printed of a run. */
import { execFileSync } from "node:child_process";
import { commandOf } from "./command.ts";
import { describe } from "./fault.ts";
import type { Shrunk } from "./shrink.ts";
import type { Options, Result } from "./simulate.ts";

const LOG_LINES = 15;

/** One line: the trace is the same whenever the seed and the options are. */
export function summaryOf(seed: number, { trace, counts, simulated_ms }: Result): string {
  const hours = (simulated_ms / 3_600_000).toFixed(2);
  return `seed ${seed}: trace ${trace}, ${counts.calls} calls, ${hours} h`;
}

/** All that is needed to see it again, and to see why. */
export function explain(options: Options, failed: Result, shrunk: Shrunk | undefined): void {
  const result = shrunk?.result ?? failed;
  const failure = result.failure!;
  console.log(`  broken: ${failure.invariant}: ${failure.says}`);
  console.log(`  seen:   ${failure.seen}`);
  console.log(`  commit: ${commit()}`);
  console.log(`  time:   ${(failure.after_ms / 1000).toFixed(3)} s after the start`);
  console.log(`  again:  ${commandOf(options, shrunk?.only)}`);
  if (shrunk !== undefined) {
    const { only, runs } = shrunk;
    console.log(`  faults: ${only.length} of ${failed.faults.length} are enough (${runs} runs):`);
    for (const number of only) {
      const fault = result.faults[number]!;
      console.log(`    ${number}: ${describe(fault, result.start_ms, result.branches)}`);
    }
  }
  for (const { name, rekey, optimized, ...more } of result.branches) {
    const mode = [rekey ? "rekey" : "no rekey", ...(optimized ? ["optimized"] : [])].join(", ");
    const { interval_ms, threshold, recover, connection } = more;
    console.log(
      `  ${name}: ${mode}, interval ${interval_ms} ms, threshold ${threshold}, ` +
        `recover ${recover}, lifetime ${connection.lifetime_s} s, rekey ${connection.rekey_s} s`,
    );
  }
  if (failure.log.length > 0) console.log("  the end of the log:");
  for (const line of failure.log.slice(-LOG_LINES)) console.log(`    ${line}`);
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { encoding: "utf8" }).trim();
    const changed = git("status", "--porcelain", "--", "assembly", "host/node") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (changed ? ", and changes" : "");
  } catch {
    return "unknown: no git";
  }
}
