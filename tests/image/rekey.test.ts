import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../lab/lib/wait.ts";
import { host, lan } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import { hubConf } from "./lib/uci.ts";

const UP_MS = 30_000;
const INTERVAL_S = 0.01;
const ECHOES = 1500;

test("keys are renewed under a ping every 10 ms: nothing is lost", () =>
  withStar("rekey", 1, async (star) => {
    const { hub } = star;
    await hub.startRekeyd(hubConf(1));
    await hub.waitState("up", UP_MS);
    const watch = await hub.watchRoutes();
    const spis = async (): Promise<string[]> => (await hub.kernelSas()).map(({ spi }) => spi);
    const before = await spis();
    const ping = hub.ping(host(1), ECHOES, INTERVAL_S);
    await sleep(1000);
    for (const what of ["--child", "--ike", "--child"]) {
      await hub.swanctl(`--rekey ${what} spoke1`);
      await sleep(2000);
    }
    const { sent, received } = await ping;
    assert.equal(sent, ECHOES);
    assert.equal(received, sent);
    const after = await spis();
    assert.ok(!before.some((spi) => after.includes(spi)), "there are new keys");
    const down = (await hub.events()).filter(({ text }) => / is down\.$/.test(text));
    assert.deepEqual(down, []);
    assert.ok(!(await watch.end()).join("\n").includes(lan(1)), "the route stays as it is");
  }));
