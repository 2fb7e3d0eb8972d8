import assert from "node:assert/strict";
import { test } from "node:test";
import { host, MONITOR } from "./lib/addresses.ts";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { INTERVAL_MS, SLACK_MS, timeToDetect, VPN } from "./lib/recovery.ts";
import { sleep, waitFor } from "./lib/wait.ts";

const QUIET_MS = 5000;

test("without rekey: silence after 'down', no SA touched, on with the next SA", () =>
  withLab("without-rekey", {}, async (lab) => {
    await lab.startUp();
    const { charon, namespace } = lab.a;
    const echoes = `ip saddr ${host("a", MONITOR)} icmp type echo-request`;
    await namespace.addCounter("echoes", "output", echoes);
    const rekeyd = lab.a.rekeyd([vpnSpec({ rekey: 0 })]);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);

    const old = await charon.waitInstalled("net");
    const fault = Date.now();
    await lab.router.dropSpi(old.spi_in);
    await timeToDetect(rekeyd, fault);
    assert.equal((await rekeyd.vpn(VPN)).sta, "A/D");
    await sleep(SLACK_MS);
    const sent = await namespace.count("echoes");
    assert.ok(sent > 0);
    await sleep(QUIET_MS);
    assert.equal(await namespace.count("echoes"), sent, "no echo after 'down'");
    const kept = await charon.waitInstalled("net");
    assert.equal(kept.spi_in, old.spi_in, "the SA is not ours to terminate");

    // By hand, as an administrator would.
    await charon.terminate({ "child-id": old.unique_id });
    await waitFor("the old SA is gone", 2000, async () => {
      return (await charon.listSas()).every((ike) => ike.children.length === 0);
    });
    await charon.initiate("s2s", "net");
    await rekeyd.waitState(VPN, ["up"], INTERVAL_MS + 2000);
    assert.ok((await namespace.count("echoes")) > sent, "monitoring has resumed");
    assert.equal((await rekeyd.vpn(VPN)).rekeys, 0);
    assert.equal((await rekeyd.eventsLike(/has deactivated the SA/)).length, 0);
  }));
