import * as fs from "node:fs";
import * as path from "node:path";
import { startTime } from "./state.ts";
import { waitUntil } from "./wait.ts";

/** A shell script that is a hook, and tells what it was told. */
export class HookScript {
  readonly path: string;
  private readonly told_path: string;

  /** `then` follows when it has told: what makes this hook a bad one. */
  constructor(folder: string, name: string, then = "") {
    fs.mkdirSync(folder, { recursive: true });
    this.path = path.join(folder, name);
    this.told_path = `${this.path}.told`;
    // One write, or two hooks at once would mix.
    const script = `#!/bin/sh
told=$(echo "pid=$$"; env; id -un | sed s/^/user=/)
printf '%s\\n\\n' "$told" >>'${this.told_path}'
${then}
`;
    fs.writeFileSync(this.path, script, { mode: 0o755 });
    fs.writeFileSync(this.told_path, "");
    fs.chmodSync(this.told_path, 0o666);
  }

  /** The environment of each run so far, with `pid` and `user`. */
  told(): Record<string, string>[] {
    const runs = fs.readFileSync(this.told_path, "utf8").split("\n\n").slice(0, -1);
    return runs.map((run) =>
      Object.fromEntries(
        run.split("\n").map((line) => [line.split("=", 1)[0]!, line.slice(line.indexOf("=") + 1)]),
      ),
    );
  }

  /** `up`, `down` ...: the event of each run. */
  events(): string[] {
    return this.told().map((run) => run["REKEYD_EVENT"]!);
  }

  /** Waits until these were the events. */
  async waitEvents(events: string[], within_ms: number): Promise<void> {
    const right = events.join(" ");
    await waitUntil(
      `the hook is told ${right}`,
      within_ms,
      () => Promise.resolve(this.events().join(" ")),
      (told) => told === right,
    );
  }
}

/** The process that runs the daemon's hooks; -1 if there is none. */
export function helperOf(pid: number): number {
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return Number(children.trim().split(" ")[0] || -1);
}

/** Whether the process is there, and no zombie. */
export function isRunning(pid: number): boolean {
  return startTime(pid) !== "";
}
