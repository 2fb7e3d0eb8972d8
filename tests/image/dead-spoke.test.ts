import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "../lab/lib/wait.ts";
import { hop, host, lan, uplink } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import { hubConf, TUNNEL } from "./lib/uci.ts";

const SPOKES = 3;
const DEAD = 2;
const UP_MS = 30_000;
/** Four misses, half a second apart, and one more interval. */
const DOWN_MS = 2500;
/** The promise: from the moment that the way is free again to the route. */
const BACK_S = 2;

test("one spoke's ESP dies while IKE lives: only its routes leave, and come back", () =>
  withStar("dead-spoke", SPOKES, async (star) => {
    const { hub, spokes } = star;
    await hub.startRekeyd(hubConf(SPOKES));
    await hub.waitState("up", UP_MS);
    const others = spokes.filter(({ number }) => number !== DEAD);
    const watch = await hub.watchRoutes();
    const pings = others.map(({ number }) => hub.ping(host(number), 300, 0.05));

    // IKE is UDP and passes.
    await star.fault(`nft -f - <<'NFT'
table ip fault {
  chain forward {
    type filter hook forward priority 0
    ip saddr ${uplink(DEAD)} ip protocol esp drop
  }
}
NFT`);
    await waitUntil(
      "the routes to the dead spoke leave",
      DOWN_MS,
      () => hub.routes(),
      (routes) => !routes.some(({ dst }) => dst === lan(DEAD)),
    );
    await hub.waitState("down", DOWN_MS, [`spoke${DEAD}`]);
    for (const { flag, usable, vpn } of await hub.nextHops(TUNNEL)) {
      assert.deepEqual([flag, usable], ["S", vpn !== `spoke${DEAD}`], vpn);
    }
    const { status } = await hub.attempt(`ping -n -c 1 -W 1 ${host(DEAD)}`);
    assert.notEqual(status, 0, "nothing leads to it");

    // One script in the router measures both: the clocks of the two machines need not agree.
    const took = await hub.guest.run(
      `read -r begin rest </proc/uptime
ip netns exec router nft delete table ip fault
until ip -n hub route show ${lan(DEAD)} | grep -q .; do :; done
read -r end rest </proc/uptime
echo "$begin $end"`,
    );
    const [begin = NaN, end = NaN] = took.split(" ").map(Number);
    console.log(`note: back ${(end - begin).toFixed(2)} s after the way was free`);
    assert.ok(end - begin <= BACK_S, `back after ${end - begin} s`);
    await hub.waitState("up", UP_MS);
    assert.equal((await hub.ping(host(DEAD), 5)).received, 5);

    for (const { sent, received } of await Promise.all(pings)) assert.equal(received, sent);
    const changed = (await watch.end()).join("\n");
    assert.ok(changed.includes(lan(DEAD)));
    for (const { number } of others) {
      assert.ok(!changed.includes(lan(number)), changed);
      assert.ok(!changed.includes(hop(number)), changed);
    }
  }));

test("a spoke that has lost its SAs in the kernel is negotiated with anew", () =>
  withStar("flushed-spoke", 2, async (star) => {
    const { hub, spokes } = star;
    await hub.startRekeyd(hubConf(2));
    await hub.waitState("up", UP_MS);
    const before = await hub.kernelSas();
    await spokes[0]!.run("ip xfrm state flush");
    await hub.waitState("down", DOWN_MS, ["spoke1"]).catch(() => {}); // it may be up again already
    await waitUntil(
      "spoke1 answers through another SA",
      UP_MS,
      () => hub.ping(host(1), 3),
      ({ sent, received }) => sent === received,
    );
    const after = await hub.kernelSas();
    const of = (sas: typeof before, if_id: number): string[] =>
      sas.filter((sa) => sa.if_id === if_id).map(({ spi }) => spi);
    assert.ok(of(after, 1).some((spi) => !of(before, 1).includes(spi)));
    assert.deepEqual(of(after, 2).sort(), of(before, 2).sort());
  }));
