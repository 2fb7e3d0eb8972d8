/** The simulator with fixed seeds: docs/testing.md. New ones are what `npm run sim` is for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kindsOf } from "../../host/node/sim/fault.ts";
import { simulate, type Options, type Result } from "../../host/node/sim/simulate.ts";

const FIXED = [1, 2, 3, 4, 5, 6, 7, 8];

function run(seed: number, more: Partial<Options> = {}): Result {
  const engine = "build/engine.wasm";
  const faults = kindsOf("all");
  return simulate({ seed, hours: 0.5, vpns: 3, faults, engine, tolerated: [], ...more });
}

function assertHolds(seed: number): void {
  const { failure } = run(seed);
  if (failure === undefined) return;
  const { invariant, says, seen, after_ms, log } = failure;
  const again = `npm run sim -- --seed ${seed} --hours 0.5`;
  assert.fail(
    `${invariant}: ${says}\n${seen}, ${after_ms} ms after the start\n${again}\n${log.join("\n")}`,
  );
}

for (const seed of FIXED) test(`seed ${seed}`, () => assertHolds(seed));

test("one seed gives one trace, another seed another", () => {
  const once = run(11);
  assert.equal(run(11).trace, once.trace);
  assert.notEqual(run(12).trace, once.trace);
  assert.ok(once.faults.length > 10);
});

test("without faults nothing is down, and nothing is broken", () => {
  const { failure } = run(13, { faults: [], vpns: 20 });
  assert.equal(failure, undefined);
});
