/** Recordings that say, besides each call, in which state the engine is between calls. */
import { readFileSync } from "node:fs";
import { Instance } from "../../../host/node/replay/instance.ts";
import { readRecording } from "../../../host/node/replay/read.ts";
import type { Segment } from "../../../host/node/replay/recording.ts";
import { writeRecording } from "../../../host/node/replay/write.ts";

/** Calls of a segment. */
const EVERY_CALLS = 1000;

/** The recording with a further segment every so often, and after the last call. */
export function withSnapshots(recording: Buffer): Buffer {
  const module = new WebAssembly.Module(new Uint8Array(readFileSync("build/engine.wasm")));
  const segments = readRecording(recording).segments.flatMap((whole) =>
    divided(whole, new Instance(module)),
  );
  return writeRecording({ segments, cut: undefined });
}

function divided(whole: Segment, instance: Instance): Segment[] {
  let segment: Segment = { ...whole, calls: [] };
  const segments = [segment];
  whole.calls.forEach((call, i) => {
    instance.feed(call);
    segment.calls.push(call);
    const is_last = i === whole.calls.length - 1;
    if ((i + 1) % EVERY_CALLS !== 0 && !is_last) return;
    const snapshot = instance.snapshot(call.now_ms, call.wall_ms);
    const number = segment.engine.number + 1;
    segment = { ...whole, engine: { ...whole.engine, number }, snapshot, calls: [] };
    segments.push(segment);
  });
  return segments;
}
