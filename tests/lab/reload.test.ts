import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { startMonitored, VPN } from "./lib/recovery.ts";
import { sleep, waitUntil } from "./lib/wait.ts";

test("SIGHUP: a bad file changes nothing and is told, a good one only what changed", () =>
  withLab("reload", {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const old = await lab.a.charon.waitInstalled("net");

    rekeyd.reload("config vpn 'branch'\n\toption gateway 's2s'\n\toption treshold '5'\n");
    const [refused] = await waitUntil(
      "the bad file is refused",
      3000,
      () => rekeyd.eventsLike(/^Configuration refused/),
      (events) => events.length === 1,
    );
    assert.match(refused!.text, /rekeyd\.conf:3: .*treshold.*threshold/);
    assert.equal((await rekeyd.vpn(VPN)).state, "up");

    const second = vpnSpec({ child: "other", monitor: 0, rekey: 0 }, "second");
    rekeyd.reload(lab.a.rekeydConf([vpnSpec({ threshold: 5 }), second]));
    await waitUntil(
      "the good file is loaded",
      3000,
      () => rekeyd.vpns(),
      (vpns) => vpns.length === 2,
      { show: (vpns) => vpns.map((vpn) => vpn.name).join(" ") },
    );
    await sleep(3000);
    const { state, misses, threshold } = await rekeyd.vpn(VPN);
    assert.deepEqual({ state, misses, threshold }, { state: "up", misses: 0, threshold: 5 });
    assert.equal((await rekeyd.eventsLike(/is down/)).length, 0);
    assert.equal((await rekeyd.eventsLike(/'branch'.* is up/)).length, 1, "it was up all the time");
    assert.equal((await lab.a.charon.waitInstalled("net")).spi_in, old.spi_in);
    assert.equal(ping.lost, 0);
  }));
