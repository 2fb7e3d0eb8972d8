/** Whether the host records all inputs: what it was asked for, and what became of that. */
import { act, Action } from "../action";
import { wall_ms } from "../clock";
import { recordingBegun, recordingEnded, recordingFailed } from "../event/recording";

let recording: bool = false;
let since_ms: i64 = 0;
let error: i32 = 0;

/** Asks the host to begin, or to end; `recorderTold` follows. */
export function askRecorder(on: bool): void {
  act(Action.RECORDER, on ? 1 : 0, 0, 0);
}

/** What the host does from here on; `errno`: why it no longer records, 0 if it was asked to. */
export function recorderTold(on: bool, errno: i32): void {
  if (on) recordingBegun();
  else if (errno != 0) recordingFailed(errno);
  else recordingEnded();
  recording = on;
  since_ms = wall_ms;
  error = on ? 0 : errno;
}

/** Whether inputs are recorded. */
export function isRecording(): bool {
  return recording;
}

/** Since when that is so: milliseconds since 1970, UTC; 0: since the engine's start. */
export function recorderSince(): i64 {
  return since_ms;
}

/** errno(3) of what ended the last recording or kept it from beginning; 0: nothing did. */
export function recorderError(): i32 {
  return error;
}
