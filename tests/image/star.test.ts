import assert from "node:assert/strict";
import { test } from "node:test";
import { host, lan, nameOf, type Family } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import { hubConf, TUNNEL } from "./lib/uci.ts";

const SPOKES = 6;
const FAMILIES: Family[] = [4, 6];
const UP_MS = 30_000;

test("six spokes, one interface: each SA counts its own packets alone, and outlives rekeyd", () =>
  withStar("star", SPOKES, async (star) => {
    const { hub, spokes } = star;
    await hub.startRekeyd(hubConf(SPOKES));
    await hub.waitState("up", UP_MS);
    const errors = (await hub.events()).filter(({ severity }) => severity === "error");
    assert.deepEqual(errors, []);

    for (const family of FAMILIES) {
      const routes = await hub.routes(family);
      for (const { number } of spokes) {
        const route = routes.find(({ dst }) => dst === lan(number, family));
        assert.ok(route, `no route to ${lan(number, family)} in ${JSON.stringify(routes)}`);
        const { dev, encap, if_id, protocol } = route;
        const expected = { dev: TUNNEL, encap: "xfrm", if_id: number, protocol: "114" };
        assert.deepEqual({ dev, encap, if_id, protocol }, expected);
      }
    }

    const watch = await hub.watchRoutes();
    // A daemon that ends leaves everything as it is; and it sends no echoes that would be counted.
    await hub.stopRekeyd();
    const before = await hub.kernelSas();
    assert.equal(before.length, 2 * SPOKES);
    for (const { number } of spokes) {
      for (const family of FAMILIES) {
        const { received } = await hub.ping(host(number, family), 10 + number, 0.01);
        assert.equal(received, 10 + number, `echoes to ${nameOf(number)}, IPv${family}`);
      }
    }
    for (const { spi, if_id, packets } of await hub.kernelSas()) {
      const old = before.find((sa) => sa.spi === spi);
      assert.equal(packets - (old?.packets ?? 0), FAMILIES.length * (10 + if_id), `SA ${if_id}`);
    }

    // The next one takes over what it finds.
    await hub.startRekeyd(hubConf(SPOKES));
    await hub.waitState("up", UP_MS);
    assert.deepEqual(await watch.end(), []);
    const after = (await hub.kernelSas()).map(({ spi }) => spi).sort();
    assert.deepEqual(after, before.map(({ spi }) => spi).sort());
  }));
