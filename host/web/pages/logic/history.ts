/** What the page has seen of each VPN: the engine keeps rounds, not delays. */
import type { State, Vpn } from "./model.ts";

export interface Sample {
  /** Of the browser's clock, since 1970. */
  at_ms: number;
  state: State;
  delay_ms: number | null;
  availability_percent: number | null;
}

/** Samples of one VPN: ten minutes of one a second. */
const MAX_SAMPLES = 600;
const MIN_SAMPLES = 30;
/** Of all VPNs together. */
const MAX_SAMPLES_IN_ALL = 60_000;
/** A longer silence is a gap in a plot. */
const MAX_PAUSE_MS = 5_000;

/** How many samples of each VPN are kept where there are so many VPNs. */
export function samplesKept(vpns: number): number {
  const share = Math.floor(MAX_SAMPLES_IN_ALL / Math.max(1, vpns));
  return Math.min(MAX_SAMPLES, Math.max(MIN_SAMPLES, share));
}

/** The histories with what is seen now; of a VPN that is gone, none. */
export function extended(
  histories: ReadonlyMap<string, readonly Sample[]>,
  vpns: readonly Vpn[],
  at_ms: number,
): Map<string, readonly Sample[]> {
  const kept = samplesKept(vpns.length);
  return new Map(
    vpns.map((vpn) => {
      const before = histories.get(vpn.name) ?? [];
      return [vpn.name, [...before.slice(Math.max(0, before.length + 1 - kept)), seen(vpn, at_ms)]];
    }),
  );
}

/** A VPN that is not up has no delay, although its last one is known. */
function seen(vpn: Vpn, at_ms: number): Sample {
  const answers = vpn.state === "up" && vpn.misses === 0;
  return {
    at_ms,
    state: vpn.state,
    delay_ms: answers ? vpn.delay_last_ms : null,
    availability_percent: vpn.availability_percent,
  };
}

/** Columns for a plot: seconds, delays, percents. A pause leaves a gap. */
export interface Series {
  at_s: number[];
  delay_ms: (number | null)[];
  availability_percent: (number | null)[];
}

export function seriesOf(samples: readonly Sample[]): Series {
  const series: Series = { at_s: [], delay_ms: [], availability_percent: [] };
  const add = (at_ms: number, delay_ms: number | null, percent: number | null): void => {
    series.at_s.push(at_ms / 1000);
    series.delay_ms.push(delay_ms);
    series.availability_percent.push(percent);
  };
  let before_ms = Infinity;
  for (const { at_ms, delay_ms, availability_percent } of samples) {
    if (at_ms - before_ms > MAX_PAUSE_MS) add(before_ms + 1, null, null);
    add(at_ms, delay_ms, availability_percent);
    before_ms = at_ms;
  }
  return series;
}

/** A stretch of time in one state. */
export interface Stretch {
  state: State;
  from_s: number;
  to_s: number;
}

/** For bands behind the plots. */
export function stretchesOf(samples: readonly Sample[]): Stretch[] {
  const stretches: Stretch[] = [];
  let before_ms = -Infinity;
  for (const { at_ms, state } of samples) {
    const last = stretches.at(-1);
    const at_s = at_ms / 1000;
    const goes_on = at_ms - before_ms <= MAX_PAUSE_MS;
    if (last !== undefined && goes_on) last.to_s = at_s;
    if (last === undefined || !goes_on || last.state !== state) {
      stretches.push({ state, from_s: at_s, to_s: at_s });
    }
    before_ms = at_ms;
  }
  return stretches;
}

/** Pieces of a line through the values, in a box: `M` begins one, a null ends it. */
export function linePath(
  values: readonly (number | null)[],
  width: number,
  height: number,
  slots: number,
): string {
  const known = values.filter((value) => value !== null);
  const top = Math.max(2, ...known) * 1.15;
  const step = width / Math.max(1, slots - 1);
  const first = slots - values.length;
  let path = "";
  let open = false;
  values.forEach((value, i) => {
    if (value !== null) {
      const x = ((first + i) * step).toFixed(1);
      const y = (height - (value / top) * height).toFixed(1);
      path += `${open ? "L" : "M"}${x} ${y}`;
      // A point alone is a line, too.
      if (!open && (values[i + 1] ?? null) === null) path += "h.1";
    }
    open = value !== null;
  });
  return path;
}

/** Upright bars, one for each character of `text` that is `wanted`, in its place. */
export function barsPath(
  text: string,
  wanted: string,
  { step, base, height }: { step: number; base: number; height: number },
): string {
  const width = step - 1;
  return [...text]
    .map((found, i) =>
      found === wanted ? `M${i * step} ${base}v${-height}h${width}v${height}z` : "",
    )
    .join("");
}
