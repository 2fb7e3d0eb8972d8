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

/** The words that a command begins with, before anything that can be left out or chosen. */
function commands(): string[] {
  const grammar = readFileSync("assembly/console/grammar.ts", "utf8");
  const rows = [...grammar.matchAll(/row\("([^"]+)"/g)].map(([, notation]) => notation!);
  return rows.map((notation) => /^[a-z -]+?(?=$| [^a-z]| [a-z-]+\|)/.exec(notation)![0]);
}

test("every command is in a transcript: well, ill, and as JSON", () => {
  const answers = filesBelow("tests/sim/transcripts", ".txt").flatMap((path) => [
    ...readFileSync(path, "utf8").matchAll(/^> (.*)\n([|!]?)/gm),
  ]);
  const missing = [...new Set(commands())].flatMap((command) => {
    const has = (prefix: string, mark: RegExp): boolean =>
      answers.some(([, line, kind]) => line!.startsWith(prefix + command) && mark.test(kind!));
    const well = has("", /^\|?$/) ? [] : [command];
    const ill = has("", /!/) ? [] : [`${command}: a mistake`];
    return [...well, ...ill, ...(has("json ", /^/) ? [] : [`json ${command}`])];
  });
  assert.deepEqual(missing, []);
});
