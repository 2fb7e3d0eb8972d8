import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { replay } from "../../host/node/replay/replay.ts";
import { helperOf, HookScript, isRunning } from "./lib/hook.ts";
import { vpnSpec, withLab, type Lab } from "./lib/lab.ts";
import { RECOVERY_MS, timeToDetect, timeToPass, VPN } from "./lib/recovery.ts";
import type { Rekeyd } from "./lib/rekeyd.ts";
import { sleep, waitFor } from "./lib/wait.ts";

const TIMEOUT_S = 8;
/** From an event until the hook has been run, on a machine that has other things to do. */
const RUN_MS = 3000;

/** A rekeyd with this hook beside a tunnel that is up. */
async function startWith(lab: Lab, hook: string, daemon?: string): Promise<Rekeyd> {
  const global = { hook, hook_timeout: TIMEOUT_S, recorder: 1 };
  const rekeyd = lab.a.rekeyd([vpnSpec()], global, daemon);
  await rekeyd.start();
  await rekeyd.waitState(VPN, ["up"], 3000);
  return rekeyd;
}

const scripts = (lab: Lab): string => path.join(lab.state.folder, "hooks");

test("a hook that hangs while the tunnel dies and comes back: the latest state is told next", () =>
  withLab("hook-hangs", {}, async (lab) => {
    await lab.startUp();
    const hook = new HookScript(
      scripts(lab),
      "hangs",
      'if [ "$REKEYD_EVENT" = down ]; then sleep 300; fi',
    );
    const rekeyd = await startWith(lab, hook.path);
    await hook.waitEvents(["up"], RUN_MS);
    const ping = await lab.userPing();
    await timeToPass(ping, 2000);
    const before = await rekeyd.vpn(VPN);
    const [old] = await lab.a.charon.installed("net");
    const [first] = hook.told();
    assert.equal(first!["REKEYD_SPI_IN"], old!.spi_in.padStart(8, "0"));

    const fault = Date.now();
    await lab.router.dropSpi(old!.spi_in);
    await timeToDetect(rekeyd, fault);
    await timeToPass(ping, RECOVERY_MS);
    await hook.waitEvents(["up", "down"], RUN_MS);
    const hanging_pid = Number(hook.told()[1]!["pid"]);
    assert.ok(isRunning(hanging_pid));
    const meanwhile = await rekeyd.waitState(VPN, ["up"], 3000);
    await sleep(4000);
    const later = await rekeyd.vpn(VPN);
    const echoes = later.echoes_sent - meanwhile.echoes_sent;
    assert.ok(echoes >= 4 && echoes <= 6, `${echoes} echoes in 4 s, one each second`);
    assert.equal(later.rekeys, before.rekeys + 1);
    assert.deepEqual(hook.events(), ["up", "down"], "at most one at a time");

    await hook.waitEvents(["up", "down", "up", "rekeyed"], 1000 * TIMEOUT_S + RUN_MS);
    await waitFor("its group is gone", 2000, () => !isRunning(hanging_pid));
    const said = await rekeyd.eventsLike(/^Hook .*hangs for VPN branch was ended: it ran longer/);
    assert.equal(said.length, 1);

    const { pid, user, PWD, REKEYD_TIME, REKEYD_DELAY_MS, ...told } = hook.told()[2]!;
    const [sa] = ((await rekeyd.vpn(VPN)) as unknown as { sas: Record<string, string>[] }).sas;
    assert.ok(Number(pid) > 0 && user === "root" && PWD === "/");
    assert.ok(Math.abs(Date.parse(REKEYD_TIME!) - fault) < 15_000);
    assert.match(REKEYD_DELAY_MS!, /^\d+$/);
    delete told["_"];
    assert.deepEqual(told, {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      REKEYD_EVENT: "up",
      REKEYD_VPN: VPN,
      REKEYD_ID: "00000001",
      REKEYD_STATE: "up",
      REKEYD_GATEWAY: "s2s",
      REKEYD_CHILD: "net",
      REKEYD_PEER: "198.51.100.1",
      REKEYD_SOURCE: "10.1.0.1",
      REKEYD_DESTINATION: "10.2.0.10",
      REKEYD_TUNNEL: "",
      REKEYD_TUNNEL_STATE: "",
      REKEYD_SPI_IN: sa!["spi_in"],
      REKEYD_SPI_OUT: sa!["spi_out"],
      REKEYD_SKIPPED: "0",
    });
  }));

test("bad hooks: one that forks, floods, fails, or is not there", () =>
  withLab("hook-bad", {}, async (lab) => {
    await lab.startUp();
    const folder = scripts(lab);
    const withHook = async (
      hook: string,
      body: (rekeyd: Rekeyd) => Promise<void>,
    ): Promise<void> => {
      const rekeyd = await startWith(lab, hook);
      await body(rekeyd);
      assert.ok((await rekeyd.stop()) < 1000);
    };
    const said = (rekeyd: Rekeyd, pattern: RegExp): Promise<void> =>
      waitFor(`the log has ${pattern}`, RUN_MS, () => pattern.test(rekeyd.log()));

    const forks = new HookScript(folder, "forks", `sleep 300 & echo $! >'${folder}/forked'`);
    await withHook(forks.path, async () => {
      await forks.waitEvents(["up"], RUN_MS);
      await waitFor("what it left behind is gone", RUN_MS, () => {
        const forked = fs.existsSync(`${folder}/forked`)
          ? fs.readFileSync(`${folder}/forked`, "utf8")
          : "";
        return forked.endsWith("\n") && !isRunning(Number(forked));
      });
    });

    const floods = new HookScript(folder, "floods", "head -c 200000000 /dev/zero");
    await withHook(floods.path, async (rekeyd) => {
      await floods.waitEvents(["up"], RUN_MS);
      const { misses } = await rekeyd.vpn(VPN);
      assert.equal(misses, 0);
    });

    const fails = new HookScript(folder, "fails", "exit 7");
    await withHook(fails.path, (rekeyd) => said(rekeyd, /Hook .*fails .*ended with status 7\./));

    await withHook(`${folder}/nowhere`, async (rekeyd) => {
      const pattern = /^Hook .*\/nowhere for VPN branch could not be started: No such file/;
      await said(rekeyd, /nowhere for VPN branch could not be started/);
      await sleep(1000);
      assert.equal((await rekeyd.eventsLike(pattern)).length, 1);
      assert.equal((await rekeyd.vpn(VPN)).state, "up");
    });

    fs.chmodSync(fails.path, 0o777);
    await withHook(fails.path, (rekeyd) => said(rekeyd, /fails for VPN branch was not run: it/));
  }));

test("the helper: it goes with the daemon, and the daemon does without it", () =>
  withLab("hook-helper", {}, async (lab) => {
    await lab.startUp();
    const hook = new HookScript(scripts(lab), "stays", "sleep 300");
    const rekeyd = await startWith(lab, hook.path);
    await hook.waitEvents(["up"], RUN_MS);
    const hook_pid = Number(hook.told()[0]!["pid"]);
    const helper_pid = helperOf(rekeyd.pid);
    assert.equal(fs.readFileSync(`/proc/${helper_pid}/comm`, "utf8"), "rekeyd-hooks\n");
    await rekeyd.kill();
    await waitFor("helper and hook are gone", 5000, () => ![helper_pid, hook_pid].some(isRunning));

    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 3000);
    process.kill(helperOf(rekeyd.pid), "SIGKILL");
    const gone = /The process that runs hooks \(rekeyd-hooks\) has ended/;
    await waitFor("it is said", RUN_MS, () => gone.test(rekeyd.log()));
    assert.equal(helperOf(rekeyd.pid), -1, "no zombie");
    const { echoes_answered } = await rekeyd.vpn(VPN);
    await waitFor("echoes go on", 3000, async () => {
      return (await rekeyd.vpn(VPN)).echoes_answered > echoes_answered;
    });
    assert.equal((await rekeyd.eventsLike(gone)).length, 1);
  }));

test("an engine that traps runs no hook a second time, and what was recorded replays", () =>
  withLab("hook-trap", {}, async (lab) => {
    await lab.startUp();
    const hook = new HookScript(scripts(lab), "hook");
    const rekeyd = await startWith(lab, hook.path, "build/rekeyd-fault");
    await hook.waitEvents(["up"], RUN_MS);
    await rekeyd.rekeyctl("fault");
    await rekeyd.waitState(VPN, ["up"], 3000);
    await sleep(1000);
    assert.equal((await rekeyd.eventsLike(/is up\./)).length, 1, "the fresh engine has said so");
    assert.deepEqual(hook.events(), ["up"]);
    const file = path.join(rekeyd.recordings_path, "saved");
    assert.equal((await rekeyd.rekeyctl("record", "save", file)).code, 0);
    const { difference, recording } = replay(file);
    assert.deepEqual(difference?.lines ?? [], []);
    const calls = recording.segments.flatMap(({ calls }) => calls.map(({ name }) => name));
    assert.ok(calls.includes("hookTold"), calls.join(" "));
  }));

test("--hook-user: hooks run as that user", () =>
  withLab("hook-user", {}, async (lab) => {
    await lab.startUp();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rekeyd-hook-"));
    try {
      fs.chmodSync(folder, 0o755);
      const hook = new HookScript(folder, "hook");
      const rekeyd = lab.a.rekeyd([vpnSpec()], { hook: hook.path });
      rekeyd.options.push("--hook-user", "nobody");
      await rekeyd.start();
      await hook.waitEvents(["up"], 3000 + RUN_MS);
      assert.equal(hook.told()[0]!["user"], "nobody");
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }));
