/**
 * What the tests lay above the router's root: a process 1 that serves them, the agents, and what
 * a test adds.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const GUEST = "tests/image/guest";
const INSIDE = "usr/lib/rekeyd-test";

/** The kernel's parameters: who is process 1, and how many agents it starts. */
export const kernelParameters = (agents: number): string => `init=/${INSIDE}/init agents=${agents}`;

/** Makes the layer `file`; `more` is a folder that is laid over it. */
export function makeLayer(file: string, more?: string): void {
  const root = `${file}.root`;
  fs.mkdirSync(root);
  if (more !== undefined) fs.cpSync(more, root, { recursive: true, verbatimSymlinks: true });
  fs.cpSync(GUEST, path.join(root, INSIDE), { recursive: true });
  const quick = ["-all-root", "-comp", "gzip", "-Xcompression-level", "1", "-processors", "1"];
  execFileSync("mksquashfs", [root, file, "-quiet", "-no-progress", ...quick]);
  fs.rmSync(root, { recursive: true });
}
