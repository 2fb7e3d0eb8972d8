/** The live screen of rekeyctl, in a terminal. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attempt } from "../lab/lib/command.ts";
import type { Rekeyd } from "../lab/lib/rekeyd.ts";
import { sleep } from "../lab/lib/wait.ts";
import { withBench } from "./lib/bench.ts";
import { Screen } from "./lib/screen.ts";

const REKEYCTL = "build/rekeyctl";
const MANY = Array.from({ length: 30 }, (_, i) => `vpn${String(i).padStart(2, "0")}`);
const COLOR = /\x1b\[[\d;]*3[1-7]m/;

/** A daemon with VPNs of these names. */
async function withDaemon(names: string[], body: (rekeyd: Rekeyd) => Promise<void>): Promise<void> {
  await withBench(async ({ rekeyd, conf }) => {
    rekeyd.configure(conf(...names));
    await rekeyd.start();
    await body(rekeyd);
  });
}

/** The screen, with something on the terminal before it, and its exit status behind it. */
async function withWatch(
  rekeyd: Rekeyd,
  body: (screen: Screen) => Promise<void>,
  { columns = 80, rows = 24, env = ["LC_ALL=C.UTF-8"] } = {},
): Promise<void> {
  const command = `echo before; "$@"; echo status $?`;
  const ctl = [REKEYCTL, "--control", rekeyd.control_path, "watch"];
  const shell = ["env", "-u", "NO_COLOR", ...env, "sh", "-c", command, "sh", ...ctl];
  const screen = await Screen.open(shell, columns, rows);
  try {
    await body(screen);
  } finally {
    await screen.close();
  }
}

/** What was there before is there again, and rekeyctl ended well. */
const RESTORED = /^before\nstatus 0$/m;

describe("the live screen", () => {
  for (const key of ["q", "C-c"]) {
    test(`is left with ${key}, and the terminal is as it was`, () =>
      withDaemon(["branch", "bridge"], (rekeyd) =>
        withWatch(rekeyd, async (screen) => {
          const text = await screen.shows(/^branch +inactive /m);
          assert.match(text, /^strongSwan not connected; 2 VPNs: 2 inactive/);
          assert.match(text, /^Name +State +Delay Availability +Phase 2 +Next$/m);
          assert.match(text, /^Events\n\d\d:\d\d:\d\d /m);
          assert.doesNotMatch(text, /before/);
          assert.match(await screen.colors(), COLOR);
          await screen.press(key);
          await screen.shows(RESTORED);
        }),
      ));
  }

  test("shows time that passes", () =>
    withDaemon(["branch"], (rekeyd) =>
      withWatch(rekeyd, async (screen) => {
        const [clock] = /\d\d:\d\d:\d\d/.exec(await screen.shows(/\d\d:\d\d:\d\d$/m)) ?? [""];
        await screen.shows(new RegExp(`^(?!.* ${clock}\\n).* \\d\\d:\\d\\d:\\d\\d\\n`));
      }),
    ));

  test("ends with SIGTERM, and the terminal is as it was", () =>
    withDaemon(["branch"], (rekeyd) =>
      withWatch(rekeyd, async (screen) => {
        await screen.shows(/^branch /m);
        const shell = await screen.pid();
        assert.equal((await attempt("pkill", ["-TERM", "-P", `${shell}`])).code, 0);
        await screen.shows(RESTORED);
      }),
    ));

  test("has neither colours nor more than ASCII where that is asked for", () =>
    withDaemon(["branch"], (rekeyd) =>
      withWatch(
        rekeyd,
        async (screen) => {
          await screen.shows(/^branch /m);
          const text = await screen.colors();
          assert.doesNotMatch(text, COLOR);
          assert.match(text, /^[\n\x20-\x7e]*$/);
        },
        { env: ["LC_ALL=C", "NO_COLOR=1"] },
      ),
    ));

  test("fits the window, whatever its size becomes", () =>
    withDaemon(MANY, (rekeyd) =>
      withWatch(rekeyd, async (screen) => {
        await screen.shows(/VPNs 1-\d+ of 30/);
        await screen.resize(120, 50);
        await screen.shows(/^Name .* Phase 1 +Phase 2 +Next$/m);
        await screen.shows(/^vpn29 /m);
        await screen.resize(40, 10);
        const text = await screen.shows(/^Name +State +Next$/m);
        assert.doesNotMatch(text, /Phase/);
        assert.ok(text.split("\n").length <= 10, text);
        await screen.resize(5, 2);
        await screen.shows(/^\S{4}\n\S{4}$/);
        await screen.resize(80, 24);
        await screen.shows(/VPNs 1-\d+ of 30/);
      }),
    ));

  test("scrolls", () =>
    withDaemon(MANY, (rekeyd) =>
      withWatch(rekeyd, async (screen) => {
        await screen.shows(/^vpn00 [^]*VPNs 1-15 of 30/m);
        await screen.press("Down");
        await screen.shows(/^Name .*\nvpn01 [^]*VPNs 2-16 of 30/m);
        await screen.press("PPage");
        await screen.shows(/VPNs 1-15 of 30/);
        await screen.press("NPage", "NPage", "NPage");
        await screen.shows(/^vpn29 [^]*VPNs 16-30 of 30/m);
        await screen.press("Up");
        await screen.shows(/VPNs 15-29 of 30/);
        await screen.press("Home");
        await screen.shows(/VPNs 1-15 of 30/);
        await screen.press("End");
        await screen.shows(/VPNs 16-30 of 30/);
      }),
    ));

  test("says that the daemon is gone, and heals when it is back", () =>
    withDaemon(["branch"], (rekeyd) =>
      withWatch(
        rekeyd,
        async (screen) => {
          await screen.shows(/^branch /m);
          await rekeyd.kill();
          const text = await screen.shows(/^\d+ s old: no answer from rekeyd at \S+: /);
          assert.match(text, /^branch /m);
          await rekeyd.start();
          await screen.shows(/^strongSwan not connected; 1 VPN: /);
          await screen.press("q");
          await screen.shows(RESTORED);
        },
        { columns: 120 },
      ),
    ));

  test("is a command of the prompt, too", () =>
    withDaemon(["branch"], async (rekeyd) => {
      const screen = await Screen.open([REKEYCTL, "--control", rekeyd.control_path]);
      try {
        await screen.type("wat\n");
        await screen.shows(/^branch /m);
        await screen.type("q");
        await screen.shows(/^rekeyd> wat\nrekeyd>$/m);
        await screen.type("get vpnm\n");
        await screen.shows(/^VPN monitor interval/m);
      } finally {
        await screen.close();
      }
    }));
});

describe("where there is no terminal", () => {
  test("watch prints one plain frame", () =>
    withDaemon(["branch"], async (rekeyd) => {
      const control = ["--control", rekeyd.control_path];
      const { code, stdout } = await attempt(REKEYCTL, [...control, "watch"]);
      assert.equal(code, 0);
      assert.match(stdout, /^strongSwan not connected; 1 VPN: [^]*\nbranch /);
      assert.match(stdout, /^[\n\x20-\x7e]*$/);
      const frame = await attempt(REKEYCTL, [...control, "watch", "size", "60", "5"]);
      assert.equal(frame.code, 0);
      assert.ok(frame.stdout.split("\n").every((line) => [...line].length <= 60));
      const json = await attempt(REKEYCTL, [...control, "--json", "watch", "size", "60", "5"]);
      assert.equal((JSON.parse(json.stdout) as { vpns: unknown[] }).vpns.length, 1);
    }));

  test("as JSON a document follows the other, each on a line, until nobody reads any more", () =>
    withDaemon(["branch"], async ({ control_path }) => {
      const script = '"$@" watch | head -n 3; echo "${PIPESTATUS[0]}"';
      const command = ["-c", script, "bash", REKEYCTL, "--control", control_path, "--json"];
      const { stdout } = await attempt("bash", command);
      const [status, ...documents] = stdout.trimEnd().split("\n").reverse();
      assert.equal(status, "0");
      assert.equal(documents.length, 3);
      for (const document of documents) {
        const { vpns } = JSON.parse(document) as { vpns: { name: string }[] };
        assert.deepEqual(
          vpns.map(({ name }) => name),
          ["branch"],
        );
      }
    }));

  test("they end when the daemon does, and with SIGTERM", () =>
    withDaemon(["branch"], async (rekeyd) => {
      const ctl = ["--control", rekeyd.control_path, "--json", "watch"];
      const script = `"$@" > "$0" & until [ -s "$0" ] || ! kill -0 $!; do sleep 0.1; done
        kill $!; wait $!; echo $?`;
      const documents = `${rekeyd.control_path}.documents`;
      const stopped = await attempt("bash", ["-c", script, documents, REKEYCTL, ...ctl]);
      assert.equal(stopped.stdout, "0\n");
      const [{ code, stderr }] = await Promise.all([
        attempt("timeout", ["20", REKEYCTL, ...ctl]),
        sleep(1500).then(() => rekeyd.kill()),
      ]);
      assert.equal(code, 3);
      assert.match(stderr, /^{"error":"no answer from rekeyd at /);
    }));

  test("a dumb one is none", () =>
    withDaemon(["branch"], (rekeyd) =>
      withWatch(
        rekeyd,
        async (screen) => {
          await screen.shows(/^before\nstrongSwan not connected; [^]*^status 0$/m);
        },
        { env: ["TERM=dumb"] },
      ),
    ));
});
