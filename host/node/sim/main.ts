/**
 * `npm run sim -- [--seed N] [--hours H] [--vpns N] [--faults LIST] [--runs N]`: years of bad luck,
 * before breakfast. docs/testing.md tells more.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { KINDS, kindsOf } from "./fault.ts";
import { INVARIANTS } from "./invariants.ts";
import { Pool, THREADS } from "./pool.ts";
import { recordRun } from "./record.ts";
import { explain, summaryOf } from "./report.ts";
import type { Options, Result } from "./simulate.ts";

const DAY_MS = 86_400_000;

const USAGE = `usage: npm run sim -- [OPTION...]
  --seed N       the first seed (default: drawn anew)
  --runs N       so many seeds, on all cores (default 1)
  --hours H      simulated hours of each run (default 1)
  --vpns N       VPNs in each run (default 3)
  --defaults     every VPN with the defaults of the configuration, and rekey
  --faults LIST  kinds or groups of faults; a minus takes away (default all)
  --only LIST    of the faults that the seed draws only these numbers
  --tolerate LIST  invariants that are not asked
  --engine FILE  another module (default build/engine.wasm)
  --record FILE  write a recording of the run, shrunk if it fails, for npm run replay
  --list         the faults and the invariants there are
`;

async function main(): Promise<number> {
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
      record: { type: "string" },
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
    tolerated: values.tolerate.split(",").filter(Boolean),
    ...(only === undefined ? {} : { only }),
  };
  const runs = whole(values.runs, "runs");
  if (values.record !== undefined && runs > 1) throw new Error("--record: of one run, not of more");
  return await run(first, runs, options, values.record);
}

function whole(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name}: '${text}' is no number`);
  return value;
}

/** Runs so many seeds on all cores; what is to be told of them is told in their order. */
async function run(
  first: number,
  runs: number,
  options: Omit<Options, "seed">,
  record?: string,
): Promise<number> {
  const begin_ms = performance.now();
  const pool = new Pool(Math.min(runs, THREADS));
  const progress = new Progress(runs);
  let days = 0;
  let broken = 0;
  const answers = Array.from({ length: runs }, (_, i) => {
    const answer = pool.run({ ...options, seed: first + i }, true);
    answer.then(({ result }) => progress.ended(result)).catch(() => undefined);
    return answer;
  });
  for (const [i, answer] of answers.entries()) {
    const { result, shrunk } = await answer;
    days += (options.vpns * result.simulated_ms) / DAY_MS;
    if (result.failure !== undefined) broken++;
    if (runs > 1 && result.failure === undefined) continue;
    progress.clear();
    console.log(summaryOf(first + i, result));
    if (result.failure !== undefined) explain({ ...options, seed: first + i }, result, shrunk);
    // A run that hangs would do so once more.
    const ends = result.failure === undefined || shrunk !== undefined;
    if (record === undefined || !ends) continue;
    writeFileSync(
      record,
      recordRun({ ...options, only: shrunk?.only ?? options.only, seed: first + i }),
    );
    console.log(`  recorded: npm run replay -- ${record}`);
  }
  progress.clear();
  await pool.close();
  const seconds = (performance.now() - begin_ms) / 1000;
  console.log(
    `${runs} runs from seed ${first}, ${broken} broken; ` +
      `${days.toFixed(1)} tunnel-days in ${seconds.toFixed(1)} s`,
  );
  return broken === 0 ? 0 : 1;
}

/** How far it is, on a terminal. */
class Progress {
  private done = 0;
  private broken = 0;

  constructor(private readonly runs: number) {}

  ended({ failure }: Result): void {
    this.done++;
    if (failure !== undefined) this.broken++;
    if (process.stdout.isTTY) {
      process.stdout.write(`\r${this.done} of ${this.runs} seeds, ${this.broken} broken `);
    }
  }

  clear(): void {
    if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  }
}

function list(): void {
  console.log("faults, by group:");
  for (const [name, { group }] of Object.entries(KINDS)) console.log(`  ${group}: ${name}`);
  console.log("invariants:");
  for (const { name, says } of INVARIANTS) console.log(`  ${name}: ${says}`);
}

process.exitCode = await main();
