/** VPNs that share an IKE_SA: what is done for one harms no other. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { Child } from "../../host/node/sim/model/charon.ts";
import { hub, monitoredChildren, World } from "./lib/world.ts";

const EVERY_SECOND = ["option interval '1'", "option threshold '3'"];
const REKEY = [...EVERY_SECOND, "option rekey '1'"];
const HUB = hub();
const [NET0, NET1] = HUB.children as [Child, Child];

function shared(...options: string[]): World {
  const world = new World(new Engine(), [HUB]);
  world.configure(monitoredChildren(HUB, HUB.children, ...options));
  world.run(10_000);
  assert.deepEqual(world.states(), { net0: "up", net1: "up" });
  return world;
}

/** A target of net0 that is switched off. */
function switchOffNet0(world: World): void {
  world.answers = ({ destination }) => destination.readUInt8(14) !== 0;
}

function terminations(world: World): string[] {
  return world.requests().filter((text) => text.startsWith("terminate"));
}

describe("two VPNs on one IKE_SA:", () => {
  test("one is dead: the other loses nothing", () => {
    const world = shared(...REKEY);
    world.charon.child("net0").dead = true;
    world.run(30_000);
    assert.deepEqual(world.states(), { net0: "up", net1: "up" });
    assert.equal(world.said("VPN 'net1' from 198.51.100.1 is down"), 0);
    assert.equal(world.vpn("net1").availability_percent, 100);
    assert.equal(world.vpn("net1").rekeys, 0);
    assert.deepEqual(terminations(world), []);
  });

  test("one stays dead, whatever its key: IKE is not forced while the other answers", () => {
    const world = shared(...REKEY);
    switchOffNet0(world);
    world.run(600_000);
    assert.deepEqual(world.states(), { net0: "down", net1: "up" });
    assert.equal(world.vpn("net1").availability_percent, 100);
    assert.deepEqual(terminations(world), []);
    const since_ms = world.now_ms;
    world.run(600_000);
    assert.ok(world.requests(since_ms).length <= 10);
  });

  test("IKE exchanges hang while the other's data still flows: it is let live", () => {
    const world = shared(...REKEY);
    world.charon.peer("hub").exchange_ms = 1_000_000;
    world.charon.child("net0").dead = true;
    world.run(120_000);
    assert.deepEqual(world.states(), { net0: "down", net1: "up" });
    assert.deepEqual(terminations(world), []);
    world.charon.child("net1").dead = true;
    world.charon.peer("hub").exchange_ms = 5;
    world.run(30_000);
    assert.deepEqual(world.states(), { net0: "up", net1: "up" });
  });

  test("both are dead because the peer has forgotten: one new IKE_SA serves both", () => {
    const world = shared(...REKEY);
    world.charon.forget("hub");
    world.run(30_000);
    assert.deepEqual(world.states(), { net0: "up", net1: "up" });
    assert.equal(world.charon.ikes.length, 1);
    assert.equal(world.charon.children("net0").length, 1);
    assert.equal(world.charon.children("net1").length, 1);
    assert.ok(terminations(world).length <= 2);
  });

  for (const [refused, other] of [
    [NET0, NET1],
    [NET1, NET0],
  ] as const) {
    test(`the peer refuses ${refused.name}: ${other.name} does not wait for that`, () => {
      const world = shared(...REKEY);
      world.charon.peer("hub").refused_children.add(refused.name);
      world.charon.removeChild(world.charon.child(refused.name));
      world.run(5_000);
      world.charon.removeChild(world.charon.child(other.name));
      assert.ok(world.runUntil(() => world.vpn(other.name).state === "up", 10_000) <= 1_000);
      // Nor later, when the pause after refusals is minutes.
      world.run(600_000);
      world.charon.removeChild(world.charon.child(other.name));
      assert.ok(world.runUntil(() => world.vpn(other.name).state === "up", 10_000) <= 1_000);
      assert.equal(world.vpn(refused.name).state, "down");
      world.run(60_000);
      const peer = world.charon.peer("hub");
      peer.refused_children.clear();
      world.run(330_000);
      assert.deepEqual(world.states(), { net0: "up", net1: "up" });
    });
  }
});

test("a sibling that lives on another IKE_SA is no reason to leave a dead VPN alone", () => {
  const world = shared(...REKEY);
  // A new SA of net1 that never works, ...
  world.answers = ({ destination }) => destination.readUInt8(14) !== 1;
  world.charon.removeChild(world.charon.child("net1"));
  world.run(100);
  const dead = world.charon.child("net1");
  dead.dead = true;
  world.answers = () => true;
  // ... whose IKE_SA net0 leaves for one of the peer's.
  world.charon.establish("hub", false);
  world.run(60_000);
  assert.deepEqual(world.states(), { net0: "up", net1: "up" });
  assert.equal(world.vpn("net0").availability_percent, 100);
  assert.deepEqual(terminations(world).slice(1), [`terminate ike ${dead.ike.id}`]);
});

describe("the target of one is switched off: the CHILD_SA beside it stays,", () => {
  /** Nobody touches the SA of net1, and nobody says that IKE is dead, for it answers. */
  function assertLeftAlone(world: World): void {
    const { id } = world.charon.child("net1");
    switchOffNet0(world);
    world.run(3_600_000);
    assert.equal(world.vpn("net0").state, "down");
    assert.deepEqual(
      world.charon.children("net1").map((sa) => sa.id),
      [id],
    );
    assert.deepEqual(terminations(world), []);
    assert.ok(world.requests().some((text) => text.startsWith("rekey child")));
    // Each new key that does not help is followed by a longer pause.
    assert.ok(world.requests().length <= 30, `${world.requests().length} requests`);
  }

  /** Both CHILD_SAs for a day on one IKE_SA, and what is configured of them. */
  function established(text: string): World {
    const world = new World(new Engine(), [{ ...HUB, lifetime_s: 86_400, rekey_s: 0 }]);
    const { ike } = world.charon.establish("hub");
    world.charon.addChild(ike, NET1);
    world.configure(text);
    world.run(130_000);
    assert.equal(world.vpn("net0").state, "up");
    return world;
  }

  const monitoredNet0 = monitoredChildren(HUB, [NET0], ...REKEY);

  test("where rekeyd knows nothing of it", () => {
    assertLeftAlone(established(monitoredNet0));
  });

  test("where it is configured, and not monitored", () => {
    const net1 = "config vpn 'net1'\noption gateway 'hub'\noption monitor '0'\n";
    assertLeftAlone(established(monitoredNet0 + net1));
  });

  test("where it is monitored without rekey, and its echoes are rare", () => {
    const net1 = monitoredChildren(HUB, [NET1], "option interval '60'");
    const world = established(monitoredNet0 + net1);
    assertLeftAlone(world);
    assert.equal(world.vpn("net1").state, "up");
    assert.equal(world.vpn("net1").availability_percent, 100);
  });

  test("where IKE itself hangs, and only users' packets show that its peer has it", () => {
    const net1 = monitoredChildren(HUB, [NET1], "option interval '3600'");
    const world = established(monitoredNet0 + net1);
    const sa = world.charon.child("net1");
    const receive = (): void => {
      sa.packets_in++;
      world.after(300, receive);
    };
    receive();
    world.charon.peer("hub").exchange_ms = 1_000_000;
    world.charon.child("net0").dead = true;
    world.run(600_000);
    assert.deepEqual(terminations(world), []);
    assert.deepEqual(world.charon.children("net1"), [sa]);
  });
});

for (const count of [2, 5, 20]) {
  test(`the peer restarts under ${count} VPNs on one IKE_SA: all are back within 2 s`, () => {
    const connection = hub(count);
    const world = new World(new Engine(), [connection]);
    world.configure(monitoredChildren(connection, connection.children, ...REKEY));
    // So long that the counters of the last listing are old.
    world.run(40_000);
    world.charon.forget("hub");
    world.runUntil(() => world.said("is down") > 0, 10_000, 1);
    const down_ms = world.saidAt("is down")[0]!;
    const allUp = (): boolean => Object.values(world.states()).every((state) => state === "up");
    world.runUntil(() => world.said("is down") === count && allUp(), 10_000);
    const back_ms = world.saidAt("is up").at(-1)! - down_ms;
    assert.ok(back_ms <= 2_000, `${back_ms} ms`);
    assert.equal(terminations(world).length, 1);
    world.run(60_000);
    assert.equal(world.charon.ikes.length, 1);
    assert.equal(world.charon.ikes[0]!.children.length, count);
    assert.equal(world.said("is down"), count);
  });
}

test("an attempt whose VPN leaves the configuration is looked at before another one begins", () => {
  const connection = hub();
  const children = connection.children;
  const world = new World(new Engine(), [connection]);
  world.charon.peer("hub").silent = true;
  world.charon.response_ms = 20;
  const options = ["option interval '5'", "option threshold '3'", "option rekey '1'"];
  world.configure(monitoredChildren(connection, children, ...options));
  world.runUntil(() => world.requests().length > 0, 5_000);
  assert.deepEqual(world.requests(), ["initiate hub/net1"]);
  world.configure(monitoredChildren(connection, children.slice(0, 1), ...options));
  world.run(1_000);
  assert.deepEqual(world.requests(), ["initiate hub/net1"]);
  // It has the time that an attempt has; then the other VPN makes its own.
  world.run(10_000);
  assert.ok(world.requests().includes("initiate hub/net0"));
  assert.equal(world.charon.hasty, 0);
});
