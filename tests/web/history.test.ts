/** What the pages have seen, and what becomes of it in a plot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  barsPath,
  extended,
  linePath,
  samplesKept,
  seriesOf,
  stretchesOf,
  type Sample,
} from "../../host/web/pages/logic/history.ts";
import type { Vpn } from "../../host/web/pages/logic/model.ts";

/** As far as a history looks at it. */
function vpn(name: string, part: Partial<Vpn> = {}): Vpn {
  const told = { name, state: "up", misses: 0, delay_last_ms: 12, availability_percent: 100 };
  return { ...told, ...part } as Vpn;
}

const sample = (at_ms: number, part: Partial<Sample> = {}): Sample => ({
  at_ms,
  state: "up",
  delay_ms: 12,
  availability_percent: 100,
  ...part,
});

test("each VPN has a history of its own, which ends with it", () => {
  let histories = extended(new Map(), [vpn("a"), vpn("b", { delay_last_ms: 3 })], 1000);
  histories = extended(histories, [vpn("a", { delay_last_ms: 14 })], 2000);
  assert.deepEqual([...histories.keys()], ["a"]);
  assert.deepEqual(histories.get("a"), [sample(1000), sample(2000, { delay_ms: 14 })]);
});

test("a VPN that does not answer has no delay, although the last one is known", () => {
  const down = vpn("a", { state: "down" });
  const missed = vpn("b", { misses: 1 });
  const histories = extended(new Map(), [down, missed], 1000);
  assert.equal(histories.get("a")?.[0]?.delay_ms, null);
  assert.equal(histories.get("b")?.[0]?.delay_ms, null);
});

test("a history has an end, an earlier one where there are many VPNs", () => {
  assert.equal(samplesKept(1), 600);
  assert.equal(samplesKept(1000), 60);
  assert.equal(samplesKept(100_000), 30);
  let histories: ReadonlyMap<string, readonly Sample[]> = new Map();
  for (let i = 0; i < 700; i++) histories = extended(histories, [vpn("a")], i * 1000);
  const kept = histories.get("a") ?? [];
  assert.equal(kept.length, 600);
  assert.equal(kept[0]?.at_ms, 100_000);
  assert.equal(kept.at(-1)?.at_ms, 699_000);
});

test("a series has seconds, and a gap where nothing was told", () => {
  const { at_s, delay_ms, availability_percent } = seriesOf([
    sample(1000),
    sample(2000, { delay_ms: null, availability_percent: 96 }),
    sample(60_000, { delay_ms: 9 }),
  ]);
  assert.deepEqual(at_s, [1, 2, 2.001, 60]);
  assert.deepEqual(delay_ms, [12, null, null, 9]);
  assert.deepEqual(availability_percent, [100, 96, null, 100]);
  assert.deepEqual(seriesOf([]), { at_s: [], delay_ms: [], availability_percent: [] });
});

test("stretches of one state join, and end where nothing was told", () => {
  const down = { state: "down" } as const;
  const samples = [
    sample(1000),
    sample(2000),
    sample(3000, down),
    sample(4000, down),
    sample(60_000, down),
    sample(61_000),
  ];
  assert.deepEqual(stretchesOf(samples), [
    { state: "up", from_s: 1, to_s: 3 },
    { state: "down", from_s: 3, to_s: 4 },
    { state: "down", from_s: 60, to_s: 61 },
    { state: "up", from_s: 61, to_s: 61 },
  ]);
});

test("a line stands at the right, breaks where a value is missing, and stays in its box", () => {
  assert.equal(linePath([], 100, 20, 11), "");
  assert.equal(linePath([0, 0], 100, 20, 11), "M90.0 20.0L100.0 20.0");
  assert.equal(linePath([0, null, 0, 0], 100, 20, 11), "M70.0 20.0h.1M90.0 20.0L100.0 20.0");
  const numbers =
    linePath([5, 1000, 0, 3], 100, 20, 4)
      .match(/-?[\d.]+/g)
      ?.map(Number) ?? [];
  assert.equal(numbers.length, 8);
  numbers.forEach((n, i) => assert.ok(n >= 0 && n <= (i % 2 === 0 ? 100 : 20), `${numbers}`));
});

test("bars stand where their character does", () => {
  const size = { step: 4, base: 16, height: 6 };
  assert.equal(barsPath("-10", "0", size), "M8 16v-6h3v6z");
  assert.equal(barsPath("11", "1", size), "M0 16v-6h3v6zM4 16v-6h3v6z");
  assert.equal(barsPath("11", "0", size), "");
});
