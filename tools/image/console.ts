/** A router that boots in QEMU, by its console: text is waited for, commands are typed. */
import { spawn, type ChildProcess } from "node:child_process";
import { QEMU, qemuArguments, type Machine } from "./qemu.ts";

/** What busybox's init says when a key would start a shell. */
const READY = "Please press Enter to activate this console";

/** Under emulation, with other things to do: everything here takes seconds. */
const BOOT_LIMIT_S = 120;
const COMMAND_LIMIT_S = 60;

/** What a command printed, and its exit status. */
export interface Answer {
  output: string;
  status: number;
}

export class Console {
  /** All that the machine has printed. */
  printed = "";
  private readonly qemu: ChildProcess;
  private ended = false;
  private changed: () => void = () => {};
  private commands = 0;

  constructor(machine: Machine = {}) {
    const args = [...qemuArguments(machine), "-serial", "stdio"];
    this.qemu = spawn(QEMU, args, { stdio: ["pipe", "pipe", "pipe"] });
    const read = (chunk: Buffer): void => {
      this.printed += chunk.toString("latin1").replaceAll("\r", "");
      this.changed();
    };
    this.qemu.stdout?.on("data", read);
    this.qemu.stderr?.on("data", read);
    const end = (): void => {
      this.ended = true;
      this.changed();
    };
    this.qemu.on("error", (error) => {
      this.printed += error.message;
      end();
    });
    this.qemu.on("close", end);
  }

  /** Waits until the services have been started, and opens a shell. */
  async boot(): Promise<void> {
    await this.waitFor(READY, 0, BOOT_LIMIT_S);
    this.qemu.stdin?.write("\n");
    await this.waitFor(/^\w+:.*# /m, 0, BOOT_LIMIT_S);
    // From here on no prompt, no echo, no editing of lines: what comes back is commands' output.
    const loop = 'while read -r line; do eval "$line"; done';
    this.qemu.stdin?.write(`stty -echo; echo quiet-$((1)); ${loop}\n`);
    await this.waitFor("quiet-1", 0, BOOT_LIMIT_S);
    await this.run("true");
  }

  /** Runs a line of shell. */
  async run(command: string): Promise<Answer> {
    const mark = `mark-${++this.commands}-`;
    const from = this.printed.length;
    this.qemu.stdin?.write(`echo begin-${mark}; ${command}; echo end-${mark}$?\n`);
    const end = await this.waitFor(new RegExp(`end-${mark}(\\d+)\\n`), from, COMMAND_LIMIT_S);
    const text = this.printed.slice(from, from + end.index);
    const begin = text.lastIndexOf(`begin-${mark}\n`) + `begin-${mark}\n`.length;
    return { output: text.slice(begin), status: Number(end[1]) };
  }

  /** Waits until a command succeeds, and returns what it printed. */
  async until(command: string, limit_s: number): Promise<string> {
    const deadline_ms = Date.now() + limit_s * 1000;
    for (;;) {
      const { output, status } = await this.run(command);
      if (status === 0) return output;
      if (Date.now() > deadline_ms) throw new Error(`'${command}' fails: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Waits for something on the console after the first `from` characters. */
  private async waitFor(
    what: string | RegExp,
    from: number,
    limit_s: number,
  ): Promise<RegExpExecArray> {
    const pattern = typeof what === "string" ? new RegExp(what) : what;
    const deadline_ms = Date.now() + limit_s * 1000;
    for (;;) {
      const found = pattern.exec(this.printed.slice(from));
      if (found !== null) return found;
      const left_ms = deadline_ms - Date.now();
      if (this.ended || left_ms <= 0) {
        const why = this.ended ? "the machine ended" : `not within ${limit_s} s`;
        throw new Error(`no ${pattern} on the console: ${why}\n${this.printed.slice(-2000)}`);
      }
      await this.change(left_ms);
    }
  }

  private change(limit_ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limit_ms);
      this.changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Switches the machine off. */
  close(): void {
    this.qemu.kill("SIGKILL");
  }
}
