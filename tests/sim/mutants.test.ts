/** Each invariant of the simulator can fail: docs/testing.md. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { INVARIANTS, OF_THE_RUN } from "../../host/node/sim/invariants.ts";
import { Hunt } from "./mutants/hunt.ts";
import { MUTANTS } from "./mutants/list.ts";

test("every invariant has a mutant that it has to catch", () => {
  const wanted = [...INVARIANTS, ...Object.values(OF_THE_RUN)].map(({ name }) => name).sort();
  assert.deepEqual([...new Set(MUTANTS.map((mutant) => mutant.for))].sort(), wanted);
});

describe("each mutant is caught", { concurrency: true }, () => {
  const hunt = new Hunt();
  after(() => hunt.close());
  for (const mutant of MUTANTS) {
    test(`${mutant.for}: ${mutant.name}`, async () => {
      assert.notEqual(await hunt.catch(mutant), undefined, "it survives");
    });
  }
});
