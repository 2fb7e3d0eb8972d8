/**
 * Makes all that is shipped, in build/release, with its sums: `npm run release [-- --dirty]`. From
 * the same commit the same bytes come of it. docs/releasing.md says what is in it.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { TARGETS } from "./cross/targets.ts";
import { missing } from "./cross/toolchain.ts";
import { UNAVAILABLE } from "./image/apt.ts";
import { run } from "./image/command.ts";
import { commitTime } from "./package/deb.ts";
import { assemble, SUMS } from "./release/assemble.ts";

const OUT = "build/release";
const GIT = ["-c", "safe.directory=*"];

const USAGE = `usage: npm run release [-- OPTION]
  --dirty   although there are changes that are not committed, which go into it`;

/** What is not in it, and why. */
const left_out: string[] = [];

const { dirty } = readOptions();
const changes = run("git", [...GIT, "status", "--porcelain"]).trim();
if (changes !== "" && !dirty) {
  console.error(`not committed:\n${changes}\nCommit them, or say --dirty to have them in it.`);
  process.exit(1);
}

const advisories = tool("advisories.ts");
if (advisories === 1) fail("a known vulnerability, see above: no release");
if (advisories === UNAVAILABLE) left_out.push("known vulnerabilities: nobody could be asked");
else if (advisories !== 0) fail("tools/advisories.ts failed");

const targets = TARGETS.filter((target) => {
  const wanted = missing(target);
  if (wanted.length > 0) left_out.push(`${target.triple}: no ${wanted.join(", no ")}`);
  return wanted.length === 0;
});
if (targets.length === 0) fail("programs can be built for no target");
if (tool("cross.ts", ...targets.map(({ triple }) => triple)) !== 0) fail("the programs: see above");

const image = tool("image.ts", "--build");
if (image === UNAVAILABLE) left_out.push("the router's image: see above");
else if (image !== 0) fail("the router's image: see above");

assemble({ out: OUT, targets, image: image === 0, epoch_s: commitTime() });

for (const name of readdirSync(OUT)) {
  console.log(`${(statSync(`${OUT}/${name}`).size / 1000).toFixed(0).padStart(8)} kB  ${name}`);
}
for (const what of left_out) console.log(`LEFT OUT: ${what}`);
console.log(`${OUT}: to be signed is ${SUMS} (docs/releasing.md)`);

function readOptions(): { dirty: boolean } {
  try {
    return parseArgs({ options: { dirty: { type: "boolean", default: false } } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

/** The exit status of another of our tools. */
function tool(name: string, ...args: string[]): number | null {
  const command = ["--import", "tsx", `tools/${name}`, ...args];
  return spawnSync(process.execPath, command, { stdio: "inherit" }).status;
}

function fail(why: string): never {
  console.error(`release: ${why}`);
  process.exit(1);
}
