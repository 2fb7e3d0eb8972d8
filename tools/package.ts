/**
 * Debian's packages in build/package: `npm run package [-- ARCHITECTURE...]`, of all processors
 * that `npm run cross` builds for unless some are named. Built twice, they are the same bytes.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { TARGETS, crossFolder, type Target } from "./cross/targets.ts";
import { missing } from "./cross/toolchain.ts";
import { UNAVAILABLE } from "./image/apt.ts";
import { buildPackages, commitTime } from "./package/deb.ts";
import { VERSION } from "./version.ts";

const OUT = "build/package";

const names = process.argv.slice(2);
for (const name of names.filter((name) => TARGETS.every(({ debian }) => debian !== name))) {
  const known = TARGETS.map(({ debian }) => debian).join(", ");
  console.error(`no architecture is called '${name}': ${known}`);
  process.exit(2);
}
const wanted = TARGETS.filter(({ debian }) => names.length === 0 || names.includes(debian));
const possible = wanted.filter((target) => missing(target).length === 0);
for (const target of wanted.filter((target) => !possible.includes(target))) {
  console.error(`no packages for ${target.debian}: no ${missing(target).join(", no ")}`);
}
if (possible.length === 0 || (names.length > 0 && possible.length < wanted.length)) {
  process.exit(UNAVAILABLE);
}

const cross = ["tools/cross.ts", ...possible.map(({ triple }) => triple)];
const { status } = spawnSync("node_modules/.bin/tsx", cross, { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
mkdirSync(OUT, { recursive: true });
for (const target of possible) {
  for (const path of packagesOf(target)) console.log(`${path}: ${kilobytes(path)} kB`);
}

function packagesOf({ debian, triple }: Target): string[] {
  return buildPackages({
    version: VERSION,
    architecture: debian,
    programs: crossFolder(triple),
    date_s: commitTime(),
    out: OUT,
  });
}

function kilobytes(path: string): string {
  return (statSync(path).size / 1000).toFixed(0);
}
