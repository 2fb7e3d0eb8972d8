/** The last rounds, the newest at the right: a tall bar was answered, a short red one missed. */
import type { JSX } from "preact";
import { barsPath } from "../logic/history.ts";

const SLOTS = 30;
const STEP = 4;
const HEIGHT = 16;
const MISSED_HEIGHT = 6;

export function Rounds({ rounds }: { rounds: string }): JSX.Element {
  const missed = [...rounds].filter((round) => round === "0").length;
  const says =
    rounds === "" ? "no round yet" : `${missed} of the last ${rounds.length} rounds missed`;
  const shown = rounds.padStart(SLOTS, "-");
  const bars = (round: string, height: number): string =>
    barsPath(shown, round, { step: STEP, base: HEIGHT, height });
  return (
    <svg class="rounds" viewBox={`0 0 ${SLOTS * STEP} ${HEIGHT}`} role="img" aria-label={says}>
      <path class="answered" d={bars("1", HEIGHT)} />
      <path class="missed" d={bars("0", MISSED_HEIGHT)} />
      <path class="none" d={bars("-", 1)} />
    </svg>
  );
}
