/** Who may use the control socket: the kernel decides by its mode. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { attempt, type Result } from "../lab/lib/command.ts";
import { Snmpd } from "../lab/lib/snmp.ts";
import { waitUntil } from "../lab/lib/wait.ts";
import { withBench } from "./lib/bench.ts";

const GROUP = "4711";
const USER = "4712";

test("the owner and the group's members are let in, and nobody else", () =>
  withBench(async ({ rekeyd, run }) => {
    // What other users can reach: not the folder of the test.
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rekeyd-group-"));
    try {
      fs.chmodSync(folder, 0o755);
      const rekeyctl = path.join(folder, "rekeyctl");
      fs.copyFileSync("build/rekeyctl", rekeyctl);
      const socket = path.join(folder, "control");
      const as = (groups: string[], ...words: string[]): Promise<Result> =>
        attempt("setpriv", [
          ...["--reuid", USER, "--regid", USER, ...groups, "--"],
          ...[rekeyctl, "--control", socket, ...words],
        ]);
      const [alone, member] = [["--clear-groups"], ["--groups", GROUP]];
      const set = ["set", "vpn", "branch", "threshold", "7"];

      rekeyd.control_path = socket;
      await rekeyd.start();
      assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
      assert.equal((await as(member, "get", "vpn")).code, 3);
      await rekeyd.stop();

      rekeyd.options.push("--control-group", GROUP);
      await rekeyd.start();
      const { mode, gid } = fs.statSync(socket);
      assert.deepEqual([mode & 0o777, gid], [0o660, Number(GROUP)]);
      for (const words of [["get", "vpn"], set, ["save"]]) {
        const refused = await as(alone, ...words);
        assert.equal(refused.code, 3);
        assert.match(refused.stderr, /Permission denied.*; root may ask, .* --control-group$/m);
      }
      assert.deepEqual(await as(member, ...set), { code: 0, stdout: "", stderr: "" });
      assert.match((await as(member, "save")).stdout, /^saved to /);
      assert.equal((await rekeyd.vpn("branch")).threshold, 7);
      await rekeyd.stop();

      const args = ["--config", rekeyd.config_path, "--control-group", "no-such-group"];
      const { code, stderr } = await run("run", ...args);
      assert.equal(code, 1);
      assert.match(stderr, /--control-group: there is no group "no-such-group"/);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }));

test("Debian's snmpd serves the table as a user of its own, whose group is let in", () =>
  withBench(async ({ namespace, rekeyd }) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rekeyd-snmp-"));
    try {
      fs.chmodSync(folder, 0o755);
      const rekeyctl = path.join(folder, "rekeyctl");
      fs.copyFileSync("build/rekeyctl", rekeyctl);
      rekeyd.control_path = path.join(folder, "control");
      const own = path.join(folder, "snmpd");
      const snmpd = new Snmpd(namespace, own, rekeyd.control_path, "Debian-snmp", rekeyctl);
      await attempt("chown", ["Debian-snmp", own]);
      await rekeyd.start();
      await snmpd.start();
      assert.equal((await snmpd.walk()).size, 0, "the socket is its owner's alone");
      await rekeyd.stop();
      rekeyd.options.push("--control-group", "Debian-snmp");
      await rekeyd.start();
      const cells = await waitUntil(
        "the table is there",
        10_000,
        () => snmpd.walk(),
        ({ size }) => size > 0,
      );
      assert.equal(cells.get("4.1"), 'STRING: "branch"');
      await snmpd.program!.end();
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }));
