/** The tree's own files, and what was made from them. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of all files that are committed or would be, in order. */
export function treeFiles(): string[] {
  const listed = execFileSync(
    "git",
    ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    { encoding: "utf8" },
  );
  return [...new Set(listed.split("\0"))].filter((path) => path !== "").sort();
}

/** Paths below `folder` that end with `ending`, in order; none if there is no such folder. */
export function filesBelow(folder: string, ending: string): string[] {
  try {
    return (readdirSync(folder, { recursive: true }) as string[])
      .filter((path) => path.endsWith(ending))
      .map((path) => join(folder, path))
      .sort();
  } catch {
    return [];
  }
}

/** One digest of the names and contents of several files. */
export function digest(paths: string[]): string {
  const hash = createHash("sha256");
  for (const path of paths) {
    const content = readFileSync(path);
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
