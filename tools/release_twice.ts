/**
 * Makes the release twice, here and from a fresh clone of the same commit elsewhere, by another
 * user's habits, and compares the sums: `npm run release:twice`. Nothing is taken over from here
 * but the npm packages and what cargo has downloaded, so it takes as long as a first build.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "./image/command.ts";

const SUMS = "build/release/SHA256SUMS";
const MAKE = [process.execPath, "--import", "tsx", "tools/release.ts"];

make(".", "022", {});
const here = sums(".");
const folder = mkdtempSync(join(tmpdir(), "rekeyd-release-"));
try {
  const clone = join(folder, "elsewhere");
  run("git", ["-c", "safe.directory=*", "clone", "--quiet", resolve("."), clone]);
  cpSync("node_modules", join(clone, "node_modules"), { recursive: true, verbatimSymlinks: true });
  make(clone, "077", {
    ...anotherHome(join(folder, "home")),
    CARGO_BUILD_JOBS: "2",
    TZ: "Pacific/Auckland",
    LC_ALL: "C.UTF-8",
    USER: "somebody",
  });
  const there = sums(clone);
  const names = [...new Set([...here.keys(), ...there.keys()])].sort();
  const different = names.filter((name) => here.get(name) !== there.get(name));
  for (const name of names)
    console.log(`${different.includes(name) ? "DIFFERS" : "same"}  ${name}`);
  if (different.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** Makes a release in a folder; another user's umask counts for all that is written there. */
function make(tree: string, umask: string, env: NodeJS.ProcessEnv): void {
  const done = spawnSync("sh", ["-c", `umask ${umask}; exec "$@"`, "release", ...MAKE], {
    cwd: tree,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (done.status !== 0) throw new Error(`no release in ${resolve(tree)}`);
}

/** A home with nothing in it but what cargo has downloaded; Rust itself stays where it is. */
function anotherHome(home: string): NodeJS.ProcessEnv {
  const old = process.env["HOME"] ?? "/";
  const old_cargo = process.env["CARGO_HOME"] ?? join(old, ".cargo");
  mkdirSync(join(home, "cargo"), { recursive: true });
  symlinkSync(join(old_cargo, "registry"), join(home, "cargo/registry"));
  const settings = join(old_cargo, "config.toml");
  if (existsSync(settings)) cpSync(settings, join(home, "cargo/config.toml"));
  const rustup = process.env["RUSTUP_HOME"] ?? join(old, ".rustup");
  return { HOME: home, CARGO_HOME: join(home, "cargo"), RUSTUP_HOME: rustup };
}

function sums(tree: string): Map<string, string> {
  const lines = readFileSync(join(tree, SUMS), "utf8").trimEnd().split("\n");
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}
