/**
 * `npm run sim:mutants [-- NAME...]`: shows that each invariant can fail. Each mutant of list.ts is
 * made in a copy of assembly/, compiled, and run with a fixed set of seeds until one catches it.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { kindsOf } from "../../../host/node/sim/fault.ts";
import { simulate, type Options } from "../../../host/node/sim/simulate.ts";
import { MUTANTS, type Mutant } from "./list.ts";

const SEEDS = 12;

interface Caught {
  seed: number;
  invariant: string;
}

/** The module of a mutant; an empty one is the engine as it is. */
function build(folder: string, mutant?: Mutant): string {
  rmSync(join(folder, "assembly"), { recursive: true, force: true });
  cpSync("assembly", join(folder, "assembly"), { recursive: true });
  if (mutant !== undefined) mutate(join(folder, "assembly", mutant.file), mutant);
  const wasm = join(folder, "engine.wasm");
  const options = ["--runtime", "minimal", "--maximumMemory", "2048", "--optimizeLevel", "1"];
  const use = ["--use", "abort=assembly/abort/onabort"];
  const asc = resolve("node_modules/.bin/asc");
  const done = spawnSync(asc, ["assembly/index.ts", "-o", wasm, ...options, ...use], {
    cwd: folder,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new Error(`${mutant?.name}: ${done.stderr}${done.stdout}`);
  return wasm;
}

function mutate(path: string, { name, from, to }: Mutant): void {
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) {
    throw new Error(`${name}: '${from}' does not stand in ${path} exactly once`);
  }
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
}

/** Seeds that the engine as it is gets through, by their options: they can tell a mutant. */
const sound = new Map<string, boolean>();

function isSound(options: Options): boolean {
  const key = JSON.stringify(options);
  const known = sound.get(key) ?? simulate(options).failure === undefined;
  sound.set(key, known);
  return known;
}

/** The seed and the invariant that catch it. */
function caught(mutant: Mutant, engine: string, as_is: string): Caught | undefined {
  const faults = kindsOf(mutant.faults ?? "all");
  const vpns = mutant.vpns ?? 4;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const options = { seed, hours: 1, vpns, faults, tolerated: [] };
    const { failure } = simulate({ ...options, engine });
    if (failure !== undefined && isSound({ ...options, engine: as_is })) {
      return { seed, invariant: failure.invariant };
    }
  }
  return undefined;
}

function main(names: string[]): number {
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-mutants-"));
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  let survivors = 0;
  try {
    const as_is = join(folder, "as-is.wasm");
    copyFileSync(build(folder), as_is);
    for (const mutant of MUTANTS) {
      if (names.length > 0 && !names.some((name) => mutant.name.includes(name))) continue;
      const found = caught(mutant, build(folder, mutant), as_is);
      if (found === undefined) survivors++;
      const by = found === undefined ? "SURVIVES" : `${found.invariant}, seed ${found.seed}`;
      console.log(`${mutant.name.padEnd(52)} for ${mutant.for.padEnd(22)} caught by ${by}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${survivors} survive`);
  return survivors === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
