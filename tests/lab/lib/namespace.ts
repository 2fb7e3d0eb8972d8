import { attempt, run, type Result } from "./command.ts";
import { startProgram, type Program, type ProgramOptions } from "./program.ts";
import type { State } from "./state.ts";

export interface SpawnOptions extends ProgramOptions {
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
    const what = `${program} in ${this.name}`;
    return startProgram(this.state, what, ["ip", "netns", "exec", this.name, ...command], options);
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
