import assert from "node:assert/strict";
import { test } from "node:test";
import { host, MONITOR, TARGETS, USER } from "./lib/addresses.ts";
import { vpnSpec, withLab, type Lab } from "./lib/lab.ts";
import type { Rekeyd } from "./lib/rekeyd.ts";
import { INTERVAL_MS, SLACK_MS, timeToDetect, VPN } from "./lib/recovery.ts";
import { OneWay } from "./lib/traffic.ts";
import { sleep, waitFor } from "./lib/wait.ts";

const OBSERVED_MS = 5000;
/** The first interval with traffic ends, the next begins. */
const BEGIN_MS = 3000;

async function startOptimized(lab: Lab): Promise<Rekeyd> {
  await lab.startUp();
  const echoes = `ip saddr ${host("a", MONITOR)} icmp type echo-request`;
  await lab.a.namespace.addCounter("echoes", "output", echoes);
  return lab.a.rekeyd([vpnSpec({ optimized: 1, rekey: 0 })]);
}

test("optimized: no echo while user traffic flows both ways", () =>
  withLab("optimized-two-way", {}, async (lab) => {
    const rekeyd = await startOptimized(lab);
    const ping = await lab.userPing(50);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    await sleep(BEGIN_MS);
    const sent = await lab.a.namespace.count("echoes");
    await sleep(OBSERVED_MS);
    assert.equal(await lab.a.namespace.count("echoes"), sent);
    assert.equal((await rekeyd.vpn(VPN)).state, "up");

    await ping.stop();
    await waitFor("echoes go on when the user is done", 3000, async () => {
      return (await lab.a.namespace.count("echoes")) > sent;
    });
    assert.equal((await rekeyd.vpn(VPN)).state, "up");
  }));

test("optimized: incoming traffic alone counts as success, outgoing alone does not", () =>
  withLab("optimized-one-way", {}, async (lab) => {
    const rekeyd = await startOptimized(lab);
    await lab.b.silence(TARGETS[0]);
    const { a, b } = lab;
    const incoming = await OneWay.start(b.namespace, host("b", USER), a.namespace, host("a", USER));
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], BEGIN_MS);
    const sent = await a.namespace.count("echoes");
    await sleep(OBSERVED_MS);
    const vpn = await rekeyd.vpn(VPN);
    assert.deepEqual({ state: vpn.state, misses: vpn.misses }, { state: "up", misses: 0 });
    assert.ok((await a.namespace.count("echoes")) > sent, "echoes go out beside it");

    await incoming.stop();
    const outgoing = await OneWay.start(a.namespace, host("a", USER), b.namespace, host("b", USER));
    // The interval in which the last packet came in is still a good one.
    await timeToDetect(rekeyd, Date.now() + INTERVAL_MS);
    await sleep(SLACK_MS);
    await outgoing.stop();
  }));
