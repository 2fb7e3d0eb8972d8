/** What a run shows of a job that failed: with the real output of Node's reporter. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { excerpt, gists } from "../tools/failure.ts";

const FAILING = `
  import { test } from "node:test";
  for (let i = 0; i < 300; i++) test("right " + i, () => {});
  test("long", () => { throw new Error("the cause" + "\\nmore".repeat(500)); });
  test("short", () => { throw new Error("another cause"); });
`;

function outputOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-failure-"));
  try {
    const path = join(folder, "a.mjs");
    writeFileSync(path, text);
    const env = { ...process.env, NO_COLOR: "1", NODE_TEST_CONTEXT: undefined };
    return spawnSync(process.execPath, ["--test-reporter", "spec", path], {
      env,
    }).stdout.toString();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("of a job with failing tests those are shown, each with its cause, and no more", () => {
  const output = outputOf(FAILING);
  const lines = excerpt(output);
  assert.ok(lines.length <= 60, `${lines.length} lines`);
  const text = lines.join("\n");
  assert.match(text, /✖ long .*\n.*the cause\n/);
  assert.match(text, /✖ short .*\n.*another cause\n/);
  assert.doesNotMatch(text, /right/);
});

test("at the end all failed jobs are told of again, and the last 40 lines hold them", () => {
  const output = outputOf(FAILING);
  const few = gists([
    { name: "lab/a", output },
    { name: "check/b", output: "a.ts(1,1): error TS1: wrong\n" },
  ]).join("\n");
  assert.match(few, /^FAIL {2}lab\/a\n.*✖ long .*\n.*the cause\n[^]*✖ short .*\n.*another cause\n/);
  assert.match(few, /^FAIL {2}check\/b\n.*error TS1: wrong$/m);
  const many = Array.from({ length: 12 }, (_, i) => ({ name: `lab/${i}`, output }));
  const lines = gists(many);
  assert.ok(lines.length <= 36, `${lines.length} lines`);
  for (const { name } of many) assert.ok(lines.includes(`FAIL  ${name}`), name);
});

test("of another program's output the begin and the end are shown", () => {
  const output = Array.from({ length: 500 }, (_, i) => `line ${i}`).join("\n");
  const lines = excerpt(`${output}\n`);
  assert.equal(lines.length, 61);
  assert.deepEqual(
    [lines[0], lines[20], lines[60]],
    ["line 0", "(440 lines left out)", "line 499"],
  );
});
