/**
 * `npm run bench [-- NAME...]`: the benches of tests/bench, or those that are named. Each is a file
 * that exports `bench`, and gives a table on the screen and the same as JSON under build/bench.
 * They measure; nothing fails for being slow.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow } from "./tree.ts";

/** One figure of a bench. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** What it should reach, if anything was promised. */
  aim?: number;
}

/** What a file of tests/bench exports. */
export interface Bench {
  bench: () => Figure[] | Promise<Figure[]>;
}

const FOLDER = "tests/bench";
const RESULTS = "build/bench";

function table(figures: Figure[]): string {
  const rows = figures.map(({ what, value, unit, aim }) => [
    what,
    `${shown(value)} ${unit}`,
    aim === undefined ? "" : `aim ${shown(aim)}`,
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = ([what, value, aim]: string[]): string =>
    `  ${what!.padEnd(widths[0]!)}  ${value!.padStart(widths[1]!)}  ${aim!}`.trimEnd();
  return rows.map(line).join("\n");
}

function shown(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 2 : 0 });
}

async function main(names: string[]): Promise<number> {
  const paths = filesBelow(FOLDER, ".ts");
  const nameOf = (path: string): string => basename(path, ".ts");
  const unknown = names.find((name) => !paths.some((path) => nameOf(path) === name));
  if (unknown !== undefined) {
    console.error(`no bench is called '${unknown}': ${paths.map(nameOf).join(", ")}`);
    return 2;
  }
  mkdirSync(RESULTS, { recursive: true });
  for (const path of paths) {
    const name = nameOf(path);
    if (names.length > 0 && !names.includes(name)) continue;
    const { bench } = (await import(pathToFileURL(resolve(path)).href)) as Bench;
    const figures = await bench();
    console.log(`${name}\n${table(figures)}`);
    const file = join(RESULTS, `${name}.json`);
    writeFileSync(file, JSON.stringify({ name, node: process.version, figures }, null, 2) + "\n");
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
