/** The table and the traps of ScreenOS, as a real snmpd and snmptrapd have them. */
import assert from "node:assert/strict";
import * as path from "node:path";
import { test } from "node:test";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { timeToDetect, VPN } from "./lib/recovery.ts";
import type { Rekeyd } from "./lib/rekeyd.ts";
import { Snmpd, Snmptrapd, TABLE, trapHook } from "./lib/snmp.ts";
import { waitFor, waitUntil } from "./lib/wait.ts";

const TRAP_PORT = 1162;
/** snmpd keeps what it has been told for so long. */
const AGAIN_MS = 10_000;
const COLUMNS = [...Array(29).keys()].map((i) => i + 1).concat(35, 36, 37, 38);

interface Sa {
  current: boolean;
  spi_in: string;
  spi_out: string;
  packets_in: number;
  bytes_out: number;
}

/** A number of 32 bits as an Integer32. */
const signed = (hex: string): string => `${Number.parseInt(hex, 16) | 0}`;

async function compare(cells: Map<string, string>, rekeyd: Rekeyd): Promise<void> {
  const vpns = await rekeyd.vpns();
  assert.deepEqual(
    [...cells.keys()],
    COLUMNS.flatMap((column) => vpns.map((_, i) => `${column}.${i + 1}`)),
  );
  vpns.forEach((vpn, i) => {
    const cell = (column: number): string => cells.get(`${column}.${i + 1}`)!;
    const sa = (vpn["sas"] as Sa[]).find(({ current }) => current);
    assert.equal(cell(1), `INTEGER: ${i + 1}`);
    assert.equal(cell(4), `STRING: "${vpn.name}"`);
    assert.equal(cell(5), 'STRING: "Root"');
    assert.equal(cell(13), `IpAddress: ${vpn["peer"] as string}`);
    assert.equal(cell(14), `STRING: "${vpn["peer"] as string}"`);
    assert.equal(cell(17), `INTEGER: ${sa === undefined ? "0" : signed(sa.spi_out)}`);
    assert.equal(cell(18), `INTEGER: ${sa === undefined ? "0" : signed(sa.spi_in)}`);
    assert.equal(cell(19), `INTEGER: ${vpn.monitor ? 1 : 0}`);
    assert.equal(cell(20), `INTEGER: ${vpn.state === "up" ? 1 : 0}`);
    assert.equal(cell(23), `INTEGER: ${sa === undefined ? 0 : 1}`);
    assert.equal(cell(28), `INTEGER: ${vpn.availability_percent ?? 0}`);
    assert.equal(cell(29), `INTEGER: ${Number.parseInt(vpn["id"] as string, 16)}`);
    assert.match(cell(26), /^INTEGER: -?\d+$/);
    for (const column of [35, 36, 37, 38]) assert.match(cell(column), /^Counter32: \d+$/);
  });
}

test("snmpd serves nsVpnMonTable, also when the daemon was away; traps tell down and up", () =>
  withLab("snmp", {}, async (lab) => {
    await lab.startUp();
    const folder = (name: string): string => path.join(lab.state.folder, name);
    const trapd = new Snmptrapd(lab.a.namespace, folder("trapd"), TRAP_PORT);
    await trapd.start();
    const hook = trapHook(folder("hook"), TRAP_PORT);
    const spare = vpnSpec({ child: "spare", monitor: 0, rekey: 0 }, "spare");
    const rekeyd = lab.a.rekeyd([vpnSpec(), spare], { hook });
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    const snmpd = new Snmpd(lab.a.namespace, folder("snmpd"), rekeyd.control_path);
    await snmpd.start();

    await compare(await snmpd.walk(), rekeyd);
    const named = await snmpd.ask("snmpget", [], "REKEYD-VPN-MON-MIB::nsVpnMonTunnelState.1");
    assert.equal(named.stdout, "REKEYD-VPN-MON-MIB::nsVpnMonTunnelState.1 = INTEGER: up(1)\n");
    const algorithm = await snmpd.ask("snmpget", [], "REKEYD-VPN-MON-MIB::nsVpnMonEspEncAlg.1");
    assert.match(algorithm.stdout, /= INTEGER: aes128\(12\)\n$/);
    const missing = await snmpd.ask("snmpget", ["-On"], `${TABLE}.1.30.1`);
    assert.match(missing.stdout, /No Such (Instance|Object)/);
    const written = await snmpd.ask("snmpset", ["-On"], `${TABLE}.1.19.1`, "i", "0");
    assert.match(written.stdout + written.stderr, /notWritable|noAccess|not-writable/i);
    assert.equal((await rekeyd.vpn(VPN)).monitor, true);

    // Without a daemon there is no table; as soon as it is there again, so is the table.
    await rekeyd.stop();
    await waitUntil(
      "the table is gone",
      AGAIN_MS,
      () => snmpd.walk(),
      (cells) => cells.size === 0,
    );
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    await waitUntil(
      "the table is back",
      AGAIN_MS,
      () => snmpd.walk(),
      (cells) => cells.get("20.1") === "INTEGER: 1",
    );
    await compare(await snmpd.walk(), rekeyd);
    assert.ok(snmpd.program!.isAlive());

    // That of the start may still be on its way.
    const told = (): string[] => {
      const traps = trapd.traps();
      const at = traps.findLastIndex((trap) => trap.includes("is down."));
      return at < 0 ? [] : traps.slice(at);
    };
    const [old] = await lab.a.charon.installed("net");
    const fault = Date.now();
    await lab.router.dropSpi(old!.spi_in);
    await timeToDetect(rekeyd, fault);
    await waitFor("the traps have come", 5000, () => told().length >= 2);
    const [down, up] = told();
    for (const [trap, word, type] of [
      [down!, "down", 41],
      [up!, "up", 40],
    ] as const) {
      assert.match(
        trap,
        /\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: \.1\.3\.6\.1\.4\.1\.3224\.0\.500/,
      );
      assert.match(trap, new RegExp(`\\.3224\\.2\\.1\\.0 = INTEGER: ${type}\\b`));
      const text = `VPN '${VPN}' from ${(await rekeyd.vpn(VPN))["peer"] as string} is ${word}.`;
      assert.ok(trap.includes(`.3224.2.3.0 = STRING: "${text}"`), trap);
      assert.ok(trap.includes(`.3224.4.1.1.1.4.1 = STRING: "${VPN}"`), trap);
      assert.match(trap, new RegExp(`\\.3224\\.4\\.1\\.1\\.1\\.20\\.1 = INTEGER: ${41 - type}\\b`));
    }
    assert.deepEqual(await rekeyd.eventsLike(/^Hook /), []);
  }));
