/** The command line of `npm run sim`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { orderOf } from "../../host/node/sim/arguments.ts";
import { INVARIANTS, OF_THE_RUN } from "../../host/node/sim/invariants.ts";

function sim(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = ["--import", "tsx", "host/node/sim/main.ts"];
  return spawnSync(process.execPath, [...main, ...args], { encoding: "utf8" });
}

test("0: a run that holds, with its seed", () => {
  const { status, stdout } = sim("--seed", "1", "--hours", "0.1", "--faults", "none");
  assert.equal(status, 0);
  assert.match(stdout, /^seed 1: trace [0-9a-f]{8}, \d+ calls, /);
  assert.match(stdout, /^1 runs from seed 1, 0 broken; /m);
});

test("the list has every invariant", () => {
  const { status, stdout } = sim("--list");
  assert.equal(status, 0);
  for (const { name, says } of [...INVARIANTS, ...Object.values(OF_THE_RUN)]) {
    assert.ok(stdout.includes(`  ${name}: ${says}\n`), name);
  }
});

test("what makes no sense is said", () => {
  const wrong: [args: string, says: RegExp][] = [
    ["--bogus", /Unknown option '--bogus'/],
    ["more", /Unexpected argument 'more'/],
    ["--seed x", /--seed: 'x' is no whole number from 0 to 4294967295/],
    ["--seed 4294967296", /--seed: '4294967296' is no whole number/],
    ["--runs 0", /--runs: '0' is no whole number from 1 to /],
    ["--vpns 0", /--vpns: '0' is no whole number from 1 to /],
    ["--hours soon", /--hours: 'soon' is no time/],
    ["--hours -1", /'--hours' argument is ambiguous/],
    ["--only 1,x", /--only: 'x' is no whole number/],
    ["--faults rain", /--faults: no fault or group of faults is called 'rain'/],
    ["--tolerate rain", /--tolerate: no invariant is called 'rain'/],
    ["--engine none.wasm", /none\.wasm: ENOENT/],
    ["--engine package.json", /package\.json: .*magic word/],
    ["--runs 2 --record x", /--record: of one run, not of more/],
  ];
  for (const [args, says] of wrong) assert.throws(() => orderOf(args.split(" ")), says);
});

test("2: in one line", () => {
  const wrong: [args: string[], says: RegExp][] = [
    [["--bogus"], /^sim: Unknown option '--bogus'/],
    [["--record", "/no/where"], /^sim: .*\/no\/where/],
  ];
  for (const [args, says] of wrong) {
    const { status, stdout, stderr } = sim(...args);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: "" });
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /\n./);
  }
});
