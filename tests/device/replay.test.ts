/** `rekeyd replay`: what it says of recordings that are not as this engine would have them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readRecording } from "../../host/node/replay/read.ts";
import type { Recording } from "../../host/node/replay/recording.ts";
import { writeRecording } from "../../host/node/replay/write.ts";
import { RecordedWorld } from "../sim/lib/recorded.ts";

const folder = mkdtempSync(join(tmpdir(), "rekeyd-replay-"));
after(() => rmSync(folder, { recursive: true }));

/** Its exit status, and what it prints behind the file's name. */
function played(recording: Buffer): [number | null, string] {
  const path = join(folder, "recording");
  writeFileSync(path, recording);
  const { status, stdout } = spawnSync("build/rekeyd", ["replay", path], { encoding: "utf8" });
  assert.ok(stdout.startsWith(`${path}: `), stdout);
  return [status, stdout.slice(path.length + 2).trim()];
}

const world = new RecordedWorld(1, "option interval '1'");
world.run(5_000);
world.recorder.nextSegment();
world.run(5_000);
const whole = world.recording();
world.recorder.nextSegment(true);
world.run(5_000);
world.recorder.nextSegment();
const running = world.recording();

function edited(recording: Buffer, edit: (recording: Recording) => void): Buffer {
  const read = readRecording(Buffer.from(recording));
  edit(read);
  return writeRecording(read);
}

test("a recording of this engine is the same, from the start or from a running engine", () => {
  const calls = readRecording(whole).segments.reduce((sum, { calls }) => sum + calls.length, 0);
  assert.deepEqual(played(whole), [0, `the engine did as recorded: ${calls} calls, 1 snapshots`]);
  const [status, says] = played(running);
  assert.equal(status, 0, says);
  assert.match(says, /^the engine did as recorded: \d\d+ calls, 1 snapshots$/);
});

test("one that is cut off anywhere is good up to there", () => {
  for (let length = 300; length < whole.length; length += whole.length >> 6) {
    const cut = whole.subarray(0, length);
    const { segments } = readRecording(cut);
    const calls = segments.flatMap(({ calls }) => calls).filter(({ actions }) => actions);
    const [status, says] = played(cut);
    assert.equal(status, 0, says);
    assert.ok(says.startsWith(`the engine did as recorded: ${calls.length} calls, `), says);
  }
});

test("one byte of an action, of the memory or of a global is a difference", () => {
  for (const edit of [
    ({ segments }: Recording) => {
      const action = segments[0]!.calls.flatMap(({ actions }) => actions!).at(-1)!;
      action.bytes.writeUInt8(action.bytes.readUInt8(0) ^ 1, 0);
    },
    ({ segments }: Recording) => {
      const page = [...segments[1]!.snapshot!.pages.values()].at(-1)!;
      page.writeUInt8(page.readUInt8(7) ^ 1, 7);
    },
    ({ segments }: Recording) => {
      const { globals } = segments[1]!.snapshot!;
      const [name, value] = [...globals].at(-1)!;
      globals.set(name, value ^ 1n);
    },
  ]) {
    const [status, says] = played(edited(whole, edit));
    assert.equal(status, 1, says);
    assert.match(says, /^the engine does something else than what is recorded at byte \d+$/);
  }
});

test("what begins with another engine is not played", () => {
  const other = "ab".repeat(32);
  const recording = edited(running, ({ segments }) => {
    for (const { engine } of segments) engine.sha256 = other;
  });
  const needs = `it begins with a running engine, and needs engine ${other}`;
  assert.deepEqual(played(recording), [3, needs]);
});

test("what is no recording is refused, with the place", () => {
  assert.deepEqual(played(Buffer.from("rekeyd-record-2\nand so on")), [
    2,
    "no recording: at byte 0 should stand 'rekeyd-record-1'",
  ]);
  const broken = Buffer.from(whole);
  broken.writeUInt8(broken.readUInt8(400) ^ 1, 400);
  const [status, says] = played(broken);
  assert.equal(status, 2, says);
  assert.match(says, /^no recording: at byte \d+ the checksum is wrong$/);
  const strange = edited(whole, ({ segments }) => {
    segments[0]!.calls[3]!.numbers = [2, 3];
  });
  assert.equal(played(strange)[0], 2);
});
