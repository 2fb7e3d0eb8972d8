import { test } from "node:test";
import { withLab } from "./lib/lab.ts";
import {
  INTERVAL_MS,
  startMonitored,
  timeToDetect,
  timeToPass,
  VPN,
  waitSettled,
} from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

const CUT_MS = 30_000;
const RECOVERY_MS = INTERVAL_MS + 2000;

test("the way between the gateways is cut for 30 s", () =>
  withLab("uplink-cut", {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const fault = Date.now();
    await lab.router.cut();
    await timeToDetect(rekeyd, fault);
    await sleep(CUT_MS - (Date.now() - fault));
    await lab.router.heal();
    await timeToPass(ping, RECOVERY_MS);
    await rekeyd.waitState(VPN, ["up"], RECOVERY_MS);
    await waitSettled(lab);
  }));
