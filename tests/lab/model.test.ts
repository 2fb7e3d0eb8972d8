/**
 * The model of charon that the simulator uses, held against real strongSwan: the same scenarios
 * must lead to the same conversation on the vici socket (docs/testing.md).
 */
import assert from "node:assert/strict";
import { after, describe, test, type TestContext } from "node:test";
import { show } from "../model/compare.ts";
import { Judge } from "../model/judge.ts";
import { MUTANTS } from "../model/mutants.ts";
import { SCENARIOS, type Scenario } from "../model/scenario.ts";
import type { Generation } from "../../host/node/sim/model/charon.ts";
import type { Side } from "./lib/addresses.ts";
import { LabStage } from "./lib/lab_stage.ts";
import { versionAt } from "./lib/strongswan.ts";

/** Chance does not repeat itself, a wrong model does: what differs must differ in every play. */
const PLAYS = 3;
/** Labs wait more than they work. */
const AT_ONCE = 4;

const generationAt = (side: Side): Generation => (versionAt(side).startsWith("5.") ? 5 : 6);
const strongswans = { a: generationAt("a"), b: generationAt("b") };

const judge = new Judge();
after(() => judge.close());

/** Plays it with real strongSwan; answers what is wrong, if anything. */
async function play(scenario: Scenario, t: TestContext): Promise<string | undefined> {
  const { chapters, packets } = await LabStage.conversation(scenario);
  const judged = (mutant?: string): Promise<string[]> =>
    judge.differences({ chapters, scenario: scenario.name, strongswans, mutant });
  const told = await judged();
  if (told.length > 0) return `${told.join("\n\n")}\n\nstrongSwan:\n${show(chapters)}`;
  for (const { name } of MUTANTS.filter((of) => of.scenario === scenario.name)) {
    if ((await judged(name)).length === 0) return `not told from strongSwan: a model that ${name}`;
  }
  t.diagnostic(`${packets} vici packets`);
  return undefined;
}

describe("strongSwan and its model say the same", { concurrency: AT_ONCE }, () => {
  for (const scenario of SCENARIOS) {
    test(scenario.name, async (t) => {
      const wrong: string[] = [];
      while (wrong.length < PLAYS) {
        const seen = await play(scenario, t).catch((error: Error) => error.message);
        if (seen === undefined) return;
        wrong.push(seen);
        const head = seen.split("\n\n", 1)[0]!.replaceAll(/\s*\n\s*/g, " | ");
        console.log(
          `note: ${scenario.name}, play ${wrong.length} of ${PLAYS}: ${head.slice(0, 300)}`,
        );
      }
      assert.fail(wrong.at(-1));
    });
  }
});

test("every mutant of the model has its scenario", () => {
  const names = SCENARIOS.map(({ name }) => name);
  for (const { name, scenario } of MUTANTS) assert.ok(names.includes(scenario), name);
});
