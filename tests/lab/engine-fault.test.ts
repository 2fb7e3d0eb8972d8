import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { timeToPass, VPN } from "./lib/recovery.ts";
import { sleep, waitFor } from "./lib/wait.ts";

/** The daemon whose control requests make the engine trap: on an assertion, or past its memory. */
const DAEMON = "build/rekeyd-fault";
const REQUESTS = ["fault", "fault memory"];
const REQUEST_HEX = Buffer.from("fault").toString("hex");

test("the engine traps: logged with its input, started anew, and the tunnel notices nothing", () =>
  withLab("engine-fault", {}, async (lab) => {
    await lab.startUp();
    const old = await lab.a.charon.waitInstalled("net");
    const rekeyd = lab.a.rekeyd([vpnSpec()], {}, DAEMON);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    const ping = await lab.userPing();
    await timeToPass(ping, 2000);
    const { pid } = rekeyd;

    const trap = async (request = "fault"): Promise<void> => {
      const { code, stderr } = await rekeyd.rekeyctl(request);
      assert.equal(code, 1);
      assert.match(stderr, /^the engine failed and starts anew; the log says why\n$/);
    };
    await trap();
    await rekeyd.waitState(VPN, ["up"], 3000);
    const { misses, rekeys } = await rekeyd.vpn(VPN);
    assert.deepEqual({ misses, rekeys }, { misses: 0, rekeys: 0 });
    assert.equal((await rekeyd.eventsLike(/is down|has deactivated/)).length, 0);

    // Once more: this time there is a pause first, in which the daemon still answers.
    await trap("fault memory");
    await trap();
    await waitFor("the pause is over", 2000, async () => (await rekeyd.vpns()).length === 1);
    await rekeyd.waitState(VPN, ["up"], 3000);
    await sleep(1000);

    const log = rekeyd.log();
    assert.match(
      log,
      /the engine trapped: assembly\/index\.ts:\d+:\d+: .*, on Command \{ client: \d+/,
    );
    assert.match(log, /the engine trapped: wasm trap: out of bounds memory access, on Command \{/);
    assert.match(log, new RegExp(`its input of .*: ${REQUEST_HEX} `));
    assert.match(log, /a fresh engine starts at once; the tunnels keep running/);
    assert.match(log, /a fresh engine starts in 1 s; the tunnels keep running/);
    assert.equal(rekeyd.pid, pid, "the daemon is the same process");
    assert.equal((await lab.a.charon.waitInstalled("net")).spi_in, old.spi_in, "no SA touched");
    assert.equal(ping.lost, 0);
    assert.doesNotMatch(log, /is down/);
  }));

test("the shipped daemon knows no such requests", () =>
  withLab("no-fault", {}, async (lab) => {
    const rekeyd = lab.a.rekeyd([vpnSpec()]);
    await rekeyd.start();
    for (const request of REQUESTS) {
      const { code, stderr } = await rekeyd.rekeyctl(request);
      assert.equal(code, 1);
      assert.match(stderr, /unknown word 'fault'/);
    }
    assert.doesNotMatch(rekeyd.log(), /trapped/);
  }));
