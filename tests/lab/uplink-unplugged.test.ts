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

const UNPLUGGED_MS = 15_000;
const RECOVERY_MS = INTERVAL_MS + 2000;

test("the uplink's cable is pulled, and its routes with it, for 15 s", () =>
  withLab("uplink-unplugged", {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const fault = Date.now();
    await lab.a.uplinkDown();
    await timeToDetect(rekeyd, fault);
    await sleep(UNPLUGGED_MS - (Date.now() - fault));
    await lab.a.uplinkUp();
    await timeToPass(ping, RECOVERY_MS);
    await rekeyd.waitState(VPN, ["up"], RECOVERY_MS);
    await waitSettled(lab);
  }));
