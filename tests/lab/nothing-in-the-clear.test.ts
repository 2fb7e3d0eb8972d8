import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { VPN, waitSettled } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

const DELETIONS = 50;
const WITHOUT_SA_MS = 3000;

test("nothing leaves in the clear: without an SA, and under 50 forced deletions", () =>
  withLab("nothing-in-the-clear", {}, async (lab) => {
    const { charon } = lab.a;
    await charon.start();
    // The peer is not there yet: every due echo finds no SA.
    const rekeyd = lab.a.rekeyd([vpnSpec()], { interval: 0.02, threshold: 3 });
    await rekeyd.start();
    await sleep(WITHOUT_SA_MS);
    assert.equal(await lab.router.clear("a", "monitor"), 0);

    await lab.b.charon.start();
    await rekeyd.waitState(VPN, ["up"], 10_000);
    for (let deleted = 0; deleted < DELETIONS; deleted++) {
      const child = await charon.waitInstalled("net");
      // Turn by turn the CHILD_SA, the whole IKE SA, and the peer's.
      if (deleted % 3 === 0) await charon.terminate({ "child-id": child.unique_id });
      else if (deleted % 3 === 1) await charon.terminate({ "ike-id": child.ike_unique_id });
      else await lab.b.charon.terminate({ child: "net" });
      await charon.waitReplaced(child, 5000);
      await rekeyd.waitState(VPN, ["up"], 10_000);
    }

    const { echoes_sent } = await rekeyd.vpn(VPN);
    assert.ok(echoes_sent > DELETIONS, `${echoes_sent} echoes`);
    assert.equal(await lab.router.clear("a", "monitor"), 0);
    await waitSettled(lab);
  }));
