import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { MAX_PAGES_BYTES, pageSizes, sizesText, sumOf } from "../../tools/pages.ts";

const PROGRAM = "build/rekeyd-web";

test("the pages fit into 60 kB compressed", () => {
  console.log(`note: ${sizesText()}`);
  console.log(`note: ${PROGRAM}, pages included: ${(statSync(PROGRAM).size / 1000).toFixed(0)} kB`);
  const bytes = sumOf(pageSizes());
  assert.ok(bytes > 0 && bytes <= MAX_PAGES_BYTES, `${bytes} bytes`);
});
