/** package.json alone names the version (the style test sees to the rest); copies must agree. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { treeFiles } from "../tools/tree.ts";
import { VERSION } from "../tools/version.ts";

test("the version is of semver's form, and package-lock.json's copies are equal", () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+$/);
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    version: string;
    packages: Record<string, { version: string }>;
  };
  assert.deepEqual([lock.version, lock.packages[""]!.version], [VERSION, VERSION]);
});

test("our crates have no version of their own", () => {
  const manifests = treeFiles().filter((path) => path.endsWith("Cargo.toml"));
  assert.ok(manifests.length >= 3, manifests.join());
  for (const path of manifests) {
    const text = readFileSync(path, "utf8");
    assert.match(text, /^version(?: = "0\.0\.0"|\.workspace = true)$/m, path);
  }
});
