import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { VPN } from "./lib/recovery.ts";

test("a VPN is monitored as soon as it is set, no SA is touched, and save keeps it", () =>
  withLab("set", {}, async (lab) => {
    await lab.startUp();
    const old = await lab.a.charon.waitInstalled("net");
    const { options } = vpnSpec();
    const rekeyd = lab.a.rekeyd([]);
    await rekeyd.start();
    const command = async (line: string): Promise<void> => {
      const { code, stderr } = await rekeyd.rekeyctl(line);
      assert.equal(code, 0, stderr);
    };
    await command(`set vpn ${VPN} gateway ${options.gateway} child net`);
    await command(`set vpn ${VPN} interval 1`);
    await command(
      `set vpn ${VPN} monitor source-ip ${options.source_ip} ` +
        `destination-ip ${options.destination_ip} rekey`,
    );
    await rekeyd.waitState(VPN, ["up"], 3000);
    await command("save");
    assert.match(fs.readFileSync(rekeyd.config_path, "utf8"), /option rekey '1'/);
    await rekeyd.stop();
    await rekeyd.start();
    const { monitor, rekey } = await rekeyd.waitState(VPN, ["up"], 3000);
    assert.deepEqual({ monitor, rekey }, { monitor: true, rekey: true });
    const now = await lab.a.charon.waitInstalled("net");
    assert.deepEqual([now.spi_in, now.spi_out], [old.spi_in, old.spi_out]);
    const requests = await rekeyd.eventsLike(/Initiated negotiations|deactivated|rekeyed/);
    assert.deepEqual(requests, []);
  }));
