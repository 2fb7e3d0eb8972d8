import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";

test("cold start: without any user traffic rekeyd brings the tunnel up", () =>
  withLab("cold-start", {}, async (lab) => {
    await lab.start();
    assert.equal((await lab.a.charon.listSas()).length, 0, "nothing is up before");

    const rekeyd = lab.a.rekeyd([vpnSpec()]);
    await rekeyd.start();
    const vpn = await rekeyd.waitState("branch", ["up"], 5000);

    assert.equal(vpn.sta, "A/U");
    await lab.a.charon.waitInstalled("net");
    await lab.b.charon.waitInstalled("net");
    assert.equal((await rekeyd.eventsLike(/^VPN 'branch' from 198\.51\.100\.1 is up\./)).length, 1);
    assert.equal(await lab.router.clear("a"), 0, "no echo went out before the tunnel was there");
  }));
