/** The simulator with fixed seeds, and a few that are new each time: docs/testing.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kindsOf } from "../../host/node/sim/fault.ts";
import { INVARIANTS } from "../../host/node/sim/invariants.ts";
import { simulate, type Options, type Result } from "../../host/node/sim/simulate.ts";
import { KNOWN } from "./known.ts";

const FIXED = [1, 2, 3, 4, 5, 6, 7, 8];
const NEW = 3;

function run(seed: number, more: Partial<Options> = {}): Result {
  const engine = "build/engine.wasm";
  const faults = kindsOf("all");
  return simulate({ seed, hours: 0.5, vpns: 3, faults, engine, tolerated: KNOWN, ...more });
}

function assertHolds(seed: number): void {
  const { failure } = run(seed);
  if (failure === undefined) return;
  const { invariant, says, seen, after_ms, log } = failure;
  const again = `npm run sim -- --seed ${seed} --hours 0.5 --tolerate ${KNOWN.join(",")}`;
  assert.fail(
    `${invariant}: ${says}\n${seen}, ${after_ms} ms after the start\n${again}\n${log.join("\n")}`,
  );
}

for (const seed of FIXED) test(`seed ${seed}`, () => assertHolds(seed));

const first = Date.now() % 1_000_000_000;
for (let seed = first; seed < first + NEW; seed++) {
  test(`seed ${seed}, new`, () => assertHolds(seed));
}

test("one seed gives one trace, another seed another", () => {
  const once = run(11);
  assert.equal(run(11).trace, once.trace);
  assert.notEqual(run(12).trace, once.trace);
  assert.ok(once.faults.length > 10);
});

test("without faults nothing is down, and nothing is broken", () => {
  const { failure } = run(13, { faults: [], vpns: 20, tolerated: [] });
  assert.equal(failure, undefined);
});

test("what is known to be broken are invariants that there are", () => {
  const names = INVARIANTS.map(({ name }) => name);
  assert.deepEqual(
    KNOWN.filter((name) => !names.includes(name)),
    [],
  );
});
