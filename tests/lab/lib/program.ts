import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import { once } from "node:events";
import { startTime, type State } from "./state.ts";
import { waitFor } from "./wait.ts";

/** A long-running program of a lab; ended by its own recorded id. */
export class Program {
  exit_code: number | null = null;
  private readonly start_time: string;

  constructor(
    readonly what: string,
    readonly child: ChildProcess,
  ) {
    this.start_time = startTime(this.pid);
    child.once("exit", (code) => (this.exit_code = code ?? -1));
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Asks the kernel: a detached program may outlive what Node knows of it. */
  isAlive(): boolean {
    return this.start_time !== "" && startTime(this.pid) === this.start_time;
  }

  /** Sends a signal; true if the program was still there. */
  signal(signal: NodeJS.Signals): boolean {
    return this.isAlive() && this.child.kill(signal);
  }

  /** Sends a signal and waits for the end; returns how long that took. */
  async end(signal: NodeJS.Signals = "SIGTERM", within_ms = 5000): Promise<number> {
    const begin = performance.now();
    this.signal(signal);
    await waitFor(`${this.what} ends after ${signal}`, within_ms, () => !this.isAlive(), 5);
    return performance.now() - begin;
  }
}

export interface ProgramOptions {
  /** Standard output and error go into this file; otherwise they are read by the caller. */
  log?: string;
}

/** Starts a program that stays, and has it recorded, so that it ends with its lab. */
export async function startProgram(
  state: State,
  what: string,
  command: string[],
  { log }: ProgramOptions = {},
): Promise<Program> {
  const [program = "", ...args] = command;
  const output = log === undefined ? "pipe" : fs.openSync(log, "a");
  // Detached: a Ctrl-C at the terminal is for the lab, which then ends its programs itself.
  const child = spawn(program, args, { stdio: ["ignore", output, output], detached: true });
  if (typeof output === "number") {
    fs.closeSync(output);
    child.unref();
  }
  await once(child, "spawn");
  state.recordProcess(child.pid ?? -1, what);
  return new Program(what, child);
}
