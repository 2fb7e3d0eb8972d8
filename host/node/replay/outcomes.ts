/** What became of each echo, which is known only later than it is sent. */
import { Action } from "../engine.ts";
import { receivedReply, sentEcho, type Echo } from "./echo.ts";
import { cutSlots } from "./read_call.ts";
import type { Call } from "./recording.ts";

export interface EchoOutcome {
  /** Milliseconds until the first reply. */
  delay_ms: number | undefined;
  /** The kernel did not send it, errno(3). */
  errno: number | undefined;
  /** The recording ends so soon after it that it cannot tell. */
  is_open: boolean;
}

/** An echo without an answer for so long at the recording's end may still get one. */
const OPEN_MS = 1000;

/** Outcomes by the echo's key. */
export function echoOutcomes(calls: Call[]): Map<string, EchoOutcome> {
  const outcomes = new Map<string, EchoOutcome>();
  /** The batch sent last, by IP version: what `unsent` counts in. */
  const batches = new Map<number, (Echo | undefined)[]>();
  const end_ms = Number(calls.at(-1)?.now_ms ?? 0);
  const note = (key: string, more: Partial<EchoOutcome>): void => {
    const known = outcomes.get(key);
    if (known !== undefined) Object.assign(known, more);
  };
  for (const { name, numbers, bytes, now_ms, actions } of calls) {
    const [version = 0, index = 0, errno = 0] = numbers;
    if (name === "replies") {
      for (const slot of cutSlots(bytes)) {
        const reply = receivedReply(slot, version);
        if (typeof reply === "string") continue;
        const known = outcomes.get(reply.key);
        if (known !== undefined) known.delay_ms ??= Number(now_ms) - reply.sent_ms;
      }
    } else if (name === "unsent") {
      const echo = batches.get(version)?.[index];
      if (echo !== undefined) note(echo.key, { errno });
    }
    for (const { kind, argument, bytes } of actions ?? []) {
      if (kind !== Action.SEND_ECHOES) continue;
      const echoes = cutSlots(bytes).map(sentEcho);
      batches.set(argument, echoes);
      for (const echo of echoes) {
        if (echo === undefined) continue;
        const is_open = end_ms - echo.sent_ms < OPEN_MS;
        outcomes.set(echo.key, { delay_ms: undefined, errno: undefined, is_open });
      }
    }
  }
  return outcomes;
}
