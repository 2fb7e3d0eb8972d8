import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { VPN, waitSettled } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

const PHASE2_S = 20;
const PHASE1_S = 30;
/** Two lifetimes of Phase 2 and one of Phase 1, and some more. */
const IDLE_MS = 2 * PHASE2_S * 1000 + 5000;
const LOOK_MS = 100;

test("idle: two lifetimes of Phase 2 and one of Phase 1 end, and no answered ping is lost", () => {
  // strongSwan does not renew by itself: rekey_time is 0 for both phases.
  const children = [{ name: "net", both: { life_time: `${PHASE2_S}s`, rekey_time: 0 } }];
  return withLab("idle-lifetimes", { connections: [{ name: "s2s", children }] }, async (lab) => {
    await lab.startUp();
    const rekeyd = lab.a.rekeyd([vpnSpec({ phase1_lifetime: PHASE1_S })]);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);

    const phase1 = new Set<string>();
    const phase2 = new Set<string>();
    const end = performance.now() + IDLE_MS;
    while (performance.now() < end) {
      const sas = await lab.a.charon.listSas();
      for (const ike of sas) if (ike.state === "ESTABLISHED") phase1.add(ike.initiator_spi);
      const children = sas.flatMap((ike) => ike.children);
      const usable = children.filter((child) => /^(INSTALLED|REKEYING)$/.test(child.state));
      assert.ok(usable.length > 0, "there is an SA at any time");
      for (const child of usable) phase2.add(child.spi_out);
      await sleep(LOOK_MS);
    }

    assert.ok(phase2.size >= 3, `Phase 2 was renewed ${phase2.size - 1} times`);
    assert.ok(phase1.size >= 2, `Phase 1 was renewed ${phase1.size - 1} times`);
    await waitSettled(lab);
    const vpn = await rekeyd.vpn(VPN);
    assert.equal(vpn.misses, 0);
    const unanswered = vpn.echoes_sent - vpn.echoes_answered;
    assert.ok(unanswered <= 1, `${unanswered} of ${vpn.echoes_sent} are unanswered`);
    assert.equal(vpn.availability_percent, 100);
    assert.equal((await rekeyd.eventsLike(/is down/)).length, 0);
  });
});
