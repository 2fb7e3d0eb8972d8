import assert from "node:assert/strict";
import { test } from "node:test";
import { host, TARGETS } from "./lib/addresses.ts";
import { vpnSpec, withLab } from "./lib/lab.ts";
import { DETECTION_MS, SLACK_MS } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

const destination_ip = TARGETS.map((number) => host("b", number));

/** Three VPNs over three children, which differ in their quorum only. */
const QUORUMS = ["any", "2", "all"];

test("several targets: quorum any, 2 and all, while one and then two of three are silent", () => {
  const children = QUORUMS.map((_, net) => ({ name: `net${net}`, net }));
  return withLab("targets", { connections: [{ name: "s2s", children }] }, async (lab) => {
    await lab.start();
    // Without rekey: what is silent here is the target, not the SA.
    const rekeyd = lab.a.rekeyd(
      QUORUMS.map((quorum, net) => {
        const destination_ip = TARGETS.map((number) => host("b", number, net));
        return vpnSpec({ child: `net${net}`, quorum, destination_ip, rekey: 0 }, quorum, net);
      }),
    );
    for (const { name } of children) await lab.a.charon.initiate("s2s", name);
    await rekeyd.start();
    for (const quorum of QUORUMS) await rekeyd.waitState(quorum, ["up"], 5000);

    const silence = (number: number): Promise<unknown> =>
      Promise.all(QUORUMS.map((_, net) => lab.b.silence(number, net)));
    await silence(TARGETS[0]);
    await rekeyd.waitState("all", ["down"], DETECTION_MS + SLACK_MS);
    assert.equal((await rekeyd.vpn("2")).state, "up");
    await silence(TARGETS[1]);
    await rekeyd.waitState("2", ["down"], DETECTION_MS + SLACK_MS);
    await sleep(DETECTION_MS);
    assert.equal((await rekeyd.vpn("any")).state, "up");
  });
});

test("recover 3: 'up' only after three answers in a row", () =>
  withLab("recover", {}, async (lab) => {
    await lab.startUp();
    const rekeyd = lab.a.rekeyd([vpnSpec({ recover: 3, destination_ip })]);
    const begin = performance.now();
    await rekeyd.start();
    const vpn = await rekeyd.waitState("branch", ["up"], 6000);
    assert.ok(performance.now() - begin > 1500, "not at the first answer");
    assert.ok(vpn.echoes_answered >= 3);
  }));
