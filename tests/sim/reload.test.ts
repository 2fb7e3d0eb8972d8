/** A good configuration changes only what changed; a bad one changes nothing; no SA is touched. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { Connection } from "../../host/node/sim/model/charon.ts";
import { branches, hub, monitored, monitoredChildren, settled, World } from "./lib/world.ts";

const EVERY_SECOND = ["option interval '1'", "option threshold '3'"];
const REKEY = [...EVERY_SECOND, "option rekey '1'"];
const CONNECTIONS = branches(3);

/** Reloads, and lets some time pass: nobody but a reader of the log notices. */
function reload(world: World, text: string): void {
  const states = world.states();
  const requests = world.requests().length;
  const { counts } = world;
  const lost = counts.echoes - counts.replies;
  world.configure(text);
  world.run(10_000);
  assert.equal(world.said("is down"), 0);
  assert.equal(world.requests().length, requests, "an SA was touched");
  assert.ok(counts.echoes - counts.replies - lost <= 3, "echoes were lost");
  const after = world.states();
  for (const name of Object.keys(after)) {
    if (states[name] !== undefined) assert.equal(after[name], states[name], name);
  }
}

function text(connections: Connection[], ...options: string[]): string {
  return monitored(connections, ...options);
}

test("the same again: not an echo comes at another time, and all is counted on", () => {
  const world = settled(CONNECTIONS, ...REKEY);
  const reference = settled(CONNECTIONS, ...REKEY);
  world.sent = [];
  reference.sent = [];
  for (let i = 0; i < 10; i++) {
    world.configure(text(CONNECTIONS, ...REKEY));
    world.run(1_337);
    reference.run(1_337);
  }
  assert.deepEqual(world.sent, reference.sent);
  // Lists, which a reload asks for, and events tell the two apart: nothing else does.
  const aside = { listed_s: 0, sas: [], events: [] };
  const seen = (of: World, name: string): object => ({ ...of.vpn(name), ...aside });
  for (const { name } of CONNECTIONS) assert.deepEqual(seen(world, name), seen(reference, name));
  assert.equal(world.said("has been enabled"), 3);
});

test("the same in another order is the same", () => {
  const world = settled(CONNECTIONS, ...REKEY);
  const before = world.vpn("branch1");
  reload(world, text([...CONNECTIONS].reverse(), ...REKEY));
  assert.equal(world.vpn("branch1").echoes_sent, before.echoes_sent + 10);
  assert.equal(world.said("has been enabled"), 3);
});

describe("what changes is only what changed:", () => {
  test("a VPN is removed: the others go on", () => {
    const world = settled(CONNECTIONS, ...REKEY);
    const before = world.vpn("branch2").echoes_sent;
    reload(world, text([CONNECTIONS[0]!, CONNECTIONS[2]!], ...REKEY));
    assert.deepEqual(world.states(), { branch0: "up", branch2: "up" });
    assert.equal(world.vpn("branch2").echoes_sent, before + 10);
    assert.equal(world.charon.children("branch1").length, 1);
    world.sent = [];
    world.run(5_000);
    assert.ok(world.sent.every(({ destination }) => destination !== "10.2.1.10"));
  });

  test("a VPN is added: it is monitored, and the others go on", () => {
    const world = settled(CONNECTIONS.slice(0, 2), ...REKEY);
    const before = world.vpn("branch0").echoes_sent;
    world.charon.connections.push(CONNECTIONS[2]!);
    world.charon.establish("branch2");
    reload(world, text(CONNECTIONS, ...REKEY));
    assert.equal(world.states()["branch2"], "up");
    assert.equal(world.vpn("branch0").echoes_sent, before + 10);
    assert.equal(world.said("monitoring for VPN branch2 has been enabled"), 1);
  });

  test("a VPN is added whose SA is there, beside another on its IKE_SA: it is adopted", () => {
    const connection = hub();
    const { children } = connection;
    for (let i = 0; i < 20; i++) {
      const world = new World(new Engine(), [connection]);
      const { ike } = world.charon.establish("hub");
      world.charon.addChild(ike, children[1]!);
      world.configure(monitoredChildren(connection, children.slice(0, 1), ...REKEY));
      world.run(5_000 + 7 * i);
      world.charon.response_ms = 5;
      reload(world, monitoredChildren(connection, children, ...REKEY));
      assert.deepEqual(world.states(), { net0: "up", net1: "up" });
      assert.equal(world.said("Phase 2: Initiated"), 0);
    }
  });

  test("a listing of what is not configured any more says nothing of what took its place", () => {
    for (let i = 0; i < 10; i++) {
      const world = settled(CONNECTIONS.slice(0, 1), ...REKEY);
      world.charon.connections.push(CONNECTIONS[1]!);
      world.charon.establish("branch1");
      world.charon.response_ms = 1_500;
      world.charon.tell("child-updown", world.charon.child("branch0").ike);
      // The listing that the event led to is on its way when its gateway's record is used anew.
      world.run(1_600 + 100 * i);
      world.configure("");
      reload(world, text(CONNECTIONS.slice(1, 2), ...REKEY));
      assert.deepEqual(world.states(), { branch1: "up" });
    }
  });

  test("gateways come and go while charon does: none is taken for another", () => {
    const connections = branches(6);
    const world = settled(connections, ...REKEY);
    for (let i = 0; i < 12; i++) {
      world.configure(text([connections[i % 2]!, connections[2 + (i % 2)]!], ...REKEY));
      world.run(5_000);
      world.charon.restart();
      world.viciClosed();
      world.run(5_000);
      world.configure(text(connections, ...REKEY));
      world.run(10_000);
      assert.deepEqual([...new Set(Object.values(world.states()))], ["up"]);
      for (const { name } of connections) assert.equal(world.vpn(name).gateway, name);
    }
    assert.equal(world.said("has no child"), 0);
  });

  test("removed and added again in turn, a hundred times", () => {
    const world = settled(CONNECTIONS, ...REKEY);
    for (let i = 0; i < 100; i++) {
      reload(
        world,
        text(
          CONNECTIONS.filter((_, c) => c !== i % 3),
          ...REKEY,
        ),
      );
    }
    reload(world, text(CONNECTIONS, ...REKEY));
    assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
  });

  for (const [from, to] of [
    [1, 10],
    [10, 1],
    [60, 1],
    [1, 60],
  ] as [number, number][]) {
    test(`the interval, from ${from} s to ${to} s`, () => {
      const options = (interval_s: number): string[] => [
        `option interval '${interval_s}'`,
        "option rekey '1'",
      ];
      const world = settled(CONNECTIONS, ...options(from));
      world.run(60_000);
      world.sent = [];
      const start_ms = world.now_ms;
      reload(world, text(CONNECTIONS, ...options(to)));
      const [first] = world.sent;
      if (first !== undefined) assert.ok(first.at_ms - start_ms <= Math.min(from, to) * 1_000);
      world.run(120_000);
      assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
      world.sent = [];
      world.run(60_000);
      assert.equal(world.sent.length, (3 * 60) / to);
    });
  }

  test("the threshold holds at once", () => {
    const world = settled(CONNECTIONS, ...EVERY_SECOND);
    reload(world, text(CONNECTIONS, "option interval '1'", "option threshold '10'"));
    world.charon.peer("branch0").silent = true;
    world.run(8_000);
    assert.equal(world.said("is down"), 0);
    world.configure(text(CONNECTIONS, "option interval '1'", "option threshold '5'"));
    world.run(1_500);
    assert.equal(world.said("is down"), 1);
  });

  test("another target: its answers begin at nothing, and the VPN is not down for that", () => {
    const world = settled(CONNECTIONS, ...REKEY);
    world.configure(text(CONNECTIONS, ...REKEY).replace("10.2.1.10", "10.2.1.20"));
    world.run(5_000);
    assert.deepEqual(
      world.vpn("branch1").targets.map(({ address }) => address),
      ["10.2.1.20"],
    );
    assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
    assert.equal(world.said("is down"), 0);
    assert.equal(
      world.said("monitoring for VPN branch1 has been enabled. Src IF 10.1.0.1 dst IP 10.2.1.20"),
      1,
    );
    assert.deepEqual(world.requests(), []);
  });

  test("monitoring is switched off, and on again", () => {
    const world = settled(CONNECTIONS, ...EVERY_SECOND);
    const off = text(CONNECTIONS, ...EVERY_SECOND).replace(
      "option monitor '1'",
      "option monitor '0'",
    );
    world.configure(off);
    world.sent = [];
    world.charon.peer("branch0").silent = true;
    world.run(60_000);
    assert.equal(world.vpn("branch0").sta, "A/-");
    assert.equal(world.vpn("branch0").state, "ready");
    assert.ok(world.sent.every(({ destination }) => destination !== "10.2.0.10"));
    assert.equal(world.said("monitoring for VPN branch0 has been disabled"), 1);
    assert.equal(world.said("is down"), 0);
    world.charon.peer("branch0").silent = false;
    world.configure(text(CONNECTIONS, ...EVERY_SECOND));
    world.run(3_000);
    assert.equal(world.vpn("branch0").sta, "A/U");
    assert.equal(world.said("monitoring for VPN branch0 has been enabled"), 2);
    assert.deepEqual(world.requests(), []);
  });

  test("rekey is switched on for a VPN that is down: it is recovered", () => {
    const world = settled(CONNECTIONS, ...EVERY_SECOND);
    world.charon.child("branch0").dead = true;
    world.run(10_000);
    assert.equal(world.vpn("branch0").state, "down");
    world.configure(text(CONNECTIONS, ...REKEY));
    world.run(10_000);
    assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
    assert.equal(world.said("is down"), 1);
    assert.ok(world.requests().every((request) => request.startsWith("rekey child")));
  });

  test("rekey is switched off in the middle of a recovery: nothing more is begun", () => {
    const world = settled(CONNECTIONS, ...REKEY);
    world.charon.peer("branch0").silent = true;
    world.run(20_000);
    world.configure(text(CONNECTIONS, ...EVERY_SECOND));
    world.run(2_000);
    const requests = world.requests().length;
    world.run(60_000);
    assert.equal(world.requests().length, requests);
    assert.notEqual(world.vpn("branch0").state, "up");
  });

  test("rekey is switched off before the first step has failed: IKE is not forced for it", () => {
    const world = settled(CONNECTIONS, ...REKEY);
    const { id, ike } = world.charon.child("branch0");
    world.charon.peer("branch0").silent = true;
    world.runUntil(() => world.said("is down") > 0, 10_000, 1);
    world.run(100);
    world.configure(text(CONNECTIONS, ...EVERY_SECOND));
    world.run(60_000);
    assert.deepEqual(world.requests(), [`rekey child ${id}`]);
    assert.ok(world.charon.ikes.includes(ike));
  });

  test("a VPN is removed in the middle of its recovery", () => {
    const world = settled(CONNECTIONS, ...REKEY);
    world.charon.peer("branch0").silent = true;
    world.run(20_000);
    world.configure(text(CONNECTIONS.slice(1), ...REKEY));
    world.run(2_000);
    const requests = world.requests().length;
    world.run(60_000);
    assert.equal(world.requests().length, requests);
    assert.deepEqual(Object.values(world.states()), ["up", "up"]);
  });

  test("rekey is switched on, or phase1_lifetime changes: it holds for the IKE_SA there", () => {
    const rekeys = (world: World): number =>
      world.requests().filter((request) => request.startsWith("rekey ike")).length;
    const connections = branches(1, { lifetime_s: 0, rekey_s: 0 });
    const world = settled(connections, ...EVERY_SECOND);
    world.configure(text(connections, ...REKEY, "option phase1_lifetime '600'"));
    world.run(3_000_000);
    assert.ok(rekeys(world) >= 5 && rekeys(world) <= 6, `${rekeys(world)} rekeys`);
    world.configure(text(connections, ...REKEY, "option phase1_lifetime '100000'"));
    const before = rekeys(world);
    world.run(3_000_000);
    assert.equal(rekeys(world), before);
  });

  test("two VPNs change their gateways: what was seen of the one holds not for the other", () => {
    const world = settled(CONNECTIONS.slice(0, 2), ...EVERY_SECOND);
    world.charon.child("branch0").dead = true;
    world.run(6_000);
    assert.deepEqual(world.states(), { branch0: "down", branch1: "up" });
    const [a, b] = CONNECTIONS as [Connection, Connection];
    const crossed = text(
      [
        { ...b, name: a.name },
        { ...a, name: b.name },
      ],
      ...EVERY_SECOND,
    )
      .replaceAll("option gateway 'branch0'", "option gateway 'x'\noption child 'x'")
      .replaceAll("option gateway 'branch1'", "option gateway 'branch0'\noption child 'branch0'")
      .replaceAll("'x'", "'branch1'");
    world.configure(crossed);
    world.run(10_000);
    assert.deepEqual(world.states(), { branch0: "up", branch1: "down" });
    assert.deepEqual(world.requests(), []);
  });
});

test("global values: an event for each that changed", () => {
  const world = settled(CONNECTIONS);
  const global = (interval_s: number, threshold: number): string =>
    `config vpnmonitor 'global'\noption interval '${interval_s}'\n` +
    `option threshold '${threshold}'\n`;
  reload(world, global(5, 10) + text(CONNECTIONS));
  assert.equal(world.said("vpnmonitor interval is set to 5"), 1);
  assert.equal(world.said("vpnmonitor threshold"), 0);
  reload(world, global(5, 7) + text(CONNECTIONS));
  assert.equal(world.said("vpnmonitor interval"), 1);
  assert.equal(world.said("vpnmonitor threshold is set to 7"), 1);
});

test("a bad configuration is refused, with each mistake, and the running one stays", () => {
  const world = settled(CONNECTIONS, ...REKEY);
  const before = world.vpn("branch0").echoes_sent;
  for (const bad of [
    "option nonsense '1'",
    "option quorum '9'",
    "option interval '0'",
    "unquoted '",
  ]) {
    const mistakes = world.reload(text(CONNECTIONS.slice(1), ...REKEY, bad));
    assert.ok(mistakes.length > 0, bad);
    for (const line of mistakes) assert.match(line, /^test\.conf:\d+: /);
  }
  world.run(10_000);
  assert.equal(world.vpn("branch0").echoes_sent, before + 10);
  assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
  assert.equal(world.said("Configuration refused, the running one stays"), 4);
});

test("an empty configuration is one too: everything stops, and nothing is touched", () => {
  const world = settled(CONNECTIONS, ...REKEY);
  world.configure("");
  world.sent = [];
  world.run(100_000);
  assert.deepEqual(world.sent, []);
  assert.deepEqual(world.states(), {});
  assert.deepEqual(world.requests(), []);
  assert.equal(world.charon.ikes.length, 3);
  reload(world, text(CONNECTIONS, ...REKEY));
  assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
});

test("another mode judges no round early: saving the configuration is no 'down'", () => {
  const once = ["option interval '10'", "option threshold '1'"];
  const world = settled(CONNECTIONS, ...once);
  world.round_trip_ms = 300;
  world.run(20_000);
  const { echoes } = world.counts;
  world.runUntil(() => world.counts.echoes === echoes + 3, 20_000, 1);
  world.configure(text(CONNECTIONS, ...once, "option optimized '1'"));
  world.run(60_000);
  assert.equal(world.said("is down"), 0);
  assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
});
