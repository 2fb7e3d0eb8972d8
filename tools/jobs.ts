/**
 * Runs commands side by side, each with a time limit; prints a line for each that ends, what it
 * says in lines that begin with `note: `, and the telling part of what a failed one says.
 */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { excerpt, gists } from "./failure.ts";

export interface Job {
  name: string;
  command: string[];
  limit_s: number;
  /** Reads how many tests passed and failed from the output; without it, the job is one test. */
  count?: (output: string) => Tally;
  /** The exit status by which it says, in its last line, that this machine can't do it. */
  unavailable_status?: number;
}

export interface Tally {
  passed: number;
  failed: number;
}

/** After a time limit, how long a test may clean up before it is killed. */
const CLEANUP_S = 30;

/** Where the whole output of a failed job is kept. */
const FAILED = "build/failed";

/** Processor cores that may be used. */
export const CORES = availableParallelism();

/** Runs the jobs, at most `side_by_side` at a time, and adds up what passed and what failed. */
export async function runJobs(jobs: Job[], side_by_side: number): Promise<Tally> {
  const total: Tally = { passed: 0, failed: 0 };
  const waiting = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const tally = await runJob(job);
      total.passed += tally.passed;
      total.failed += tally.failed;
    }
  };
  await Promise.all(Array.from({ length: side_by_side }, worker));
  return total;
}

async function runJob(job: Job): Promise<Tally> {
  const start_ms = Date.now();
  const { output, status } = await runToEnd(job);
  if (job.unavailable_status !== undefined && status === exitStatus(job.unavailable_status)) {
    console.log(`skip  ${job.name}: ${output.trim().split("\n").at(-1)}`);
    return { passed: 0, failed: 0 };
  }
  const seconds = `${((Date.now() - start_ms) / 1000).toFixed(1)} s`;
  const tally = job.count?.(output) ?? { passed: status === "" ? 1 : 0, failed: 0 };
  // A job that failed without naming a test (it broke off, or never began) is a failure, too,
  // and so is one that says nothing of its tests.
  if (status !== "" && tally.failed === 0) tally.failed = 1;
  if (status === "" && tally.passed + tally.failed === 0) tally.failed = 1;
  if (tally.failed === 0) {
    const tests = job.count ? `, ${tally.passed} tests` : "";
    console.log(`ok    ${job.name} (${seconds}${tests})`);
  } else {
    console.log(`FAIL  ${job.name} (${seconds}; ${status || "a test failed"})`);
    for (const line of excerpt(output)) console.log(`      ${line}`);
    console.log(`      the whole output: ${keep(job, output)}`);
    failures.push({ name: job.name, output });
  }
  for (const [, note] of output.matchAll(/^note: (.*)$/gm)) console.log(`      ${note}`);
  return tally;
}

function exitStatus(code: number | null): string {
  return `exit status ${code}`;
}

const failures: { name: string; output: string }[] = [];

function keep(job: Job, output: string): string {
  const path = join(FAILED, `${job.name.replaceAll(/\W+/g, "-")}.log`);
  mkdirSync(FAILED, { recursive: true });
  writeFileSync(path, output);
  return path;
}

/** Tells again, shortly, of all jobs that failed: the end of a log is what is read first. */
export function printFailures(): void {
  for (const line of gists(failures)) console.log(line);
}

/** Runs the command in a process group of its own; status is empty for success. */
function runToEnd(job: Job): Promise<{ output: string; status: string }> {
  return new Promise((resolve) => {
    const [program = "", ...args] = job.command;
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, NO_COLOR: "1" },
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    running.add(child.pid);

    let expired = false;
    const kill = (signal: NodeJS.Signals): void => {
      if (child.pid !== undefined) killGroup(child.pid, signal);
    };
    const limit = setTimeout(() => {
      expired = true;
      kill("SIGTERM");
    }, job.limit_s * 1000);
    const last = setTimeout(() => kill("SIGKILL"), (job.limit_s + CLEANUP_S) * 1000);

    const end = (status: string): void => {
      clearTimeout(limit);
      clearTimeout(last);
      running.delete(child.pid);
      resolve({ output: stripVTControlCharacters(Buffer.concat(chunks).toString("utf8")), status });
    };
    child.on("error", (error) => end(`can't run ${program}: ${error.message}`));
    child.on("close", (code, signal) => {
      if (expired) end(`stopped after its limit of ${job.limit_s} s`);
      else if (code === 0) end("");
      else end(signal === null ? exitStatus(code) : `ended by ${signal}`);
    });
  });
}

/** Process groups that run now: they end when the runner is told to end. */
const running = new Set<number | undefined>();

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const pid of running) if (pid !== undefined) killGroup(pid, "SIGTERM");
    process.exit(1);
  });
}
