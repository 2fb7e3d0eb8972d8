import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kind, MAGIC } from "../../host/node/replay/format.ts";
import { readRecording, readRecordingFile } from "../../host/node/replay/read.ts";
import { BadRecording, type Recording } from "../../host/node/replay/recording.ts";
import { record, writeRecording } from "../../host/node/replay/write.ts";
import { Random } from "../../host/node/sim/random.ts";
import { RecordedWorld, timelineOf } from "./lib/recorded.ts";

/** A few seconds, two segments, a trap. */
function small(): Buffer {
  const world = new RecordedWorld(1, "option rekey '1'", "option interval '1'");
  world.run(2_000);
  world.recorder.nextSegment();
  world.run(2_000);
  assert.throws(() => world.recorder.trap());
  return world.recording();
}

const WHOLE = small();

/** The same without most of the memory, where every byte looks like the others. */
const SHORT = shortened(readRecording(WHOLE));

function shortened(recording: Recording): Buffer {
  for (const { snapshot, calls } of recording.segments) {
    if (snapshot !== undefined) snapshot.pages = new Map([...snapshot.pages].slice(0, 1));
    calls.splice(0, Math.max(0, calls.length - 3));
  }
  const { segments } = recording;
  return Buffer.concat([writeRecording({ segments: segments.slice(1), cut: undefined })]);
}

/** Where the records of a file begin, and how long they are. */
function recordsOf(bytes: Buffer): { at: number; length: number }[] {
  const records = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.subarray(at, at + MAGIC.length).equals(MAGIC)) at += MAGIC.length;
    const length = 8 + bytes.readUInt32LE(at + 4) + 4;
    records.push({ at, length });
    at += length;
  }
  return records;
}

function count({ segments }: Recording): number {
  return segments.reduce((sum, { calls }) => sum + calls.length, 0);
}

/** What a reader says of bytes that are no recording. */
function complaint(bytes: Buffer): string {
  try {
    readRecording(bytes);
  } catch (error) {
    if (error instanceof BadRecording) return error.message;
    throw error;
  }
  return "";
}

test("what is written is read again", () => {
  const read = readRecording(WHOLE);
  assert.equal(read.cut, undefined);
  assert.equal(read.segments.length, 2);
  assert.deepEqual(writeRecording(read), WHOLE);
});

test("a recording cut off anywhere is read up to its last whole record, and says so", () => {
  const ends = new Set(recordsOf(SHORT).map(({ at, length }) => at + length));
  let last = 0;
  for (let length = 0; length < SHORT.length; length++) {
    const cut = SHORT.subarray(0, length);
    const says = complaint(cut);
    if (says !== "") {
      assert.equal(last, 0, `${length}: ${says}`);
      assert.match(says, /^offset 0: no call is in it: /);
      continue;
    }
    const read = readRecording(cut);
    assert.ok(count(read) >= last);
    last = count(read);
    assert.equal(read.cut === undefined, ends.has(length), `${length}: ${read.cut}`);
    if (read.cut !== undefined)
      assert.match(read.cut, /^offset \d+: .*; what is before it is good$/);
  }
  assert.equal(last, count(readRecording(SHORT)));
});

test("a byte that was changed is noticed, and what is before it is good", () => {
  const records = recordsOf(SHORT);
  const random = new Random(1);
  for (let i = 0; i < 2_000; i++) {
    const at = random.between(MAGIC.length, SHORT.length - 1);
    const bytes = Buffer.from(SHORT);
    bytes[at]! ^= random.between(1, 255);
    const broken = records.filter(({ at: begin }) => begin <= at).at(-1)!;
    const says = complaint(bytes);
    const cut = says === "" ? readRecording(bytes).cut : says;
    assert.match(cut ?? "", new RegExp(`offset ${broken.at}: |segment begins here`), `byte ${at}`);
  }
});

test("whatever stands in a record, it is read, or refused with its place", () => {
  const random = new Random(2);
  const records = recordsOf(SHORT);
  let refused = 0;
  for (let i = 0; i < 5_000; i++) {
    const parts = records.map(({ at, length }) => Buffer.from(SHORT.subarray(at, at + length)));
    for (let edits = random.between(1, 3); edits > 0; edits--) {
      mutate(parts, random);
    }
    const bytes = Buffer.concat([MAGIC, ...parts]);
    const says = complaint(bytes);
    if (says === "") timelineOf(verdictOf(readRecording(bytes)), true);
    else refused++;
    if (says !== "") assert.match(says, /^offset \d+: \S.{8,}$/s);
  }
  assert.ok(refused > 1_000 && refused < 4_900, `${refused}`);
});

/** As if nothing had been replayed. */
function verdictOf(recording: Recording): Parameters<typeof timelineOf>[0] {
  return {
    recording,
    same_calls: 0,
    same_snapshots: 0,
    difference: undefined,
    needs: undefined,
    unanswered: undefined,
    vpns: new Map(),
  };
}

/** Changes one record, and mends its checksum. */
function mutate(parts: Buffer[], random: Random): void {
  const at = random.below(parts.length);
  const part = parts[at]!;
  const payload = part.subarray(8, part.length - 4);
  switch (random.below(6)) {
    case 0:
      parts.splice(at, 1);
      return;
    case 1:
      parts.splice(at, 0, part);
      return;
    case 2:
      parts[at] = record(random.below(12), payload);
      return;
    case 3:
      parts[at] = record(part[0]!, payload.subarray(0, random.below(payload.length + 1)));
      return;
    case 4:
      parts[at] = record(part[0]!, Buffer.concat([payload, Buffer.alloc(random.between(1, 80))]));
      return;
    default: {
      if (payload.length === 0) return;
      const changed = Buffer.from(payload);
      const place = random.below(Math.min(changed.length, 48));
      changed[place] = [0, 1, 0x7f, 0x80, 0xff, random.below(256)][random.below(6)]!;
      parts[at] = record(part[0]!, changed);
    }
  }
}

const ENGINE = Buffer.concat([Buffer.alloc(44), Buffer.from("1")]);
const START = Buffer.alloc(32);

/** Records that make no recording, and what must be said of them. */
const WRONG: [name: string, bytes: Buffer, says: RegExp][] = [
  ["nothing", Buffer.alloc(0), /^offset 0: no call is in it: the file is empty$/],
  ["a text", Buffer.from("config vpn\n"), /^offset 0: no segment begins here: it would with "rek/],
  ["the beginning alone", MAGIC, /^offset 0: no call is in it: offset 16: a segment ends/],
  [
    "no ENGINE",
    Buffer.concat([MAGIC, record(Kind.START, START)]),
    /^offset 16: START where ENGINE belongs$/,
  ],
  [
    "an unknown kind",
    Buffer.concat([MAGIC, record(Kind.ENGINE, ENGINE), record(99, START)]),
    /^offset 73: kind 99 where START or MEMORY belongs$/,
  ],
  [
    "a short START",
    Buffer.concat([MAGIC, record(Kind.ENGINE, ENGINE), record(Kind.START, START.subarray(1))]),
    /^offset 73: START has 31 bytes; 32 would be right$/,
  ],
  [
    "no version",
    Buffer.concat([MAGIC, record(Kind.ENGINE, ENGINE.subarray(0, 44))]),
    /^offset 16: ENGINE has 44 bytes; 44 and 1 to 64 would be right$/,
  ],
  ["a call 19", started(input(19, [0, 0, 0])), /call 19; calls are numbered from 1 to 18$/],
  [
    "more bytes than the call has",
    started(input(4, [0, 0, 0], 5)),
    /'tick' has 5 bytes; 0 would be right$/,
  ],
  [
    "fewer bytes than the call says",
    started(input(2, [6, 0, 0], 5)),
    /'network' has 5 bytes; 6 would be right$/,
  ],
  [
    "a number too many",
    started(input(2, [5, 1, 0], 5)),
    /'network' has 1 numbers; zeros stand for others$/,
  ],
  ["half a slot", started(input(6, [4, 1, 0], 60)), /no whole slot at its byte 0$/],
  [
    "an action beyond the record",
    started(
      input(4, [0, 0, 0]),
      record(Kind.ACTIONS, Buffer.from("050000000600000005000000", "hex")),
    ),
    /action 1 has 5 bytes; 0 at most are right$/,
  ],
];

function started(...records: Buffer[]): Buffer {
  const none = record(Kind.ACTIONS, Buffer.alloc(0));
  const begin = [MAGIC, record(Kind.ENGINE, ENGINE), record(Kind.START, START), none];
  return Buffer.concat([...begin, ...records]);
}

function input(call: number, numbers: number[], bytes = 0): Buffer {
  const payload = Buffer.alloc(32 + bytes);
  payload.writeUInt8(call, 0);
  numbers.forEach((number, i) => payload.writeInt32LE(number, 4 + 4 * i));
  return record(Kind.INPUT, payload);
}

for (const [name, bytes, says] of WRONG) {
  test(`refused: ${name}`, () => assert.match(complaint(bytes), says));
}

test("lengths that the engine refuses stand without their bytes", () => {
  const refused = [
    input(2, [-1, 0, 0]),
    input(2, [(4 << 20) + 1, 0, 0]),
    input(1, [-1, 5, 0]),
    input(6, [4, 65, 0]),
    input(6, [4, -1, 0]),
    input(11, [1, -1, 0]),
  ];
  const none = record(Kind.ACTIONS, Buffer.alloc(0));
  const read = readRecording(started(...refused.flatMap((each) => [each, none])));
  assert.equal(count(read), 1 + refused.length);
});

test("a record too long is damage, whatever its length", () => {
  const header = Buffer.alloc(8);
  header.writeUInt8(Kind.INPUT, 0);
  header.writeUInt32LE(0xffffffff, 4);
  const { cut } = readRecording(Buffer.concat([started(), header, Buffer.alloc(100)]));
  assert.match(cut ?? "", /damaged: a record of 4294967295 bytes; 8388608 are the most/);
});

test("zeros at the end, as a disk leaves them after a power failure, are damage", () => {
  const { cut, segments } = readRecording(Buffer.concat([WHOLE, Buffer.alloc(4096)]));
  assert.match(cut ?? "", new RegExp(`^offset ${WHOLE.length}: damaged: `));
  assert.equal(segments.length, 2);
});

test("a segment that a crash cut off goes before what was recorded later", () => {
  const cut = WHOLE.length - 10;
  const read = readRecording(Buffer.concat([WHOLE.subarray(0, cut), WHOLE]));
  assert.equal(read.segments.length, 4);
  assert.deepEqual(
    read.segments.map(({ is_cut }) => is_cut),
    [false, true, false, false],
  );
  assert.match(read.cut ?? "", /^offset \d+: /);
});

test("a file may be compressed", () => {
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-test-"));
  try {
    const path = join(folder, "a.rec.gz");
    writeFileSync(path, gzipSync(WHOLE));
    assert.deepEqual(readRecordingFile(path), readRecording(WHOLE));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
