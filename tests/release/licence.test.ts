/** Licences of what we ship: which are allowed, and that every text comes along. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { TARGETS } from "../../tools/cross/targets.ts";
import { checksums, componentsOf, PROGRAMS, union } from "../../tools/licence/component.ts";
import { chosen } from "../../tools/licence/expression.ts";
import { MUSL_TARGET, RUST, STD_CRATES } from "../../tools/licence/rust_std.ts";
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

test("the libraries of Rust's targets are known, one by one", () => {
  const known = STD_CRATES.map(({ name }) => name.replaceAll("-", "_"));
  // Of Rust itself; or for tests, macros and compilers alone.
  const rusts = new RegExp(
    "^(?:alloc|core|std|std_detect|sysroot|unwind|panic_(?:abort|unwind)|profiler_builtins" +
      "|rustc_std_workspace_\\w+)$",
  );
  const unlinked = /^(?:getopts|proc_macro|rustc_literal_escaper|test)$/;
  let targets = 0;
  for (const { triple } of TARGETS) {
    const folder = `${sysroot}/lib/rustlib/${triple}/lib`;
    if (!existsSync(folder)) continue;
    targets++;
    const libraries = readdirSync(folder).flatMap(
      (file) => /^lib(\w+)-.*\.rlib$/.exec(file)?.[1] ?? [],
    );
    assert.ok(libraries.length > 10, folder);
    for (const name of libraries.filter((name) => !rusts.test(name) && !unlinked.test(name))) {
      assert.ok(
        known.includes(name),
        `${triple}: tools/licence/rust_std.ts doesn't know '${name}'`,
      );
    }
    const archives = readdirSync(`${folder}/self-contained`).filter((file) => file.endsWith(".a"));
    assert.deepEqual(archives, ["libc.a", "libunwind.a"]);
    const musl = MUSL_TARGET.find(({ name }) => name === "musl")!;
    const libc = readFileSync(`${folder}/self-contained/libc.a`, "latin1");
    assert.ok(libc.includes(`\0${musl.version}\0`), `${triple}: musl is not ${musl.version}`);
  }
  assert.ok(targets > 0, "no target is installed");
});

test("THIRD-PARTY.txt names every component, and has a text of each licence", () => {
  const text = readFileSync(THIRD_PARTY, "utf8");
  const lists = PROGRAMS.flatMap((program) =>
    TARGETS.map(({ triple }) => componentsOf(program, triple)),
  );
  const all = union(lists);
  assert.ok(all.length > 80, `${all.length} components`);
  for (const { name, version } of all) {
    assert.match(text, new RegExp(`^ {4}${name.replaceAll(/[.+]/g, "\\$&")} +${version}`, "m"));
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
