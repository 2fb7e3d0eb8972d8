/** A recording as a person reads it: boring lines left out or folded, each with its time. */
import type { Line } from "./tell.ts";
import { errnoText } from "./tell.ts";

const WHO_COLUMNS = 9;
const EPERM = 1;
const MAX_LINE_CHARACTERS = 400;

export interface View {
  /** Everything: no line is left out, folded or cut. */
  all: boolean;
  /** Only what is about this VPN, or about all. */
  vpn?: string | undefined;
  /** Only from then on, and until then: milliseconds of the wall clock, or after the beginning. */
  from?: Moment | undefined;
  to?: Moment | undefined;
}

/** A time that a user named: absolute, or relative to the beginning. */
export interface Moment {
  wall_ms?: number;
  after_ms?: number;
}

/** Lines that became one. */
interface Run {
  first: Line;
  last: Line;
  count: number;
  least_ms: number;
  most_ms: number;
}

/** The timeline, line by line. */
export function timeline(lines: Line[], view: View): string[] {
  const shown = lines.filter((line) => isWanted(line, view));
  const runs = view.all ? shown.map(runOf) : fold(shown);
  const printed: string[] = [];
  let day = "";
  for (const run of runs) {
    const { wall_ms, since_ms, who } = run.first;
    const [date, time] = dateAndTime(wall_ms);
    if (date !== day) printed.push(`${date}, times in UTC and since the beginning`);
    day = date;
    const since = duration(since_ms).padStart(11);
    const line = `${time} ${since}  ${who.padEnd(WHO_COLUMNS)} ${textOf(run)}`;
    printed.push(view.all ? line : cut(line));
  }
  return printed;
}

function isWanted(line: Line, { all, vpn, from, to }: View): boolean {
  if (line.is_detail && !all) return false;
  if (vpn !== undefined && line.about.length > 0 && !line.about.includes(vpn)) return false;
  return !isBefore(line, from) && (to === undefined || isBefore(line, to));
}

function isBefore(line: Line, moment: Moment | undefined): boolean {
  const { wall_ms, after_ms } = moment ?? {};
  if (wall_ms !== undefined) return line.wall_ms < wall_ms;
  return after_ms !== undefined && line.since_ms < after_ms;
}

/**
 * Lines with one key become one, also with others of their kind between them, up to a line that is
 * of no kind. A VPN's echoes that fare differently stay apart, in their order.
 */
function fold(lines: Line[]): Run[] {
  const runs: Run[] = [];
  let open = new Map<string, Run>();
  for (const line of lines) {
    const subject = line.outcome === undefined ? line.fold : line.text;
    const run = subject === undefined ? undefined : open.get(subject);
    if (subject === undefined) open = new Map();
    if (run !== undefined && run.first.fold === line.fold) extend(run, line);
    else {
      const begun = runOf(line);
      runs.push(begun);
      if (subject !== undefined) open.set(subject, begun);
    }
  }
  return runs;
}

function runOf(line: Line): Run {
  const delay_ms = line.outcome?.delay_ms;
  const [least_ms, most_ms] = [delay_ms ?? Infinity, delay_ms ?? 0];
  return { first: line, last: line, count: 1, least_ms, most_ms };
}

function extend(run: Run, line: Line): void {
  const delay_ms = line.outcome?.delay_ms;
  run.last = line;
  run.count++;
  run.least_ms = Math.min(run.least_ms, delay_ms ?? Infinity);
  run.most_ms = Math.max(run.most_ms, delay_ms ?? 0);
}

function textOf(run: Run): string {
  const { first, last, count } = run;
  const until = count === 1 ? "" : ` until ${dateAndTime(last.wall_ms)[1]}`;
  if (first.outcome === undefined) {
    return count === 1 ? first.text : `${first.text} (${count} times${until})`;
  }
  const echoes = count === 1 ? "1 echo" : `${count} echoes${until}`;
  return `${first.text}: ${echoes}, ${outcomeText(run)}`;
}

function outcomeText({ first, count, least_ms, most_ms }: Run): string {
  const { errno, delay_ms, is_open } = first.outcome!;
  if (errno === EPERM) return "held back: no SA covered it";
  if (errno !== undefined) return `not sent: ${errnoText(errno)}`;
  if (delay_ms === undefined) return is_open ? "no answer before the end" : "NO ANSWER";
  const all = count === 1 ? "answered" : "all answered";
  const range = least_ms === most_ms ? `${most_ms}` : `${least_ms} to ${most_ms}`;
  return `${all} after ${range} ms`;
}

/** Of milliseconds since 1970; whatever the number is. */
export function dateAndTime(wall_ms: number): [date: string, time: string] {
  const date = new Date(wall_ms);
  if (Number.isNaN(date.getTime())) return ["no date", `${wall_ms} ms`];
  const [day = "", time = ""] = date.toISOString().split("T");
  return [day, time.slice(0, -1)];
}

/** `0.000`, `59:59.999`, `23:59:59.999`. */
function duration(for_ms: number): string {
  if (for_ms < 0 || !Number.isSafeInteger(for_ms)) return `${for_ms} ms`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const ms = String(for_ms % 1000).padStart(3, "0");
  const [s, min, h] = [(for_ms / 1000) % 60, (for_ms / 60_000) % 60, for_ms / 3_600_000];
  return `${Math.floor(h)}:${two(min)}:${two(s)}.${ms}`;
}

function cut(line: string): string {
  return line.length <= MAX_LINE_CHARACTERS ? line : `${line.slice(0, MAX_LINE_CHARACTERS)}...`;
}
