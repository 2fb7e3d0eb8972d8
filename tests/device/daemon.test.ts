import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as net from "node:net";
import { describe, test } from "node:test";
import { sha256 } from "../../host/node/replay/write.ts";
import { VERSION } from "../../tools/version.ts";
import { attempt } from "../lab/lib/command.ts";
import { sleep, waitFor, waitUntil } from "../lab/lib/wait.ts";
import { withBench } from "./lib/bench.ts";
import { withCrowd } from "./lib/crowd.ts";

const BAD = "config vpn 'branch'\n\toption gatway 's2s'\n";
const LEAVE_MS = 1000;

/** What the kernel says of a process, by its name in /proc/PID/status. */
const status = (pid: number, key: string): string =>
  new RegExp(`^${key}:\\s*(.*)$`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ??
  "";

describe("the command line", () => {
  test("check says what is wrong, or what the file would do", () =>
    withBench(async ({ rekeyd, run }) => {
      const file = rekeyd.config_path;
      const good = await run("check", "--config", file);
      const stdout = `${file}: no mistakes; 1 VPN, 0 monitored, 0 with rekey\n`;
      assert.deepEqual(good, { code: 0, stdout, stderr: "" });
      rekeyd.configure("");
      const empty = await run("check", "--config", file);
      assert.match(empty.stdout, /: no mistakes; 0 VPNs, 0 monitored, 0 with rekey\n$/);
      rekeyd.configure(BAD);
      const bad = await run("check", "--config", file);
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /rekeyd\.conf:2: .*gatway.*gateway/);
      const missing = await run("check", "--config", `${file}.none`);
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /^rekeyd: .*rekeyd\.conf\.none: No such file/);
    }));

  test("check is content with every example of the documents", () =>
    withBench(async ({ rekeyd, run }) => {
      const text = ["README.md", "docs/configuration.md"].map((file) =>
        fs.readFileSync(file, "utf8"),
      );
      const blocks = text.join("").matchAll(/^```\n(config vpn(?:monitor)? [^]*?)^```$/gm);
      const examples = [...blocks].map(([, example = ""]) => example);
      assert.ok(examples.length >= 5);
      for (const example of examples) {
        rekeyd.configure(example);
        const { code, stderr } = await run("check", "--config", rekeyd.config_path);
        assert.equal(code, 0, stderr + example);
      }
    }));

  test("where address space is bounded, the error says so and what to do", () =>
    withBench(async ({ rekeyd }) => {
      const command = ["build/rekeyd", "check", "--config", rekeyd.config_path];
      const { code, stderr } = await attempt("prlimit", [`--as=${1 << 30}`, ...command]);
      assert.equal(code, 1);
      assert.match(stderr, /^rekeyd: the engine cannot start: .*Cannot allocate memory.*4 GiB /);
      assert.match(stderr, /'ulimit -v unlimited', or LimitAS=infinity for systemd\n$/);
    }));

  test("run refuses a bad file before it touches anything", () =>
    withBench(async ({ namespace, rekeyd, run }) => {
      rekeyd.configure(BAD);
      const args = ["--config", rekeyd.config_path, "--control", rekeyd.control_path];
      const { code, stderr } = await run("run", ...args);
      assert.equal(code, 1);
      assert.match(stderr, /rekeyd\.conf:2: /);
      assert.equal(await namespace.run("nft", ["list", "ruleset"]), "");
      assert.ok(!fs.existsSync(rekeyd.control_path));
    }));

  test("mistakes in it end with status 2, a daemon out of reach with 3", () =>
    withBench(async ({ rekeyd, run }) => {
      const usage = await run("walk");
      assert.equal(usage.code, 2);
      assert.match(usage.stderr, /usage: rekeyd run/);
      const engine = sha256(fs.readFileSync("build/engine.wasm"));
      assert.equal((await run("--version")).stdout, `rekeyd ${VERSION}\nengine ${engine}\n`);
      const unreachable = await rekeyd.rekeyctl("get", "vpn");
      assert.equal(unreachable.code, 3);
      assert.match(unreachable.stderr, /no answer from rekeyd at .*rekeyd\.control/);
      assert.equal((await rekeyd.rekeyctl("--fast")).code, 2);
      const help = await rekeyd.rekeyctl("--help");
      assert.match(help.stdout, /^usage: rekeyctl /);
      assert.equal(help.code, 0, "help needs no daemon");
    }));

  test("a daemon that hangs is out of reach, too, after 10 s", () =>
    withBench(async ({ rekeyd }) => {
      await rekeyd.start();
      process.kill(rekeyd.pid, "SIGSTOP");
      const begun_ms = Date.now();
      const { code, stderr } = await rekeyd.rekeyctl("get", "vpn");
      process.kill(rekeyd.pid, "SIGCONT");
      assert.equal(code, 3);
      assert.match(stderr, /no answer from rekeyd at .*: it was silent for 10s\n$/);
      assert.ok(Date.now() - begun_ms < 12_000);
      assert.equal((await rekeyd.rekeyctl("get", "vpn")).code, 0);
    }));

  test("without the rights it says which are missing", () =>
    withBench(async ({ rekeyd, run }) => {
      const args = ["--config", rekeyd.config_path, "--control", rekeyd.control_path];
      const { code, stderr } = await attempt("setpriv", [
        ...["--bounding-set", "-net_raw,-net_admin", "build/rekeyd", "run", ...args],
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /^rekeyd: .*start as root, or with CAP_NET_RAW and CAP_NET_ADMIN\n$/);
      assert.equal((await run("check", ...args.slice(0, 2))).code, 0, "check needs none");
    }));
});

describe("the running daemon", () => {
  test("keeps CAP_NET_ADMIN alone, gains nothing, and is confined by seccomp", () =>
    withBench(async ({ rekeyd }) => {
      await rekeyd.start();
      const net_admin = 1 << 12;
      const kept = { CapInh: 0, CapPrm: net_admin, CapEff: net_admin, CapAmb: 0 };
      for (const [set, bits] of Object.entries(kept)) {
        assert.equal(Number.parseInt(status(rekeyd.pid, set), 16), bits, set);
      }
      assert.equal(status(rekeyd.pid, "NoNewPrivs"), "1");
      assert.equal(status(rekeyd.pid, "Seccomp"), "2");
      assert.equal(fs.statSync(rekeyd.control_path).mode & 0o777, 0o600);
    }));

  test("runs also where it can't tell a service manager so", () =>
    withBench(async ({ rekeyd }) => {
      process.env["NOTIFY_SOCKET"] = `${rekeyd.control_path}.none`;
      try {
        await rekeyd.start();
      } finally {
        delete process.env["NOTIFY_SOCKET"];
      }
      assert.match(rekeyd.log(), /NOTIFY_SOCKET: No such file .*; it is told nothing /);
    }));

  test("reads a good file at SIGHUP, and stays as it is with a bad one or none", () =>
    withBench(async ({ rekeyd, conf }) => {
      await rekeyd.start();
      const vpns = async (): Promise<string> =>
        (await rekeyd.vpns()).map((vpn) => vpn.name).join(" ");
      const logged = (pattern: RegExp): Promise<void> =>
        waitFor(`the log has ${pattern}`, 2000, () => pattern.test(rekeyd.log()));

      rekeyd.reload(BAD);
      await logged(/^rekeyd: .*rekeyd\.conf:2: .*gatway.* \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)$/m);
      assert.equal(await vpns(), "branch");
      const refused = /Last reload: refused .*, 1 mistake; .*rekeyd\.conf:2: /;
      assert.match((await rekeyd.rekeyctl("get", "vpnmonitor")).stdout, refused);

      fs.rmSync(rekeyd.config_path);
      rekeyd.reload();
      await logged(/not reloaded: .*rekeyd\.conf: No such file/);
      assert.equal(await vpns(), "branch");

      rekeyd.reload(conf("branch", "second"));
      await waitUntil("the new file", 2000, vpns, (names) => names === "branch second");
      const { stdout } = await rekeyd.rekeyctl("get", "vpnmonitor");
      assert.match(stdout, /^Configuration: .*rekeyd\.conf, loaded /m);
      assert.doesNotMatch(stdout, /refused/);
    }));

  test("logs on into a file that logrotate copied and truncated", () =>
    withBench(async ({ rekeyd }) => {
      await rekeyd.start();
      fs.truncateSync(rekeyd.log_path);
      rekeyd.reload();
      const log = (): string => fs.readFileSync(rekeyd.log_path, "utf8");
      await waitFor("a new line", 2000, () => log().endsWith("\n"));
      assert.match(log(), /^\[Root\]system-notification-00767: Configuration /);
    }));

  test("leaves within a second, and takes its socket and its guard along", () =>
    withBench(async ({ namespace, rekeyd }) => {
      const tables = (): Promise<string> => namespace.run("nft", ["list", "tables"]);
      for (const signal of ["SIGTERM", "SIGKILL"]) {
        await rekeyd.start();
        assert.match(await tables(), /^table inet rekeyd-\d+\n$/);
        if (signal === "SIGKILL") await rekeyd.kill();
        else assert.ok((await rekeyd.stop()) < LEAVE_MS);
        assert.equal(fs.existsSync(rekeyd.control_path), signal === "SIGKILL");
        await waitUntil("the guard is gone", 1000, tables, (text) => text === "");
      }
      await rekeyd.start();
    }));

  test("guards its control socket against a second daemon", () =>
    withBench(async ({ rekeyd, run }) => {
      await rekeyd.start();
      const args = ["--config", rekeyd.config_path, "--control", rekeyd.control_path];
      const { code, stderr } = await run("run", ...args);
      assert.equal(code, 1);
      assert.match(stderr, /rekeyd\.control: another rekeyd is running/);
      assert.equal((await rekeyd.rekeyctl("get", "vpn")).code, 0);
    }));

  test("is not held up by clients that say nothing or too much", () =>
    withBench(async ({ rekeyd }) => {
      await rekeyd.start();
      const silent = Array.from({ length: 20 }, () => net.connect(rekeyd.control_path));
      const flood = net.connect(rekeyd.control_path);
      for (const socket of [...silent, flood]) socket.on("error", () => {});
      flood.write("x".repeat(1 << 20));
      await sleep(100);
      for (const socket of silent) socket.destroy();
      const { code } = await rekeyd.rekeyctl("get", "vpn");
      assert.equal(code, 0);
      flood.destroy();
      assert.ok(rekeyd.isAlive());
    }));

  test("answers 200 clients at once, whatever some of them do", () =>
    withBench(async ({ rekeyd, conf }) => {
      const names = Array.from({ length: 300 }, (_, i) => `vpn${i}`);
      rekeyd.configure(conf(...names));
      await rekeyd.start();
      const crowd = { eager: 150, slow: 20, silent: 20, half: 10 };
      await withCrowd(rekeyd.control_path, crowd, async ({ served, tally }) => {
        await waitFor("each has had its answer", 20_000, () => served.size === crowd.eager);
        assert.equal((await rekeyd.rekeyctl("get", "vpn", "vpn7")).code, 0);
        assert.deepEqual([tally.dropped, tally.refused], [0, 0]);
      });
      assert.ok(rekeyd.isAlive());
      assert.doesNotMatch(rekeyd.log(), /critical/);
    }));

  test("sleeps when there is nothing to do", () =>
    withBench(async ({ rekeyd }) => {
      await rekeyd.start();
      await sleep(200);
      const switches = (): number => Number(status(rekeyd.pid, "voluntary_ctxt_switches"));
      const before = switches();
      await sleep(2000);
      // Once a second it looks for strongSwan.
      assert.ok(switches() - before <= 4, `woke ${switches() - before} times in 2 s`);
    }));
});
