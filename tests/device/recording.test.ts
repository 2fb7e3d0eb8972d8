import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { replay } from "../../host/node/replay/replay.ts";
import { run } from "../lab/lib/command.ts";
import { Namespace } from "../lab/lib/namespace.ts";
import { Rekeyd, uciText } from "../lab/lib/rekeyd.ts";
import { State } from "../lab/lib/state.ts";
import { waitFor } from "../lab/lib/wait.ts";

const SOON_MS = 2000;

/** A daemon without any strongSwan, in a namespace with nothing in it. */
async function withDaemon(body: (rekeyd: Rekeyd, namespace: Namespace) => Promise<void>) {
  const state = State.create("test", "recordings");
  try {
    const namespace = await Namespace.create(`rk${state.id}-d`, state);
    const rekeyd = new Rekeyd(namespace, path.join(state.folder, "device"));
    rekeyd.configure(conf(0));
    await body(rekeyd, namespace);
  } finally {
    await state.remove();
  }
}

const conf = (recorder: number): string =>
  uciText({ vici: "/no/vici", recorder }, [{ name: "branch", options: { gateway: "s2s" } }]);

/** What `get vpnmonitor` says of the recorder. */
async function recorder(rekeyd: Rekeyd): Promise<{ on: boolean; error: string | null }> {
  const { recorder } = (await rekeyd.get("vpnmonitor")) as never as Record<string, never>;
  return recorder!;
}

const waitRecording = (rekeyd: Rekeyd, on: boolean): Promise<void> =>
  waitFor(`recording ${on}`, SOON_MS, async () => (await recorder(rekeyd)).on === on);

/** The segments of what `record save` writes, which replays. */
async function saved(rekeyd: Rekeyd): Promise<{ is_start: boolean; calls: string[] }[]> {
  const file = `${rekeyd.config_path}.saved`;
  const { code, stderr } = await rekeyd.rekeyctl("record", "save", file);
  assert.equal(code, 0, stderr);
  const { recording, difference } = replay(file);
  assert.equal(difference, undefined);
  return recording.segments.map(({ snapshot, calls }) => ({
    is_start: snapshot === undefined,
    calls: calls.map(({ name }) => name),
  }));
}

test("nobody but the daemon's user can read recordings, and without one there is nothing", () =>
  withDaemon(async (rekeyd) => {
    await rekeyd.start();
    const folder = rekeyd.recordings_path;
    assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
    for (const name of ["ring-0", "ring-1", "trap-first", "trap-last"]) {
      const { mode, size } = fs.statSync(path.join(folder, name));
      assert.deepEqual({ mode: mode & 0o777, size }, { mode: 0o600, size: 0 });
    }
    const file = `${rekeyd.config_path}.saved`;
    const { code, stderr } = await rekeyd.rekeyctl("record", "save", file);
    assert.deepEqual({ code, stderr }, { code: 1, stderr: "nothing has been recorded\n" });
    assert.ok(!fs.existsSync(file));
    assert.match((await rekeyd.rekeyctl("get", "vpnmonitor")).stdout, /^Recorder: off$/m);
    assert.equal((await rekeyd.rekeyctl("record", "save")).code, 1);
  }));

test("a reload begins and ends a recording; one that says nothing new changes nothing", () =>
  withDaemon(async (rekeyd) => {
    await rekeyd.start();
    rekeyd.reload(conf(1));
    await waitRecording(rekeyd, true);
    rekeyd.reload();
    await rekeyd.rekeyctl("record", "stop");
    rekeyd.reload();
    await waitFor("three reloads", SOON_MS, async () => {
      return (await rekeyd.eventsLike(/has been loaded/)).length === 4;
    });
    assert.equal((await recorder(rekeyd)).on, false);
    const [segment] = await saved(rekeyd);
    assert.equal(segment!.is_start, false);
    assert.equal(segment!.calls[0], "recorder");
    assert.ok(segment!.calls.includes("configure"));
  }));

test("what was recorded outlives the daemon, and one more start", () =>
  withDaemon(async (rekeyd) => {
    rekeyd.configure(conf(1));
    await rekeyd.start();
    assert.equal((await recorder(rekeyd)).on, true);
    await rekeyd.kill();
    await rekeyd.start();
    const segments = await saved(rekeyd);
    assert.deepEqual(
      segments.map(({ is_start }) => is_start),
      [true, true],
    );
    assert.ok(segments[0]!.calls.includes("command"));
    await rekeyd.stop();
    rekeyd.configure(conf(0));
    await rekeyd.start();
    assert.equal((await saved(rekeyd)).length, 2);
  }));

test("a file that may not grow ends the recording with one line, and nothing else", () =>
  withDaemon(async (rekeyd) => {
    rekeyd.configure(conf(1));
    await rekeyd.start();
    const { pid } = rekeyd;
    await run("prlimit", ["--pid", String(pid), "--fsize=20000:"]);
    await waitFor("the limit is reached", 5000, async () => {
      return (await recorder(rekeyd)).error === "File too large";
    });
    assert.equal(rekeyd.pid, pid);
    assert.ok(rekeyd.isAlive());
    const { code, stderr } = await rekeyd.rekeyctl("record", "start");
    assert.equal(code, 1);
    assert.equal(stderr, "recording is not possible: File too large\n");
    await run("prlimit", ["--pid", String(pid), "--fsize=unlimited:"]);
    assert.equal((await rekeyd.rekeyctl("record", "start")).code, 0);
    assert.equal((await rekeyd.eventsLike(/Recording is not possible \(File too large/)).length, 2);
  }));

test("a folder that is another daemon's, or cannot be made, is an error when it matters", () =>
  withDaemon(async (rekeyd, namespace) => {
    await rekeyd.start();
    const second = new Rekeyd(namespace, path.join(rekeyd.recordings_path, "second"));
    second.configure(conf(1));
    const folders = [
      [rekeyd.recordings_path, "another rekeyd has the folder"],
      [path.join(rekeyd.config_path, "below-a-file"), "Not a directory"],
    ] as const;
    for (const [folder, reason] of folders) {
      second.recordings_path = folder;
      await second.start();
      assert.deepEqual((await recorder(second)).error, reason);
      assert.equal((await second.eventsLike(/Recording is not possible/)).length, 1);
      await second.stop();
    }
  }));
