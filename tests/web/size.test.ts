import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_PAGES_BYTES, pageSizes, sumOf } from "../../tools/pages.ts";

test("the pages fit into 60 kB compressed", () => {
  const sizes = pageSizes();
  const bytes = sumOf(sizes);
  console.log(`${bytes} bytes: ${JSON.stringify(sizes)}`);
  assert.ok(bytes > 0 && bytes <= MAX_PAGES_BYTES, `${bytes} bytes`);
});
