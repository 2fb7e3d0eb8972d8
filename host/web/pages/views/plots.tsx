/** Delay and availability over time, as this page has seen them. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { seriesOf, stretchesOf, type Sample } from "../logic/history.ts";
import type { Vpn } from "../logic/model.ts";
import { delayText } from "../logic/time.ts";
import { Plot } from "../parts/plot.tsx";

export function Plots({ vpn, samples }: { vpn: Vpn; samples: readonly Sample[] }): JSX.Element {
  const { at_s, delay_ms, availability_percent } = useMemo(() => seriesOf(samples), [samples]);
  const stretches = useMemo(() => stretchesOf(samples), [samples]);
  const now = vpn.availability_percent;
  const delays = delay_ms.filter((value) => value !== null);
  const delay_summary =
    delays.length === 0
      ? "Delay: none measured yet"
      : `Delay from ${delayText(Math.min(...delays))} to ${delayText(Math.max(...delays))} ms`;
  return (
    <section class="panel" aria-labelledby="plots">
      <h2 id="plots">Over time</h2>
      <Plot
        title="Delay (ms)"
        summary={delay_summary}
        at_s={at_s}
        values={delay_ms}
        stretches={stretches}
        top={null}
        text={delayText}
      />
      <Plot
        title="Availability (%)"
        summary={now === null ? "Availability: none measured yet" : `Availability now ${now}%`}
        at_s={at_s}
        values={availability_percent}
        stretches={stretches}
        top={105}
        text={(value) => String(Math.round(value))}
      />
      <p class="hint">
        As this page has seen it. Availability is of the last 30 rounds. Where the ground is red the
        VPN was down.
        {vpn.optimized && " Optimized: both come from fewer echoes."}
      </p>
    </section>
  );
}
