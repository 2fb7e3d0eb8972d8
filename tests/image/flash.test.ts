import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { replay } from "../../host/node/replay/replay.ts";
import { Console } from "../../tools/image/console.ts";
import { KIND } from "../../tools/image/machine.ts";
import { MANIFEST, ROUTER } from "../../tools/image/paths.ts";

/*
 * The router as it is flashed, with its own init and services: nothing in it is a test's. It is
 * spoken to by its console.
 */

const BOOT_LIMIT_MS = 300_000;
/** From the end of a service until it answers again. */
const RESTART_LIMIT_S = 90;

/** Whatever strongSwan says, rekeyd must have it from vici. */
const CONNECTED = "rekeyctl get vpnmonitor | grep ', connected$'";

/** The WebUI has its pages compressed alone. */
const PAGE =
  "wget -q -O - --header 'Accept-Encoding: gzip' http://127.0.0.1:8380/ | gunzip | grep rekeyd";

async function boot(): Promise<Console> {
  const router = new Console();
  try {
    await router.boot();
    await router.until(CONNECTED, RESTART_LIMIT_S);
    return router;
  } catch (error) {
    router.close();
    throw error;
  }
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

describe("the flashed router", () => {
  let router: Console;
  const flash = sha256(ROUTER);

  /** What a command prints that must succeed. */
  async function say(command: string): Promise<string> {
    const { output, status } = await router.run(command);
    assert.equal(status, 0, `${command}: ${output}`);
    return output;
  }

  before(
    async () => {
      router = await boot();
    },
    { timeout: BOOT_LIMIT_MS },
  );
  after(() => router?.close());

  test("runs the engine that runs here", async () => {
    assert.match(
      await say("rekeyd --version"),
      new RegExp(`^engine ${sha256("build/engine.wasm")}$`, "m"),
    );
    assert.equal((await say("uname -m")).trim(), KIND.uname);
  });

  test("knows what it is made of", async () => {
    const components = readFileSync(MANIFEST, "utf8");
    assert.equal(await say("cat /usr/share/doc/manifest.txt"), components);
    const strongswan = /^strongSwan swanctl (\S+)$/m.exec(await say("swanctl --version"))?.[1];
    assert.match(components, new RegExp(`^debian\tcharon-systemd\t${strongswan}-`, "m"));
    for (const line of components.trimEnd().split("\n")) {
      assert.match(line, /^(?:debian|crate|npm|rust|c)\t\S+\t\S+\t\S.*$/);
    }
  });

  for (const service of ["rekeyd", "charon-systemd", "rekeyd-web", "syslogd"]) {
    test(`starts ${service} again when it is killed`, async () => {
      const before = (await say(`pidof ${service}`)).trim();
      await say(`kill -9 ${before}`);
      await router.until(`pidof ${service} | grep -v '^${before}$'`, RESTART_LIMIT_S);
      await router.until(CONNECTED, RESTART_LIMIT_S);
      await router.until(PAGE, RESTART_LIMIT_S);
      await router.until("logread | grep -q rekeyd", RESTART_LIMIT_S);
    });
  }

  test("takes decisions that this machine's engine takes, byte for byte", async () => {
    const commands = [
      "get sa",
      "get vpn",
      "get vpn branch",
      "get config",
      "get event",
      "set vpn branch monitor rekey",
      "set vpn branch monitor interval never",
      "set vpn depot gateway s2s",
      "exec vpn branch rekey",
      "unset vpn branch monitor",
      "get nonsense",
      "doctor",
    ];
    await say("rekeyctl set vpn branch gateway s2s && rekeyctl record start");
    for (const command of commands) {
      await router.run(`rekeyctl ${command}; rekeyctl --json ${command}`);
    }
    // A connection to strongSwan that ends and begins.
    await say("killall -9 charon-systemd");
    await router.until("rekeyctl get event | grep -q 'No connection to strongSwan'", 30);
    await router.until(CONNECTED, RESTART_LIMIT_S);
    await say("rekeyctl record save /tmp/recording");
    const text = await say("gzip -c /tmp/recording | base64");

    const folder = mkdtempSync(join(tmpdir(), "rekeyd-flash-"));
    try {
      const file = join(folder, "recording.gz");
      writeFileSync(file, Buffer.from(text, "base64"));
      const { difference, needs, same_calls } = replay(file);
      assert.equal(needs, undefined);
      assert.equal(difference, undefined);
      assert.ok(same_calls > 2 * commands.length, `${same_calls} calls`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("keeps nothing: its flash is read-only, and changes are gone after a reboot", async () => {
    await say("echo mark >/etc/mark && cat /overlay/upper/etc/mark");
    for (const write of ["touch /rom/mark", "dd if=/dev/zero of=/dev/vda bs=512 count=1"]) {
      assert.notEqual((await router.run(write)).status, 0, write);
    }
    await say("sync");
    router.close();
    router = await boot();
    assert.notEqual((await router.run("cat /etc/mark")).status, 0);
    assert.equal(sha256(ROUTER), flash);
  });
});
