import assert from "node:assert/strict";
import { test } from "node:test";
import type { VpnState } from "../lab/lib/rekeyd.ts";
import { waitUntil } from "../lab/lib/wait.ts";
import { host, lan, nameOf, uplink } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import { hubConf } from "./lib/uci.ts";

const SPOKES = 3;
const LOSSY = 2;
const UP_MS = 30_000;
const ECHOES = 600;
const INTERVAL_S = 0.1;

/*
 * Before Linux 6.7 nobody can seed netem. So a hash with a fixed seed chooses among
 * the sequence numbers of ESP, which begin with 1 for each SA, and netem drops what was chosen. The
 * lossy spoke sends nothing but answers to the monitor: the same ones are lost in every run.
 */
const LOSS_PERCENT = 30;
const SEED = "0x5eed";
const FAULT = `tc qdisc add dev to_hub root handle 1: prio bands 2 priomap${" 0".repeat(16)}
tc qdisc add dev to_hub parent 1:2 handle 12: netem loss 100%
nft -f - <<'NFT'
table ip fault {
  chain forward {
    type filter hook forward priority 0
    ip saddr ${uplink(LOSSY)} jhash esp sequence mod 100 seed ${SEED} < ${LOSS_PERCENT} \\
      meta priority set 1:2
  }
}
NFT`;

test("30 % loss one way on one spoke, 600 echoes: no 'down', and the others lose nothing", () =>
  withStar("lossy", SPOKES, async (star) => {
    const { hub, spokes } = star;
    await hub.startRekeyd(hubConf(SPOKES, { interval: INTERVAL_S, threshold: 10 }));
    await hub.waitState("up", UP_MS);
    const watch = await hub.watchRoutes();
    const lossy = async (): Promise<VpnState> =>
      (await hub.vpns()).find(({ name }) => name === nameOf(LOSSY))!;

    // An SA that is slow to come is no loss: what was said by then does not count.
    const told = (await hub.events()).length;
    await star.fault(FAULT);
    const before = await lossy();
    const pings = await Promise.all(
      spokes
        .filter(({ number }) => number !== LOSSY)
        .map(({ number }) => hub.ping(host(number), ECHOES, INTERVAL_S)),
    );
    for (const { sent, received } of pings) assert.equal(received, sent);
    const after = await waitUntil(
      `${ECHOES} echoes to the lossy spoke`,
      ECHOES * INTERVAL_S * 1000,
      lossy,
      ({ echoes_sent }) => echoes_sent - before.echoes_sent >= ECHOES,
    );
    const sent = after.echoes_sent - before.echoes_sent;
    const lost = 100 * (1 - (after.echoes_answered - before.echoes_answered) / sent);
    console.log(`note: ${lost.toFixed(1)} % of the lossy spoke's ${sent} answers were lost`);
    assert.ok(Math.abs(lost - LOSS_PERCENT) < 5, `${lost} % lost`);

    const down = (await hub.events()).slice(told).filter(({ text }) => / is down\.$/.test(text));
    assert.deepEqual(down, []);
    const changed = (await watch.end()).join("\n");
    for (const { number } of spokes) assert.ok(!changed.includes(lan(number)), changed);
  }));
