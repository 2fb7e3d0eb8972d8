/**
 * The tests: `npm test` runs all; `tsx tools/test.ts PART [NAME...]` runs one part, or of it only
 * the files whose name begins with one of the names. Behind an @ stands which variant is meant.
 */
import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { UNAVAILABLE } from "./image/apt.ts";
import { QEMU } from "./image/qemu.ts";
import { CORES, printFailures, runJobs, type Job, type Tally } from "./jobs.ts";
import { labelOf, unpack, variants } from "./strongswan.ts";
import { filesBelow, treeFiles } from "./tree.ts";

const BIN = "node_modules/.bin";
const DEVICE = ["--manifest-path", "host/device/Cargo.toml"];
const SERVER = ["--manifest-path", "host/web/server/Cargo.toml"];
const DENY = ["--", "-D", "warnings"];

/** What shellcheck reads besides what ends with `.sh`. */
const SHELL_SCRIPT = new RegExp(
  "\\.sh$|^\\.ci/run$|^host/completion/bash/|^host/image/(initramfs|root/etc/init\\.d)/" +
    "|^tests/image/guest/(init|agent)$" +
    "|^host/debian/.*\\.(postinst|postrm)$" +
    "|^host/openwrt/.*\\.(init|defaults)$|^host/openwrt/.*/rpcd/rekeyd$",
);

/** Only for what hangs: in a fresh clone, on two busy cores, a job may take many minutes. */
const LIMIT_S = 1200;

/** Gateways wait more than they work, so more of them than there are cores run side by side. */
const LABS = Math.max(6, 2 * CORES);

interface Part {
  jobs: () => Job[];
  side_by_side: number;
  /** What must be built before, if anything. */
  needs?: () => Promise<boolean>;
}

/** What the router's image is built with and booted on; bootstrap.sh installs it where it can. */
const ROUTER_PROGRAMS = [QEMU, "mksquashfs", "depmod", "aarch64-linux-gnu-gcc"];

/** The programs for all processors, and the router's image: each takes minutes the first time. */
const CROSS: Job = {
  name: "cross/build",
  command: [`${BIN}/tsx`, "tools/cross.ts"],
  limit_s: LIMIT_S,
  unavailable_status: UNAVAILABLE,
};
const ROUTER: Job = {
  name: "image/build",
  command: [`${BIN}/tsx`, "tools/image.ts", "--build"],
  limit_s: LIMIT_S,
  unavailable_status: UNAVAILABLE,
};

/** The same for 32-bit ARM, which is there for tests alone: what only that kernel shows. */
const ARMHF = ["env", "ROUTER=armhf"];
const ROUTER_ARMHF: Job = {
  ...ROUTER,
  name: `${ROUTER.name}@armhf`,
  command: [...ARMHF, ...ROUTER.command],
};
const ARMHF_TESTS = ["tests/image/flash.test.ts", "tests/image/dead-spoke.test.ts"];

/** In the order of their run: what is quick to tell comes first. */
const PARTS: Record<string, Part> = {
  check: { jobs: checks, side_by_side: CORES },
  unit: { jobs: unitTests, side_by_side: CORES },
  // Cargo locks its folder: side by side they would only wait for each other.
  device: { jobs: deviceTests, side_by_side: 1, needs: programs },
  sim: { jobs: simTests, side_by_side: CORES, needs: programs },
  fuzz: { jobs: fuzzTests, side_by_side: CORES, needs: programs },
  web: { jobs: webTests, side_by_side: CORES, needs: programs },
  cross: { jobs: crossTests, side_by_side: CORES, needs: cross },
  package: { jobs: packageTests, side_by_side: CORES, needs: packages },
  lab: { jobs: labTests, side_by_side: LABS, needs: programs },
  // An emulated router keeps one core busy.
  image: {
    jobs: imageTests,
    side_by_side: CORES,
    needs: () => router(ROUTER, router_build),
  },
  armhf: {
    jobs: armhfTests,
    side_by_side: CORES,
    needs: () => router(ROUTER_ARMHF, armhf_build),
  },
  release: { jobs: releaseTests, side_by_side: CORES, needs: programs },
};

/** Formatting, types and style. */
function checks(): Job[] {
  const files = treeFiles();
  const scripts = files.filter((path) => SHELL_SCRIPT.test(path));
  const zsh_scripts = files.filter((path) => path.startsWith("host/completion/zsh/"));
  return [
    check("prettier", `${BIN}/prettier`, "--check", "--log-level", "warn", "."),
    check("types of the engine", `${BIN}/asc`, "--noEmit"),
    check("types of tools and tests", `${BIN}/tsc`),
    check("types of the pages", `${BIN}/tsc`, "-p", "host/web/pages"),
    check("shellcheck", "shellcheck", ...scripts),
    ...zsh_scripts.map((path) => check(`zsh ${basename(path)}`, "zsh", "-n", path)),
    check("rustfmt", "cargo", "fmt", ...DEVICE, "--all", "--check"),
    check("rustfmt of the web server", "cargo", "fmt", ...SERVER, "--check"),
    ...nodeTests(["tests/failure.test.ts", "tests/style.test.ts", "tests/version.test.ts"]),
  ];
}

/** One job for each spec: as-pect would compile and run them one after another. */
function unitTests(): Job[] {
  const folder = "tests/unit";
  const config = ["-c", `${folder}/as-pect.config.js`, "-a", `${folder}/asconfig.json`];
  return filesBelow(folder, ".spec.ts").map((path) => ({
    name: `unit/${basename(path, ".spec.ts")}`,
    command: [`${BIN}/aspect`, ...config, "--summary", path],
    limit_s: LIMIT_S,
    count: countAspect,
  }));
}

function deviceTests(): Job[] {
  const clippy = ["clippy", "--quiet", "--locked", ...DEVICE, "--all-targets"];
  return [
    check("clippy", "cargo", ...clippy, "--workspace", ...DENY),
    check("clippy with the fault", "cargo", ...clippy, "-p", "rekeyd", "-F", "fault", ...DENY),
    cargoTest("device", ...DEVICE, "-p", "rekeyd"),
    // By itself: with rekeyd's it would all be built anew, with both's features.
    { ...cargoTest("device", ...DEVICE, "-p", "compile-engine"), name: "device/compile-engine" },
    ...nodeTests(filesBelow("tests/device", ".test.ts")),
  ];
}

function simTests(): Job[] {
  return nodeTests(filesBelow("tests/sim", ".test.ts"));
}

function fuzzTests(): Job[] {
  return nodeTests(filesBelow("tests/fuzz", ".test.ts"));
}

function webTests(): Job[] {
  const clippy = ["clippy", "--quiet", "--locked", ...SERVER, "--all-targets"];
  return [
    check("clippy of the web server", "cargo", ...clippy, ...DENY),
    cargoTest("web", ...SERVER),
    ...nodeTests(filesBelow("tests/web", ".test.ts")),
  ];
}

function crossTests(): Job[] {
  return nodeTests(filesBelow("tests/cross", ".test.ts"));
}

function packageTests(): Job[] {
  return nodeTests(filesBelow("tests/package", ".test.ts"));
}

/** The whole lab with each strongSwan that is meant and can be had: `NAME@VERSION`. */
function labTests(): Job[] {
  const jobs = nodeTests(filesBelow("tests/lab", ".test.ts"));
  return variants().flatMap((variant) => {
    const named = jobs.map((job) => ({ ...job, name: `${job.name}@${labelOf(variant)}` }));
    const meant = named.filter(isMeant);
    if (meant.length === 0 || !canHave(variant)) return [];
    return meant.map((job) => ({
      ...job,
      command: ["env", `STRONGSWAN=${variant}`, ...job.command],
    }));
  });
}

/** Unpacks what a variant needs, or says in one line why it can't. */
function canHave(variant: string): boolean {
  try {
    unpack(variant);
    return true;
  } catch (error) {
    console.log(`skip  lab with strongSwan ${variant}: ${(error as Error).message}`);
    return false;
  }
}

function imageTests(): Job[] {
  return nodeTests(filesBelow("tests/image", ".test.ts"));
}

function armhfTests(): Job[] {
  return nodeTests(ARMHF_TESTS).map((job) => ({
    ...job,
    name: `${job.name}@armhf`,
    command: [...ARMHF, ...job.command],
  }));
}

/** What is shipped with the programs; known vulnerabilities are told, and fail nothing here. */
function releaseTests(): Job[] {
  const advisories: Job = {
    name: "release/advisories",
    command: [`${BIN}/tsx`, "tools/advisories.ts", "--tell"],
    limit_s: LIMIT_S,
    unavailable_status: UNAVAILABLE,
  };
  return [advisories, ...nodeTests(filesBelow("tests/release", ".test.ts"))];
}

function check(name: string, ...command: string[]): Job {
  return { name: `check/${name}`, command, limit_s: LIMIT_S };
}

function cargoTest(part: string, ...args: string[]): Job {
  const command = ["cargo", "test", "--quiet", "--locked", ...args];
  return { name: `${part}/cargo test`, command, limit_s: LIMIT_S, count: countCargo };
}

/** Each file is a process of its own, with Node's test runner inside. */
function nodeTests(paths: string[]): Job[] {
  return paths.map((path) => ({
    name: path.slice("tests/".length, -".test.ts".length),
    command: [process.execPath, "--import", "tsx", "--test-reporter", "spec", path],
    limit_s: LIMIT_S,
    count: countNode,
  }));
}

function countAspect(output: string): Tally {
  const [, passed = 0, all = 0] = /\[Tests\]: (\d+) \/ (\d+)/.exec(output)?.map(Number) ?? [];
  return { passed, failed: all - passed };
}

function countCargo(output: string): Tally {
  const tally = { passed: 0, failed: 0 };
  for (const result of output.matchAll(/^test result: .* (\d+) passed; (\d+) failed/gm)) {
    tally.passed += Number(result[1]);
    tally.failed += Number(result[2]);
  }
  return tally;
}

function countNode(output: string): Tally {
  const number = (what: string): number =>
    Number(new RegExp(`^\\S+ ${what} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  return { passed: number("pass"), failed: number("fail") + number("cancelled") };
}

/** Has the daemons built, once; ends the run if that fails: nothing that follows would count. */
async function programs(): Promise<boolean> {
  if (programs_built) return true;
  const done = spawnSync(`${BIN}/tsx`, ["tools/build.ts", "--fault"], { stdio: "inherit" });
  if (done.status !== 0) {
    console.log("FAIL  build");
    finish({ passed: 0, failed: 1 });
  }
  programs_built = true;
  // What takes long is built beside tests that don't need it, and behind them: one after another,
  // since the router takes its programs from the others.
  if (wanted === undefined) {
    cross_build = behind(CROSS);
    const has_qemu = missingPrograms().length === 0;
    if (has_qemu) router_build = cross_build.then(() => behind(ROUTER));
    armhf_build = router_build?.then(() => behind(ROUTER_ARMHF));
  }
  return true;
}

function behind(job: Job): Promise<Tally> {
  return runJobs([{ ...job, command: ["nice", ...job.command] }], 1);
}

/** Has the programs for all processors built, of which those that can be; false: none can. */
async function cross(): Promise<boolean> {
  return (await programs()) && (await built(CROSS, cross_build));
}

/** Has this machine's Debian packages built; tests say themselves what they miss without. */
async function packages(): Promise<boolean> {
  if (!(await programs())) return false;
  await cross_build;
  const { stdout } = spawnSync("dpkg", ["--print-architecture"], { encoding: "utf8" });
  const build = ["tools/package.ts", stdout.trim()];
  const { status } = spawnSync(`${BIN}/tsx`, build, { stdio: "inherit" });
  if (status !== 0 && status !== UNAVAILABLE) {
    console.log("FAIL  package");
    finish({ passed: 0, failed: 1 });
  }
  return true;
}

/** Has a router's image built, unless that can't be done here: false. */
async function router(job: Job, running: Promise<Tally> | undefined): Promise<boolean> {
  const missing = missingPrograms();
  if (missing.length > 0) {
    console.log(`skip  ${job.name}: for want of ${missing.join(", ")}`);
    return false;
  }
  return built(job, running);
}

/** Whether a build that runs comes out well; alone it may as well show how far it is. */
async function built(job: Job, running: Promise<Tally> | undefined): Promise<boolean> {
  if (running !== undefined) return (await counted(running)).passed > 0;
  const [command = "", ...args] = job.command;
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0 && status !== UNAVAILABLE) finish({ passed: 0, failed: 1 });
  return status === 0;
}

function missingPrograms(): string[] {
  return ROUTER_PROGRAMS.filter((program) => !isThere(program));
}

function isThere(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

function finish(tally: Tally): never {
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  printFailures();
  process.exit(tally.failed === 0 ? 0 : 1);
}

const [wanted, ...names] = process.argv.slice(2);
const parts = Object.entries(PARTS).filter(([name]) => wanted === undefined || wanted === name);
if (parts.length === 0) {
  console.error(`usage: tsx tools/test.ts [${Object.keys(PARTS).join(" | ")}] [NAME...]`);
  process.exit(2);
}
const total: Tally = { passed: 0, failed: 0 };
let programs_built = false;
let cross_build: Promise<Tally> | undefined;
let router_build: Promise<Tally> | undefined;
let armhf_build: Promise<Tally> | undefined;
for (const [name, part] of parts) {
  const jobs = part.jobs().filter(isMeant);
  if (jobs.length === 0) {
    console.log(`${name}: no test is called so`);
    if (wanted !== undefined) total.failed++;
    continue;
  }
  if (part.needs !== undefined && !(await part.needs())) continue;
  console.log(
    `${name}: ${jobs.length} jobs, ${Math.min(jobs.length, part.side_by_side)} at a time`,
  );
  await counted(runJobs(jobs, part.side_by_side));
}
finish(total);

/** Whether the names on the command line mean this job: by how it begins, by its variant. */
function isMeant(job: Job): boolean {
  const [own = "", own_variant] = basename(job.name).split("@");
  return (
    names.length === 0 ||
    names.some((name) => {
      const [start = "", variant] = basename(name).split("@");
      return own.startsWith(start) && (variant === undefined || variant === own_variant);
    })
  );
}

/** Adds to the total what some jobs come to. */
async function counted(running: Promise<Tally>): Promise<Tally> {
  const tally = await running;
  total.passed += tally.passed;
  total.failed += tally.failed;
  return tally;
}
