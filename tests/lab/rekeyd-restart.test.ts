import assert from "node:assert/strict";
import { test } from "node:test";
import { withLab } from "./lib/lab.ts";
import { startMonitored, VPN } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

const AWAY_MS = 2000;
const AFTER_MS = 4000;
const LEAVE_MS = 1000;

test("rekeyd is killed, or leaves, and starts again: fail static", () =>
  withLab("rekeyd-restart", {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const old = await lab.a.charon.waitInstalled("net");
    for (const way of ["SIGKILL", "SIGTERM"]) {
      if (way === "SIGKILL") await rekeyd.kill();
      else assert.ok((await rekeyd.stop()) < LEAVE_MS, "SIGTERM leaves within a second");
      await sleep(AWAY_MS);
      await rekeyd.start();
      await rekeyd.waitState(VPN, ["up"], 3000);
      await sleep(AFTER_MS);

      const { state, misses, rekeys } = await rekeyd.vpn(VPN);
      assert.deepEqual({ state, misses, rekeys }, { state: "up", misses: 0, rekeys: 0 });
      assert.equal((await rekeyd.eventsLike(/is down|has deactivated/)).length, 0);
      const child = await lab.a.charon.waitInstalled("net");
      assert.equal(child.spi_in, old.spi_in, "no SA touched");
    }
    assert.equal(ping.lost, 0);
  }));
