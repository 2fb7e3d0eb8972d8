/**
 * Recordings (docs/recording.md), which `npm run replay` reads. An input: a file as it is, or
 * records, which get their checksums here. What is read can be told and written, and reads the same
 * again; what is not, says why.
 */
import type { Random } from "../../../host/node/sim/random.ts";
import { CALLS, Kind, MAGIC } from "../../../host/node/replay/format.ts";
import { readRecording } from "../../../host/node/replay/read.ts";
import { BadRecording, type Recording } from "../../../host/node/replay/recording.ts";
import { summary } from "../../../host/node/replay/summary.ts";
import { tell } from "../../../host/node/replay/tell.ts";
import { timeline } from "../../../host/node/replay/timeline.ts";
import { record, writeRecording } from "../../../host/node/replay/write.ts";
import { Finding, hold } from "../lib/finding.ts";
import { CONFIGURATION, fixture } from "../lib/site.ts";
import { words, type Target } from "../lib/target.ts";

const RECORD_HEAD_BYTES = 3;
const MAX_REASON_CHARACTERS = 1_000;
const NEW_SEGMENT = 0;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
/** Lines of a timeline for each byte of a recording, at most. */
const LINES_PER_BYTE = 1;

interface Row {
  kind: number;
  payload: Buffer;
}

/** Records, each a kind, a length of two bytes and its payload; kind 0 begins a segment. */
function rows(input: Buffer): Row[] {
  const found: Row[] = [];
  for (let at = 0; at + RECORD_HEAD_BYTES <= input.length;) {
    const length = input.readUInt16LE(at + 1);
    const end = at + RECORD_HEAD_BYTES + length;
    found.push({ kind: input[at]!, payload: input.subarray(at + RECORD_HEAD_BYTES, end) });
    at = end;
  }
  return found;
}

function encode(of: Row[]): Buffer {
  const parts = of.flatMap(({ kind, payload }) => [
    Buffer.from([kind, payload.length & 255, payload.length >> 8]),
    payload,
  ]);
  return Buffer.concat([Buffer.from([0, 0]), ...parts]);
}

function file(input: Buffer): Buffer {
  if ((input[0] ?? 0) === 1) return input.subarray(1);
  return Buffer.concat(
    rows(input.subarray(1)).map(({ kind, payload }) =>
      kind === NEW_SEGMENT ? MAGIC : record(kind, payload),
    ),
  );
}

/** Numbers and what is quoted left out, so that what is of one kind reads the same. */
function shape(text: string): string {
  return text.replaceAll(/(["']).*?\1|0x[0-9a-f]+|\d+/g, "N");
}

/** Of several, each by itself. */
function reasons(text: string): string[] {
  return shape(text).split("; then ");
}

function read(bytes: Buffer): Recording | string {
  try {
    return readRecording(bytes);
  } catch (error) {
    if (error instanceof BadRecording) return error.message;
    throw new Finding("throws", `read: ${shape((error as Error).message)}`);
  }
}

function show(recording: Recording): string[] {
  const verdict = {
    recording,
    same_calls: 0,
    same_snapshots: 0,
    difference: undefined,
    needs: undefined,
    unanswered: undefined,
    vpns: new Map(),
  };
  try {
    const lines = tell(verdict);
    const view = { all: true, vpn: undefined, from: undefined, to: undefined };
    return [...timeline(lines, view), ...summary(lines, ["a"])];
  } catch (error) {
    throw new Finding("throws", `tell: ${shape((error as Error).message)}`);
  }
}

/** An input record: the call, its numbers, two times, the bytes. */
function input(call: (typeof CALLS)[number], numbers: number[], bytes: Buffer): Row {
  const payload = Buffer.alloc(32 + bytes.length);
  payload.writeUInt8(1 + CALLS.indexOf(call), 0);
  numbers.forEach((number, i) => payload.writeInt32LE(number, 4 + 4 * i));
  payload.writeBigInt64LE(1_000_000n, 16);
  payload.writeBigInt64LE(1_700_000_000_000n, 24);
  bytes.copy(payload, 32);
  return { kind: Kind.INPUT, payload };
}

function actions(...of: [kind: number, argument: number, bytes: Buffer][]): Row {
  const parts = of.flatMap(([kind, argument, bytes]) => {
    const head = Buffer.alloc(12);
    head.writeUInt32LE(kind, 0);
    head.writeUInt32LE(argument, 4);
    head.writeUInt32LE(bytes.length, 8);
    return [head, bytes];
  });
  return { kind: Kind.ACTIONS, payload: Buffer.concat(parts) };
}

const SEGMENT: Row = { kind: NEW_SEGMENT, payload: Buffer.alloc(0) };

function engineRow(number: number): Row {
  const payload = Buffer.concat([Buffer.alloc(44, 0), Buffer.from("1.2.3")]);
  payload.writeUInt32LE(number, 40);
  return { kind: Kind.ENGINE, payload };
}

function samples(): Row[][] {
  const none = actions();
  const text = Buffer.from(CONFIGURATION);
  const configure = input("configure", [1, text.length], Buffer.concat([Buffer.from("f"), text]));
  const vici = ["register", "list-conns", "list-sas"].map((name) => {
    const bytes = fixture(name);
    return input("viciBytes", [bytes.length], bytes);
  });
  const slot = Buffer.alloc(128);
  slot.writeUInt32LE(64, 4);
  const log = Buffer.from("[Root]system-critical-00040: VPN 'a' is up. (2026-01-01 00:00:00)");
  const begin = [SEGMENT, engineRow(0), { kind: Kind.START, payload: Buffer.alloc(32) }, none];
  const calls = [
    configure,
    actions([2, 0, Buffer.from("/run/vici")], [5, 5, log]),
    input("viciOpened", [], Buffer.alloc(0)),
    actions([3, 0, fixture("register")]),
    ...vici.flatMap((row) => [row, none]),
    input("tick", [], Buffer.alloc(0)),
    actions([1, 4, slot]),
    input("replies", [4, 1], slot),
    none,
    input("command", [1, 7], Buffer.from("get vpn")),
    actions([6, 1, Buffer.from("ok\nno VPN\n")]),
    input("unsent", [4, 0, 1], Buffer.alloc(0)),
    none,
    input("viciClosed", [104], Buffer.alloc(0)),
    { kind: Kind.TRAP, payload: Buffer.from("\x01\0\0\0assembly/x.ts:1:1: no") },
  ];
  const page = Buffer.alloc(4100, 1);
  page.writeUInt32LE(4096, 0);
  const ready = Buffer.alloc(24);
  ready.writeUInt32LE(1, 16);
  ready.writeUInt32LE(1, 20);
  const snapshot = [
    SEGMENT,
    engineRow(1),
    { kind: Kind.MEMORY, payload: Buffer.from([154, 0, 0, 0]) },
    { kind: Kind.PAGE, payload: page },
    { kind: Kind.GLOBAL, payload: Buffer.concat([Buffer.alloc(8, 1), Buffer.from("a/b")]) },
    { kind: Kind.READY, payload: ready },
  ];
  return [
    begin,
    [...begin, ...calls],
    [...begin, ...calls.slice(0, -1), ...snapshot, ...calls],
    [...snapshot, input("networkLost", [], Buffer.alloc(0))],
  ];
}

export const recording_target: Target = {
  name: "recording",
  reads: "recordings",
  max_bytes: 16_384,
  stages: [],
  run(input) {
    const bytes = file(input);
    const recording = read(bytes);
    if (typeof recording === "string") {
      hold(
        /^offset \d+: \S/.test(recording) && !CONTROL.test(recording),
        "says why",
        () => recording,
      );
      hold(recording.length < MAX_REASON_CHARACTERS, "bounded", () => "why it is none");
      return reasons(recording);
    }
    const lines = show(recording);
    const odd = lines.find((line) => CONTROL.test(line));
    hold(odd === undefined, "timeline holds a control character", () => shape(odd!).slice(0, 60));
    hold(
      lines.length <= bytes.length * LINES_PER_BYTE + 100,
      "bounded",
      () => `${lines.length} lines`,
    );
    const written = writeRecording(recording);
    const again = read(written);
    hold(typeof again !== "string", "reads what it writes", () => shape(String(again)));
    hold(writeRecording(again).equals(written), "writes what it reads", () => "other bytes");
    const calls = recording.segments.flatMap((segment) => segment.calls);
    const outcomes = calls.flatMap(({ name, actions, trap }) => [
      `${name}, ${actions === undefined ? "none" : "actions"}, ${trap !== undefined}`,
      ...(actions ?? []).map(({ kind }) => `${name}: ${Math.min(kind, 12)}`),
    ]);
    const segments = `${Math.min(recording.segments.length, 4)} segments`;
    return [...reasons(recording.cut ?? "whole"), segments, ...outcomes];
  },
  seeds() {
    const made = samples().map(encode);
    const raw = made.map((bytes) => Buffer.concat([Buffer.from([0, 1]), file(bytes.subarray(1))]));
    return [...made, ...raw];
  },
  dictionary: [MAGIC, ...words("\x07", "\x08", "\xff\xff\xff\xff")],
  mutate(random: Random, input: Buffer, other: Buffer): Buffer {
    if (input[1] === 1) return input;
    const of = rows(input.subarray(2));
    const at = random.below(of.length + 1);
    const row = of[at];
    const foreign = other[1] === 1 ? [] : rows(other.subarray(2));
    if (row === undefined || random.percent(20)) {
      if (foreign.length > 0) of.splice(at, 0, random.one(foreign));
    } else if (random.percent(20)) of.splice(at, 1);
    else if (random.percent(20)) of.splice(at, 0, row);
    else if (random.percent(10)) of[at] = { ...row, kind: random.below(12) };
    else {
      const payload = Buffer.from(row.payload);
      for (let n = random.between(1, 4); n > 0 && payload.length > 0; n--) {
        payload[random.below(Math.min(payload.length, random.percent(70) ? 40 : 1e9))] =
          random.percent(50) ? random.below(256) : random.one([0, 1, 255, 127, 128]);
      }
      const cut = random.percent(10) ? random.below(payload.length + 1) : payload.length;
      of[at] = { ...row, payload: payload.subarray(0, cut) };
    }
    return encode(of);
  },
};
