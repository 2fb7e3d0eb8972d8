/** Recordings for tests: of worlds, and pieces of them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { RecordingEngine } from "../../../host/node/replay/record.ts";
import { readRecording, readRecordingFile } from "../../../host/node/replay/read.ts";
import { replayRecording, type Verdict } from "../../../host/node/replay/replay.ts";
import { tell } from "../../../host/node/replay/tell.ts";
import { timeline } from "../../../host/node/replay/timeline.ts";
import { branches, monitored, World } from "./world.ts";

const ENGINE = "build/engine.wasm";

/** An engine that can be made to trap. */
export class FragileEngine extends RecordingEngine {
  trap(): void {
    const { command } = this.exports as unknown as Record<string, (...numbers: unknown[]) => void>;
    command!(1, -1, BigInt(this.now_ms), BigInt(this.wall_ms));
  }
}

/** A world whose engine records. */
export class RecordedWorld extends World {
  readonly recorder: FragileEngine;

  constructor(vpns = 1, ...options: string[]) {
    const engine = new FragileEngine();
    engine.wall_ms = Date.UTC(2026, 0, 31, 3, 0, 0) - 1_000_000;
    const connections = branches(vpns);
    super(engine, connections);
    this.recorder = engine;
    for (const { name } of connections) this.charon.establish(name);
    this.configure(monitored(connections, ...options));
  }

  recording(): Buffer {
    return this.recorder.recording();
  }
}

/** The night of the lab, made by tests/lab/record-night.ts. */
export const NIGHT = fileURLToPath(new URL("../recordings/night.rec.gz", import.meta.url));

/**
 * Replays it without what was asked meanwhile: questions change nothing, and what the answers hold
 * may grow.
 */
export function replayedNight(): Verdict {
  const recording = readRecordingFile(NIGHT);
  for (const segment of recording.segments) {
    segment.calls = segment.calls.filter(
      ({ name, bytes }) => name !== "command" || !/^(json )?get /.test(bytes.toString("utf8")),
    );
  }
  return replayRecording(recording, readFileSync(ENGINE));
}

/** Replays bytes with the engine that is built. */
export function replayed(recording: Buffer): Verdict {
  return replayRecording(readRecording(recording), readFileSync(ENGINE));
}

/** The timeline as one text. */
export function timelineOf(verdict: Verdict, all = false): string {
  return timeline(tell(verdict), { all }).join("\n");
}
