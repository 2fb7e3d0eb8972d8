/**
 * `npm run sim -- [--seed N] [--hours H] [--vpns N] [--faults LIST] [--runs N]`: years of bad luck,
 * before breakfast. docs/testing.md tells more.
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { describe, KINDS, kindsOf } from "./fault.ts";
import { INVARIANTS } from "./invariants.ts";
import { shrink } from "./shrink.ts";
import { simulate, type Options, type Result } from "./simulate.ts";

const DAY_MS = 86_400_000;
const LOG_LINES = 15;

const USAGE = `usage: npm run sim -- [OPTION...]
  --seed N       the first seed (default: drawn anew)
  --runs N       so many seeds, one after the other (default 1)
  --hours H      simulated hours of each run (default 1)
  --vpns N       VPNs in each run (default 3)
  --defaults     every VPN with the defaults of the configuration, and rekey
  --faults LIST  kinds or groups of faults; a minus takes away (default all)
  --only LIST    of the faults that the seed draws only these numbers
  --tolerate LIST  invariants that are not asked
  --engine FILE  another module (default build/engine.wasm)
  --list         the faults and the invariants there are
`;

function main(): number {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      runs: { type: "string", default: "1" },
      hours: { type: "string", default: "1" },
      vpns: { type: "string", default: "3" },
      defaults: { type: "boolean", default: false },
      faults: { type: "string", default: "all" },
      only: { type: "string" },
      tolerate: { type: "string", default: "" },
      engine: { type: "string", default: "build/engine.wasm" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.list) {
    list();
    return 0;
  }
  const first = values.seed === undefined ? Date.now() % 1_000_000_000 : whole(values.seed, "seed");
  const only = values.only?.split(",").filter(Boolean).map(Number);
  const options: Omit<Options, "seed"> = {
    hours: Number(values.hours),
    vpns: whole(values.vpns, "vpns"),
    defaults: values.defaults,
    faults: kindsOf(values.faults),
    engine: values.engine,
    tolerated: values.tolerate.split(","),
    ...(only === undefined ? {} : { only }),
  };
  const runs = whole(values.runs, "runs");
  return run(first, runs, options, values.faults);
}

function whole(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name}: '${text}' is no number`);
  return value;
}

function run(first: number, runs: number, options: Omit<Options, "seed">, faults: string): number {
  let used_us = 0;
  let simulated_ms = 0;
  let calls = 0;
  let broken = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const begun = process.cpuUsage();
    const result = simulate({ ...options, seed });
    const { user, system } = process.cpuUsage(begun);
    used_us += user + system;
    simulated_ms += result.simulated_ms;
    calls += result.counts.calls;
    if (runs === 1 || result.failure !== undefined) {
      const hours = (result.simulated_ms / 3_600_000).toFixed(2);
      console.log(`seed ${seed}: trace ${result.trace}, ${result.counts.calls} calls, ${hours} h`);
    }
    if (result.failure === undefined) continue;
    broken++;
    explain({ ...options, seed }, result, faults);
  }
  const minutes = used_us / 60_000_000;
  const days = (options.vpns * simulated_ms) / DAY_MS;
  console.log(
    `${runs} runs from seed ${first}, ${broken} broken; ${days.toFixed(1)} tunnel-days, ` +
      `${Math.round(days / minutes)} a minute, ${Math.round(calls / minutes / 60)} calls a second`,
  );
  return broken === 0 ? 0 : 1;
}

/** All that is needed to see it again, and to see why. */
function explain(options: Options, result: Result, faults: string): void {
  const { only, result: shrunk, runs } = shrink(options, result);
  const failure = shrunk.failure!;
  console.log(`  broken: ${failure.invariant}: ${failure.says}`);
  console.log(`  seen:   ${failure.seen}`);
  console.log(`  commit: ${commit()}`);
  console.log(`  time:   ${(failure.after_ms / 1000).toFixed(3)} s after the start`);
  console.log(
    `  again:  npm run sim -- --seed ${options.seed} --hours ${options.hours} ` +
      `--vpns ${options.vpns} ${options.defaults ? "--defaults " : ""}--faults ${faults} --only ${only.join(",") || "none"}`,
  );
  console.log(`  faults: ${only.length} of ${result.faults.length} are enough (${runs} runs):`);
  for (const number of only) {
    const fault = shrunk.faults[number]!;
    console.log(`    ${number}: ${describe(fault, shrunk.start_ms, shrunk.branches)}`);
  }
  for (const { name, rekey, optimized, ...more } of shrunk.branches) {
    const mode = [rekey ? "rekey" : "no rekey", ...(optimized ? ["optimized"] : [])].join(", ");
    const { interval_ms, threshold, recover, connection } = more;
    console.log(
      `  ${name}: ${mode}, interval ${interval_ms} ms, threshold ${threshold}, ` +
        `recover ${recover}, lifetime ${connection.lifetime_s} s, rekey ${connection.rekey_s} s`,
    );
  }
  console.log("  the end of the log:");
  for (const line of failure.log.slice(-LOG_LINES)) console.log(`    ${line}`);
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { encoding: "utf8" }).trim();
    const changed = git("status", "--porcelain", "--", "assembly", "host/node", "tests/sim") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (changed ? ", and changes" : "");
  } catch {
    return "unknown: no git";
  }
}

function list(): void {
  console.log("faults, by group:");
  for (const [name, { group }] of Object.entries(KINDS)) console.log(`  ${group}: ${name}`);
  console.log("invariants:");
  for (const { name, says } of INVARIANTS) console.log(`  ${name}: ${says}`);
}

process.exitCode = main();
