import assert from "node:assert/strict";
import { test } from "node:test";
import { TARGETS } from "./lib/addresses.ts";
import { vpnSpec, withLab, type Lab } from "./lib/lab.ts";
import { RECOVERY_MS, timeToDetect, timeToPass, waitSettled } from "./lib/recovery.ts";
import type { Rekeyd } from "./lib/rekeyd.ts";
import type { Ping } from "./lib/traffic.ts";
import { sleep } from "./lib/wait.ts";

const CHILDREN = [
  { name: "first", net: 0 },
  { name: "second", net: 1 },
];
/** Long enough for several new keys that do not help, and for what would be tried after them. */
const OBSERVED_MS = 20_000;

/** Both CHILD_SAs are up on one IKE_SA, and rekeyd monitors those. */
async function start(lab: Lab, monitored = CHILDREN): Promise<Rekeyd> {
  await lab.startUp("s2s", "first");
  await lab.a.charon.initiate("s2s", "second");
  const rekeyd = lab.a.rekeyd(
    monitored.map(({ name, net }) => vpnSpec({ child: name }, name, net)),
  );
  await rekeyd.start();
  for (const { name } of monitored) await rekeyd.waitState(name, ["up"], 3000);
  return rekeyd;
}

async function userPing(lab: Lab, interval_ms: number, net: number): Promise<Ping> {
  const ping = await lab.userPing(interval_ms, net);
  await timeToPass(ping, 2000);
  return ping;
}

function withShared(name: string, body: (lab: Lab) => Promise<void>): Promise<void> {
  return withLab(name, { connections: [{ name: "s2s", children: CHILDREN }] }, body);
}

test("two VPNs on one IKE SA, one of them dead: the other loses nothing", () =>
  withShared("shared-ike", async (lab) => {
    const rekeyd = await start(lab);
    const dead_ping = await userPing(lab, 100, 0);
    const sibling_ping = await userPing(lab, 20, 1);

    const dead = await waitSettled(lab, "first");
    const sibling = await waitSettled(lab, "second");
    const fault = Date.now();
    await lab.router.dropSpi(dead.spi_out);
    await timeToDetect(rekeyd, fault, "first");
    await timeToPass(dead_ping, RECOVERY_MS);
    await rekeyd.waitState("first", ["up"], 5000);

    assert.notEqual((await waitSettled(lab, "first")).spi_out, dead.spi_out);
    assert.equal((await waitSettled(lab, "second")).spi_out, sibling.spi_out);
    assert.equal((await lab.a.charon.listSas()).length, 1, "one IKE SA");
    assert.equal(sibling_ping.lost, 0);
    const { state, misses, rekeys } = await rekeyd.vpn("second");
    assert.deepEqual({ state, misses, rekeys }, { state: "up", misses: 0, rekeys: 0 });
  }));

test("the target of one is switched off: the SA beside it, which nobody monitors, stays", () =>
  withShared("shared-target", async (lab) => {
    const rekeyd = await start(lab, CHILDREN.slice(0, 1));
    const sibling_ping = await userPing(lab, 20, 1);
    const first = await waitSettled(lab, "first");
    const sibling = await waitSettled(lab, "second");
    const fault = Date.now();
    await lab.b.silence(TARGETS[0]);
    await timeToDetect(rekeyd, fault, "first");
    await sleep(OBSERVED_MS);

    assert.notEqual((await waitSettled(lab, "first")).spi_out, first.spi_out, "it was rekeyed");
    const after = await waitSettled(lab, "second");
    assert.equal(after.spi_out, sibling.spi_out);
    assert.equal(after.ike_unique_id, sibling.ike_unique_id);
    assert.equal((await lab.a.charon.listSas()).length, 1, "one IKE SA");
    assert.equal(sibling_ping.lost, 0);

    await lab.b.unsilence();
    await rekeyd.waitState("first", ["up"], 3000);
  }));

test("two VPNs on one IKE SA, and the peer is restarted: both are back within 2 s", () =>
  withShared("shared-restart", async (lab) => {
    const rekeyd = await start(lab);
    const pings = [await userPing(lab, 50, 0), await userPing(lab, 50, 1)];
    const fault = Date.now();
    await lab.b.charon.restart();
    await Promise.all(
      CHILDREN.map(async ({ name }, i) => {
        await timeToDetect(rekeyd, fault, name);
        await timeToPass(pings[i]!, RECOVERY_MS);
      }),
    );
    for (const { name } of CHILDREN) {
      await rekeyd.waitState(name, ["up"], 5000);
      await waitSettled(lab, name);
      assert.equal((await rekeyd.vpn(name)).rekeys, 1);
    }
    assert.equal((await lab.a.charon.listSas()).length, 1, "one IKE SA");
  }));
