/** The thread of main.ts that replays, and tells all the while which call is under way. */
import { parentPort, workerData } from "node:worker_threads";
import { printable } from "./action_text.ts";
import { conclusion } from "./conclusion.ts";
import { Progress, Status, type Answer, type Order } from "./order.ts";
import type { Call, Segment } from "./recording.ts";
import { replay, type Verdict } from "./replay.ts";
import { report } from "./report.ts";
import { dateAndTime, type Moment } from "./timeline.ts";

function work(order: Order): Answer {
  const { path, engine, quiet } = order;
  const progress = new Float64Array(order.progress);
  const listener = (at: Call | Segment): void => {
    if ("name" in at) progress[Progress.CALLS]!++;
    progress[Progress.OFFSET] = at.offset;
  };
  const verdict = named(path, () => replay(path, engine, listener));
  const lines = [...(quiet ? [] : timelineOf(verdict, order)), ...conclusion(verdict, engine)];
  if (verdict.difference !== undefined) return { lines, status: Status.DIFFERENT };
  return { lines, status: verdict.needs === undefined ? Status.SAME : Status.OTHER_ENGINE };
}

function timelineOf(verdict: Verdict, { all, vpn, from, to }: Order): string[] {
  const first_ms = Number(verdict.recording.segments[0]!.calls[0]?.wall_ms ?? 0);
  const [begin, end] = [from, to].map((text) => text && moment(text, first_ms));
  checkVpn(verdict, vpn);
  return report(verdict, { all, vpn, from: begin || undefined, to: end || undefined });
}

/** A name that no configuration has is a mistake. */
function checkVpn({ vpns }: Verdict, wanted?: string): void {
  const names = new Set([...vpns.values()].flat().map(({ name }) => name));
  if (wanted === undefined || names.size === 0 || names.has(wanted)) return;
  throw new Error(`--vpn: there is no '${wanted}', but ${[...names].join(", ")}`);
}

/** Errors name the file. */
function named<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** A time as a user writes it. */
function moment(text: string, first_ms: number): Moment {
  const after_s = /^\+(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (after_s !== undefined) return { after_ms: 1000 * Number(after_s) };
  const day = dateAndTime(first_ms)[0];
  const full = /^\d\d:\d\d/.test(text) ? `${day}T${text}` : text;
  const wall_ms = Date.parse(/Z$/.test(full) ? full : `${full}Z`);
  if (Number.isNaN(wall_ms)) throw new Error(`'${text}' is no time; 03:15:30 or +600 would be`);
  return { wall_ms };
}

function answer(order: Order): Answer {
  try {
    return work(order);
  } catch (error) {
    return { error: printable((error as Error).message) };
  }
}

parentPort!.postMessage(answer(workerData as Order));
