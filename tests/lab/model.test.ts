/**
 * The model of charon that the simulator uses, held against real strongSwan: the same scenarios
 * must lead to the same conversation on the vici socket (docs/testing.md).
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { differences, show } from "../model/compare.ts";
import type { Conversation } from "../model/conversation.ts";
import { ModelStage, type Change } from "../model/model_stage.ts";
import { MUTANTS } from "../model/mutants.ts";
import { SCENARIOS, type Scenario } from "../model/scenario.ts";
import { LabStage } from "./lib/lab_stage.ts";

/** Where chance decides, as which of two VPNs is first, one of so many runs must be like it. */
const SEEDS = 32;
/** Labs wait more than they work. */
const AT_ONCE = 4;

/** What differs from the run of the model that is most like it. */
async function unlike(real: Conversation, scenario: Scenario, change?: Change): Promise<string[]> {
  let found: string[] | undefined;
  const seeds = scenario.chance ? SEEDS : 1;
  for (let seed = 1; seed <= seeds && found?.length !== 0; seed++) {
    const model = await ModelStage.conversation(scenario, seed, change).catch(String);
    const told = typeof model === "string" ? [model] : differences(real, model);
    if (found === undefined || told.length < found.length) found = told;
  }
  return found!;
}

describe("strongSwan and its model say the same", { concurrency: AT_ONCE }, () => {
  for (const scenario of SCENARIOS) {
    test(scenario.name, async (t) => {
      const real = await LabStage.conversation(scenario);
      const told = await unlike(real, scenario);
      assert.equal(told.length, 0, `${told.join("\n\n")}\n\nstrongSwan:\n${show(real.chapters)}`);
      t.diagnostic(`${real.packets} vici packets`);
      for (const { name, change } of MUTANTS.filter((of) => of.scenario === scenario.name)) {
        const seen = await unlike(real, scenario, change);
        assert.notEqual(seen.length, 0, `not told from strongSwan: a model that ${name}`);
      }
    });
  }
});

test("every mutant of the model has its scenario", () => {
  const names = SCENARIOS.map(({ name }) => name);
  for (const { name, scenario } of MUTANTS) assert.ok(names.includes(scenario), name);
});
