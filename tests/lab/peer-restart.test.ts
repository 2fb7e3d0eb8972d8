import { test } from "node:test";
import { withLab } from "./lib/lab.ts";
import {
  assertRecovered,
  RECOVERY_MS,
  startMonitored,
  timeToDetect,
  timeToPass,
} from "./lib/recovery.ts";

test("the peer is restarted and has forgotten everything", () =>
  withLab("peer-restart", {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const old = await lab.a.charon.waitInstalled("net");
    const fault = Date.now();
    await lab.b.charon.restart();
    await timeToDetect(rekeyd, fault);
    await timeToPass(ping, RECOVERY_MS);
    await assertRecovered(lab, rekeyd, old);
  }));
