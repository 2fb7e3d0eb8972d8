/** Commands of the build, and what cargo makes of a crate. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { step } from "./stamp.ts";

export const DEVICE = ["--manifest-path", "host/device/Cargo.toml"];
export const SERVER = ["--manifest-path", "host/web/server/Cargo.toml"];

/** Runs a command; its output goes to the terminal, and its failure ends the build. */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): void {
  const done = spawnSync(command, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  if (done.error) throw done.error;
  if (done.status !== 0) {
    console.error(`build: '${command} ${args.join(" ")}' failed`);
    process.exit(1);
  }
}

export interface CargoBuild {
  /** What is being built, for who waits; and how long that takes the first time. */
  title: string;
  first_time: string;
  /** Where cargo leaves it. */
  binary: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
}

/** Has cargo build a binary; the first time it takes minutes, so cargo shows how far it is. */
export function cargo({ title, first_time, binary, args, env }: CargoBuild): void {
  const first = !existsSync(binary);
  const quiet = first ? [] : ["--quiet"];
  step(first ? `${title}, ${first_time} the first time` : title, () => {
    run("cargo", ["build", ...quiet, "--locked", ...args], env);
  });
}

/** Puts a binary in place if it is another one: as a new file, since the old one may be running. */
export function install(from: string, to: string, ...links: string[]): void {
  if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) return;
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
  for (const link of links) {
    rmSync(link, { force: true });
    linkSync(to, link);
  }
}

export function sizeBytes(...paths: string[]): number {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0);
}

/** As it is printed: thousands of bytes. */
export function kB(size_bytes: number): string {
  return `${(size_bytes / 1000).toFixed(0)} kB`;
}
