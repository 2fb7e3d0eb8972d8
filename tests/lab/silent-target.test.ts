import assert from "node:assert/strict";
import { test } from "node:test";
import { TARGETS } from "./lib/addresses.ts";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { DETECTION_MS, timeToPass } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

const OBSERVED_MS = DETECTION_MS + 10_000;

test("a target that never answered while user traffic flows is no reason to rekey", () =>
  withLab("silent-target", {}, async (lab) => {
    await lab.startUp();
    await lab.b.silence(TARGETS[0]);
    const ping = await lab.userPing(100);
    await timeToPass(ping, 2000);
    const old = await lab.a.charon.waitInstalled("net");
    const rekeyd = lab.a.rekeyd([vpnSpec()]);
    await rekeyd.start();
    await sleep(OBSERVED_MS);

    const child = await lab.a.charon.waitInstalled("net");
    assert.equal(child.spi_in, old.spi_in, "the healthy SA is left alone");
    const events = await rekeyd.eventsLike(/never had an answer from 10\.2\.0\.10/);
    assert.equal(events.length, 1);
    assert.equal((await rekeyd.vpn("branch")).rekeys, 0);
    assert.equal(ping.lost, 0);
  }));
