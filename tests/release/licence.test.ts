/** Licences of what we ship: which are allowed, and that every text comes along. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { TARGETS, type Target } from "../../tools/cross/targets.ts";
import { cargoOptions, missing } from "../../tools/cross/toolchain.ts";
import {
  checksums,
  componentsOf,
  PROGRAMS,
  SOURCES,
  union,
  type Program,
} from "../../tools/licence/component.ts";
import { chosen } from "../../tools/licence/expression.ts";
import { OF_RUSTUP } from "../../tools/licence/c_library.ts";
import { RUST, STD_CRATES } from "../../tools/licence/rust_std.ts";
import { THIRD_PARTY } from "../../tools/licence/third_party.ts";

const LLVM = "Apache-2.0 WITH LLVM-exception";

/** An expression, and what has to be kept to. */
const CHOICES: [expression: string, licences: string[]][] = [
  ["MIT", ["MIT"]],
  ["MIT OR Apache-2.0", ["Apache-2.0"]],
  ["MIT/Apache-2.0", ["Apache-2.0"]],
  ["Unlicense OR MIT", ["MIT"]],
  [`${LLVM} OR Apache-2.0 OR MIT`, ["Apache-2.0"]],
  [`MIT AND ${LLVM} AND (MIT OR Apache-2.0)`, ["Apache-2.0", LLVM, "MIT"]],
  ["(MIT OR Apache-2.0) AND Unicode-3.0", ["Apache-2.0", "Unicode-3.0"]],
  ["MIT OR GPL-3.0-only AND Zlib", ["MIT"]],
  ["(GPL-3.0-only OR MIT) AND (Zlib)", ["MIT", "Zlib"]],
];

describe("of a choice the licence is taken that asks for least", () => {
  for (const [expression, licences] of CHOICES) {
    test(expression, () => assert.deepEqual(chosen(expression), licences));
  }
});

describe("what is not allowed is refused by its name", () => {
  for (const [expression, says] of [
    ["GPL-3.0-only", /GPL-3\.0-only is not among the licences that are allowed/],
    ["MIT AND LGPL-2.1-or-later", /: LGPL-2\.1-or-later is not among/],
    ["GPL-2.0-only OR AGPL-3.0-only", /: GPL-2\.0-only is not among/],
    ["Apache-2.0 WITH Other-exception", /: Apache-2\.0 WITH Other-exception is not among/],
    ["none", /: none is not among/],
    ["(MIT", /has no end/],
    ["MIT Zlib", /no SPDX expression/],
  ] as [string, RegExp][]) {
    test(expression, () => assert.throws(() => chosen(expression), says));
  }
});

const sysroot = execFileSync("rustc", ["--print", "sysroot"], { encoding: "utf8" }).trim();

test("the crates of Rust's library are those of this Rust", (t) => {
  assert.match(readFileSync("rust-toolchain.toml", "utf8"), new RegExp(`channel = "${RUST}"`));
  const lock = `${sysroot}/lib/rustlib/src/rust/library/Cargo.lock`;
  if (!existsSync(lock)) return t.skip("rust-src is not installed");
  const text = readFileSync(lock, "utf8");
  const sums = checksums(text);
  for (const { name, version, sha256 } of STD_CRATES) {
    assert.match(text, new RegExp(`name = "${name}"\nversion = "${version}"\n`));
    assert.equal(sha256, sums.get(`${name} ${version}`), name);
  }
});

test("musl and the unwinder are what Rust's targets bring", (t) => {
  const targets = TARGETS.filter(({ musl }) => musl === "rustup");
  const folders = targets.map(
    ({ triple }) => `${sysroot}/lib/rustlib/${triple}/lib/self-contained`,
  );
  const installed = folders.filter(existsSync);
  if (installed.length === 0) return t.skip("no target with musl is installed");
  const [musl, unwinder] = OF_RUSTUP;
  const rustc = execFileSync("rustc", ["-vV"], { encoding: "utf8" });
  assert.match(rustc, new RegExp(`^LLVM version: ${unwinder!.version}$`, "m"));
  for (const folder of installed) {
    const archives = readdirSync(folder).filter((file) => file.endsWith(".a"));
    assert.deepEqual(archives, ["libc.a", "libunwind.a"]);
    const libc = readFileSync(`${folder}/libc.a`, "latin1");
    assert.ok(libc.includes(`\0${musl!.version}\0`), `${folder}: musl is not ${musl!.version}`);
  }
});

interface UnitGraph {
  units: { pkg_id: string; platform: string | null; mode: string }[];
}

/** The crates of crates.io that cargo would compile for a program, also for Rust's library. */
function compiled(program: Program, target: Target): string[] {
  const { manifest } = SOURCES[program];
  const what = ["build", "--manifest-path", manifest, "-p", program, ...cargoOptions(target)];
  const ask = ["--locked", "--offline", "--unit-graph", "-Zunstable-options"];
  const graph = execFileSync("cargo", [...what, ...ask], {
    env: { ...process.env, RUSTC_BOOTSTRAP: "1" },
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const { units } = JSON.parse(graph) as UnitGraph;
  const names = units
    .filter(({ platform, mode }) => platform !== null && mode === "build")
    .flatMap(({ pkg_id }) => /^registry\+.*#(.*)$/.exec(pkg_id)?.[1] ?? []);
  // Of Rust's library for macros, which run when a program is compiled.
  return names.filter((name) => !name.startsWith("rustc-literal-escaper@")).sort();
}

test("the components are the crates that cargo compiles, one for one", (t) => {
  const targets = TARGETS.filter((target) => missing(target).length === 0);
  if (targets.length === 0) return t.skip("programs can be built for no target");
  for (const target of targets) {
    for (const program of PROGRAMS) {
      const crates = componentsOf(program, target.triple)
        .filter(({ purl }) => purl.startsWith("pkg:cargo/"))
        .map(({ name, version }) => `${name}@${version}`);
      assert.deepEqual(crates.sort(), compiled(program, target), `${program} for ${target.triple}`);
    }
  }
});

test("THIRD-PARTY.txt names every component, and has a text of each licence", () => {
  const text = readFileSync(THIRD_PARTY, "utf8");
  const lists = PROGRAMS.flatMap((program) =>
    TARGETS.map(({ triple }) => componentsOf(program, triple)),
  );
  const all = union(lists);
  assert.ok(all.length > 70, `${all.length} components`);
  for (const { kind, name, version } of all) {
    const which = kind === "c" ? "" : version;
    assert.match(text, new RegExp(`^ {4}${name.replaceAll(/[.+]/g, "\\$&")} +${which}`, "m"));
  }
  for (const licence of new Set(all.flatMap((component) => chosen(component.licence)))) {
    assert.match(text, new RegExp(`^={78}\n${licence}\n`, "m"));
  }
  // Of the licences that name who holds the rights, each holder's is there.
  for (const holder of ["Rich Felker", "Jason Miller", "Leon Sorokin", "Tokio Contributors"]) {
    assert.match(text, new RegExp(`Copyright .*${holder}`));
  }
  assert.match(text, /NOTICE of assemblyscript/);
});
