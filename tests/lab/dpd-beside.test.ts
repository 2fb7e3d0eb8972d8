import assert from "node:assert/strict";
import { test } from "node:test";
import { withLab } from "./lib/lab.ts";
import {
  assertRecovered,
  RECOVERY_MS,
  startMonitored,
  timeToDetect,
  timeToPass,
  VPN,
} from "./lib/recovery.ts";
import { BEST_CHILD, BEST_CONNECTION } from "./lib/swanctl_conf.ts";

test("strongSwan's own DPD and restart beside rekeyd: shown, and no harm", () => {
  const children = [{ name: "net", a: BEST_CHILD }];
  const connections = [{ name: "s2s", a: { ...BEST_CONNECTION, dpd_delay: "2s" }, children }];
  return withLab("dpd-beside", { connections }, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const { ike } = (await rekeyd.vpn(VPN)) as unknown as { ike: { dpd: boolean } };
    assert.equal(ike.dpd, true);
    const old = await lab.a.charon.waitInstalled("net");
    const fault = Date.now();
    await lab.b.charon.restart();
    await timeToDetect(rekeyd, fault);
    await timeToPass(ping, RECOVERY_MS);
    await assertRecovered(lab, rekeyd, old);
  });
});
