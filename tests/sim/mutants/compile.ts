/** Compiles the engine, with a change to its text that is nowhere but in memory. */
import asc from "assemblyscript/asc";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./list.ts";

/** Quick to compile, and quick enough to run. */
const OPTIONS = [
  "--transform",
  "./tools/export_globals.js",
  "--optimizeLevel",
  "1",
  "--runtime",
  "minimal",
  "--maximumMemory",
  "2048",
];
const OUT = "engine.wasm";

/** What a mutant changes. */
export type Change = Pick<Mutant, "name" | "file" | "from" | "to">;

/** The module of a mutant; without one, of the engine as it is. */
export async function compile(mutant?: Change): Promise<Uint8Array> {
  let module: Uint8Array | undefined;
  const args = ["assembly/index.ts", "-o", OUT, "--config", "none"];
  const { error, stderr } = await asc.main(
    [...args, ...OPTIONS, "--use", "abort=assembly/abort/onabort"],
    {
      readFile: (name, folder) => textOf(join(folder, name), mutant),
      writeFile: (_, contents) => {
        module = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || module === undefined) {
    throw new Error(`${mutant?.name ?? "the engine"}: ${error?.message} ${stderr.toString()}`);
  }
  return module;
}

function textOf(path: string, mutant?: Change): string | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  return path === join("assembly", mutant?.file ?? "") ? mutated(text, mutant!) : text;
}

function mutated(text: string, { name, file, from, to }: Change): string {
  const parts = text.split(from);
  if (parts.length !== 2)
    throw new Error(`${name}: '${from}' is ${parts.length - 1} times in ${file}`);
  return parts.join(to);
}
