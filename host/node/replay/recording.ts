/** A recording as the rest of replay sees it (docs/recording.md). */
import type { CallName } from "./format.ts";

/** What the engine asked for (assembly/action.ts); of SEND_ECHOES the slots, cut and concealed. */
export interface RecordedAction {
  kind: number;
  argument: number;
  bytes: Buffer;
}

/** Which engine was at work. */
export interface EngineId {
  sha256: string;
  version: string;
  /** When the recording began, UTC. */
  begun_ms: bigint;
  /** Of this segment in the recording, from 0. */
  number: number;
}

/** A running engine between two calls. */
export interface Snapshot {
  memory_pages: number;
  /** 4096 bytes each, by their address; those that are not here are zeros. */
  pages: Map<number, Buffer>;
  globals: Map<string, bigint>;
  now_ms: bigint;
  wall_ms: bigint;
}

export interface RecordedTrap {
  /** The engine's own, `FILE:LINE:COLUMN: text`; else the host's, which differ between hosts. */
  own_words: boolean;
  text: string;
}

/** One call of the engine, and what came of it. */
export interface Call {
  /** Where its record stands in the file. */
  offset: number;
  name: CallName | "start";
  /** Of `start`: the identifier and the UTC offset. */
  numbers: number[];
  /** Of `start`. */
  seed: bigint;
  now_ms: bigint;
  wall_ms: bigint;
  /** Of `replies`: the slots, cut and concealed. */
  bytes: Buffer;
  /** Undefined: the engine trapped, or the recording ends before it answered. */
  actions: RecordedAction[] | undefined;
  trap: RecordedTrap | undefined;
}

export interface Segment {
  offset: number;
  engine: EngineId;
  /** Undefined: the segment begins with `start`. */
  snapshot: Snapshot | undefined;
  calls: Call[];
  /** It ends within a record. */
  is_cut: boolean;
}

export interface Recording {
  segments: Segment[];
  /** Why and where a segment ends before it should; undefined: all are whole. */
  cut: string | undefined;
}

/** The file is no recording: where, what is wrong, and what would be right. */
export class BadRecording extends Error {
  constructor(offset: number, says: string) {
    super(`offset ${offset}: ${says}`);
  }
}
