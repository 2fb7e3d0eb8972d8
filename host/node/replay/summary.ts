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
  outages: { from: Line; to: Line | undefined }[];
}

/** A line for each VPN, those with outages first. */
export function summary(lines: Line[]): string[] {
  const fates = fatesOf(lines);
  const name_columns = Math.max(0, ...[...fates.keys()].map((name) => name.length));
  return [...fates]
    .sort(([, a], [, b]) => Number(b.outages.length > 0) - Number(a.outages.length > 0))
    .map(([name, { echoes, lost, outages }]) => {
      const sent = `${echoes} ${echoes === 1 ? "echo" : "echoes"}, ${lost} without an answer`;
      return `${name.padEnd(name_columns)}  ${outagesText(outages)}; ${sent}`;
    });
}

function fatesOf(lines: Line[]): Map<string, Fate> {
  const fates = new Map<string, Fate>();
  for (const line of lines) {
    const [name] = line.about;
    if (name === undefined) continue;
    const up_or_down = line.who === "log" ? UP_OR_DOWN.exec(line.text)?.[1] : undefined;
    if (line.outcome === undefined && up_or_down === undefined) continue;
    const fate = fates.get(name) ?? { echoes: 0, lost: 0, outages: [] };
    fates.set(name, fate);
    if (line.outcome !== undefined) count(fate, line.outcome);
    if (up_or_down === "1") fate.outages.push({ from: line, to: undefined });
    const last = fate.outages.at(-1);
    if (up_or_down === "0" && last !== undefined) last.to ??= line;
  }
  return fates;
}

function count(fate: Fate, { delay_ms, errno, is_open }: NonNullable<Line["outcome"]>): void {
  if (errno !== undefined) return;
  fate.echoes++;
  if (delay_ms === undefined && !is_open) fate.lost++;
}

function outagesText(outages: Fate["outages"]): string {
  if (outages.length === 0) return "never down";
  const texts = outages.slice(0, MAX_OUTAGES).map(({ from, to }) => {
    const since = dateAndTime(from.wall_ms)[1];
    if (to === undefined) return `${since} until the end`;
    return `${since} for ${((to.now_ms - from.now_ms) / 1000).toFixed(1)} s`;
  });
  if (outages.length > MAX_OUTAGES) texts.push(`and ${outages.length - MAX_OUTAGES} times more`);
  return `DOWN ${texts.join(", ")}`;
}
