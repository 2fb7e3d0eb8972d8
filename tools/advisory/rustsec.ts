/**
 * RustSec's database of advisories about crates, a git repository of Markdown files that begin with
 * TOML: fetched, and asked what it says of some versions.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { filesBelow } from "../tree.ts";
import { fulfils } from "./requirement.ts";

const ADDRESS = "https://github.com/rustsec/advisory-db";
const FOLDER = "build/advisory-db";
const FETCH_LIMIT_MS = 60_000;

export interface Advisory {
  id: string;
  package: string;
  title: string;
  /** What kind it is if it tells of no vulnerability: unmaintained, unsound, notice. */
  informational?: string;
  withdrawn: boolean;
  /** Systems that it is about; none: all. */
  os: string[];
  patched: string[];
  unaffected: string[];
}

/**
 * The folder of the database, freshly fetched; ADVISORY_DB names one that is there. An error says
 * why there is none.
 */
export function database(): string {
  const given = process.env["ADVISORY_DB"];
  if (given !== undefined) {
    if (!existsSync(`${given}/crates`)) throw new Error(`ADVISORY_DB=${given}: no folder crates`);
    return given;
  }
  mkdirSync("build", { recursive: true });
  rmSync(FOLDER, { recursive: true, force: true });
  const clone = ["clone", "--quiet", "--depth", "1", ADDRESS, FOLDER];
  const done = spawnSync("git", clone, {
    encoding: "utf8",
    timeout: FETCH_LIMIT_MS,
    env: { ...process.env, GIT_TERMINAL_PROMPT: "0" },
  });
  if (done.status === 0) return FOLDER;
  rmSync(FOLDER, { recursive: true, force: true });
  const why = done.stderr.trim().replace(/^fatal: (?:unable to access '.*?': )?/, "");
  throw new Error(`${ADDRESS}: ${why || "no answer"}`);
}

/** The day of the database's last change, for people. */
export function dateOf(folder: string): string {
  const log = ["-c", "safe.directory=*", "-C", folder, "log", "-1", "--format=%cs"];
  const done = spawnSync("git", log, { encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim() : "unknown date";
}

/** All advisories of the database, by the crate that they are about. */
export function readDatabase(folder: string): Map<string, Advisory[]> {
  const all = new Map<string, Advisory[]>();
  for (const path of [`${folder}/crates`, `${folder}/rust`].flatMap((of) =>
    filesBelow(of, ".md"),
  )) {
    const advisory = parseAdvisory(readFileSync(path, "utf8"), path);
    all.set(advisory.package, [...(all.get(advisory.package) ?? []), advisory]);
  }
  if (all.size === 0) throw new Error(`${folder}: no advisories`);
  return all;
}

/** Reads an advisory's file; what is not of the known form is an error that names the file. */
export function parseAdvisory(text: string, path: string): Advisory {
  const toml = /^```toml\n([\s\S]*?)^```$/m.exec(text)?.[1]?.replaceAll(/^\s*#.*$/gm, "");
  const [, versions] = toml?.split(/^\[versions\]$/m) ?? [];
  if (toml === undefined || versions === undefined) {
    throw new Error(`${path}: no TOML with [versions] at its beginning`);
  }
  const string = (key: string): string | undefined =>
    new RegExp(`^${key} = "(.*)"$`, "m").exec(toml)?.[1];
  const id = string("id");
  const name = string("package");
  if (id === undefined || name === undefined) throw new Error(`${path}: no id, or no package`);
  return {
    id,
    package: name,
    title: /^# (.*)$/m.exec(text)?.[1] ?? "",
    informational: string("informational"),
    withdrawn: string("withdrawn") !== undefined,
    os: list(toml, "os") ?? [],
    patched: list(versions, "patched") ?? [],
    unaffected: list(versions, "unaffected") ?? [],
  };
}

function list(toml: string, key: string): string[] | undefined {
  const inside = new RegExp(`^${key}\\s*=\\s*\\[([^\\]]*)\\]`, "m").exec(toml)?.[1];
  if (inside === undefined) return undefined;
  return [...inside.matchAll(/"([^"]*)"|'([^']*)'/g)].map((m) => m[1] ?? m[2] ?? "");
}

/** Whether this version, on Linux, is what the advisory is about. */
export function concerns(advisory: Advisory, version: string): boolean {
  if (advisory.withdrawn) return false;
  if (advisory.os.length > 0 && !advisory.os.includes("linux")) return false;
  const safe = [...advisory.patched, ...advisory.unaffected];
  return !safe.some((requirement) => fulfils(version, requirement));
}
