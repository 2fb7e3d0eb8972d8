import { MAX_NOW_MS } from "./limits";

/** The time that came with the input now being worked on. Set by index.ts alone. */

/** Monotonic milliseconds: every deadline and delay. */
export let now_ms: i64 = 0;
/** Milliseconds since 1970 in UTC: only shown to people. */
export let wall_ms: i64 = 0;
/** Seconds that local time is ahead of UTC: only shown to people. */
export let utc_offset_s: i32 = 0;

/**
 * Takes the time of the input that is worked on next. A monotonic time near the end of an i64 is no
 * host's: deadlines would run over, and what is due would never end.
 */
export function setTime(now: i64, wall: i64): void {
  assert(now >= 0 && now <= MAX_NOW_MS);
  now_ms = now;
  wall_ms = wall;
}

/** The same for what a host says: should its clock run back, time stands still for so long. */
export function advanceTime(now: i64, wall: i64): void {
  setTime(max(now, now_ms), wall);
}

/** Takes the offset that was right when the host started. */
export function setUtcOffset(offset_s: i32): void {
  utc_offset_s = offset_s;
}

/** A deadline that never comes. */
export const NEVER: i64 = i64.MAX_VALUE;
