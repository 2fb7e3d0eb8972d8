import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { timeToDetect, VPN } from "./lib/recovery.ts";
import { waitFor } from "./lib/wait.ts";

/** screenos.md, 'get sa': a line for each direction. */
const SA_LINE = new RegExp(
  [
    /^[0-9a-f]{8}[<>]/, // ID
    /198\.51\.100\.1/, // Gateway
    /4500/, // Port
    /esp:aes128\/sha256/, // Algorithm
    /([0-9a-f]{8})/, // SPI
    /(\d+|unlim)/, // Life:sec
    /unlim A\/U/, // kb, Sta
    /-1 0$/, // PID, vsys
  ]
    .map((column) => column.source)
    .join(" +"),
);
/** screenos.md, 'Event log'. */
const EVENT_LINE = /^\[Root\]system-[a-z]+-\d{5}: .* \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)$/;

const CHILDREN = [{ name: "net" }, { name: "other", net: 1 }];

test("rekeyctl prints ScreenOS's forms, JSON, and exit statuses", () =>
  withLab("console", { connections: [{ name: "s2s", children: CHILDREN }] }, async (lab) => {
    await lab.startUp();
    const rekeyd = lab.a.rekeyd([
      vpnSpec({ child: "net" }),
      vpnSpec({ child: "other", monitor: 0, rekey: 0 }, "off"),
    ]);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    const child = await lab.a.charon.waitInstalled("net");

    const sa = await rekeyd.rekeyctl("get", "sa");
    assert.equal(sa.code, 0, sa.stderr);
    const spis = sa.stdout
      .split("\n")
      .map((line) => SA_LINE.exec(line)?.[1])
      .filter(Boolean);
    assert.deepEqual(spis.slice(0, 2), [child.spi_in, child.spi_out], sa.stdout);

    const event = await rekeyd.rekeyctl("get", "event");
    assert.equal(event.code, 0, event.stderr);
    for (const line of event.stdout.trimEnd().split("\n")) assert.match(line, EVENT_LINE);
    assert.match(
      event.stdout,
      /^\[Root\]system-critical-00040: VPN 'branch' from 198\.51\.100\.1 is up\. \(/m,
    );

    const json = await rekeyd.rekeyctl("--json", "get", "vpn", VPN);
    assert.equal(json.code, 0, json.stderr);
    const [vpn] = (JSON.parse(json.stdout) as { vpns: Record<string, unknown>[] }).vpns;
    for (const key of [
      ...["name", "gateway", "child", "monitor", "rekey", "optimized", "sta", "state"],
      ...["delay_last_ms", "delay_avg_ms", "availability_percent", "echoes_sent"],
      ...["echoes_answered", "misses", "rekeys", "sas"],
    ]) {
      assert.ok(key in vpn!, key);
    }
    assert.equal((await rekeyd.rekeyctl("get", "vpnmonitor")).code, 0);

    assert.equal((await rekeyd.rekeyctl("get", "vpn", "nobody")).code, 1);

    // A new key by command leaves no gap; an SA that is cleared is made anew.
    const renewal = await rekeyd.rekeyctl("exec", "vpn", VPN, "rekey");
    assert.equal(renewal.code, 0, renewal.stderr);
    const said = async (text: string): Promise<boolean> =>
      (await rekeyd.rekeyctl("get", "event", "vpn", VPN)).stdout.includes(text);
    await waitFor("the rekey is told", 5000, () => said("has successfully rekeyed the SA"));
    const renewed = await lab.a.charon.waitInstalled("net");
    assert.notEqual(renewed.spi_in, child.spi_in);
    assert.ok(!(await said("is down")));
    const removal = await rekeyd.rekeyctl("clear", "sa", "id", "0x00000001");
    assert.equal(removal.code, 0, removal.stderr);
    await waitFor("it is told", 5000, () => said("00000001 of VPN branch has been cleared"));
    await rekeyd.waitState(VPN, ["up"], 5000);
    const anew = await lab.a.charon.waitInstalled("net");
    assert.notEqual(anew.spi_in, renewed.spi_in);
    // It was down for a moment; what follows looks for the next time.
    assert.equal((await rekeyd.rekeyctl("clear", "event")).code, 0);

    const fault = Date.now();
    await lab.router.cut();
    await timeToDetect(rekeyd, fault);
    const down = await rekeyd.rekeyctl("get", "event");
    assert.match(down.stdout, /^\[Root\]system-critical-00041: VPN 'branch' from .* is down\. \(/m);
    assert.match(down.stdout, /system-information-00536: VPN monitoring for VPN branch has deact/);
    await rekeyd.stop();
    assert.equal((await rekeyd.rekeyctl("get", "sa")).code, 3, "not reachable");
  }));
