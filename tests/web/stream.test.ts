/** The event stream: one look for all, none for nobody, and what happens when daemons die. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep, waitFor } from "../lab/lib/wait.ts";
import { SECRET, withSite } from "./lib/site.ts";
import type { Stream } from "./lib/request.ts";

const WAIT_MS = 20_000;
const LOOK = /^json get vpn$/;
/** A stream that waits for its next sign of life takes up to 10 s. */
const BEFORE_HEARTBEAT_MS = 8_000;
const MAX_PAGES = 200;

interface Vpns {
  vpns: { name: string; threshold: number }[];
}

const thresholds = (stream: Stream): number[] =>
  (stream.of("vpns") as Vpns[]).map(({ vpns }) => vpns[0]!.threshold);

const tells = (stream: Stream, kind: string, times = 1): Promise<void> =>
  waitFor(`'${kind}' is told`, WAIT_MS, () => stream.of(kind).length >= times);

describe("a stream", { concurrency: true }, () => {
  test("tells the VPNs and the log at once, and then what is new", () =>
    withSite(async (site) => {
      const stream = site.stream();
      await tells(stream, "vpns");
      await tells(stream, "log");
      assert.equal(stream.of("away").length, 0);
      const [before] = thresholds(stream);
      await site.rekeyd.rekeyctl("set", "vpn", "branch", "threshold", "7");
      await waitFor("the new threshold", WAIT_MS, () => thresholds(stream).at(-1) === 7);
      assert.notEqual(before, 7);
      const last = stream.of("log").at(-1) as { events: { text: string }[] };
      assert.match(last.events.at(-1)!.text, /set vpn branch threshold 7/);
      // Nothing changes any more, so nothing is told but that it is there.
      const { length } = stream.told;
      await waitFor("a sign of life", WAIT_MS, () => stream.beats > 0);
      assert.equal(stream.told.length, length);
    }));

  test("costs one look a second, however many listen, and none for nobody", () =>
    withSite(async (site) => {
      const streams = Array.from({ length: MAX_PAGES }, () => site.stream());
      for (const stream of streams) await tells(stream, "vpns");
      const begin = performance.now();
      const before = site.gate.count(LOOK);
      await sleep(3000);
      const looks = site.gate.count(LOOK) - before;
      const seconds = (performance.now() - begin) / 1000;
      assert.ok(looks >= 1 && looks <= seconds + 1, `${looks} looks in ${seconds} s`);

      await site.rekeyd.rekeyctl("set", "vpn", "branch", "threshold", "7");
      for (const stream of streams) {
        await waitFor("all hear of it", WAIT_MS, () => thresholds(stream).at(-1) === 7);
      }
      for (const stream of streams) stream.close();
      let last = -1;
      await waitFor(
        "nobody looks any more",
        WAIT_MS,
        () => {
          const { length } = site.gate.lines;
          const is_quiet = length === last;
          last = length;
          return is_quiet;
        },
        2500,
      );
    }));

  test("says that the daemon is away, and heals by itself", () =>
    withSite(async (site) => {
      const stream = site.stream();
      await tells(stream, "vpns");
      await site.rekeyd.kill();
      await tells(stream, "away");
      const [{ error }] = stream.of("away") as [{ error: string }];
      assert.match(error, /^no answer from rekeyd at /);
      const asked = await site.read("/json/get/vpn");
      assert.equal(asked.status, 503);
      assert.match(asked.body, /^\{"error":"no answer from rekeyd at [^"]*"\}$/);
      assert.equal((await site.post("/command", { line: "save" }, site.bearer())).status, 503);
      assert.equal((await site.read("/metrics")).status, 503);

      const { length } = stream.of("vpns");
      await site.rekeyd.start();
      await tells(stream, "vpns", length + 1);
      assert.ok(stream.is_open);
      assert.equal((await site.read("/json/get/vpn")).status, 200);
    }));

  test("ends with its session", () =>
    withSite(async (site) => {
      const cookie = await site.logIn();
      const stream = site.stream({ cookie });
      const other = site.stream();
      await tells(stream, "vpns");
      await site.post("/logout", {}, { cookie });
      await waitFor("the stream ends", BEFORE_HEARTBEAT_MS, () => !stream.is_open);
      assert.ok(other.is_open);
    }));

  test("a daemon that hangs is given up, and heard again", () =>
    withSite(async (site) => {
      const stream = site.stream();
      await tells(stream, "vpns");
      process.kill(site.rekeyd.pid, "SIGSTOP");
      try {
        await tells(stream, "away");
        assert.match(JSON.stringify(stream.of("away")), /it was silent for 10s/);
        assert.equal((await site.read("/app.css")).status, 406);
      } finally {
        process.kill(site.rekeyd.pid, "SIGCONT");
      }
      const { length } = stream.of("vpns");
      await tells(stream, "vpns", length + 1);
    }));

  test("SIGTERM ends it, whoever listens, and it starts on the same port", () =>
    withSite(async (site) => {
      const streams = Array.from({ length: 20 }, () => site.stream());
      for (const stream of streams) await tells(stream, "vpns");
      const idle = await site.wire();
      await site.web.end("SIGTERM", WAIT_MS);
      await waitFor("its status", WAIT_MS, () => site.web.exit_code !== null);
      assert.equal(site.web.exit_code, 0);
      await waitFor("all are let go of", WAIT_MS, () => streams.every(({ is_open }) => !is_open));
      await waitFor("the idle one, too", WAIT_MS, () => idle.is_closed);
      await site.start();
      assert.equal((await site.post("/login", { secret: SECRET })).status, 204);
    }));
});
