/** The last delays as a line without axes; the number beside it says the rest. */
import type { JSX } from "preact";
import { linePath, type Sample } from "../logic/history.ts";

const WIDTH = 120;
const HEIGHT = 22;
const SLOTS = 60;

export function Sparkline({ samples }: { samples: readonly Sample[] }): JSX.Element {
  const shown = samples.slice(-SLOTS).map(({ delay_ms }) => delay_ms);
  return (
    <svg class="sparkline" viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} aria-hidden="true">
      <path d={`M0 ${HEIGHT}H${WIDTH}`} class="base" />
      <path d={linePath(shown, WIDTH, HEIGHT, SLOTS)} class="line" />
    </svg>
  );
}
