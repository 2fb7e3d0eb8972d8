/**
 * The short run of the fuzzers: everything in the corpus, what was once found, and then so many
 * mutations from a fixed seed and from one that each new engine brings.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { freshSeeds } from "../sim/lib/fresh_seeds.ts";
import { Campaign } from "./lib/campaign.ts";
import { digestOf } from "./lib/digest.ts";
import { instrument, plain } from "./lib/instrument.ts";
import { Runner } from "./lib/runner.ts";
import { loadCorpus, loadFound } from "./lib/store.ts";
import { TARGETS } from "./targets/all.ts";

const FIXED_SEED = 20261123;
const RUNS = 3_000;
/** Inputs of each target that are played on the module without probes, too. */
const PLAIN_INPUTS = 12;

const [new_seed = 0] = freshSeeds(1);
console.log(`note: new seed ${new_seed}`);
const built = instrument();
const shipped = plain();

for (const target of TARGETS) {
  const corpus = loadCorpus(target.name);
  describe(target.name, () => {
    const runner = new Runner(built, target);

    test("the corpus is there, and reaches what the seeds reach", () => {
      assert.notEqual(corpus.length, 0, "npm run fuzz -- --keep makes it");
      for (const input of corpus) assert.equal(runner.run(input)?.message, undefined);
      const { edges } = runner;
      for (const input of target.seeds()) runner.run(input);
      assert.ok(edges >= 0.98 * runner.edges, `${edges} of ${runner.edges}`);
    });

    for (const { name, input } of loadFound(target.name)) {
      test(`no longer: ${name}`, () => assert.equal(runner.run(input)?.message, undefined));
    }

    for (const seed of [FIXED_SEED, new_seed]) {
      test(`${RUNS} inputs from seed ${seed}`, () => {
        const campaign = new Campaign(runner, [...corpus], seed);
        campaign.run(RUNS);
        const [found] = campaign.found;
        assert.equal(
          found && `${found.finding.message}: ${found.input.toString("hex")}`,
          undefined,
        );
      });
    }

    if (target.stages.length === 0) return;
    test("probes change nothing: the module that ships asks for the same", () => {
      const step = Math.max(1, Math.floor(corpus.length / PLAIN_INPUTS));
      for (let i = 0; i < corpus.length; i += step) {
        const input = corpus[i]!;
        assert.equal(digestOf(shipped, target, input), digestOf(built, target, input));
      }
    });
  });
}
