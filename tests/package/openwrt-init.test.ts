/**
 * The init scripts of OpenWrt's packages, run by busybox's ash. rc.common and procd are stand-ins
 * (lib/rc_common.sh), which write down what procd would be told.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { attempt, type Result } from "../lab/lib/command.ts";

const FILES = "host/openwrt/rekeyd/files";
const GOOD = "config vpn 'branch'\n\toption gateway 's2s'\n";

interface Service extends Result {
  /** What procd is told, a call a line; paths of the test are those of the router. */
  calls: string[];
  folder: string;
}

/** Runs an action of an init script over a configuration; `running`: of whom procd says so. */
async function service(
  script: string,
  action: string,
  files: Record<string, string>,
  running = "",
): Promise<Service> {
  const folder = fs.mkdtempSync("/var/tmp/rekeyd-init-");
  try {
    for (const [name, text] of Object.entries(files)) {
      fs.writeFileSync(path.join(folder, name), text);
    }
    const stand_in = path.resolve("tests/package/lib/rc_common.sh");
    const variables = [`ROOT=${folder}`, `BUILD=${path.resolve("build")}`, `RUNNING=${running}`];
    const init = path.resolve(FILES, script);
    const result = await attempt("env", [...variables, "busybox", "ash", stand_in, init, action]);
    const log = path.join(folder, "calls");
    const text = fs.existsSync(log) ? fs.readFileSync(log, "utf8") : "";
    const calls = text.replaceAll(folder, "").trim().split("\n");
    return { ...result, calls, folder };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const rekeyd = (action: string, config: string, running = ""): Promise<Service> =>
  service("rekeyd.init", action, { rekeyd: config }, running);

const COMMAND =
  "set command /build/rekeyd run --config /rekeyd --control /run/control " +
  "--control-group rekeyd --recordings /lib";
const JAIL = [
  "jail rekeyd procfs ronly",
  "set capabilities /etc/capabilities/rekeyd.json",
  "set no_new_privs 1",
  "mount /var/run /etc/group /etc/TZ",
  "mount_rw /etc/config /run /lib",
];
const INSTANCE = ["set stderr 1", "set term_timeout 3", "set respawn 3600 5 0"];

describe("rekeyd's init script", () => {
  test("what runs is in a jail, with what it needs and no more", async () => {
    const { calls, code, stderr } = await rekeyd("start_service", GOOD);
    assert.equal(code, 0, stderr);
    assert.deepEqual(calls, ["open", COMMAND, ...INSTANCE, ...JAIL, "close"]);
  });

  test("with a hook, which may be any program, there is no jail", async () => {
    for (const hook of ["option hook '/etc/hook'", 'option "hook" /etc/hook']) {
      const { calls } = await rekeyd("start_service", `${GOOD}\t${hook}\n`);
      assert.deepEqual(calls, ["open", COMMAND, ...INSTANCE, "close"]);
    }
    for (const none of ["option hook 'none'", "# option hook '/etc/hook'"]) {
      const { calls } = await rekeyd("start_service", `${GOOD}\t${none}\n`);
      assert.ok(calls.includes(JAIL[0]!), none);
    }
  });

  test("with mistakes nothing is started, and they are named", async () => {
    const { calls, code } = await rekeyd("start_service", `${GOOD}\toption monitr '1'\n`);
    assert.equal(code, 1);
    const [said, ...others] = calls;
    assert.match(said!, /^logger .*daemon.err: \/rekeyd:3: unknown option 'monitr'.*'monitor'\?$/);
    assert.deepEqual(others, []);
  });

  test("a name that uci does not read is warned of", async () => {
    const { calls, code } = await rekeyd("start_service", GOOD.replace("branch", "branch-1"));
    assert.equal(code, 0);
    const [said, ...others] = calls;
    assert.match(said!, /^logger .*daemon.warn: uci and LuCI cannot read .*letters, digits and _$/);
    assert.deepEqual(others, ["open", COMMAND, ...INSTANCE, ...JAIL, "close"]);
  });

  test("one that runs is not stopped for mistakes", async () => {
    const bad = `${GOOD}\toption monitr '1'\n`;
    const { calls } = await rekeyd("start_service", bad, "rekeyd");
    const [said, ...others] = calls;
    assert.match(said!, /unknown option 'monitr'/);
    assert.deepEqual(others, ["open", COMMAND, ...INSTANCE, ...JAIL, "close"]);
    // Whatever procd says of it: what is not defined anew is not stopped.
    const { calls: reloading } = await rekeyd("reload_service", bad);
    assert.equal(reloading[0], "signal rekeyd * HUP");
    assert.ok(!reloading.includes("start"), reloading.join("\n"));
  });

  test("reloading is SIGHUP, and only then the question whether the jail is the same", async () => {
    const { calls } = await rekeyd("reload_service", GOOD, "rekeyd");
    assert.deepEqual(calls, ["signal rekeyd * HUP", "start"]);
    const { calls: triggers } = await rekeyd("service_triggers", GOOD);
    assert.deepEqual(triggers, ["reload_trigger rekeyd"]);
  });
});

describe("rekeyd-web's init script", () => {
  const start = (config: string): Promise<Service> =>
    service("rekeyd-web.init", "start_service", { "rekeyd-web": config });

  test("it is off until somebody wants it", async () => {
    const { calls, code } = await start(fs.readFileSync(`${FILES}/rekeyd-web.config`, "utf8"));
    assert.equal(code, 0);
    assert.deepEqual(calls, [""]);
  });

  test("it is a user without rights, in a jail, with a secret of its own", async () => {
    const { calls, stderr } = await start("option enabled '1'\nlist host 'router.example'\n");
    assert.equal(stderr, "");
    assert.deepEqual(calls, [
      "chown rekeyd-web /web-secret 64 600",
      "open",
      "set command /build/rekeyd-web --listen 127.0.0.1:8380 --secret-file /web-secret " +
        "--control /var/run/rekeyd/control",
      "append command --host router.example",
      "set user rekeyd-web",
      "set group rekeyd",
      ...INSTANCE,
      "set no_new_privs 1",
      "jail rekeyd-web ronly",
      "mount /var/run /web-secret",
      "close",
    ]);
  });
});
