/** Keys are renewed before their hard lifetime, make before break, by whoever is to do it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { Connection } from "../../host/node/sim/model/charon.ts";
import { branches, monitored, settled, World } from "./lib/world.ts";

const EVERY_SECOND = ["option interval '1'", "option threshold '3'"];
const REKEY = [...EVERY_SECOND, "option rekey '1'"];

function idle(connection: Partial<Connection>, ...options: string[]): World {
  return settled(branches(1, connection), ...options);
}

/** Nobody noticed anything, but that there are new keys. */
function assertSeamless(world: World, rekeys: number): void {
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("is down"), 0);
  assert.equal(world.counts.echoes - world.counts.replies <= 1, true);
  assert.equal(world.counts.held_back, 0);
  assert.equal(world.vpn("branch0").rekeys, rekeys);
  assert.equal(world.said("successfully rekeyed the SA"), rekeys);
  assert.equal(world.vpn("branch0").availability_percent, 100);
}

function renewals(world: World): number[] {
  return world.charon.requests
    .filter(({ text }) => text.startsWith("rekey child"))
    .map(({ at_ms }) => at_ms);
}

describe("Phase 2", () => {
  for (const lifetime_s of [20, 60, 600, 3_600, 86_400]) {
    test(`of ${lifetime_s} s, which strongSwan would let expire, is renewed in time`, () => {
      const world = idle({ lifetime_s, rekey_s: 0 }, ...REKEY, "option phase1_lifetime '0'");
      const start_ms = world.now_ms - 10_000;
      world.run(lifetime_s * 1_000 - 10_000);
      const times_ms = renewals(world);
      assert.equal(times_ms.length, 1);
      // A tenth before the end, at least 10 s, at most a third; +-10 % of that.
      const margin_ms = Math.min(Math.max(lifetime_s * 100, 10_000), (lifetime_s * 1_000) / 3);
      const before_ms = start_ms + lifetime_s * 1_000 - times_ms[0]!;
      assert.ok(
        before_ms >= 0.9 * margin_ms - 1_000 && before_ms <= 1.1 * margin_ms + 1_000,
        `${before_ms}`,
      );
      assertSeamless(world, 1);
      world.run(lifetime_s * 1_000 * 4);
      assert.equal(world.said("is down"), 0);
      assert.ok(world.vpn("branch0").rekeys >= 4);
      assert.equal(world.requests().filter((text) => !text.startsWith("rekey child")).length, 0);
    });
  }

  test("is renewed in time though the machine slept while a list of it was on its way", () => {
    const connections = branches(1, { lifetime_s: 100, rekey_s: 0 });
    const world = new World(new Engine(), connections);
    world.charon.establish("branch0");
    world.charon.response_ms = 500;
    world.configure(monitored(connections, ...REKEY));
    world.runUntil(() => world.charon.lists > 0, 5_000, 1);
    world.setTime(world.now_ms + 50_000);
    world.charon.response_ms = 0;
    world.run(45_000);
    assert.equal(renewals(world).length, 1);
    assert.equal(world.said("is down"), 0);
  });

  test("that strongSwan rekeys in time is left to it", () => {
    const world = idle({ lifetime_s: 600, rekey_s: 500 }, ...REKEY);
    world.run(5_000_000);
    assert.deepEqual(world.requests(), []);
    assertSeamless(world, 10);
  });

  test("is renewed by us where strongSwan's own rekey does not come about", () => {
    const world = idle({ lifetime_s: 600, rekey_s: 500 }, ...REKEY);
    world.charon.forgets_to_rekey = true;
    world.run(580_000);
    assert.equal(renewals(world).length, 1);
    const age_ms = renewals(world)[0]! - 1_000 * world.charon.child("branch0").installed_s;
    assert.ok(Math.abs(age_ms) <= 1_000, `${age_ms} ms`);
    assertSeamless(world, 1);
  });

  test("that cannot be renewed at first is tried again until it is", () => {
    const world = idle({ lifetime_s: 300, rekey_s: 0 }, ...REKEY);
    world.charon.peer("branch0").refuses = true;
    world.run(280_000);
    const tries = renewals(world).length;
    assert.ok(tries >= 2 && tries <= 6, `${tries} tries`);
    world.charon.peer("branch0").refuses = false;
    world.run(60_000);
    assertSeamless(world, 1);
  });

  test("without rekey is never renewed by us", () => {
    const world = idle({ lifetime_s: 60, rekey_s: 0 }, ...EVERY_SECOND);
    world.run(120_000);
    assert.deepEqual(world.requests(), []);
    // strongSwan makes it anew when its hard lifetime ends.
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  test("without a lifetime is never renewed", () => {
    const world = idle({ lifetime_s: 0, rekey_s: 0 }, ...REKEY);
    world.run(200_000_000);
    assert.equal(renewals(world).length, 0);
    assertSeamless(world, 0);
  });

  test("of a clock that jumped past its soft lifetime is renewed at once", () => {
    const world = idle({ lifetime_s: 3_600, rekey_s: 0 }, ...REKEY);
    world.setTime(world.now_ms + 3_400_000);
    world.run(2_000);
    assert.equal(renewals(world).length, 1);
    assert.equal(world.said("is down"), 0);
  });

  test("of a thousand VPNs that came up together is not renewed all at once", () => {
    const connections = branches(1_000, { lifetime_s: 3_600, rekey_s: 0 });
    const world = new World(new Engine(), connections);
    for (const { name } of connections) world.charon.establish(name);
    world.configure(monitored(connections, "option interval '600'", "option rekey '1'"));
    world.run(3_590_000);
    const times_ms = renewals(world);
    assert.equal(times_ms.length, 1_000);
    const seconds = new Map<number, number>();
    for (const at_ms of times_ms) {
      const second = Math.floor(at_ms / 1_000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    assert.ok(
      Math.max(...seconds.values()) <= 60,
      `${Math.max(...seconds.values())} in one second`,
    );
    assert.equal(world.said("is down"), 0);
  });
});

describe("Phase 1", () => {
  const LONG = { lifetime_s: 0, rekey_s: 0 };

  test("that strongSwan never rekeys is renewed before phase1_lifetime", () => {
    const world = idle(LONG, ...REKEY, "option phase1_lifetime '1000'");
    const [old] = world.charon.ikes;
    world.run(990_000);
    assert.deepEqual(world.requests(), [`rekey ike ${old!.id}`]);
    const age_ms = world.charon.requests[0]!.at_ms - 1_000_000;
    assert.ok(age_ms >= 890_000 && age_ms <= 911_000, `${age_ms} ms`);
    assert.equal(world.charon.ikes.length, 1);
    assert.equal(world.said("Phase 1: Successfully rekeyed"), 1);
    assertSeamless(world, 0);
    world.run(5_000_000);
    assert.ok(world.requests().length >= 6 && world.requests().length <= 7);
    assertSeamless(world, 0);
  });

  test("that strongSwan rekeys is left to it", () => {
    const world = idle({ ...LONG, ike_rekey_s: 500 }, ...REKEY, "option phase1_lifetime '1000'");
    world.run(5_000_000);
    assert.deepEqual(world.requests(), []);
    assertSeamless(world, 0);
  });

  test("with phase1_lifetime 0, or without rekey, is left alone", () => {
    for (const options of [[...REKEY, "option phase1_lifetime '0'"], EVERY_SECOND]) {
      const world = idle(LONG, ...options);
      world.run(100_000_000);
      assert.deepEqual(world.requests(), []);
    }
  });

  test("of many that are older than that at the start is not renewed all at once", () => {
    const connections = branches(20, LONG);
    const world = new World(new Engine(), connections);
    for (const { name } of connections) world.charon.establish(name);
    world.run(10 * 3_600_000);
    world.configure(monitored(connections, "option interval '60'", "option rekey '1'"));
    world.run(2_880_000);
    const times_ms = world.charon.requests.map(({ at_ms }) => at_ms);
    assert.equal(times_ms.length, connections.length);
    for (const from_ms of times_ms) {
      const close = times_ms.filter((at_ms) => at_ms >= from_ms && at_ms < from_ms + 60_000);
      assert.ok(close.length <= 5, `${close.length} within a minute`);
    }
  });

  test("is counted anew where a restarted charon gives the old one's number to another", () => {
    const world = idle(LONG, ...REKEY, "option phase1_lifetime '1000'");
    world.run(800_000);
    const { id } = world.charon.ikes[0]!;
    world.charon.restart();
    world.viciClosed();
    const fresh = world.charon.establish("branch0").ike;
    assert.equal(fresh.id, id);
    const born_ms = world.now_ms;
    world.run(1_000_000);
    assert.deepEqual(world.requests(), [`rekey ike ${id}`]);
    const age_ms = world.charon.requests[0]!.at_ms - born_ms;
    assert.ok(age_ms >= 888_000 && age_ms <= 911_000, `${age_ms} ms`);
  });

  test("is 28800 s by default", () => {
    const world = idle(LONG, ...REKEY);
    world.run(28_800_000);
    assert.equal(world.requests().filter((text) => text.startsWith("rekey ike")).length, 1);
  });
});
