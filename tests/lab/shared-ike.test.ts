import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { RECOVERY_MS, timeToDetect, timeToPass, waitSettled } from "./lib/recovery.ts";

const CHILDREN = [
  { name: "first", net: 0 },
  { name: "second", net: 1 },
];

test("two VPNs on one IKE SA, one of them dead: the other loses nothing", () =>
  withLab("shared-ike", { connections: [{ name: "s2s", children: CHILDREN }] }, async (lab) => {
    await lab.startUp("s2s", "first");
    await lab.a.charon.initiate("s2s", "second");
    const rekeyd = lab.a.rekeyd(
      CHILDREN.map(({ name, net }) => vpnSpec({ child: name }, name, net)),
    );
    await rekeyd.start();
    for (const { name } of CHILDREN) await rekeyd.waitState(name, ["up"], 3000);
    const dead_ping = await lab.userPing(100, 0);
    const sibling_ping = await lab.userPing(20, 1);
    await timeToPass(dead_ping, 2000);
    await timeToPass(sibling_ping, 2000);

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
