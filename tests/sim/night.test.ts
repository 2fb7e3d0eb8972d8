import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { report } from "../../host/node/replay/report.ts";
import { NIGHT, replayedNight } from "./lib/recorded.ts";

const AGAIN = "if the engine is meant to do otherwise now: npm run record-night (docs/testing.md)";

const verdict = replayedNight();

test("the night that was recorded in the lab replays to the same actions", () => {
  const { difference, needs, recording, same_calls } = verdict;
  assert.equal(needs, undefined);
  assert.deepEqual(difference?.lines ?? [], [], AGAIN);
  assert.equal(recording.cut, undefined);
  const calls = recording.segments.reduce((sum, { calls }) => sum + calls.length, 0);
  assert.equal(same_calls, calls);
});

test("its timeline tells what happened", () => {
  const text = report(verdict).join("\n") + "\n";
  assert.equal(text, readFileSync(NIGHT.replace(".rec.gz", ".txt"), "utf8"), AGAIN);
});
