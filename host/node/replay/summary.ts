/** The night in short: for each VPN when it was down, and how its echoes fared. */
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
  outages: { from: Line; to: Line | undefined }[];
}

/** A line for each VPN, those with outages first; `names` are listed in any case. */
export function summary(lines: Line[], names: Iterable<string>): string[] {
  const fates = fatesOf(lines, names);
  const name_columns = Math.max(0, ...[...fates.keys()].map((name) => name.length));
  return [...fates]
    .sort(([, a], [, b]) => Number(b.outages.length > 0) - Number(a.outages.length > 0))
    .map(([name, fate]) => {
      const { echoes, lost } = fate;
      const sent = `${echoes} ${echoes === 1 ? "echo" : "echoes"}, ${lost} without an answer`;
      return `${name.padEnd(name_columns)}  ${outagesText(fate)}; ${sent}`;
    });
}

function fatesOf(lines: Line[], names: Iterable<string>): Map<string, Fate> {
  const fates = new Map<string, Fate>();
  const fateOf = (name: string): Fate => {
    const fate = fates.get(name) ?? { echoes: 0, lost: 0, was_up: false, outages: [] };
    fates.set(name, fate);
    return fate;
  };
  for (const name of names) fateOf(name);
  for (const line of lines) {
    // An engine that is started anew knows nothing of what was down.
    if (line.who === "engine" && !line.is_detail) fates.forEach((fate) => end(fate, line));
    const [name] = line.about;
    if (name === undefined) continue;
    if (line.outcome !== undefined) count(fateOf(name), line.outcome);
    if (line.who !== "log") continue;
    const up_or_down = UP_OR_DOWN.exec(line.text)?.[1];
    if (up_or_down === "1") fateOf(name).outages.push({ from: line, to: undefined });
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

function count(fate: Fate, { delay_ms, errno, is_open }: NonNullable<Line["outcome"]>): void {
  if (errno !== undefined) return;
  fate.echoes++;
  if (delay_ms !== undefined) fate.was_up = true;
  else if (!is_open) fate.lost++;
}

function outagesText({ outages, was_up }: Fate): string {
  if (outages.length === 0) return was_up ? "never down" : "never up";
  const texts = outages.slice(0, MAX_OUTAGES).map(({ from, to }) => {
    const since = dateAndTime(from.wall_ms)[1];
    if (to === undefined) return `${since} until the end`;
    return `${since} for ${((to.since_ms - from.since_ms) / 1000).toFixed(1)} s`;
  });
  if (outages.length > MAX_OUTAGES) texts.push(`and ${outages.length - MAX_OUTAGES} times more`);
  return `DOWN ${texts.join(", ")}`;
}
