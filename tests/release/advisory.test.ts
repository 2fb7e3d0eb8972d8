/** Advisories: which versions one is about, and what the command says and answers. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fulfils } from "../../tools/advisory/requirement.ts";
import { concerns, parseAdvisory } from "../../tools/advisory/rustsec.ts";
import { componentsOf } from "../../tools/licence/component.ts";

/** A requirement, versions that fulfil it, and versions that don't. */
const REQUIREMENTS: [requirement: string, yes: string[], no: string[]][] = [
  [">= 1.2.3", ["1.2.3", "1.10.0", "2.0.0", "1.2.4-alpha"], ["1.2.2", "1.2.3-rc.1", "0.9.9"]],
  [">= 46.0.2, < 47.0.0", ["46.0.2", "46.9.0"], ["46.0.1", "47.0.0", "48.0.8"]],
  ["<2", ["1.99.0", "2.0.0-beta.1"], ["2.0.0", "2.1.0"]],
  ["<= 0.1.2", ["0.1.2", "0.0.9"], ["0.1.3"]],
  ["<= 1.2", ["1.2.9", "1.1.0"], ["1.3.0"]],
  ["> 1.2", ["1.3.0"], ["1.2.0", "1.2.9"]],
  ["> 1.2.3", ["1.2.4"], ["1.2.3"]],
  ["= 1.2.3", ["1.2.3", "1.2.3+build"], ["1.2.4"]],
  ["= 1.2", ["1.2.9"], ["1.3.0"]],
  ["^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]],
  ["1.2.3", ["1.9.0"], ["2.0.0"]],
  ["^0.7.2", ["0.7.9"], ["0.8.0", "0.7.1"]],
  ["^0.0.3", ["0.0.3"], ["0.0.4"]],
  ["~0.7.1", ["0.7.9"], ["0.8.0", "0.7.0"]],
  ["*", ["0.0.1"], []],
  [">= 0.8.0-alpha.2", ["0.8.0-alpha.10", "0.8.0-beta", "0.8.0"], ["0.8.0-alpha.1", "0.8.0-alpha"]],
];

describe("a requirement is fulfilled as Cargo has it", () => {
  for (const [requirement, yes, no] of REQUIREMENTS) {
    test(requirement, () => {
      for (const version of yes) assert.ok(fulfils(version, requirement), version);
      for (const version of no) assert.ok(!fulfils(version, requirement), version);
    });
  }
});

test("what is no version is an error, not a pass", () => {
  assert.throws(() => fulfils("1.2.3", ">= x"), /'x' is no version/);
  assert.throws(() => fulfils("1.2.3.4", "*"), /'1\.2\.3\.4' is no version/);
});

/** A file of the database. */
function advisory(name: string, versions: string, more = ""): string {
  return `\`\`\`toml
[advisory]
id = "RUSTSEC-2026-9999"
package = "${name}"
date = "2026-11-01"
${more}

[versions]
${versions}
\`\`\`

# Something is wrong with it
`;
}

test("an advisory is about every version that it doesn't call safe", () => {
  const ranges =
    'patched = [\n    ">= 46.0.2, < 47.0.0",\n    ">= 47.0.3",\n]\nunaffected = ["< 46.0.0"]';
  const one = parseAdvisory(advisory("a", ranges), "a.md");
  assert.equal(one.title, "Something is wrong with it");
  const about = (version: string): boolean => concerns(one, version);
  assert.deepEqual(["45.9.0", "46.0.1", "46.0.2", "47.0.2", "47.0.3"].map(about), [
    false,
    true,
    false,
    true,
    false,
  ]);
  const never = parseAdvisory(advisory("a", "patched = []"), "a.md");
  assert.ok(concerns(never, "9.9.9"));
  const withdrawn = parseAdvisory(
    advisory("a", "patched = []", 'withdrawn = "2026-11-02"'),
    "a.md",
  );
  assert.ok(!concerns(withdrawn, "9.9.9"));
  const of = (os: string): boolean =>
    concerns(
      parseAdvisory(advisory("a", "patched = []", `[affected]\nos = ["${os}"]`), "a"),
      "1.0.0",
    );
  assert.deepEqual([of("windows"), of("linux")], [false, true]);
});

test("a file of another form is an error that names it", () => {
  assert.throws(
    () => parseAdvisory("# Title\n", "crates/a/b.md"),
    /^Error: crates\/a\/b\.md: no TOML/,
  );
  assert.throws(
    () => parseAdvisory(advisory("a", "").replace(/^id.*/m, ""), "b.md"),
    /b\.md: no id/,
  );
});

/** What the command answers with a database of this one advisory, and without npm's registry. */
function ask(
  name: string,
  more = "",
  ...options: string[]
): { status: number | null; said: string } {
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-advisories-"));
  try {
    mkdirSync(join(folder, "crates", name), { recursive: true });
    writeFileSync(
      join(folder, "crates", name, "RUSTSEC-2026-9999.md"),
      advisory(name, "patched = []", more),
    );
    const done = spawnSync("node_modules/.bin/tsx", ["tools/advisories.ts", ...options], {
      encoding: "utf8",
      env: {
        ...process.env,
        ADVISORY_DB: folder,
        npm_config_registry: "http://127.0.0.1:9",
        npm_config_fetch_retries: "0",
      },
    });
    return { status: done.status, said: done.stdout + done.stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("one of something shipped is the command's failure, or with --tell a note", () => {
  const shipped = componentsOf("rekeyd", "x86_64-unknown-linux-musl");
  const { version } = shipped.find(({ name }) => name === "wasmtime")!;
  const { status, said } = ask("wasmtime");
  const what = "RUSTSEC-2026-9999: Something is wrong with it";
  const note = `note: wasmtime ${version} (shipped): ${what}\n`;
  assert.ok(said.includes(note), said);
  assert.equal(status, 1);
  const told = ask("wasmtime", "", "--tell");
  assert.ok(told.said.includes(note));
  assert.equal(told.status, 0);
});

test("a tool's, and what is merely unmaintained, are notes", () => {
  const tool = ask("cranelift-codegen");
  assert.match(tool.said, /^note: cranelift-codegen \S+ \(only to build and test\): RUSTSEC/m);
  assert.equal(tool.status, 0);
  const unmaintained = ask("wasmtime", 'informational = "unmaintained"');
  assert.match(unmaintained.said, /^note: .* RUSTSEC-2026-9999 \(unmaintained\): /m);
  assert.equal(unmaintained.status, 0);
});

test("with nothing to ask, the command says so", () => {
  const done = spawnSync("node_modules/.bin/tsx", ["tools/advisories.ts"], {
    encoding: "utf8",
    env: {
      ...process.env,
      ADVISORY_DB: "/nowhere",
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
    },
  });
  assert.match(
    done.stdout,
    /^nothing could be asked: ADVISORY_DB=\/nowhere: no folder crates; npm/m,
  );
  assert.equal(done.status, 3);
});
