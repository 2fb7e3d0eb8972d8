/** The last delay as a number, and those before as a line. */
import type { JSX } from "preact";
import type { Sample } from "../logic/history.ts";
import type { Vpn } from "../logic/model.ts";
import { delayText } from "../logic/time.ts";
import { Sparkline } from "./sparkline.tsx";

interface Given {
  vpn: Vpn;
  samples: readonly Sample[];
}

export function Delay({ vpn, samples }: Given): JSX.Element {
  const { delay_last_ms, monitor, state } = vpn;
  const is_measured = delay_last_ms !== null && state === "up";
  return (
    <span class="delay">
      <span class="figure">{is_measured ? `${delayText(delay_last_ms)} ms` : "-"}</span>
      {monitor && <Sparkline samples={samples} />}
    </span>
  );
}
