/** The last rounds, the newest at the right: a tall bar was answered, a short red one missed. */
import type { JSX } from "preact";

const SLOTS = 30;
const STEP = 4;
const HEIGHT = 16;
const MISSED_HEIGHT = 6;

export function Rounds({ rounds }: { rounds: string }): JSX.Element {
  const missed = [...rounds].filter((round) => round === "0").length;
  const says =
    rounds === "" ? "no round yet" : `${missed} of the last ${rounds.length} rounds missed`;
  return (
    <svg class="rounds" viewBox={`0 0 ${SLOTS * STEP} ${HEIGHT}`} role="img" aria-label={says}>
      {Array.from({ length: SLOTS }, (_, slot) => {
        const round = rounds[rounds.length - SLOTS + slot];
        const height = round === "1" ? HEIGHT : round === "0" ? MISSED_HEIGHT : 1;
        const kind = round === "1" ? "answered" : round === "0" ? "missed" : "none";
        return (
          <rect
            key={slot}
            class={kind}
            x={slot * STEP + 0.5}
            y={HEIGHT - height}
            width={STEP - 1}
            height={height}
            rx={0.5}
          />
        );
      })}
    </svg>
  );
}
