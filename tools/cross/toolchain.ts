/**
 * What cargo needs to build for a target on this machine. Rust's library is built from its source,
 * without what would tell the stack of a panic: that takes names of functions, which no program of
 * ours has, and a quarter of a megabyte.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { muslFolder } from "./musl.ts";
import type { Target } from "./targets.ts";

const SYSROOT = execFileSync("rustc", ["--print", "sysroot"], { encoding: "utf8" }).trim();
const RUST_SOURCE = `${SYSROOT}/lib/rustlib/src/rust`;

/** What the target can't be built for want of, and how to get it; nothing: it can. */
export function missing({ triple, c_compiler, musl }: Target): string[] {
  const wanted = [];
  if (!existsSync(`${RUST_SOURCE}/library`)) {
    wanted.push("source of Rust's library ('rustup component add rust-src')");
  }
  if (musl === "rustup" && !existsSync(`${SYSROOT}/lib/rustlib/${triple}`)) {
    wanted.push(`musl of Rust's ('rustup target add ${triple}')`);
  }
  if (spawnSync("sh", ["-c", `command -v ${c_compiler}`]).status !== 0) wanted.push(c_compiler);
  return wanted;
}

/** Cargo's options for the target. */
export function cargoOptions({ triple }: Target): string[] {
  const library = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="];
  return ["--release", "--target", triple, ...library];
}

/** Cargo's environment. The linker comes with Rust; wasmtime has a few lines of C. */
export function cargoEnvironment(target: Target): NodeJS.ProcessEnv {
  const { triple, c_compiler, musl } = target;
  const name = triple.replaceAll("-", "_");
  const cargo_home = process.env["CARGO_HOME"] ?? `${process.env["HOME"]}/.cargo`;
  // Another folder, on another machine, gives the same bytes: panics name source files.
  const flags = [
    `--remap-path-prefix=${cargo_home}=/cargo`,
    `--remap-path-prefix=${RUST_SOURCE}=/rust`,
    `--remap-path-prefix=${process.cwd()}=/rekeyd`,
    // A panic ends the program: nobody walks up its stack.
    "-Cforce-unwind-tables=no",
    // What is to be moved at the start as a list of bits; only x86_64 has any of it.
    "-Clink-arg=--pack-dyn-relocs=relr",
  ];
  // Thumb: its instructions are shorter, the program is by a sixth.
  if (triple.startsWith("armv7")) flags.push("-Ctarget-feature=+thumb-mode");
  if (musl === "debian") flags.push(`-Lnative=${muslFolder(target)}`);
  return {
    // Rust's library is built with what is not stable for others.
    RUSTC_BOOTSTRAP: "1",
    [`CARGO_TARGET_${name.toUpperCase()}_LINKER`]: "rust-lld",
    [`CARGO_TARGET_${name.toUpperCase()}_RUSTFLAGS`]: flags.join(" "),
    [`CC_${name}`]: c_compiler,
  };
}
