/**
 * `npm run sim -- [--seed N] [--hours H] [--vpns N] [--faults LIST] [--runs N]`: years of bad luck,
 * before breakfast. docs/testing.md tells more.
 */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { orderOf, USAGE, type Order } from "./arguments.ts";
import { KINDS } from "./fault.ts";
import { INVARIANTS, OF_THE_RUN } from "./invariants.ts";
import { Pool, THREADS } from "./pool.ts";
import { recordRun } from "./record.ts";
import { explain, summaryOf } from "./report.ts";
import type { Result } from "./simulate.ts";

const DAY_MS = 86_400_000;
const Status = { HELD: 0, BROKEN: 1, WRONG: 2 } as const;

/** Runs so many seeds on all cores; what is to be told of them is told in their order. */
async function run({ first_seed: first, runs, options, record }: Order): Promise<number> {
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
  return broken === 0 ? Status.HELD : Status.BROKEN;
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
  for (const { name, says } of [...INVARIANTS, ...Object.values(OF_THE_RUN)])
    console.log(`  ${name}: ${says}`);
}

/** What the command line asks for; undefined when it makes no sense, which is said. */
function order(): Order | undefined {
  try {
    const asked = orderOf(process.argv.slice(2));
    // A file that cannot be written is a mistake of before the run.
    if (asked.record !== undefined) closeSync(openSync(asked.record, "a"));
    return asked;
  } catch (error) {
    console.error(`sim: ${(error as Error).message}`);
    return undefined;
  }
}

const asked = order();
if (asked === undefined) process.exitCode = Status.WRONG;
else if (asked.wants === "help") process.stdout.write(USAGE);
else if (asked.wants === "list") list();
else process.exitCode = await run(asked);
