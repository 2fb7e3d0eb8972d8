/**
 * Looks up known vulnerabilities of what we ship and of what we build with: `npm run advisories`.
 * Crates and Rust's library by RustSec's database, npm packages by `npm audit`. One of something
 * that is shipped makes the exit status 1, with --tell 0; what can't be asked is said, and if
 * nothing could be, the status is 3.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { concerns, database, dateOf, readDatabase, type Advisory } from "./advisory/rustsec.ts";
import { TARGETS } from "./cross/targets.ts";
import { UNAVAILABLE } from "./image/apt.ts";
import { checksums, componentsOf, PROGRAMS, union } from "./licence/component.ts";
import { RUST } from "./licence/rust_std.ts";

/** Of several lines of CI's log, these are shown. */
const NOTE = "note: ";

const shipped = union(
  PROGRAMS.flatMap((program) => TARGETS.map(({ triple }) => componentsOf(program, triple))),
);
const is_shipped = new Set(shipped.map(({ name, version }) => `${name} ${version}`));
let asked = 0;
let found = 0;
const reasons: string[] = [];

for (const check of [checkCrates, checkNpm]) {
  try {
    console.log(check());
    asked++;
  } catch (error) {
    reasons.push((error as Error).message);
  }
}
for (const reason of reasons) console.log(`not asked: ${reason}`);
if (asked === 0) {
  console.log(`nothing could be asked: ${reasons.join("; ")}`);
  process.exit(UNAVAILABLE);
}
if (found > 0 && !process.argv.includes("--tell")) process.exit(1);

/** Every crate of the lock files, and Rust's library. */
function checkCrates(): string {
  const locks = ["host/device/Cargo.lock", "host/web/server/Cargo.lock"];
  const locked = locks.flatMap((path) => [...checksums(readFileSync(path, "utf8")).keys()]);
  const all = new Set([...locked, ...is_shipped, `std ${RUST}`]);
  const folder = database();
  const advisories = readDatabase(folder);
  for (const crate of all) {
    const [name = "", version = ""] = crate.split(" ");
    for (const advisory of advisories.get(name) ?? []) {
      if (concerns(advisory, version)) report(crate, severity(advisory), advisory.title);
    }
  }
  const count = [...advisories.values()].flat().length;
  return `${all.size} crates against ${count} advisories of RustSec, ${dateOf(folder)}`;
}

function severity({ id, informational }: Advisory): string {
  return informational === undefined ? id : `${id} (${informational})`;
}

interface Audit {
  message?: string;
  error?: { summary?: string };
  vulnerabilities?: Record<string, { severity: string; via: (string | { title: string })[] }>;
}

/** Every npm package of package-lock.json. */
function checkNpm(): string {
  const done = spawnSync("npm", ["audit", "--json"], { encoding: "utf8", timeout: 60_000 });
  const answer = JSON.parse(done.stdout || "{}") as Audit;
  if (answer.vulnerabilities === undefined) {
    throw new Error(`npm audit: ${answer.message ?? answer.error?.summary ?? "no answer"}`);
  }
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { version: string }>;
  };
  for (const [name, { severity, via }] of Object.entries(answer.vulnerabilities)) {
    const titles = via.map((of) => (typeof of === "string" ? `by ${of}` : of.title)).join("; ");
    const version = lock.packages[`node_modules/${name}`]?.version ?? "";
    report(`${name} ${version}`, severity, titles);
  }
  return `${Object.keys(lock.packages).length - 1} npm packages by npm audit`;
}

/** What nobody maintains any more is told, not held against a release. */
function report(what: string, severity: string, title: string): void {
  const where = is_shipped.has(what) ? "shipped" : "only to build and test";
  if (is_shipped.has(what) && !/\((unmaintained|notice)\)/.test(severity)) found++;
  console.log(`${NOTE}${what} (${where}): ${severity}: ${title}`);
}
