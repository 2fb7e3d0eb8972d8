/** The programs for other processors, run here: by QEMU, or as they are if the processor fits. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { crossFolder, TARGETS, type Target } from "../../../tools/cross/targets.ts";

/** Node's names of those that this machine runs by itself. */
const OWN: Record<string, string> = { x64: "amd64", arm64: "arm64" };

/** The targets whose programs are there and can be run; of the others it is said why not. */
export const RUNNABLE = TARGETS.filter((target) => {
  const is_there = existsSync(`${crossFolder(target.triple)}/rekeyd`);
  if (is_there && emulator(target) !== undefined) return true;
  const why = is_there ? `no ${target.emulator}` : "it was not built";
  console.log(`note: nothing of ${target.triple} is run: ${why}`);
  return false;
});

export interface Done {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `rekeyd`, `rekeyctl` or `rekeyd-web` of a target; of this machine: "build". */
export function runProgram(of: Target | "build", program: string, ...args: string[]): Done {
  const folder = resolve(of === "build" ? "build" : crossFolder(of.triple));
  const names = mkdtempSync(join(tmpdir(), "rekeyd-cross-"));
  try {
    // A program is rekeyctl by its name.
    const path = join(names, program);
    symlinkSync(join(folder, program === "rekeyctl" ? "rekeyd" : program), path);
    const [command = path, ...more] = [...(of === "build" ? [] : emulator(of)!), path, ...args];
    const done = spawnSync(command, more, { encoding: "utf8", maxBuffer: 1 << 26 });
    if (done.error !== undefined) throw done.error;
    return { status: done.status, stdout: done.stdout, stderr: done.stderr };
  } finally {
    rmSync(names, { recursive: true });
  }
}

/** What has to stand before the program; undefined: it can't be run here. */
function emulator({ debian, emulator }: Target): string[] | undefined {
  if (OWN[process.arch] === debian) return [];
  return spawnSync("sh", ["-c", `command -v ${emulator}`]).status === 0 ? [emulator] : undefined;
}
