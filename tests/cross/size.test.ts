/** What a program may take of a router's flash. */
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { test } from "node:test";
import { crossFolder, TARGETS } from "../../tools/cross/targets.ts";

for (const { triple, budget_bytes } of TARGETS) {
  const path = `${crossFolder(triple)}/rekeyd`;
  const skip = existsSync(path) ? false : `${path} can't be built here`;
  test(`rekeyd with its engine keeps its budget on ${triple}`, { skip }, () => {
    const { size } = statSync(path);
    assert.ok(size <= budget_bytes, `${path}: ${size} bytes, of ${budget_bytes} at most`);
  });
}
