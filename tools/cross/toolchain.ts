/** What cargo needs to build for a target on this machine. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Target } from "./targets.ts";

/** What the target can't be built for want of, and how to get it; nothing: it can. */
export function missing({ triple, c_compiler }: Target): string[] {
  const sysroot = execFileSync("rustc", ["--print", "sysroot"], { encoding: "utf8" }).trim();
  const wanted = [];
  if (!existsSync(`${sysroot}/lib/rustlib/${triple}`)) {
    wanted.push(`Rust's library ('rustup target add ${triple}')`);
  }
  if (spawnSync("sh", ["-c", `command -v ${c_compiler}`]).status !== 0) wanted.push(c_compiler);
  return wanted;
}

/**
 * Cargo's environment. The linker comes with Rust, and musl with Rust's target; wasmtime has a few
 * lines of C.
 */
export function environment({ triple, c_compiler }: Target): NodeJS.ProcessEnv {
  const name = triple.replaceAll("-", "_");
  const cargo_home = process.env["CARGO_HOME"] ?? `${process.env["HOME"]}/.cargo`;
  return {
    [`CARGO_TARGET_${name.toUpperCase()}_LINKER`]: "rust-lld",
    // Another folder, on another machine, gives the same bytes: panics name source files.
    [`CARGO_TARGET_${name.toUpperCase()}_RUSTFLAGS`]: [
      `--remap-path-prefix=${cargo_home}=/cargo`,
      `--remap-path-prefix=${process.cwd()}=/rekeyd`,
    ].join(" "),
    [`CC_${name}`]: c_compiler,
  };
}
