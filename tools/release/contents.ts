/** What is in a release's tarballs. */
import { existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { crossFolder, type Target } from "../cross/targets.ts";
import { THIRD_PARTY } from "../licence/third_party.ts";
import { builtPage, MAN_SOURCES } from "../man/pages.ts";
import { engineFor, PACKED_PAGES } from "../parts.ts";
import { filesBelow, treeFiles } from "../tree.ts";
import type { Entry } from "./archive.ts";

/**
 * The tree, and what takes Node.js to be made of it: with this, Rust alone builds the programs for
 * the targets.
 */
export function sourceEntries(targets: Target[]): Entry[] {
  const engines = targets.map(({ triple }) => engineFor(triple));
  const made = [
    "build/engine.wasm",
    ...engines.flatMap((engine) => [engine, engine.replace(/cwasm$/, "sha256")]),
    ...PACKED_PAGES,
    ...manPages(),
    THIRD_PARTY,
  ];
  return [...treeFiles().filter(existsSync), ...made].map(asItIs);
}

/** The programs for a target, as they are run, and what belongs beside them. */
export function programEntries({ triple }: Target): Entry[] {
  const folder = crossFolder(triple);
  return [
    { name: "rekeyd", from: `${folder}/rekeyd` },
    { name: "rekeyctl", link: "rekeyd" },
    { name: "rekeyd-web", from: `${folder}/rekeyd-web` },
    ...manPages().map((from) => ({ name: `man/${basename(from)}`, from })),
    ...filesIn("host/completion").map((from) => ({ name: from.slice("host/".length), from })),
    ...filesIn("docs/monitoring").map((from) => ({ name: from.slice("docs/".length), from })),
    ...filesIn("host/snmp").map((from) => ({ name: from.slice("host/".length), from })),
    ...["LICENSE", "CHANGELOG.md", THIRD_PARTY].map((from) => ({ name: basename(from), from })),
  ];
}

export function manPages(): string[] {
  return MAN_SOURCES.map(builtPage);
}

function asItIs(path: string): Entry {
  return { name: path, from: path };
}

export function filesIn(folder: string): string[] {
  return filesBelow(folder, "").filter((path) => statSync(path).isFile());
}
