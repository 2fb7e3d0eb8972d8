/** What became of the configurations that were read: who looks later must see a refused one. */
import { nameLength, setName } from "../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { wall_ms } from "../clock";
import { mistakeCount, mistakeLine, mistakeLineLength } from "./mistakes";

const MAX_SHOWN_PATH_BYTES: i32 = 255;
const MAX_SHOWN_MISTAKE_BYTES: i32 = 400;
const ELLIPSIS_BYTES: i32 = 3;

const path: usize = memory.data(1 + MAX_SHOWN_PATH_BYTES);
let loaded_at_ms: i64 = 0;
const first_mistake: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const room: usize = memory.data(MAX_SHOWN_MISTAKE_BYTES);
let mistakes: i32 = 0;
let refused_at_ms: i64 = 0;
/** When the engine began: milliseconds since 1970, UTC. */
export let engine_started_at_ms: i64 = 0;

/** Forgets everything. */
export function initHistory(): void {
  setName(path, MAX_SHOWN_PATH_BYTES, 0, 0);
  loaded_at_ms = 0;
  mistakes = 0;
  engine_started_at_ms = wall_ms;
}

/** The file `p` was taken. */
export function noteLoaded(p: usize, len: i32): void {
  setName(path, MAX_SHOWN_PATH_BYTES, p, min(len, MAX_SHOWN_PATH_BYTES));
  loaded_at_ms = wall_ms;
  mistakes = 0;
}

/** The file that was read last was refused. */
export function noteRefused(): void {
  mistakes = mistakeCount();
  refused_at_ms = wall_ms;
  const len = mistakeLineLength(0);
  const fits = len <= MAX_SHOWN_MISTAKE_BYTES;
  first_mistake.reset(room, MAX_SHOWN_MISTAKE_BYTES);
  first_mistake.bytes(mistakeLine(0), fits ? len : MAX_SHOWN_MISTAKE_BYTES - ELLIPSIS_BYTES);
  if (!fits) first_mistake.text("...");
}

/** Whether any configuration was taken since the engine started. */
export function isLoaded(): bool {
  return nameLength(path) > 0;
}

/** Path of the configuration in force (bytes/slice.ts, `setName`). */
export function loadedPath(): usize {
  return path;
}

/** When it was taken: milliseconds since 1970, UTC. */
export function loadedAt(): i64 {
  return loaded_at_ms;
}

/** Mistakes of a configuration that was refused since then; 0: none was. */
export function refusedMistakes(): i32 {
  return mistakes;
}

/** The first of them, `FILE:LINE: ...`. */
export function refusedLine(): Writer {
  return first_mistake;
}

/** When it was refused. */
export function refusedAt(): i64 {
  return refused_at_ms;
}
