import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "../lab/lib/wait.ts";
import { hop, host, lan, type Family } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import { hubConf, TUNNEL } from "./lib/uci.ts";

const SPOKES = 2;
const FAMILIES: Family[] = [4, 6];
const UP_MS = 30_000;
/** As rtnetlink has it. */
const RTPROT_STATIC = "4";
const BACK_MS = 5_000;

test("what others do to the interface is mended, what is theirs is left alone", () =>
  withStar("rebuilt", SPOKES, async (star) => {
    const { hub, spokes } = star;
    await hub.run("ip route add 10.77.0.0/24 dev lo proto static");
    await hub.startRekeyd(hubConf(SPOKES));
    await hub.waitState("up", UP_MS);
    const whole = async (): Promise<string> => {
      const routes = [...(await hub.routes(4)), ...(await hub.routes(6))];
      const ours = routes.filter(({ dev, protocol }) => dev === TUNNEL && protocol === "114");
      return ours
        .map(({ dst, if_id }) => `${dst} ${if_id}`)
        .sort()
        .join(", ");
    };
    const expected = spokes
      .flatMap(({ number }) =>
        FAMILIES.flatMap((family) => [lan(number, family), hop(number, family)]).map(
          (target) => `${target} ${number}`,
        ),
      )
      .sort()
      .join(", ");
    assert.equal(await whole(), expected);

    for (const deed of [`link del ${TUNNEL}`, `link set ${TUNNEL} down`]) {
      await hub.run(`ip ${deed}`);
      if (deed.endsWith("down")) await hub.run(`ip link set ${TUNNEL} up`);
      await waitUntil(
        `all routes are back after '${deed}'`,
        BACK_MS,
        whole,
        (all) => all === expected,
      );
      const addresses = await hub.run(`ip -oneline addr show dev ${TUNNEL}`);
      for (const family of FAMILIES)
        assert.ok(addresses.includes(` ${hop(0, family)}/`), addresses);
      for (const { number } of spokes) {
        for (const family of FAMILIES) {
          const { sent, received } = await hub.ping(host(number, family), 5);
          assert.equal(received, sent, `echoes to ${host(number, family)} after '${deed}'`);
        }
      }
    }
    const theirs = (await hub.routes()).find(({ dst }) => dst === "10.77.0.0/24");
    assert.deepEqual([theirs?.dev, theirs?.protocol], ["lo", RTPROT_STATIC]);
  }));
