/** What the console answers, line by line. `npm run transcripts` writes the files anew. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { filesBelow } from "../../tools/tree.ts";
import { play } from "./lib/transcript.ts";

for (const path of filesBelow("tests/sim/transcripts", ".txt")) {
  test(`the transcript ${basename(path, ".txt")} holds`, () => {
    const transcript = readFileSync(path, "utf8");
    assert.equal(play(transcript), transcript);
  });
}
