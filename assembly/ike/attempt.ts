/** How long things may take, and how long they wait: pure arithmetic, no state. */
import { jittered } from "../random";

/** A step that gets no answer ends after this at the earliest (design.md, rule 7) ... */
export const SHORTEST_STEP_MS: i64 = 1_000;
/** ... and after this at the latest, however long the interval is. */
const MAX_STEP_MS: i64 = 10_000;
/** A peer that has answered at all is given this long to finish. */
export const ANSWERED_STEP_MS: i64 = 10_000;
/** How long the removal of an IKE_SA by force may take to show (measured: 33 ms). */
export const TERMINATE_LIMIT_MS: i64 = 1_000;
/** How often that is looked at. */
export const TERMINATE_LOOK_MS: i64 = 50;
/** How long strongSwan may take to list a gateway before a step is judged without it. */
export const LIST_LIMIT_MS: i64 = 1_000;
/** The longest pause after refusals (design.md, rule 7). */
const MAX_BACK_OFF_MS: i64 = 300_000;

/** `delay_avg_16` in 1/16 ms, -1 unknown: four times the average delay. */
function fourDelays(delay_avg_16: i32): i64 {
  return delay_avg_16 < 0 ? 0 : (<i64>delay_avg_16) >> 2;
}

/** The limit of `rekey child-id`: max(1 s, 4 x average delay). */
export function rekeyLimit(delay_avg_16: i32): i64 {
  return max(SHORTEST_STEP_MS, fourDelays(delay_avg_16));
}

/**
 * The limit of an `initiate`: a fresh one goes out each interval +-10 % while the peer is silent.
 */
export function initiateLimit(interval_ms: i32, delay_avg_16: i32): i64 {
  const limit = min(MAX_STEP_MS, max(SHORTEST_STEP_MS, <i64>interval_ms));
  return jittered(max(limit, fourDelays(delay_avg_16)));
}

/** The pause after the `count`th refusal in a row: doubling from the interval, at most 5 min. */
export function backOff(interval_ms: i32, count: i32): i64 {
  const first = max(SHORTEST_STEP_MS, <i64>interval_ms);
  return jittered(min(MAX_BACK_OFF_MS, first << min(count, 20)));
}

/** The least time between two wake-ups by a link or route, when `count` before did not help. */
export function wakePause(count: i32): i64 {
  return min(MAX_BACK_OFF_MS, SHORTEST_STEP_MS << min(count - 1, 20));
}
