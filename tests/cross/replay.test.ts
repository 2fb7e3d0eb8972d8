/** The engine on every processor decides as on this one: call by call, and byte by byte. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readRecording } from "../../host/node/replay/read.ts";
import { kindsOf } from "../../host/node/sim/fault.ts";
import { recordRun } from "../../host/node/sim/record.ts";
import { RecordedWorld } from "../sim/lib/recorded.ts";
import { RUNNABLE, runProgram } from "./lib/emulated.ts";
import { withSnapshots } from "./lib/snapshots.ts";

const folder = mkdtempSync(join(tmpdir(), "rekeyd-replay-"));
after(() => rmSync(folder, { recursive: true }));

/** A file, and how many calls and snapshots of Node's engine are in it. */
function written(name: string, recording: Buffer): { path: string; says: string } {
  const path = join(folder, name);
  writeFileSync(path, recording);
  const { segments } = readRecording(recording);
  const calls = segments.reduce((sum, { calls }) => sum + calls.length, 0);
  const snapshots = segments.filter(({ snapshot }) => snapshot !== undefined).length;
  const says = `the engine did as recorded: ${calls} calls, ${snapshots} snapshots`;
  return { path, says: `${path}: ${says}\n` };
}

/** Half an hour of a simulated world in which everything goes wrong. */
function everythingWrong(): Buffer {
  const faults = kindsOf("all");
  const engine = "build/engine.wasm";
  return withSnapshots(recordRun({ seed: 7, hours: 0.5, vpns: 5, tunnels: true, faults, engine }));
}

/** Replies that are forged, stale or cut off, and a trap at the end. */
function hostileReplies(): Buffer {
  const world = new RecordedWorld(1, "option rekey '1'", "option interval '1'");
  const { deliver } = world;
  world.deliver = (version, received) => {
    const { source, message } = received[0]!;
    const wrong = [30, 60, 22, 21].map((at) => {
      const forged = Buffer.from(message);
      forged.writeUInt8(forged.readUInt8(at) ^ 1, at);
      return { source, message: forged };
    });
    const cut = [0, 1, 20, 40, 63].map((length) => ({
      source,
      message: message.subarray(0, length),
    }));
    deliver.call(world, version, [...wrong, ...received, ...cut, ...received]);
  };
  world.run(5_000);
  world.recorder.nextSegment();
  assert.throws(() => world.recorder.trap());
  return world.recording();
}

const recordings = [
  written("everything-wrong", everythingWrong()),
  written("hostile-replies", hostileReplies()),
];

for (const target of RUNNABLE) {
  test(`on ${target.triple} the engine does what it does on Node, its memory included`, () => {
    for (const { path, says } of recordings) {
      assert.deepEqual(runProgram(target, "rekeyd", "replay", path), {
        status: 0,
        stdout: says,
        stderr: "",
      });
    }
  });
}
