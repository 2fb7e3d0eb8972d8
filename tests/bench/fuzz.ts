/** How many inputs each fuzzer tries in a second of one core, corpus and chance being fixed. */
import { Campaign } from "../fuzz/lib/campaign.ts";
import { instrument } from "../fuzz/lib/instrument.ts";
import { Runner } from "../fuzz/lib/runner.ts";
import { loadCorpus } from "../fuzz/lib/store.ts";
import { TARGETS } from "../fuzz/targets/all.ts";
import type { Figure } from "../../tools/bench.ts";

const SEED = 1;
const WARM_UP_RUNS = 1_000;
const RUNS = 5_000;

/** Figures of one core. */
export function bench(): Figure[] {
  const built = instrument();
  return TARGETS.map((target) => {
    const runner = new Runner(built, target);
    const campaign = new Campaign(runner, loadCorpus(target.name), SEED);
    campaign.run(WARM_UP_RUNS);
    const before = runner.runs;
    const begun = process.cpuUsage();
    campaign.run(RUNS);
    const { user, system } = process.cpuUsage(begun);
    const value = (runner.runs - before) / ((user + system) / 1_000_000);
    return { what: target.name, value, unit: "inputs a second" };
  });
}
