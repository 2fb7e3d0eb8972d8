import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Action } from "../../host/node/engine.ts";
import { conclusion } from "../../host/node/replay/conclusion.ts";
import { readRecording } from "../../host/node/replay/read.ts";
import type { Call, Recording } from "../../host/node/replay/recording.ts";
import { RecordingEngine } from "../../host/node/replay/record.ts";
import { replayRecording } from "../../host/node/replay/replay.ts";
import { summary } from "../../host/node/replay/summary.ts";
import { tell } from "../../host/node/replay/tell.ts";
import { timeline } from "../../host/node/replay/timeline.ts";
import { kindsOf } from "../../host/node/sim/fault.ts";
import { recordRun } from "../../host/node/sim/record.ts";
import { simulate } from "../../host/node/sim/simulate.ts";
import { RecordedWorld, replayed, timelineOf } from "./lib/recorded.ts";

const REKEY = ["option rekey '1'", "option interval '1'", "option threshold '3'"];

/** A minute with an outage of ten seconds, two VPNs, and a restart of charon's connection. */
function badMinute(): RecordedWorld {
  const world = new RecordedWorld(2, ...REKEY);
  world.run(20_000);
  world.answers = () => false;
  world.run(10_000);
  world.answers = () => true;
  world.command("get vpn");
  world.run(10_000);
  world.viciClosed();
  world.run(20_000);
  return world;
}

function edited(recording: Buffer, edit: (recording: Recording) => void): Recording {
  const read = readRecording(recording);
  edit(read);
  return read;
}

const calls = ({ segments }: Recording): Call[] => segments.flatMap(({ calls }) => calls);
const engine = readFileSync("build/engine.wasm");

test("a recording from the start replays to the same actions", () => {
  const world = badMinute();
  const verdict = replayed(world.recording());
  assert.equal(verdict.difference, undefined, verdict.difference?.lines.join("\n"));
  assert.equal(verdict.same_calls, calls(verdict.recording).length);
  assert.ok(verdict.same_calls > 200);
});

test("further segments begin with the state that the replay has reached", () => {
  const world = badMinute();
  for (let i = 0; i < 3; i++) {
    world.recorder.nextSegment();
    world.run(7_000);
  }
  const verdict = replayed(world.recording());
  assert.equal(verdict.difference, undefined, verdict.difference?.lines.join("\n"));
  assert.equal(verdict.same_snapshots, 3);
});

test("a recording that begins with a running engine goes on from there", () => {
  const world = badMinute();
  world.recorder.nextSegment(true);
  world.answers = () => false;
  world.run(10_000);
  world.recorder.nextSegment();
  world.answers = () => true;
  world.run(30_000);
  const verdict = replayed(world.recording());
  assert.equal(verdict.difference, undefined, verdict.difference?.lines.join("\n"));
  assert.equal(verdict.same_snapshots, 1);
  const text = timelineOf(verdict);
  assert.match(text, /engine {4}is running already: version .*; VPNs branch0, branch1$/m);
  assert.match(text, /VPN 'branch1' from 198\.51\.100\.1 is down/);
});

test("forged, stale and malformed replies replay as they counted", () => {
  const world = new RecordedWorld(1, ...REKEY);
  let last: Buffer = Buffer.alloc(0);
  const { deliver } = world;
  world.deliver = (version, received) => {
    last = received[0]!.message;
    const source = received[0]!.source;
    const wrong = [30, 60, 22, 21].map((at) => {
      const message = Buffer.from(last);
      message.writeUInt8(message.readUInt8(at) ^ 1, at);
      return { source, message };
    });
    const cut = [0, 1, 20, 40, 63].map((length) => ({ source, message: last.subarray(0, length) }));
    deliver.call(world, version, [...wrong, ...received, ...cut, ...received]);
  };
  world.run(5_000);
  const verdict = replayed(world.recording());
  assert.equal(verdict.difference, undefined, verdict.difference?.lines.join("\n"));
  const text = timelineOf(verdict);
  assert.match(text, /branch0 to 10\.2\.0\.10: \d+ echoes .* all answered/);
  assert.match(text, /a reply from 10\.2\.0\.10 whose token is wrong.*does not count/);
});

test("tokens and key stand nowhere in a recording", () => {
  const world = new RecordedWorld(1, ...REKEY);
  const tokens: Buffer[] = [];
  world.answers = (echo) => {
    tokens.push(Buffer.from(echo.message.subarray(32, 40)));
    return true;
  };
  world.run(5_000);
  world.recorder.nextSegment();
  world.run(5_000);
  const recording = world.recording();
  assert.ok(tokens.length >= 10);
  for (const token of tokens) assert.ok(!recording.includes(token));
});

test("one byte of one action that differs is found and shown with both sides", () => {
  const recording = badMinute().recording();
  const kinds = [Action.SEND_ECHOES, Action.LOG, Action.VICI_SEND, Action.REPLY] as const;
  for (const kind of kinds) {
    let number = 0;
    const changed = edited(recording, (read) => {
      number = calls(read).findIndex(({ actions }) => actions?.some((each) => each.kind === kind));
      const action = calls(read)[number]!.actions!.find((each) => each.kind === kind)!;
      action.bytes = Buffer.from(action.bytes);
      action.bytes[70 % action.bytes.length]! ^= 1;
    });
    const verdict = replayRecording(changed, engine);
    assert.equal(verdict.same_calls, number);
    const text = conclusion(verdict, "engine.wasm").join("\n");
    assert.match(text, new RegExp(`^DIFFERENT in call ${number + 1}, `, "m"));
    assert.match(text, /recorded: .*\n.*replayed: /);
    assert.match(text, /the first that differs is \d+/);
  }
});

test("actions that are missing, more, or of another kind are found", () => {
  const recording = badMinute().recording();
  const edits: [edit: (call: Call) => void, says: RegExp][] = [
    [({ actions }) => actions!.pop(), /recorded: nothing more\n.*replayed: /],
    [({ actions }) => actions!.push({ ...actions![0]! }), /replayed: nothing more/],
    [({ actions }) => actions![0]!.kind++, /recorded: \w+\(\d\).*\n.*replayed: \w+\(\d\)/],
    [({ actions }) => actions![0]!.argument++, /recorded: \w+\(\d\).*\n.*replayed: \w+\(\d\)/],
    [(call) => (call.actions = []), /recorded: nothing more/],
  ];
  for (const [edit, says] of edits) {
    const changed = edited(recording, (read) => {
      edit(
        calls(read)
          .filter(({ actions }) => actions!.length > 1)
          .at(-1)!,
      );
    });
    const verdict = replayRecording(changed, engine);
    assert.match(conclusion(verdict, "engine.wasm").join("\n"), says);
  }
});

test("an input that differs leads to another outcome or another state", () => {
  const world = badMinute();
  world.recorder.nextSegment();
  const changed = edited(world.recording(), (read) => {
    const replies = calls(read)
      .filter(({ name }) => name === "replies")
      .at(-1)!;
    replies.bytes = Buffer.from(replies.bytes);
    replies.bytes[replies.bytes.length - 1]! ^= 1;
  });
  const verdict = replayRecording(changed, engine);
  assert.ok(verdict.difference !== undefined);
  assert.match(conclusion(verdict, "engine.wasm").join("\n"), /^DIFFERENT /m);
});

test("a state that differs is found, with its place", () => {
  const world = badMinute();
  world.recorder.nextSegment();
  world.run(1_000);
  const memory = edited(world.recording(), ({ segments }) => {
    const [address, page] = [...segments[1]!.snapshot!.pages][3]!;
    const other = Buffer.from(page);
    other[5]! ^= 1;
    segments[1]!.snapshot!.pages.set(address, other);
  });
  const says = (recording: Recording): string =>
    conclusion(replayRecording(recording, engine), "engine.wasm").join("\n");
  assert.match(says(memory), /DIFFERENT at the snapshot that begins segment 1/);
  assert.match(says(memory), /memory at 0x[0-9a-f]+: recorded [0-9a-f]{16}, replayed [0-9a-f]{16}/);
  const global = edited(world.recording(), ({ segments }) => {
    const { globals } = segments[1]!.snapshot!;
    const [name, value] = [...globals][0]!;
    globals.set(name, value + 1n);
  });
  assert.match(says(global), /global \S+: recorded \d+, replayed \d+/);
});

test("a trap is reproduced, and other words are a difference", () => {
  const world = badMinute();
  assert.throws(() => world.recorder.trap());
  const verdict = replayed(world.recording());
  assert.equal(verdict.difference, undefined, verdict.difference?.lines.join("\n"));
  assert.match(
    timelineOf(verdict),
    /TRAP {6}the engine trapped: assembly\/index\.ts:\d+:\d+: .*, as recorded$/m,
  );
  const changed = edited(world.recording(), (read) => {
    calls(read).at(-1)!.trap!.text = "assembly/index.ts:1:1: something else";
  });
  const other = conclusion(replayRecording(changed, engine), "engine.wasm").join("\n");
  assert.match(other, /recorded: the engine trapped: .*something else\n/);
});

test("a call that the daemon did not survive is made again", () => {
  const world = badMinute();
  const cut = edited(world.recording(), (read) => {
    calls(read).at(-1)!.actions = undefined;
  });
  const verdict = replayRecording(cut, engine);
  assert.equal(verdict.difference, undefined);
  assert.match(verdict.unanswered ?? "", /^\d+ actions$/);
  assert.match(timelineOf(verdict), /TRAP {6}the recording ends within this call/);
});

test("a snapshot of another engine is not replayed, and its timeline is shown all the same", () => {
  const world = badMinute();
  world.recorder.nextSegment(true);
  world.run(10_000);
  const other = edited(world.recording(), ({ segments }) => {
    segments[0]!.engine = { ...segments[0]!.engine, sha256: "ab".repeat(32), version: "9.9.9" };
  });
  const verdict = replayRecording(other, engine);
  assert.equal(verdict.needs?.version, "9.9.9");
  const text = conclusion(verdict, "build/engine.wasm").join("\n");
  assert.match(text, /needs version 9\.9\.9, whose engine\.wasm has SHA-256 (ab){32};/);
  assert.match(timelineOf(verdict), /VPN 1 to 10\.2\.0\.10: \d+ echoes .* all answered/);
});

test("a recording from the start also plays on another engine that does the same", () => {
  const world = badMinute();
  world.recorder.nextSegment();
  world.run(10_000);
  const other = edited(world.recording(), ({ segments }) => {
    for (const segment of segments) {
      segment.engine = { ...segment.engine, sha256: "ab".repeat(32) };
    }
  });
  const verdict = replayRecording(other, engine);
  assert.equal(verdict.difference, undefined);
  assert.equal(verdict.needs, undefined);
  assert.equal(verdict.same_calls, calls(other).length);
});

test("an engine that was started anew begins a segment of its own", () => {
  const world = badMinute();
  const first = world.recording();
  const second = badMinute().recording();
  const verdict = replayed(Buffer.concat([first, second]));
  assert.equal(verdict.difference, undefined);
  assert.equal(timelineOf(verdict).match(/engine {4}starts: /g)?.length, 2);
});

test("what a daemon before has recorded is replayed apart, also if it was cut off", () => {
  const before = badMinute();
  before.recorder.nextSegment(true);
  before.run(10_000);
  const whole = before.recording();
  for (const first of [whole, whole.subarray(0, whole.length - 10)]) {
    const verdict = replayed(Buffer.concat([first, badMinute().recording()]));
    assert.equal(verdict.difference, undefined, verdict.difference?.lines.join("\n"));
    const text = timelineOf(verdict);
    assert.match(text, /is running already/);
    assert.match(text, /engine {4}starts/);
    assert.doesNotMatch(text, /-\d+ ms/, "the other daemon's clock began anew");
  }
});

test("what needs another engine is passed over", () => {
  const before = badMinute();
  before.recorder.nextSegment(true);
  before.run(10_000);
  const both = Buffer.concat([before.recording(), badMinute().recording()]);
  const changed = edited(both, ({ segments }) => {
    segments[0]!.engine = { ...segments[0]!.engine, sha256: "ab".repeat(32), version: "9.9.9" };
  });
  const verdict = replayRecording(changed, engine);
  assert.equal(verdict.same_calls, changed.segments[1]!.calls.length);
  const text = conclusion(verdict, "engine.wasm").join("\n");
  assert.match(text, /needs version 9\.9\.9, .*\n[^]*The engine did as recorded: \d+ calls/);
});

test("simulated runs with all faults replay, and to be recorded changes nothing", () => {
  for (const seed of [7, 11]) {
    const options = {
      seed,
      hours: 0.4,
      vpns: 3,
      faults: kindsOf("all"),
      engine: "build/engine.wasm",
    };
    const recording = recordRun(options);
    const verdict = replayed(recording);
    assert.equal(verdict.difference, undefined, verdict.difference?.lines.join("\n"));
    const { counts, trace } = simulate(options);
    assert.ok(verdict.same_calls >= counts.calls, `${verdict.same_calls} of ${counts.calls}`);
    assert.equal(simulate(options, undefined, () => new RecordingEngine()).trace, trace);
    assert.ok(timelineOf(verdict).length > 1_000);
  }
});

test("the timeline folds what is boring, and says when a VPN was down", () => {
  const verdict = replayed(badMinute().recording());
  const text = timelineOf(verdict);
  assert.match(text, /^2026-01-31, times in UTC and since the beginning$/m);
  assert.match(
    text,
    /^03:00:01\.\d{3} +0:00:01\.\d{3} +echo +branch0 to 10\.2\.0\.10: \d\d echoes/m,
  );
  assert.match(text, /branch0 to 10\.2\.0\.10: \d\d echoes until .*, all answered after 1 ms$/m);
  assert.match(text, /branch0 to 10\.2\.0\.10: \d echoes until .*, NO ANSWER$/m);
  assert.match(text, /to charon rekey child-id \d+ \(branch0\/branch0\)$/m);
  assert.match(text, /rekeyctl {2}get vpn$/m);
  assert.match(text, /charon {4}is not connected: it closed the connection$/m);
  assert.ok(text.split("\n").length < 200, text);
  const lines = tell(verdict);
  const [first, outage] = summary(lines, []);
  assert.match(first!, /^branch0 {2}down once; \d+ echoes, \d+ without an answer$/);
  assert.match(outage!, /^ {2}DOWN 03:00:\d\d\.\d{3} for \d+\.\d s, without answers since 03:00:2/);
  assert.ok(timelineOf(verdict, true).split("\n").length > 500);
});

test("the timeline can be narrowed to a VPN and to a time", () => {
  const lines = tell(replayed(badMinute().recording()));
  const one = timeline(lines, { all: false, vpn: "branch1" }).join("\n");
  assert.match(one, /branch1 to 10\.2\.1\.10/);
  assert.match(one, /IKE 198\.51\.100\.1 Phase 2: Initiated/);
  assert.doesNotMatch(one, /branch0 to|'branch0'|branch0\/|198\.51\.100\.0/);
  const view = { all: false, from: { after_ms: 25_000 }, to: { after_ms: 35_000 } };
  const some = timeline(lines, view).slice(1);
  assert.ok(some.length > 3);
  for (const line of some) assert.match(line, / 0:00:(2[5-9]|3[0-4])\./);
});

test("what would obey a terminal is only shown", () => {
  const world = new RecordedWorld(1, ...REKEY);
  world.recorder.command(1, "get \u001b[2Jvpn\u0007\u202e");
  const text = timelineOf(replayed(world.recording()), true);
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
});
