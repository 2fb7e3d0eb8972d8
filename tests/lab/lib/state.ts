import * as fs from "node:fs";
import * as path from "node:path";
import { attempt } from "./command.ts";
import { sleep } from "./wait.ts";

/*
 * What a lab has made is written down before it is made: one folder per lab with the processes
 * and namespaces that belong to it. So whatever ends a run (an exception, SIGKILL, a power cut),
 * the next one can remove exactly that and nothing else. A process is known by its id and its
 * start time, because ids are used again.
 */

/** Not below /run: every charon has its own folder mounted there. */
const ROOT = "/var/lib/rekeyd-lab";

export type Kind = "demo" | "test";

interface Owner {
  kind: Kind;
  name: string;
  pid: number;
  start_time: string;
}

/** The start time of a process in clock ticks since boot (proc(5), stat field 22), "" if none. */
export function startTime(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const zombie = fields[0] === "Z" || fields[0] === "X";
    return zombie ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

const bootId = (): string => fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();

const isAlive = (pid: number, start_time: string): boolean =>
  start_time !== "" && startTime(pid) === start_time;

function readLines(file: string): string[] {
  try {
    return fs.readFileSync(file, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

let made = 0;

/** The folder of one lab. */
export class State {
  private constructor(
    readonly id: string,
    readonly folder: string,
  ) {}

  static create(kind: Kind, name: string): State {
    fs.mkdirSync(ROOT, { recursive: true });
    fs.chmodSync(ROOT, 0o711);
    made += 1;
    const id = `${process.pid.toString(36)}${Date.now().toString(36).slice(-4)}${made}`;
    const folder = path.join(ROOT, id);
    // Others may pass through, to what a test lets them reach, and list nothing.
    fs.mkdirSync(folder, { mode: 0o711 });
    fs.writeFileSync(path.join(folder, "boot"), bootId());
    const { pid } = process;
    const owner: Owner = { kind, name, pid, start_time: startTime(pid) };
    fs.writeFileSync(path.join(folder, "owner"), JSON.stringify(owner));
    return new State(id, folder);
  }

  recordNamespace(name: string): void {
    fs.appendFileSync(path.join(this.folder, "namespaces"), `${name}\n`);
  }

  recordProcess(pid: number, what: string): void {
    const line = `${pid} ${startTime(pid)} ${what}\n`;
    fs.appendFileSync(path.join(this.folder, "processes"), line);
  }

  async remove(): Promise<void> {
    await removeFolder(this.folder);
  }
}

interface Process {
  pid: number;
  start_time: string;
}

function processesIn(folder: string): Process[] {
  return readLines(path.join(folder, "processes")).map((line) => {
    const [pid, start_time] = line.split(" ");
    return { pid: Number(pid), start_time: start_time ?? "" };
  });
}

const isRunning = ({ pid, start_time }: Process): boolean => isAlive(pid, start_time);

/** What a lab of another process has made, as it is recorded now. */
export interface Recorded {
  namespaces: string[];
  /** Whether its folder is there. */
  isThere(): boolean;
  /** Ids of those of its processes that are left. */
  running(): number[];
}

export function recordedIn(id: string): Recorded {
  const folder = path.join(ROOT, id);
  const processes = processesIn(folder);
  return {
    namespaces: readLines(path.join(folder, "namespaces")),
    isThere: () => fs.existsSync(folder),
    running: () => processes.filter(isRunning).map(({ pid }) => pid),
  };
}

const GRACE_MS = 1000;

async function removeFolder(folder: string): Promise<void> {
  const sameBoot = readLines(path.join(folder, "boot"))[0] === bootId();
  if (sameBoot) {
    const processes = processesIn(folder);
    const alive = () => processes.filter(isRunning);
    const kill = (signal: NodeJS.Signals): void => {
      for (const { pid } of alive()) {
        try {
          process.kill(pid, signal);
        } catch {
          // It ended between the look and the signal.
        }
      }
    };
    // Newest first would not matter: nothing here needs an orderly end.
    kill("SIGKILL");
    for (let waited_ms = 0; alive().length > 0 && waited_ms < GRACE_MS; waited_ms += 20) {
      await sleep(20);
    }
    for (const namespace of readLines(path.join(folder, "namespaces"))) {
      await attempt("ip", ["netns", "delete", namespace]);
    }
  }
  // A program's children may still write for a moment after it has ended.
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Removes what earlier runs of this kind left: labs whose owner is gone. Returns their names. */
export async function removeLeftovers(kind: Kind): Promise<string[]> {
  const removed: string[] = [];
  let folders: string[] = [];
  try {
    folders = fs.readdirSync(ROOT);
  } catch {
    return removed;
  }
  for (const id of folders) {
    const folder = path.join(ROOT, id);
    let owner: Owner;
    try {
      owner = JSON.parse(fs.readFileSync(path.join(folder, "owner"), "utf8")) as Owner;
    } catch {
      continue;
    }
    const sameBoot = readLines(path.join(folder, "boot"))[0] === bootId();
    if (owner.kind !== kind || (sameBoot && isAlive(owner.pid, owner.start_time))) continue;
    await removeFolder(folder);
    removed.push(owner.name);
  }
  return removed;
}
