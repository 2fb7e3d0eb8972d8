/** What our programs are made of besides our own code: crates, npm packages, Rust's own parts. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../image/command.ts";
import { targetOf, type Target } from "../cross/targets.ts";
import { cParts } from "./c_library.ts";
import { STD, STD_CRATES, type Part } from "./rust_std.ts";

export interface Component {
  kind: "crate" | "npm" | "rust" | "c";
  name: string;
  version: string;
  /** An SPDX expression, as the component itself has it. */
  licence: string;
  purl: string;
  /** Of what the registry hands out. */
  hash?: { algorithm: "SHA-256" | "SHA-512"; hex: string };
  /** Where the licences' texts lie: a folder, or one file. */
  texts?: string;
}

export type Program = "rekeyd" | "rekeyd-web";

interface Source {
  manifest: string;
  lock: string;
  npm: string[];
}

/** What each program is built from; the npm packages are those that end up in it. */
export const SOURCES: Record<Program, Source> = {
  rekeyd: {
    manifest: "host/device/Cargo.toml",
    lock: "host/device/Cargo.lock",
    npm: ["assemblyscript"],
  },
  "rekeyd-web": {
    manifest: "host/web/server/Cargo.toml",
    lock: "host/web/server/Cargo.lock",
    npm: ["preact", "uplot"],
  },
};

export const PROGRAMS = Object.keys(SOURCES) as Program[];

/** All that is in a program for a target, in order of names. */
export function componentsOf(program: Program, target: string): Component[] {
  const { manifest, lock, npm } = SOURCES[program];
  const linked = [...crates(program, manifest, lock, target), ...npm.map(npmPackage)];
  return [...linked, ...rust(), ...c(targetOf(target))].sort(byName);
}

/** Of several lists, each component once. */
export function union(lists: Component[][]): Component[] {
  const all = new Map(lists.flat().map((component) => [component.purl, component]));
  return [...all.values()].sort(byName);
}

function byName(a: Component, b: Component): number {
  const [left, right] = [a, b].map(({ name, version }) => `${name} ${version}`);
  return left! < right! ? -1 : left! > right! ? 1 : 0;
}

interface Metadata {
  packages: {
    name: string;
    version: string;
    license: string | null;
    manifest_path: string;
    source: string | null;
  }[];
}

/** The crates that are linked in: no build scripts, no macros, no tests. */
function crates(program: string, manifest: string, lock: string, target: string): Component[] {
  const here = ["--locked", "--offline", "--manifest-path", manifest];
  const metadata = JSON.parse(
    run("cargo", ["metadata", "--format-version", "1", ...here]),
  ) as Metadata;
  const what = ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"];
  const tree = run("cargo", ["tree", "-p", program, "--target", target, ...here, ...what]);
  const linked = new Set([...tree.matchAll(/^(\S+) v(\S+)/gm)].map((m) => `${m[1]} ${m[2]}`));
  const sums = checksums(readFileSync(lock, "utf8"));
  return metadata.packages
    .filter(({ name, version, source }) => source !== null && linked.has(`${name} ${version}`))
    .map(({ name, version, license, manifest_path }) => ({
      kind: "crate",
      name,
      version,
      licence: (license ?? "none").replaceAll("/", " OR "),
      purl: `pkg:cargo/${name}@${version}`,
      hash: { algorithm: "SHA-256", hex: sums.get(`${name} ${version}`)! },
      texts: dirname(manifest_path),
    }));
}

/** Of Cargo.lock: each crate's checksum, by name and version. */
export function checksums(lock: string): Map<string, string> {
  const entry =
    /^name = "(.*)"\nversion = "(.*)"\nsource = "registry.*"\nchecksum = "([0-9a-f]{64})"$/gm;
  return new Map([...lock.matchAll(entry)].map((m) => [`${m[1]} ${m[2]}`, m[3]!]));
}

interface Lock {
  packages: Record<string, { version: string; integrity: string }>;
}

function npmPackage(name: string): Component {
  const folder = join("node_modules", name);
  const { license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    license: string;
  };
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
  const { version, integrity } = lock.packages[folder]!;
  const [algorithm, base64 = ""] = integrity.split("-");
  if (algorithm !== "sha512") throw new Error(`package-lock.json: ${name} has no SHA-512`);
  return {
    kind: "npm",
    name,
    version,
    licence: license,
    purl: `pkg:npm/${name}@${version}`,
    hash: { algorithm: "SHA-512", hex: Buffer.from(base64, "base64").toString("hex") },
    texts: folder,
  };
}

/** Rust's library, and the crates that it consists of. */
function rust(): Component[] {
  return [STD, ...STD_CRATES].map((part) => ({
    ...named("rust", part),
    ...(part.sha256 === undefined
      ? {}
      : {
          purl: `pkg:cargo/${part.name}@${part.version}`,
          hash: { algorithm: "SHA-256" as const, hex: part.sha256 },
        }),
  }));
}

function c(target: Target): Component[] {
  return cParts(target).map((part) => named("c", part));
}

function named(kind: Component["kind"], part: Part): Component {
  const { name, version, licence } = part;
  return { kind, name, version, licence, purl: `pkg:generic/${name}@${version}`, ...texts(part) };
}

function texts({ text }: Part): { texts?: string } {
  if (text === undefined) return {};
  return { texts: "file" in text ? text.file : crateFolder(text.crate) };
}

/** Where cargo has unpacked a crate that the daemon is built with. */
function crateFolder(name: string): string {
  const here = ["--locked", "--offline", "--manifest-path", SOURCES.rekeyd.manifest];
  const { packages } = JSON.parse(
    run("cargo", ["metadata", "--format-version", "1", ...here]),
  ) as Metadata;
  const found = packages.find((crate) => crate.name === name);
  if (found === undefined) throw new Error(`tools/licence/rust_std.ts: no crate '${name}'`);
  return dirname(found.manifest_path);
}
