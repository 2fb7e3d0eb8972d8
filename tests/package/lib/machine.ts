/**
 * A Debian that systemd runs as on a machine of its own: a container, booted by boot.sh. Nothing of
 * it is left when it ends.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { attempt, run, type Result } from "../../lab/lib/command.ts";
import { startProgram, type Program } from "../../lab/lib/program.ts";
import { removeLeftovers, State } from "../../lab/lib/state.ts";
import { waitUntil } from "../../lab/lib/wait.ts";

const BOOT = join(dirname(fileURLToPath(import.meta.url)), "boot.sh");
const BOOT_MS = 60_000;
const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const ENVIRONMENT = [PATH, "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"];

export interface MachineOptions {
  /** What of the test's machine is seen where. */
  seen?: Record<string, string>;
  /** Puts it into a network of its own, or into that of a lab's gateway. */
  network?: string[];
}

export class Machine {
  private constructor(
    private readonly program: Program,
    /** Of its systemd, as this machine counts. */
    private readonly init: number,
    readonly tree: string,
  ) {}

  /** Unpacks an archive and boots it; what it is made of goes with `state`. */
  static async boot(
    state: State,
    archive: string,
    { seen = {}, network = ["unshare", "--net"] }: MachineOptions = {},
  ): Promise<Machine> {
    const tree = join(state.folder, "tree");
    mkdirSync(tree);
    await run("tar", ["--extract", "--file", archive, "--directory", tree]);
    const log = join(state.folder, "boot.log");
    const command = [...network, "bash", BOOT, tree, ...Object.entries(seen).flat()];
    const program = await startProgram(state, "a container", command, { log });
    const look = (): number | undefined => {
      if (!program.isAlive()) throw new Error(`it ended: ${readFileSync(log, "utf8")}`);
      return descendant(program.pid, "systemd");
    };
    const init = await waitUntil("systemd is process 1", BOOT_MS, look, (pid) => pid !== undefined);
    const machine = new Machine(program, init!, tree);
    await waitUntil(
      "systemd has booted",
      BOOT_MS,
      async () => (await machine.attempt("systemctl is-system-running")).stdout.trim(),
      (told) => told === "running" || told === "degraded",
      { every_ms: 200 },
    );
    if (network[0] === "unshare") await machine.run("ip link set lo up");
    return machine;
  }

  /** Where this machine sees a file of the container's. */
  path(inside: string): string {
    return `/proc/${this.init}/root${inside}`;
  }

  write(inside: string, text: string): void {
    writeFileSync(this.path(inside), text);
  }

  /** What a shell of root's there makes of a line. */
  attempt(line: string): Promise<Result> {
    const enter = ["--target", String(this.init), "--all"];
    const shell = ["bash", "--norc", "-euo", "pipefail", "-c", line];
    return attempt("nsenter", [...enter, "env", "-C", "/root", "-i", ...ENVIRONMENT, ...shell]);
  }

  /** The same of a line that must succeed: what it prints, trimmed. */
  async run(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(line);
    if (code === 0) return stdout.trim();
    throw new Error(`'${line}': exit status ${code}: ${stderr || stdout}`);
  }

  /** As a power cut would. */
  async end(): Promise<void> {
    process.kill(this.init, "SIGKILL");
    await waitUntil(
      "the container ends",
      10_000,
      () => this.program.isAlive(),
      (alive) => !alive,
    );
  }
}

/** Makes one, hands it over, and removes it whatever happens. */
export async function withMachine(
  name: string,
  archive: string,
  body: (machine: Machine) => Promise<void>,
): Promise<void> {
  await removeLeftovers("test");
  const state = State.create("test", name);
  try {
    const machine = await Machine.boot(state, archive);
    await body(machine);
    await machine.end();
  } finally {
    await state.remove();
  }
}

/** Why no container can be made here, if that is so. */
export async function obstacle(): Promise<string | undefined> {
  const group = "/mnt/rekeyd-probe-$$";
  const look = `mount -t cgroup2 cgroup2 /mnt && mkdir ${group} && rmdir ${group}`;
  const { code, stderr } = await attempt("unshare", ["--mount", "sh", "-c", look]);
  return code === 0 ? undefined : `no container with systemd here: ${stderr.trim()}`;
}

/** The process of this name among a process, its child, that one's child and so on. */
function descendant(pid: number, name: string): number | undefined {
  const read = (path: string): string => readFileSync(`/proc/${pid}/${path}`, "utf8").trim();
  try {
    if (read("comm") === name) return pid;
    const children = read(`task/${pid}/children`).split(" ").filter(Boolean).map(Number);
    return children.map((child) => descendant(child, name)).find((found) => found !== undefined);
  } catch {
    return undefined;
  }
}
