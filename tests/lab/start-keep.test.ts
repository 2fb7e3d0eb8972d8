/** `npm start -- --keep`: a demonstration, its WebUI, and an end that leaves nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { run } from "./lib/command.ts";
import { recordedIn, removeLeftovers } from "./lib/state.ts";
import { waitUntil } from "./lib/wait.ts";

const ADDRESS = /^ +(http:\/\/127\.0\.0\.1:\d+\/)#token=(\S+)$/m;
const READY = /^The gateways go on running: Ctrl-C/m;
const GATEWAY = /ip netns exec rk(\w+)-a bash/g;
const START_MS = 180_000;
const END_MS = 60_000;

test("the gateways stay after the faults, until Ctrl-C", async () => {
  const options = ["--keep", "--fault", "dead-sa", "--observe", "10"];
  const start = spawn(process.execPath, ["--import", "tsx", "tools/start.ts", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const output of [start.stdout, start.stderr]) {
    output.setEncoding("utf8").on("data", (text: string) => (said += text));
  }
  const hasEnded = (): boolean => start.exitCode !== null || start.signalCode !== null;
  try {
    await waitUntil(
      "the gateways are kept",
      START_MS,
      () => said,
      (text) => READY.test(text) || hasEnded(),
      { show: (text) => text.slice(-300) },
    );
    const [, page = "", token = ""] = ADDRESS.exec(said) ?? assert.fail(said);
    await assertServed(page, token);

    const labs = [...said.matchAll(GATEWAY)].map(([, id]) => recordedIn(id!));
    assert.equal(labs.length, 2, "with rekeyd and without");
    assert.ok(labs.every((lab) => lab.isThere() && lab.running().length > 1));
    start.kill("SIGINT");
    await waitUntil("it ends", END_MS, hasEnded, (ended) => ended);
    const spaces = await run("ip", ["netns", "list"]);
    for (const lab of labs) {
      assert.equal(lab.isThere(), false);
      assert.deepEqual(lab.running(), []);
      assert.ok(
        lab.namespaces.every((name) => !spaces.includes(name)),
        spaces,
      );
    }
    await assert.rejects(fetch(page), "nobody listens any more");
  } finally {
    start.kill("SIGKILL");
    await waitUntil("it is gone", END_MS, hasEnded, (ended) => ended);
    await removeLeftovers("demo");
  }
});

/** The pages are there, and the token opens what they ask for. */
async function assertServed(page: string, token: string): Promise<void> {
  assert.match(await (await fetch(page)).text(), /<title>rekeyd<\/title>/);
  const login = await fetch(new URL("login", page), {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: new URL(page).origin },
    body: JSON.stringify({ secret: token }),
  });
  assert.equal(login.status, 204);
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  const answer = await fetch(new URL("json/get/vpn/branch", page), { headers: { cookie } });
  const { vpns } = (await answer.json()) as { vpns: { state: string; rekeys: number }[] };
  assert.deepEqual(
    vpns.map(({ state, rekeys }) => ({ state, rekeys })),
    [{ state: "up", rekeys: 1 }],
  );
}
