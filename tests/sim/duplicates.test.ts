/** Exactly one CHILD_SA stays, and both ends would choose the same one (design.md, rule 8). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { ChildSa, Connection } from "../../host/node/sim/model/charon.ts";
import { branches, monitored, settled, World } from "./lib/world.ts";

const EVERY_SECOND = ["option interval '1'", "option threshold '3'"];
const REKEY = [...EVERY_SECOND, "option rekey '1'"];

function spis(sa: ChildSa, spi_in: number, spi_out: number): void {
  sa.spi_in = spi_in;
  sa.spi_out = spi_out;
}

/** A second CHILD_SA beside the one in use: on its own IKE_SA, or on the same. */
function duplicate(world: World, own_ike: boolean, initiator = true): [ChildSa, ChildSa] {
  const first = world.charon.child("branch0");
  if (own_ike) {
    const second = world.charon.establish("branch0", initiator);
    // As when both ends initiate at once.
    second.ike.established_s = first.ike.established_s;
    return [first, second];
  }
  const second = world.charon.addChild(first.ike, first.config);
  world.charon.tell("child-updown", first.ike);
  return [first, second];
}

/** The CHILD_SA that is left, after the other one was removed by us at about that time. */
function left(world: World, from_ms: number, until_ms: number): ChildSa {
  const start_ms = world.now_ms;
  const took_ms = world.runUntil(() => world.charon.children("branch0").length === 1, 60_000);
  assert.ok(took_ms >= from_ms && took_ms <= until_ms, `${took_ms} ms`);
  world.run(20_000);
  assert.equal(world.said("Removed the duplicate SA"), 1);
  assert.equal(world.charon.ikes.length, 1);
  assert.equal(world.requests(start_ms).length, 1);
  assert.equal(world.said("is down"), 0);
  assert.deepEqual(world.states(), { branch0: "up" });
  return world.charon.child("branch0");
}

describe("the pair whose smaller SPI is the smallest goes:", () => {
  const cases: [first: [number, number], second: [number, number], loser: 0 | 1][] = [
    [[0xc0000001, 0xc0000002], [0xd0000001, 0xd0000002], 0],
    [[0xd0000001, 0xd0000002], [0xc0000001, 0xc0000002], 1],
    // The direction does not matter, for the other end sees it the other way round.
    [[0xf0000000, 0x00000100], [0x00000200, 0x00000300], 0],
    [[0x00000100, 0xf0000000], [0x00000300, 0x00000200], 0],
    [[0x7fffffff, 0xffffffff], [0x80000000, 0x80000001], 0],
  ];
  for (const own_ike of [true, false]) {
    for (const [first, second, loser] of cases) {
      const shown = [first, second].map((pair) => pair.map((spi) => spi.toString(16)).join("/"));
      test(`${shown.join(" or ")}, ${own_ike ? "an IKE_SA each" : "on one IKE_SA"}`, () => {
        const world = settled(branches(1), ...REKEY);
        const pair = duplicate(world, own_ike);
        // Those of the first were listed before, so it is made to look like another.
        spis(pair[0], ...first);
        spis(pair[1], ...second);
        const ours = left(world, 1_000, 4_000);
        assert.equal(ours, pair[1 - loser]);
        // With its last CHILD_SA an IKE_SA goes too.
        const [request] = world.requests();
        const gone = pair[loser]!;
        assert.equal(
          request,
          own_ike ? `terminate ike ${gone.ike.id}` : `terminate child ${gone.id}`,
        );
      });
    }
  }
});

test("an IKE_SA that is much older than the other is a relic, whatever the SPIs", () => {
  for (const initiator of [true, false]) {
    const world = settled(branches(1), ...REKEY);
    const [first] = duplicate(world, true);
    world.charon.removeChild(world.charon.child("branch0"));
    world.run(20_000);
    const start_ms = world.now_ms;
    const second = world.charon.establish("branch0", initiator);
    spis(second, 0x100, 0x200);
    world.run(20_000);
    assert.equal(world.charon.child("branch0"), second);
    assert.ok(world.requests(start_ms).includes(`terminate ike ${first.ike.id}`));
    assert.equal(world.said("is down"), 0);
  }
});

test("a peer that restarts without a word: its new SA stays, and nothing is down", () => {
  for (const old_is_better of [true, false]) {
    const world = settled(branches(1), ...REKEY);
    world.run(60_000);
    const old = world.charon.child("branch0");
    // Without INITIAL_CONTACT our end keeps the old IKE_SA until DPD finds it dead.
    world.charon.peer("branch0").initial_contact = false;
    world.charon.forget("branch0");
    const fresh = world.charon.establish("branch0", false);
    if (old_is_better) spis(fresh, 0x100, 0x200);
    world.run(300_000);
    assert.deepEqual(world.charon.children("branch0"), [fresh]);
    assert.deepEqual(world.requests(), [`terminate ike ${old.ike.id}`]);
    assert.equal(world.said("is down"), 0);
  }
});

test("a peer that restarts and says so: strongSwan removes the old SA, nothing is asked", () => {
  const world = settled(branches(1), ...REKEY);
  world.run(60_000);
  world.charon.forget("branch0");
  const fresh = world.charon.establish("branch0", false);
  world.run(300_000);
  assert.deepEqual(world.charon.children("branch0"), [fresh]);
  assert.deepEqual(world.requests(), []);
  assert.equal(world.said("is down"), 0);
});

test("CHILD_SAs of one child with other selectors are no duplicates, but each its own way", () => {
  for (const covered_is_newest of [true, false]) {
    const connections = branches(1);
    const world = new World(new Engine(), connections);
    const [config] = world.charon.connections as [Connection];
    const elsewhere = { ...config, remote_ts: "10.9.0.0/24" };
    const { ike } = world.charon.establish("branch0");
    world.charon.addChild(ike, elsewhere);
    if (covered_is_newest) {
      world.charon.removeChild(world.charon.child("branch0"));
      world.charon.removeChild(world.charon.child("branch0"));
      world.charon.addChild(ike, elsewhere);
      world.charon.addChild(ike, config);
    }
    world.configure(monitored(connections, ...REKEY));
    world.run(300_000);
    assert.equal(world.charon.children("branch0").length, 2);
    assert.deepEqual(world.requests(), []);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.said("cannot ping"), 0);
  }
});

describe("a connection that several peers use", () => {
  /** The peer of the VPN, and another one on the same connection, as with dial-up. */
  function dialUp(): { world: World; first: ChildSa; second: ChildSa } {
    const world = settled(branches(1), ...REKEY);
    const first = world.charon.child("branch0");
    const second = world.charon.establish("branch0", false, "203.0.113.77");
    world.run(60_000);
    return { world, first, second };
  }

  test("has no duplicates: each peer keeps its SA, and one line names the connection", () => {
    const { world, first, second } = dialUp();
    assert.deepEqual(world.charon.children("branch0"), [first, second]);
    assert.deepEqual(world.requests(), []);
    assert.equal(world.said("connection 'branch0' has IKE_SAs with several peers"), 1);
  });

  test("keeps the IKE_SA of the one when the other is dead", () => {
    const { world, first, second } = dialUp();
    // Packets go out on the newest.
    second.ike.forgotten = true;
    second.dead = true;
    world.run(60_000);
    assert.deepEqual(world.charon.ikes, [first.ike]);
    assert.equal(world.charon.children("branch0").length, 1);
    assert.deepEqual(world.states(), { branch0: "up" });
  });
});

test("what the peer initiated is left to it; much later we remove what it does not use", () => {
  const world = settled(branches(1), ...REKEY);
  const [, second] = duplicate(world, true, false);
  // By the SPIs it would be the loser, but the peer sends on it alone.
  spis(second, 0x100, 0x200);
  assert.equal(left(world, 6_000, 8_000), second);
});

test("what the peer removes in time is not removed by us", () => {
  const world = settled(branches(1), ...REKEY);
  const [, second] = duplicate(world, true, false);
  spis(second, 0x100, 0x200);
  world.run(5_000);
  assert.deepEqual(world.requests(), []);
  world.charon.removeIke(second.ike);
  world.run(60_000);
  assert.deepEqual(world.requests(), []);
  assert.equal(world.said("is down"), 0);
});

test("a rekey is no duplicate: the old SA goes by itself", () => {
  const world = settled(branches(1), ...REKEY);
  for (let i = 0; i < 20; i++) {
    world.charon.rekeyChild(world.charon.child("branch0"));
    world.run(7_000 + i);
  }
  assert.deepEqual(world.requests(), []);
  assert.equal(world.vpn("branch0").rekeys, 20);
});

test("a slow rekey, and a deletion that hangs, are no duplicates either", () => {
  const world = settled(branches(1), ...REKEY);
  const [first, second] = duplicate(world, true);
  spis(second, 0x100, 0x200);
  for (const state of ["REKEYING", "DELETING"] as const) {
    second.state = state;
    world.run(120_000);
    assert.deepEqual(world.requests(), [], state);
  }
  assert.equal(first.state, "INSTALLED");
});

test("three become one", () => {
  const world = settled(branches(1), ...REKEY);
  world.charon.establish("branch0");
  world.charon.establish("branch0");
  world.run(30_000);
  assert.equal(world.charon.children("branch0").length, 1);
  assert.equal(world.charon.ikes.length, 1);
  assert.equal(world.said("Removed the duplicate SA"), 2);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("is down"), 0);
});

test("an IKE_SA without a CHILD_SA beside one that has one goes too", () => {
  const world = settled(branches(1), ...REKEY);
  const [first] = duplicate(world, true);
  world.charon.removeChild(first);
  world.run(30_000);
  assert.equal(world.charon.ikes.length, 1);
  assert.equal(world.charon.children("branch0").length, 1);
  assert.deepEqual(world.requests(), [`terminate ike ${first.ike.id}`]);
  assert.equal(world.said("is down"), 0);
});

test("an IKE_SA that carries another child is not removed with the duplicate", () => {
  const connections = branches(1);
  const world = settled(connections, ...REKEY);
  const [, second] = duplicate(world, true);
  spis(second, 0x100, 0x200);
  const other = { name: "other", local_ts: "10.1.0.0/16", remote_ts: "10.77.0.0/16" };
  world.charon.addChild(second.ike, other);
  world.run(30_000);
  assert.equal(world.charon.children("branch0").length, 1);
  assert.equal(world.charon.children("other").length, 1);
  assert.deepEqual(world.requests(), [`terminate child ${second.id}`]);
});

test("without rekey no duplicate is removed: no SA is ever touched", () => {
  const world = settled(branches(1), ...EVERY_SECOND);
  duplicate(world, true);
  const [first] = duplicate(world, true);
  world.charon.removeChild(first);
  world.run(300_000);
  assert.deepEqual(world.requests(), []);
});
