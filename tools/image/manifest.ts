/** What is in the image: names, versions and licences, of Debian's packages and of ours. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { licencesIn } from "./licence.ts";
import { TARGET } from "./paths.ts";

interface Component {
  kind: "debian" | "crate" | "npm" | "rust";
  name: string;
  version: string;
  /** SPDX identifiers where Debian's names are none. */
  licence: string;
}

/** What our programs contain besides crates, by package.json's names. */
const NPM = ["assemblyscript", "preact", "uplot"];

const CRATES = ["host/device/Cargo.toml", "host/web/server/Cargo.toml"];

/**
 * Names each component on a line: kind, name, version and licence, between tabs. The packages'
 * copyright files stand below `root`.
 */
export function manifest(packages: string[], root: string): string {
  const components = [
    ...packages.map((archive) => debian(archive, root)),
    ...CRATES.flatMap(crates),
    ...NPM.map(npm),
    rust(),
  ];
  const lines = components.map(({ kind, name, version, licence }) =>
    [kind, name, version, licence].join("\t"),
  );
  return `${[...new Set(lines)].sort().join("\n")}\n`;
}

function debian(archive: string, root: string): Component {
  const format = "${Package}\t${Version}\n";
  const [name = "", version = ""] = run("dpkg-deb", ["--show", `--showformat=${format}`, archive])
    .trim()
    .split("\t");
  const copyright = readFileSync(join(root, "usr/share/doc", name, "copyright"), "utf8");
  return { kind: "debian", name, version, licence: licencesIn(copyright).join(" AND ") };
}

/** The crates that are linked into a program: no build scripts, no tests. */
function crates(manifest: string): Component[] {
  const tree = ["tree", "--locked", "--offline", "--manifest-path", manifest, "--target", TARGET];
  const what = [
    "--edges",
    "normal,no-proc-macro",
    "--prefix",
    "none",
    "--no-dedupe",
    "--format",
    "{p}\t{l}",
  ];
  return run("cargo", [...tree, ...what])
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, name = "", version = "", licence = ""] =
        /^(\S+) v(\S+)[^\t]*\t(.*)$/.exec(line) ?? [];
      return { kind: "crate", name, version, licence: licence.replaceAll("/", " OR ") };
    });
}

function npm(name: string): Component {
  const text = readFileSync(join("node_modules", name, "package.json"), "utf8");
  const { version, license } = JSON.parse(text) as { version: string; license: string };
  return { kind: "npm", name, version, licence: license };
}

/** Rust's library, and musl, which comes with Rust's target and is linked in. */
function rust(): Component {
  const version = run("rustc", ["--version"]).split(" ")[1] ?? "";
  return { kind: "rust", name: "std", version, licence: "(MIT OR Apache-2.0) AND MIT" };
}
