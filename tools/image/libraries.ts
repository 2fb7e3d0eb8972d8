/** Which libraries programs need, and which there are. */
import { spawnSync } from "node:child_process";
import { lstatSync, readlinkSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { filesBelow } from "../tree.ts";
import { archives, packageName } from "./apt.ts";
import { makeRoot, unpack } from "./root.ts";

/** Names of libraries, as programs ask for them. */
interface Libraries {
  there: Set<string>;
  needed: Set<string>;
}

/** What may be a program or a library. */
const BINARY = /\.so(\.|$)|\/s?bin\/|\/ipsec\//;

const DOCUMENTS = /\/usr\/share\/doc\/[^/]+$/;

/** The kernel with its modules is no program. */
const KERNEL = /^linux-image-/;

/**
 * Removes the packages that the router doesn't need from a folder of them. It gets those that are
 * named and, of what these depend on, those with a library that a program needs. The rest is for
 * maintainer scripts, which never run.
 */
export function removeUnneeded(folder: string, named: string[]): void {
  const packages = archives(folder)
    .filter((archive) => !KERNEL.test(packageName(archive)))
    .map((archive) => ({
      archive,
      kept: named.includes(packageName(archive)),
      ...librariesOf(archive, `${folder}.unpacked`),
    }));
  const needed = new Set<string>();
  for (let before = -1; needed.size > before;) {
    before = needed.size;
    for (const each of packages) {
      each.kept ||= [...each.there].some((name) => needed.has(name));
      if (each.kept) for (const name of each.needed) needed.add(name);
    }
  }
  for (const { archive, kept } of packages) if (!kept) rmSync(archive);
}

/** Fails if a program needs a library that is nowhere below `root`. */
export function checkLibraries(root: string): void {
  const { there, needed } = librariesBelow(root);
  const missing = [...needed].filter((name) => !there.has(name));
  if (needed.size === 0) throw new Error(`readelf finds no program below ${root}`);
  if (missing.length > 0) throw new Error(`the router lacks ${missing.join(", ")}`);
}

function librariesOf(archive: string, root: string): Libraries {
  makeRoot(root);
  unpack(archive, root);
  const libraries = librariesBelow(root);
  rmSync(root, { recursive: true });
  return libraries;
}

function librariesBelow(root: string): Libraries {
  const paths = filesBelow(join(root, "usr"), "");
  const binaries = paths.filter((path) => BINARY.test(path) && lstatSync(path).isFile());
  // readelf complains of scripts, and goes on.
  const readelf = ["--wide", "--dynamic", ...binaries];
  const dynamic = binaries.length === 0 ? "" : spawnSync("readelf", readelf).stdout.toString();
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = ""]) => name);
  // A package may leave its copyright file to another one.
  const shared = paths.filter((path) => DOCUMENTS.test(path) && lstatSync(path).isSymbolicLink());
  return {
    there: new Set(paths.map((path) => basename(path))),
    needed: new Set([...needed, ...shared.map((path) => basename(readlinkSync(path)))]),
  };
}
