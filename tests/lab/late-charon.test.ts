import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { VPN, waitSettled } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

test("rekeyd starts before strongSwan: a socket that is not there yet is normal life", () =>
  withLab("late-charon", {}, async (lab) => {
    await lab.b.charon.start();
    const rekeyd = lab.a.rekeyd([vpnSpec()]);
    await rekeyd.start();
    await sleep(2500);
    await lab.a.charon.start();
    await rekeyd.waitState(VPN, ["up"], 5000);
    await waitSettled(lab);
  }));
