/**
 * What comes from C into every static program: musl, and what unwinds a stack. Rust's own musl
 * targets bring both; for others they are Debian's (tools/cross/musl.ts).
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Target } from "../cross/targets.ts";
import { archives } from "../image/apt.ts";
import { run } from "../image/command.ts";
import { TEXTS, type Part } from "./rust_std.ts";

const MUSL = { name: "musl", licence: "MIT", text: { file: `${TEXTS}/musl.txt` } };

/** In `self-contained/libc.a` and `libunwind.a` of rustup's targets. */
export const OF_RUSTUP: Part[] = [
  { ...MUSL, version: "1.2.5" },
  { name: "libunwind", version: "22.1.2", licence: "Apache-2.0 WITH LLVM-exception" },
];

/** Of a target. Versions of Debian's are those that are there. */
export function cParts(target: Target): Part[] {
  if (target.musl === "rustup") return OF_RUSTUP;
  const text = { file: `${TEXTS}/GCC-exception-3.1.txt` };
  const licence = "GPL-3.0-or-later WITH GCC-exception-3.1";
  return [
    { ...MUSL, version: muslVersion(target) },
    { name: "libgcc", version: gccVersion(target), licence, text },
  ];
}

/** Of something that is not here. */
const UNKNOWN = "unknown";

function muslVersion({ debian }: Target): string {
  const folder = `build/cross/musl/${debian}.archives`;
  const [archive] = existsSync(folder) ? archives(folder) : [];
  return archive === undefined ? UNKNOWN : run("dpkg-deb", ["-f", archive, "Version"]).trim();
}

function gccVersion({ c_compiler }: Target): string {
  const done = spawnSync(c_compiler, ["-dumpfullversion"], { encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim() : UNKNOWN;
}
