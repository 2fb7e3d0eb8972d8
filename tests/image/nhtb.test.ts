import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "../lab/lib/wait.ts";
import { hop, host, lan, type Family } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import type { Station } from "./lib/station.ts";
import { talkingHubConf, talkingSpokeConf, TUNNEL } from "./lib/uci.ts";

const SPOKES = 2;
const FAMILIES: Family[] = [4, 6];
const UP_MS = 40_000;
const LEARN_MS = 10_000;
/** Four misses, half a second apart, and one more interval. */
const DOWN_MS = 2500;
/** What the second spoke announces beside, and nobody has allowed. */
const FORBIDDEN = "192.168.77.0/24";

test("rekeyds tell each other their next hops and networks, and forget them with the SA", () =>
  withStar(
    "nhtb",
    SPOKES,
    async (star) => {
      const { hub, spokes } = star;
      await hub.startRekeyd(talkingHubConf(SPOKES));
      for (const spoke of spokes) {
        await spoke.startRekeyd(
          talkingSpokeConf(spoke.number, spoke.number === 2 ? [FORBIDDEN] : []),
        );
      }
      for (const station of [hub, ...spokes]) await station.waitState("up", UP_MS);

      for (const { number } of spokes) await learned(hub, number, true);
      for (const spoke of spokes) {
        await waitUntil(
          `${spoke.name} has learned the hub's network`,
          LEARN_MS,
          () => spoke.routes(),
          (routes) => routes.some(({ dst, dev }) => dst === lan(0) && dev === TUNNEL),
        );
      }
      for (const { number } of spokes) {
        for (const family of FAMILIES) {
          const { sent, received } = await hub.ping(host(number, family), 5);
          assert.equal(received, sent, `echoes to ${host(number, family)}`);
        }
      }
      assert.ok(!(await hub.routes()).some(({ dst }) => dst === FORBIDDEN));
      const hops = (await hub.nextHops(TUNNEL)).map((each) => JSON.stringify(each)).join("\n");
      for (const { number, name } of spokes) {
        for (const family of FAMILIES) {
          const entry = new RegExp(`"${hop(number, family)}","flag":"A","usable":true.*"${name}"`);
          assert.match(hops, entry);
        }
      }

      // The spoke is switched off: its next hop and its networks leave with its SA.
      await spokes[0]!.stopRekeyd();
      await spokes[0]!.killCharon();
      await spokes[0]!.run("ip xfrm state flush");
      await learned(hub, 1, false);
      await learned(hub, 2, true);

      await spokes[0]!.startCharon();
      await spokes[0]!.startRekeyd(talkingSpokeConf(1));
      await hub.waitState("up", UP_MS);
      await learned(hub, 1, true);
    },
    { bare: true },
  ));

/** Waits until the hub has the routes to a spoke's networks, or has them no more. */
async function learned(hub: Station, number: number, there: boolean): Promise<void> {
  await waitUntil(
    `spoke${number}'s networks are ${there ? "learned" : "forgotten"}`,
    there ? LEARN_MS : DOWN_MS + UP_MS,
    async () => [...(await hub.routes(4)), ...(await hub.routes(6))],
    (routes) =>
      FAMILIES.every(
        (family) =>
          there ===
          routes.some(({ dst, if_id }) => dst === lan(number, family) && if_id === number),
      ),
  );
}
