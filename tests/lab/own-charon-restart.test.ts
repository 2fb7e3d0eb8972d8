import assert from "node:assert/strict";
import { test } from "node:test";
import { withLab } from "./lib/lab.ts";
import { startMonitored, timeToPass, VPN, waitSettled } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

const AWAY_MS = 5000;
/** rekeyd connects again within a second; then one interval and the exchange. */
const BACK_MS = 5000;

test("our own charon is killed, and started again after 5 s", () =>
  withLab("own-charon-restart", {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    await lab.a.charon.kill();
    await sleep(AWAY_MS);
    assert.ok(rekeyd.isAlive());
    assert.equal((await rekeyd.eventsLike(/^No connection to strongSwan/)).length, 1);
    await lab.a.charon.start();
    await timeToPass(ping, BACK_MS);
    await rekeyd.waitState(VPN, ["up"], BACK_MS);
    await waitSettled(lab);
    assert.equal(await lab.router.clear("a", "monitor"), 0);
  }));
