/**
 * What LuCI's pages ask the daemon through: rpcd's plugin, run by busybox's ash as rpcd runs it,
 * beside a real rekeyd. `jsonfilter` is jq here, and `uci` answers with a file.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { attempt, run } from "../lab/lib/command.ts";
import { withBench, type Bench } from "../device/lib/bench.ts";

const APP = "host/openwrt/luci-app-rekeyd";
const ROOT = path.join(APP, "root");
const PLUGIN = path.resolve(ROOT, "usr/libexec/rpcd/rekeyd");
/** As busybox has them on a router. */
const APPLETS = ["awk", "cat", "mktemp", "rm"];
const SESSION = "0123456789abcdef0123456789abcdef";

type Answer = Record<string, unknown> & { error?: string };

interface Plugin extends Bench {
  call: (method: string, args: object) => Promise<Answer>;
  /** What `uci export` would print for the session. */
  stage: (text: string) => void;
}

async function withPlugin(body: (plugin: Plugin) => Promise<void>): Promise<void> {
  await withBench(async (bench) => {
    const { rekeyd, conf } = bench;
    rekeyd.configure(conf("branch", "office"));
    await rekeyd.start();
    const bin = path.join(path.dirname(rekeyd.control_path), "bin");
    const staged = path.join(bin, "staged");
    standIns(bin, rekeyd.control_path, staged);
    const call = async (method: string, args: object): Promise<Answer> => {
      // rpcd closes what it has written to, and reads what comes: one JSON object.
      const command = ["env", "-i", `PATH=${bin}`, "busybox", "ash", PLUGIN, "call", method];
      const { stdout, stderr } = await attempt("/usr/bin/env", command, JSON.stringify(args));
      assert.equal(stderr, "");
      return JSON.parse(stdout) as Answer;
    };
    await body({ ...bench, call, stage: (text) => fs.writeFileSync(staged, text) });
  });
}

/** The programs that the plugin calls: ours, busybox's, and two that are stand-ins. */
function standIns(bin: string, control: string, staged: string): void {
  fs.mkdirSync(bin);
  const script = (name: string, text: string): void =>
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  for (const applet of ["busybox", ...APPLETS]) {
    fs.symlinkSync("/bin/busybox", path.join(bin, applet));
  }
  script("rekeyd", `exec ${path.resolve("build/rekeyd")} "$@"`);
  script("rekeyctl", `exec ${path.resolve("build/rekeyctl")} --control ${control} "$@"`);
  script(
    "jsonfilter",
    'all=${5%"[*]"}\n[ "$all" = "$5" ] || list="[]?"\n' +
      'exec /usr/bin/jq --raw-output "${all#@}? // empty | .$list"',
  );
  script("uci", `[ "$*" = "-q -t /var/run/rpcd/uci-${SESSION} export rekeyd" ] && cat ${staged}`);
}

describe("rpcd's plugin", () => {
  test("`get` answers as rekeyctl --json does", () =>
    withPlugin(async ({ call, rekeyd }) => {
      for (const words of [["vpn"], ["vpn", "branch"], ["event"], ["vpnmonitor"], ["interface"]]) {
        const told = await call("get", { words });
        const { stdout } = await rekeyd.rekeyctl("--json", "get", ...words);
        assert.deepEqual(Object.keys(told), Object.keys(JSON.parse(stdout) as object), `${words}`);
      }
      const { vpns } = await call("get", { words: ["vpn", "office"], ubus_rpc_session: SESSION });
      assert.equal((vpns as { name: string }[])[0]!.name, "office");
      const { error, expected } = await call("get", { words: ["vpn", "branhc"] });
      assert.match(error!, /there is no VPN 'branhc'/);
      assert.ok(Array.isArray(expected));
    }));

  test("`doctor` has findings, of all VPNs or of one", () =>
    withPlugin(async ({ call }) => {
      const all = await call("doctor", {});
      assert.ok(Array.isArray(all["findings"]));
      const one = await call("doctor", { name: "branch" });
      assert.deepEqual((one["vpns"] as { name: string }[]).length, 1);
      assert.match((await call("doctor", { name: "nobody" })).error!, /there is no VPN 'nobody'/);
    }));

  test("`command` changes what it names", () =>
    withPlugin(async ({ call, rekeyd }) => {
      assert.deepEqual(await call("command", { line: "set vpn branch interval 7" }), {
        changed: true,
      });
      const { stdout } = await rekeyd.rekeyctl("--json", "get", "vpn", "branch");
      assert.match(stdout, /"interval_ms":7000/);
      const { error, column } = await call("command", { line: "set vpn branch interval 0" });
      assert.match(error!, /^interval '0' is not possible; it is seconds from/);
      assert.equal(column, 25);
      const renewed = await call("command", { line: "exec vpn branch rekey" });
      assert.ok(renewed.error ?? renewed["message"]);
      assert.ok("message" in (await call("command", { line: "save" })));
      assert.match(fs.readFileSync(rekeyd.config_path, "utf8"), /interval '7'/);
    }));

  test("no name and no line gets through that would be an option, two words or two lines", () =>
    withPlugin(async ({ call, rekeyd }) => {
      const file = path.join(path.dirname(rekeyd.control_path), "hostile");
      const hostile = [
        ...["-f", "--control=/x", 'a"b', "a b", "a\tb", "a\u0001", "a\u0080", "a\u007f"],
        ...[" ", "a ", " a", "$(id) ", "a\nclear event"],
      ];
      for (const word of hostile) {
        for (const words of [[word], ["vpn", word], ["vpn", "branch", word]]) {
          const { error } = await call("get", { words });
          assert.match(error!, /^no such word can be/, JSON.stringify(words));
        }
        assert.match((await call("doctor", { name: word })).error!, /^no such/);
      }
      for (const harmless of ["$(id)", "`id`", "';id;'", "*", "\\", "%s%n", "${PATH}", "&&id"]) {
        const { error } = await call("get", { words: ["vpn", harmless] });
        assert.match(error!, /there is no VPN/, harmless);
      }
      for (const line of [
        ...["", "get vpn", "watch", "snmp", `record save ${file}`, "-f /etc/passwd", "se vpn x"],
        ...[" set vpn x", "set vpn branch interval 3\nclear event", "save\u0007", "save /etc/x"],
      ]) {
        const { error } = await call("command", { line });
        assert.match(error!, /^(the line begins with|a line has no control)/, line);
      }
      assert.ok(!fs.existsSync(file));
      for (const args of [
        {},
        { words: "vpn" },
        { words: [] },
        { words: [""] },
        { words: [["vpn"]] },
      ]) {
        assert.ok((await call("get", args)).error, JSON.stringify(args));
      }
      const { stdout } = await rekeyd.rekeyctl("--json", "get", "vpn", "branch");
      assert.match(stdout, /"interval_ms":10000/);
    }));

  test("`check` names the mistakes of what is not applied yet, with section and option", () =>
    withPlugin(async ({ call, stage }) => {
      stage(
        "package rekeyd\n\nconfig vpnmonitor 'global'\n\toption interval '0'\n\n" +
          "config vpn 'branch'\n\toption monitor '1'\n\n" +
          "config route\n\toption target '10.2.0.0/16'\n\toption interface 'no\"ne'\n",
      );
      const { mistakes } = await call("check", { ubus_rpc_session: SESSION });
      const told = mistakes as { section: string; option: string; text: string }[];
      const places = told.map(({ section, option }) => `${section}, ${option}`);
      assert.deepEqual(places, ["vpnmonitor global, interval", "vpn branch, ", "route, interface"]);
      assert.match(told[0]!.text, /^interval '0' is not possible; it is seconds from 0\.02/);
      assert.match(told[2]!.text, /no"ne/);
      stage("package rekeyd\n\nconfig vpn 'branch'\n\toption gateway 's2s'\n");
      assert.deepEqual(await call("check", { ubus_rpc_session: SESSION }), { mistakes: [] });
      for (const ubus_rpc_session of ["", "../../etc", "x"]) {
        assert.equal((await call("check", { ubus_rpc_session })).error, "there is no session");
      }
      const other = await call("check", { ubus_rpc_session: "0".repeat(32) });
      assert.match(other.error!, /^uci cannot read/);
    }));

  test("without a daemon it says so", () =>
    withPlugin(async ({ call, rekeyd }) => {
      await rekeyd.stop();
      assert.match((await call("get", { words: ["vpn"] })).error!, /rekeyd\.control|no daemon/);
    }));

  test("each method has one right, to read or to write; the pages call no other", async () => {
    const listed = await run("busybox", ["ash", PLUGIN, "list"]);
    const methods = Object.keys(JSON.parse(listed) as object).sort();
    const acl = JSON.parse(
      fs.readFileSync(`${ROOT}/usr/share/rpcd/acl.d/luci-app-rekeyd.json`, "utf8"),
    ) as Record<string, Record<"read" | "write", { ubus: { rekeyd: string[] }; uci: string[] }>>;
    const { read, write } = acl["luci-app-rekeyd"]!;
    assert.deepEqual([...read.ubus.rekeyd, ...write.ubus.rekeyd].sort(), methods);
    assert.deepEqual(write.ubus.rekeyd, ["command"]);
    assert.deepEqual([read.uci, write.uci], [["rekeyd"], ["rekeyd"]]);
    const shared = fs.readFileSync(`${APP}/htdocs/luci-static/resources/rekeyd.js`, "utf8");
    const called = [...shared.matchAll(/\bcall\("(\w+)"/g)].map(([, method]) => method!);
    assert.deepEqual(called.sort(), methods);
  });
});
