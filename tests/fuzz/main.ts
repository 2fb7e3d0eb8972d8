/**
 * `npm run fuzz`: the long run. It takes the targets in turn, and keeps what it finds, made small,
 * and what reaches something new under build/fuzz (docs/testing.md, "Fuzzing").
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Campaign, distil } from "./lib/campaign.ts";
import { instrument, type Instrumented } from "./lib/instrument.ts";
import { Runner } from "./lib/runner.ts";
import { loadCorpus, loadFound, saveCorpus, saveFinding } from "./lib/store.ts";
import type { Target } from "./lib/target.ts";
import { TARGETS } from "./targets/all.ts";

const USAGE = `usage: npm run fuzz -- [OPTION...]
  --minutes N    how long (default 1)
  --target NAME  one of ${TARGETS.map(({ name }) => name).join(", ")} (default all, in turn)
  --seed N       where chance begins (default: from the clock; it is printed)
  --show FILE    runs one input of --target and says what it shows
  --unreached    lists the functions of which a target's corpus reaches nothing
  --keep         writes what is reached into the tree's corpus, as few inputs as will do
`;
/** Inputs before the next target has its turn. */
const TURN_RUNS = 2_000;
const SHOWN_MS = 5_000;

interface State {
  campaign: Campaign;
  spent_ms: number;
  told: number;
  runs: number;
}

function line({ campaign, spent_ms, runs }: State, probes: number): string {
  const { runner, corpus, found } = campaign;
  const per_second = Math.round(((runner.runs - runs) * 1000) / Math.max(spent_ms, 1));
  const name = runner.target.name.padEnd(10);
  const of = runner.target.stages.length > 0 ? `of ${probes} probes` : "outcomes";
  const reached = `${runner.edges} ${of}`;
  const counts = `${corpus.length} inputs, ${found.length} findings`;
  return `${name} ${runner.runs} runs, ${per_second}/s, ${reached}, ${counts}`;
}

function tell(state: State): void {
  const { campaign } = state;
  const target = campaign.runner.target.name;
  for (const found of campaign.found.slice(state.told)) {
    const path = saveFinding(target, found);
    console.log(`FOUND ${target}: ${found.finding.message}`);
    console.log(`      npm run fuzz -- --target ${target} --show ${path}`);
  }
  state.told = campaign.found.length;
}

function fuzz(built: Instrumented, targets: Target[], minutes: number, seed: number): number {
  console.log(`seed ${seed}, ${minutes} minutes`);
  const states = targets.map((target): State => {
    const inputs = [
      ...loadCorpus(target.name, true),
      ...loadFound(target.name).map((f) => f.input),
    ];
    const campaign = new Campaign(new Runner(built, target), inputs, seed);
    return { campaign, spent_ms: 0, told: 0, runs: campaign.runner.runs };
  });
  const end_ms = Date.now() + 60_000 * minutes;
  let shown_ms = Date.now();
  while (Date.now() < end_ms) {
    for (const state of states) {
      const begun_ms = Date.now();
      state.campaign.run(TURN_RUNS);
      state.spent_ms += Date.now() - begun_ms;
      tell(state);
      if (Date.now() < shown_ms + SHOWN_MS) continue;
      shown_ms = Date.now();
      console.log(line(state, built.probes.length));
    }
  }
  console.log("");
  for (const state of states) {
    const { runner, corpus } = state.campaign;
    console.log(line(state, built.probes.length));
    saveCorpus(runner.target.name, corpus, false);
  }
  return states.some(({ campaign }) => campaign.found.length > 0) ? 1 : 0;
}

/** Runs one input, and says what it shows. */
function show(built: Instrumented, target: Target, path: string): number {
  const input = readFileSync(path);
  const finding = new Runner(built, target).run(input);
  console.log(`${input.length} bytes: ${input.toString("hex").replaceAll(/(..)/g, "$1 ")}`);
  console.log(finding === undefined ? "nothing is wrong" : `FOUND ${finding.message}`);
  return finding === undefined ? 0 : 1;
}

function keep(built: Instrumented, targets: Target[]): void {
  for (const target of targets) {
    const runner = new Runner(built, target);
    const kept = distil(runner, [...target.seeds(), ...loadCorpus(target.name, true)]);
    saveCorpus(target.name, kept, true);
    const bytes = kept.reduce((sum, input) => sum + input.length + 2, 0);
    console.log(`${target.name}: ${kept.length} inputs, ${bytes} bytes, ${runner.edges} probes`);
  }
}

/** Functions that all of the corpus leaves out. */
function unreached(built: Instrumented, targets: Target[]): void {
  const open = new Map<string, boolean>();
  const seen = new Uint8Array(built.probes.length);
  for (const target of targets) {
    const runner = new Runner(built, target);
    for (const input of loadCorpus(target.name, true)) runner.run(input);
    if (target.stages.length > 0) runner.seen.forEach((bits, i) => (seen[i]! |= bits));
  }
  built.probes.forEach((name, i) => open.set(name, (open.get(name) ?? true) && seen[i] === 0));
  for (const [name, is_open] of open) if (is_open) console.log(name);
}

function main(): number {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      target: { type: "string" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      show: { type: "string" },
      unreached: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const targets = TARGETS.filter(
    ({ name }) => values.target === undefined || name === values.target,
  );
  if (targets.length === 0) throw new Error(`--target: there is no '${values.target}'`);
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes: '${values.minutes}' is no time`);
  const seed = Number(values.seed);
  if (!Number.isInteger(seed)) throw new Error(`--seed: '${values.seed}' is no whole number`);
  if (values.show !== undefined && targets.length > 1)
    throw new Error("--show: of which --target?");
  const built = instrument();
  if (values.show !== undefined) return show(built, targets[0]!, values.show);
  if (values.unreached) return (unreached(built, targets), 0);
  if (values.keep) return (keep(built, targets), 0);
  return fuzz(built, targets, minutes, seed);
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`fuzz: ${(error as Error).message}`);
  process.exitCode = 2;
}
