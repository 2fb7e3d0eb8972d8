/** The night in short: for each VPN when it was down, and how its echoes fared. */
import type { EchoOutcome } from "./outcomes.ts";
import { printable } from "./action_text.ts";
import type { Line } from "./tell.ts";
import { dateAndTime } from "./timeline.ts";

/** Of the event log (assembly/event/text.ts): 00040 and 00041. */
const UP_OR_DOWN = /^\w+ 0004([01]): /;
/** Outages that are listed for one VPN. */
const MAX_OUTAGES = 10;

interface Fate {
  echoes: number;
  lost: number;
  was_up: boolean;
  /** The first echo without an answer since the last one with an answer. */
  silent: Line | undefined;
  outages: Outage[];
}

interface Outage {
  from: Line;
  to: Line | undefined;
  silent: Line | undefined;
}

/** A line for each VPN and each of its outages; `names` are listed in any case. */
export function summary(lines: Line[], names: Iterable<string>): string[] {
  const fates = fatesOf(lines, names);
  const name_columns = Math.max(0, ...[...fates.keys()].map((name) => name.length));
  return [...fates]
    .sort(([, a], [, b]) => Number(b.outages.length > 0) - Number(a.outages.length > 0))
    .flatMap(([name, { echoes, lost, was_up, outages }]) => {
      const steady = was_up ? "never down" : "never up";
      const times = outages.length === 1 ? "once" : `${outages.length} times`;
      const how = outages.length > 0 ? `down ${times}` : steady;
      const sent = `${echoes} ${echoes === 1 ? "echo" : "echoes"}, ${lost} without an answer`;
      return [`${printable(name).padEnd(name_columns)}  ${how}; ${sent}`, ...outageLines(outages)];
    });
}

function fatesOf(lines: Line[], names: Iterable<string>): Map<string, Fate> {
  const fates = new Map<string, Fate>();
  const fateOf = (name: string): Fate => {
    const none = { echoes: 0, lost: 0, was_up: false, silent: undefined, outages: [] };
    const fate: Fate = fates.get(name) ?? none;
    fates.set(name, fate);
    return fate;
  };
  for (const name of names) fateOf(name);
  for (const line of lines) {
    // An engine that is started anew knows nothing of what was down.
    if (line.who === "engine" && !line.is_detail) fates.forEach((fate) => end(fate, line));
    const [name] = line.about;
    if (name === undefined) continue;
    if (line.outcome !== undefined) count(fateOf(name), line, line.outcome);
    if (line.who !== "log") continue;
    const up_or_down = UP_OR_DOWN.exec(line.text)?.[1];
    if (up_or_down === "1") {
      const { outages, silent } = fateOf(name);
      outages.push({ from: line, to: undefined, silent });
    }
    if (up_or_down === "0") {
      end(fateOf(name), line);
      fateOf(name).was_up = true;
    }
  }
  return fates;
}

function end({ outages }: Fate, line: Line): void {
  const last = outages.at(-1);
  if (last !== undefined) last.to ??= line;
}

function count(fate: Fate, line: Line, { delay_ms, errno, is_open }: EchoOutcome): void {
  if (delay_ms !== undefined) {
    fate.was_up = true;
    fate.silent = undefined;
  } else fate.silent ??= line;
  if (errno !== undefined) return;
  fate.echoes++;
  if (delay_ms === undefined && !is_open) fate.lost++;
}

function outageLines(outages: Outage[]): string[] {
  const lines = outages.slice(0, MAX_OUTAGES).map(({ from, to, silent }) => {
    const time = ({ wall_ms }: Line): string => dateAndTime(wall_ms)[1];
    const silence = silent === undefined ? "" : `, without answers since ${time(silent)}`;
    if (to === undefined) return `  DOWN ${time(from)} until the end${silence}`;
    const seconds = ((to.since_ms - from.since_ms) / 1000).toFixed(1);
    return `  DOWN ${time(from)} for ${seconds} s${silence}`;
  });
  if (outages.length > MAX_OUTAGES) lines.push(`  and ${outages.length - MAX_OUTAGES} times more`);
  return lines;
}
