/** Plays a recording again, and holds what the engine does against what is recorded. */
import { readFileSync } from "node:fs";
import { Action } from "../engine.ts";
import { compareOutcome, compareSnapshots } from "./compare.ts";
import { Instance } from "./instance.ts";
import { readRecordingFile } from "./read.ts";
import type { Call, EngineId, Recording, Segment } from "./recording.ts";
import { listVpns, type VpnEntry } from "./vpns.ts";
import { sha256 } from "./write.ts";

/** Where and how the replay differs from the recording. */
export interface Difference {
  /** The call that came out otherwise; undefined: the state at the beginning of `segment`. */
  call: Call | undefined;
  segment: Segment;
  /** Both sides, for a person. */
  lines: string[];
}

export interface Verdict {
  recording: Recording;
  /** Calls that came out as recorded. */
  same_calls: number;
  /** Snapshots that the replay has reached as they are recorded. */
  same_snapshots: number;
  difference: Difference | undefined;
  /** A segment needs this engine, which is another one: it was not replayed. */
  needs: EngineId | undefined;
  /** What the last call, of which the recording tells no end, does now. */
  unanswered: string | undefined;
  /** The VPNs there are after a call; a segment: at its beginning. */
  vpns: Map<Call | Segment, VpnEntry[]>;
}

/** Hears of what is replayed next: a call, or what a segment begins with. */
export type Listener = (at: Call | Segment) => void;

/** Replays a file. Throws where it is no recording, or the engine no engine. */
export function replay(path: string, engine = "build/engine.wasm", listener?: Listener): Verdict {
  return replayRecording(readRecordingFile(path), readFileSync(engine), listener);
}

/** The same with what has been read. */
export function replayRecording(
  recording: Recording,
  engine: Buffer,
  listener: Listener = () => undefined,
): Verdict {
  const verdict: Verdict = {
    recording,
    same_calls: 0,
    same_snapshots: 0,
    difference: undefined,
    needs: undefined,
    unanswered: undefined,
    vpns: new Map(),
  };
  new Replayer(engine, verdict, listener).run();
  return verdict;
}

class Replayer {
  private readonly module: WebAssembly.Module;
  private readonly sha256: string;
  private instance: Instance | undefined;
  private last: Segment | undefined;

  constructor(
    engine: Buffer,
    private readonly verdict: Verdict,
    private readonly listener: Listener,
  ) {
    this.module = new WebAssembly.Module(new Uint8Array(engine));
    this.sha256 = sha256(engine);
  }

  /** Runs to the first difference. What needs another engine is passed over. */
  run(): void {
    for (const segment of this.verdict.recording.segments) {
      this.listener(segment);
      this.begin(segment);
      this.last = segment;
      if (this.verdict.difference !== undefined) return;
      if (this.instance === undefined) continue;
      for (const call of segment.calls) {
        this.listener(call);
        if (!this.replayCall(this.instance, segment, call)) return;
      }
    }
  }

  private begin(segment: Segment): void {
    const { snapshot, engine } = segment;
    const { verdict } = this;
    const is_other = engine.sha256 !== this.sha256;
    if (snapshot === undefined) {
      this.instance = new Instance(this.module);
    } else if (this.instance !== undefined && followsOn(segment, this.last)) {
      // Another engine that behaves the same goes on in a memory of its own.
      if (is_other) return;
      const reached = this.instance.snapshot(snapshot.now_ms, snapshot.wall_ms);
      const lines = compareSnapshots(snapshot, reached);
      if (lines.length > 0) verdict.difference = { call: undefined, segment, lines };
      else verdict.same_snapshots++;
    } else if (is_other) {
      this.instance = undefined;
      verdict.needs = engine;
    } else {
      this.instance = new Instance(this.module);
      this.instance.restore(snapshot);
      verdict.vpns.set(segment, listVpns(this.instance, snapshot));
    }
  }

  private replayCall(instance: Instance, segment: Segment, call: Call): boolean {
    const outcome = instance.feed(call);
    if (call.actions === undefined && call.trap === undefined) {
      const came_to = "trap" in outcome ? outcome.trap.text : `${outcome.actions.length} actions`;
      this.verdict.unanswered = came_to;
      return true;
    }
    const lines = compareOutcome(call, outcome);
    if (lines.length > 0) {
      this.verdict.difference = { call, segment, lines };
      return false;
    }
    this.verdict.same_calls++;
    const is_changed = call.actions?.some(({ kind }) => kind === Action.CONFIG_CHANGED);
    if ((call.name === "configure" && call.trap === undefined) || is_changed) {
      this.verdict.vpns.set(call, listVpns(instance, call));
    }
    return true;
  }
}

/** Whether a segment goes on where the one before it has ended: others are of another recording. */
export function followsOn({ engine }: Segment, last: Segment | undefined): boolean {
  if (last === undefined || last.is_cut) return false;
  return last.engine.begun_ms === engine.begun_ms && last.engine.number + 1 === engine.number;
}
