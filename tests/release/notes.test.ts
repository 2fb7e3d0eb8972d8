import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { notesOf } from "../../tools/release/notes.ts";
import { VERSION } from "../../tools/version.ts";

const CHANGELOG = `# Changelog

## 1.2.10 - 2026-12-02

### Added

- Ten.

## 1.2.1 - 2026-12-01

- One.
`;

test("a release's notes are its section of the changelog", () => {
  assert.equal(notesOf(CHANGELOG, "1.2.10"), "# rekeyd 1.2.10\n\n### Added\n\n- Ten.\n");
  assert.equal(notesOf(CHANGELOG, "1.2.1"), "# rekeyd 1.2.1\n\n- One.\n");
});

test("of a version without a section they are what is unreleased; without that, none", () => {
  const text = CHANGELOG.replace("1.2.10 - 2026-12-02", "Unreleased");
  assert.equal(notesOf(text, "1.3.0"), "# rekeyd 1.3.0\n\n### Added\n\n- Ten.\n");
  assert.throws(() => notesOf(CHANGELOG, "1.3.0"), /neither '## 1\.3\.0' nor '## Unreleased'/);
});

test("our changelog has something to say of this version", () => {
  assert.match(notesOf(readFileSync("CHANGELOG.md", "utf8"), VERSION), /\n### Added\n\n- /);
});
