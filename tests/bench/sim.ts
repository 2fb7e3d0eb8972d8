/** How fast the simulator is, on one core: with nothing wrong, and with everything. */
import { kindsOf } from "../../host/node/sim/fault.ts";
import { simulate } from "../../host/node/sim/simulate.ts";
import type { Figure } from "../../tools/bench.ts";

const DAY_MS = 86_400_000;
const AIM_DAYS_PER_MINUTE = 10_000;

/** The seeds are fixed, so that two runs of the bench do the same work. */
function measure(name: string, faults: string, hours: number, seeds: number[]): Figure[] {
  const engine = "build/engine.wasm";
  const options = { hours, vpns: 1, faults: kindsOf(faults), engine, defaults: true };
  simulate({ ...options, hours: 24, seed: 1 });
  const begun = process.cpuUsage();
  let days = 0;
  let calls = 0;
  for (const seed of seeds) {
    const { simulated_ms, counts } = simulate({ ...options, seed });
    days += simulated_ms / DAY_MS;
    calls += counts.calls;
  }
  const { user, system } = process.cpuUsage(begun);
  const seconds = (user + system) / 1_000_000;
  return [
    {
      what: `${name}: simulated, of one VPN`,
      value: (60 * days) / seconds,
      unit: "tunnel-days a minute",
      aim: AIM_DAYS_PER_MINUTE,
    },
    { what: `${name}: steps`, value: calls / seconds, unit: "calls a second" },
  ];
}

/** Figures of one core. */
export function bench(): Figure[] {
  return [
    ...measure("no faults", "none", 2_400, [1]),
    ...measure("all faults", "all", 48, [1, 2, 3, 4, 5]),
  ];
}
