import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "../lab/lib/wait.ts";
import { host } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import { hubConf } from "./lib/uci.ts";

const SPOKES = 2;
const UP_MS = 30_000;
/** An orphan is looked at twice before it is removed. */
const ORPHAN_MS = 60_000;
const ECHOES = 300;
const INTERVAL_S = 0.05;
/** How long the new SAs may take; the old ones go as soon as the spoke hears of a new charon. */
const AWAY_S = 5;

test("the hub's charon is killed: SAs and routes stay, and no orphan in the end", () =>
  withStar("charon-killed", SPOKES, async (star) => {
    const { hub, spokes } = star;
    await hub.startRekeyd(hubConf(SPOKES));
    await hub.waitState("up", UP_MS);
    const before = await hub.kernelSas();
    assert.equal(before.length, 2 * SPOKES);

    const watch = await hub.watchRoutes();
    await hub.killCharon();
    for (const { number } of spokes) {
      const { sent, received } = await hub.ping(host(number), 50, 0.05);
      assert.equal(received, sent, "the kernel goes on");
    }
    assert.deepEqual((await hub.kernelSas()).map(({ spi }) => spi).sort(), spis(before));

    const deleted = (await watch.end()).filter((line) => line.includes("Deleted"));
    assert.deepEqual(deleted, []);

    // A charon without memory: new SAs at once, and then no other.
    const pings = spokes.map(({ number }) => hub.ping(host(number), ECHOES, INTERVAL_S));
    await hub.startCharon();
    const after = await waitUntil(
      "two SAs to each spoke, all of them new",
      ORPHAN_MS,
      () => hub.kernelSas(),
      (sas) => sas.length === 2 * SPOKES && !sas.some(({ spi }) => spis(before).includes(spi)),
      { every_ms: 500, show: (sas) => spis(sas).join(" ") },
    );
    await hub.waitState("up", UP_MS);
    const listed = await hub.swanctl("--list-sas");
    for (const { spi } of after) assert.ok(listed.includes(spi), `${spi} is none of charon's`);
    for (const { number } of spokes) {
      const { sent, received } = await hub.ping(host(number), 10);
      assert.equal(received, sent);
    }
    for (const { sent, received } of await Promise.all(pings)) {
      const away_s = (sent - received) * INTERVAL_S;
      console.log(`note: users' packets were lost for ${away_s.toFixed(2)} s`);
      assert.ok(away_s < AWAY_S, `${away_s} s`);
    }
  }));

const spis = (sas: { spi: string }[]): string[] => sas.map(({ spi }) => spi).sort();
