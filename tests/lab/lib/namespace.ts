import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import { once } from "node:events";
import { attempt, run, type Result } from "./command.ts";
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

export interface SpawnOptions {
  /** Standard output and error go into this file; otherwise they are read by the caller. */
  log?: string;
  /** Mounted over /run, so that several of the same daemon can live beside each other. */
  run?: string;
}

export type Hook = "prerouting" | "input" | "output" | "postrouting";

/** One network namespace. */
export class Namespace {
  private constructor(
    readonly name: string,
    private readonly state: State,
  ) {}

  static async create(name: string, state: State): Promise<Namespace> {
    state.recordNamespace(name);
    await run("ip", ["netns", "add", name]);
    const namespace = new Namespace(name, state);
    await namespace.batch(["link set lo up"]);
    return namespace;
  }

  attempt(program: string, args: string[], input = ""): Promise<Result> {
    return attempt("ip", ["netns", "exec", this.name, program, ...args], input);
  }

  run(program: string, args: string[], input = ""): Promise<string> {
    return run("ip", ["netns", "exec", this.name, program, ...args], input);
  }

  /** Several `ip` commands in one process. */
  async batch(lines: string[]): Promise<void> {
    await run("ip", ["-netns", this.name, "-batch", "-"], `${lines.join("\n")}\n`);
  }

  async sysctl(settings: Record<string, string | number>): Promise<void> {
    const args = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    await this.run("sysctl", ["-q", "-w", ...args]);
  }

  /**
   * Starts a program that stays. `ip netns exec`, the shell and the program are one process,
   * because each replaces the one before, so the recorded id is the program's.
   */
  async spawn(program: string, args: string[], options: SpawnOptions = {}): Promise<Program> {
    let command = [program, ...args];
    if (options.run !== undefined) {
      const script = 'mount --bind "$0" /run && exec "$@"';
      command = ["sh", "-c", script, options.run, ...command];
    }
    const log = options.log === undefined ? "pipe" : fs.openSync(options.log, "a");
    // Detached: a Ctrl-C at the terminal is for the lab, which then ends its programs itself.
    const child = spawn("ip", ["netns", "exec", this.name, ...command], {
      stdio: ["ignore", log, log],
      detached: true,
    });
    if (typeof log === "number") {
      fs.closeSync(log);
      child.unref();
    }
    await once(child, "spawn");
    this.state.recordProcess(child.pid ?? -1, program);
    return new Program(`${program} in ${this.name}`, child);
  }

  /** Runs nft's language in this namespace. */
  async nft(script: string): Promise<void> {
    await this.run("nft", ["-f", "-"], script);
  }

  /** A named packet counter at a hook, for what nft's expression matches. */
  async addCounter(name: string, hook: Hook, match: string): Promise<void> {
    await this.nft(`table inet lab_count {
      counter ${name} { }
      chain ${name} { type filter hook ${hook} priority -310; ${match} counter name ${name}; }
    }`);
  }

  /** Packets counted so far. */
  async count(name: string, table = "lab_count"): Promise<number> {
    const text = await this.run("nft", ["-j", "list", "counter", "inet", table, name]);
    const { nftables } = JSON.parse(text) as {
      nftables: { counter?: { packets: number } }[];
    };
    for (const { counter } of nftables) if (counter !== undefined) return counter.packets;
    throw new Error(`${this.name}: no counter ${name}`);
  }
}
