import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readRecording } from "../../host/node/replay/read.ts";
import { PAGE_BYTES } from "../../host/node/replay/format.ts";
import type { Recording, Snapshot } from "../../host/node/replay/recording.ts";
import { writeRecording } from "../../host/node/replay/write.ts";
import { RecordedWorld } from "./lib/recorded.ts";

/** Of the timing wheel (assembly/timer/wheel.ts): `next`, `prev`, and a time. */
const LINK_BYTES = 16;

const folder = mkdtempSync(join(tmpdir(), "rekeyd-test-"));
after(() => rmSync(folder, { recursive: true }));

function replay(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = ["--import", "tsx", "host/node/replay/main.ts"];
  return spawnSync(process.execPath, [...main, ...args], { encoding: "utf8" });
}

/** A short recording, changed as a test wants it. */
function file(name: string, edit: (recording: Recording) => void = () => {}): string {
  const world = new RecordedWorld(2, "option rekey '1'", "option interval '1'");
  world.run(3_000);
  world.recorder.nextSegment();
  world.run(3_000);
  const recording = readRecording(world.recording());
  edit(recording);
  const path = join(folder, name);
  writeFileSync(path, writeRecording(recording));
  return path;
}

test("0: as recorded, with the timeline of one VPN and of some seconds", () => {
  const path = file("same.rec");
  const { status, stdout } = replay(path, "--vpn", "branch1", "--from", "+2", "--to", "+5");
  assert.equal(status, 0);
  assert.match(stdout, /branch1 to 10\.2\.1\.10: \d echoes until .*, all answered after 1 ms/);
  assert.doesNotMatch(stdout, /branch0 to/);
  assert.match(stdout, /The engine did as recorded: \d+ calls and 1 snapshot are the same\.\n$/);
  assert.match(replay(path, "--all").stdout, /host +chores\n/);
  assert.doesNotMatch(replay(path, "--quiet").stdout, /branch/);
});

test("0: cut off, which is said", () => {
  const path = file("cut.rec");
  writeFileSync(path, readFileSync(path).subarray(0, -7));
  const { status, stdout } = replay(path);
  assert.equal(status, 0);
  assert.match(stdout, /^The recording is not whole: offset \d+: cut off within a record/m);
});

test("1: something else, shown with both sides", () => {
  const path = file("other.rec", ({ segments }) => {
    segments[0]!.calls.at(-1)!.actions = [{ kind: 5, argument: 2, bytes: Buffer.from("no") }];
  });
  const { status, stdout } = replay(path);
  assert.equal(status, 1);
  assert.match(stdout, /^DIFFERENT in call \d+, .*\n.*\n +recorded: LOG\(2\) no\n +replayed: /m);
});

test("2: no file, no recording, no engine, no such VPN, no such time", () => {
  const path = file("good.rec");
  const wrong: [args: string[], says: RegExp][] = [
    [[], /one FILE is needed\nusage: npm run replay/],
    [["--fast"], /Unknown option '--fast'/],
    [[join(folder, "none")], /none: ENOENT/],
    [["package.json"], /package\.json: offset 0: no segment begins here: it would with/],
    [[path, "--engine", "package.json"], /expected magic word/],
    [[path, "--vpn", "branch9"], /--vpn: there is no 'branch9', but branch0, branch1\n/],
    [[path, "--limit", "0"], /--limit 0: whole seconds, 1 to 999999, would be right/],
    [[path, "--from", "soon"], /'soon' is no time; 03:15:30 or \+600 would be/],
  ];
  for (const [args, says] of wrong) {
    const { status, stderr } = replay(...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, says);
  }
});

test("3: another engine is needed, which is named", () => {
  const path = file("needs.rec", ({ segments }) => {
    segments.shift();
    segments[0]!.engine = { ...segments[0]!.engine, sha256: "ab".repeat(32), version: "9.9.9" };
  });
  const { status, stdout } = replay(path);
  assert.equal(status, 3);
  assert.match(stdout, /It needs version 9\.9\.9, whose engine\.wasm has SHA-256 (ab){32};/);
});

/** Has each timer that waits in the wheel follow on itself, in a state that is not a whole one. */
function goRound({ pages }: Snapshot): number {
  const word = (address: number): number => {
    const page = pages.get(address - (address % PAGE_BYTES));
    return page === undefined || address % 4 !== 0 ? 0 : page.readUInt32LE(address % PAGE_BYTES);
  };
  const links = [...pages.keys()].flatMap((begin) =>
    Array.from({ length: PAGE_BYTES / LINK_BYTES }, (_, i) => begin + i * LINK_BYTES),
  );
  const linked = links.filter((link) => {
    const [next, prev] = [word(link), word(link + 4)];
    // The slot, the other link of a ring, is in static memory, which lies before the timers.
    return prev !== 0 && link > prev && word(next + 4) === link && word(prev) === link;
  });
  for (const link of linked) {
    pages.get(link - (link % PAGE_BYTES))!.writeUInt32LE(link, link % PAGE_BYTES);
  }
  return linked.length;
}

test("4: the engine never returns, as a snapshot that somebody made up may have it", () => {
  const path = file("round.rec", ({ segments }) => {
    segments.shift();
    assert.ok(goRound(segments[0]!.snapshot!) > 0);
  });
  const { status, stderr } = replay(path, "--limit", "5");
  assert.equal(status, 4);
  assert.match(
    stderr,
    /^replay: .*round\.rec: no end after 5 s, in call \d+ \(offset \d+\)\. Either/,
  );
});
