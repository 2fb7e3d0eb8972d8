/** charon comes and goes, is slow, hangs, and does not tell everything. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { branches, EPERM, monitored, settled, World } from "./lib/world.ts";

const EVERY_SECOND = ["option interval '1'", "option threshold '3'"];
const REKEY = [...EVERY_SECOND, "option rekey '1'"];

function assertUntouched(world: World): void {
  assert.deepEqual([...new Set(Object.values(world.states()))], ["up"]);
  assert.equal(world.said("is down"), 0);
  assert.equal(world.vpn("branch0").misses, 0);
  assert.deepEqual(world.requests(), []);
}

/** charon ends and begins anew, with what it has configured and no SA. */
function restartCharon(world: World, away_ms: number): void {
  world.charon.restart();
  world.vici = false;
  world.viciClosed();
  world.run(away_ms);
  world.vici = true;
}

test("the socket is not there yet: that is said once, and the SAs are adopted when it is", () => {
  const connections = branches(2);
  const world = new World(new Engine(), connections);
  for (const { name } of connections) world.charon.establish(name);
  world.vici = false;
  world.configure(monitored(connections, ...REKEY));
  world.run(60_000);
  assert.equal(world.said("No connection to strongSwan"), 1);
  assert.equal(world.counts.echoes, 0);
  world.vici = true;
  world.run(4_000);
  assert.equal(world.said("Connected to strongSwan"), 1);
  assertUntouched(world);
});

test("the connection breaks and is back: no miss, no SA touched", () => {
  const world = settled(branches(2), ...REKEY);
  for (let i = 0; i < 20; i++) {
    world.viciClosed(104);
    world.run(5_000 + 77 * i);
  }
  assertUntouched(world);
  assert.equal(world.said("Connected to strongSwan"), 21);
});

test("back in the middle of an attempt: what charon is still at is looked at first", () => {
  const world = settled(branches(1), ...REKEY);
  world.charon.peer("branch0").silent = true;
  world.charon.forget("branch0");
  world.run(20_000);
  world.charon.response_ms = 200;
  for (let i = 0; i < 20; i++) {
    world.viciClosed(104);
    world.run(4_000 + 130 * i);
  }
  assert.equal(world.charon.hasty, 0);
  world.charon.peer("branch0").silent = false;
  world.charon.response_ms = 0;
  world.run(10_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.charon.ikes.length, 1);
});

test("away, the echoes go on and find a fault; recovery begins when it is back", () => {
  const world = settled(branches(1), ...REKEY);
  world.vici = false;
  world.viciClosed();
  world.run(10_000);
  assertUntouched(world);
  world.charon.child("branch0").dead = true;
  world.run(10_000);
  assert.deepEqual(world.states(), { branch0: "down" });
  world.vici = true;
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("is down"), 1);
  assert.equal(world.said("successfully rekeyed"), 1);
});

for (const away_ms of [10, 3_000, 60_000]) {
  test(`charon is restarted, away for ${away_ms / 1_000} s: one 'down', and up again`, () => {
    const world = settled(branches(3), ...REKEY);
    restartCharon(world, away_ms);
    world.run(15_000);
    assert.deepEqual([...new Set(Object.values(world.states()))], ["up"]);
    for (const name of ["branch0", "branch1", "branch2"]) {
      assert.equal(
        world.said(`VPN '${name}' from ${world.charon.ikesOf(name)[0]!.connection.remote} is down`),
        1,
      );
      assert.equal(world.charon.children(name).length, 1);
      assert.equal(world.vpn(name).rekeys, 1);
    }
  });
}

test("a restarted charon gives the same numbers to other SAs: their SPIs tell them apart", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  world.configure(monitored(connections, ...REKEY));
  world.run(10_000);
  const { id } = world.charon.child("branch0");
  world.charon.restart();
  world.viciClosed();
  // The peer, or traffic, was faster than rekeyd.
  const sa = world.charon.establish("branch0");
  assert.equal(sa.id, id);
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("successfully rekeyed"), 1);
  assert.equal(world.said("is down"), 0);
});

test("a list that is cut short removes nothing", () => {
  const world = settled(branches(10), ...REKEY);
  for (let i = 0; i < 10; i++) {
    world.charon.cuts_list = true;
    world.charon.tell("child-updown", world.charon.ikes[i]!);
    world.run(65_000);
  }
  assertUntouched(world);
  assert.equal(world.said("No connection to strongSwan"), 10);
});

test("charon hangs: it is given 10 s, the VPNs are monitored all the while", () => {
  const world = settled(branches(1), ...REKEY);
  world.charon.hangs = true;
  world.run(120_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  world.charon.child("branch0").dead = true;
  world.run(10_000);
  assert.deepEqual(world.states(), { branch0: "down" });
  world.charon.hangs = false;
  world.run(30_000);
  assert.deepEqual(world.states(), { branch0: "up" });
});

for (const read_bytes of [1, 7, 64]) {
  test(`charon's bytes come ${read_bytes} at a time`, () => {
    const world = settled(branches(2), ...REKEY);
    world.read_bytes = read_bytes;
    world.charon.child("branch0").dead = true;
    world.run(120_000);
    assert.deepEqual(world.states(), { branch0: "up", branch1: "up" });
    assert.equal(world.vpn("branch0").rekeys, 1);
    assert.equal(world.said("Connected to strongSwan"), 1);
  });
}

test("SAs of other connections and children are nobody's", () => {
  const connections = branches(3);
  const world = new World(new Engine(), connections);
  for (const { name } of connections) world.charon.establish(name);
  const [ike] = world.charon.ikesOf("branch0");
  world.charon.addChild(ike!, { name: "guest", local_ts: "10.1.0.0/16", remote_ts: "10.9.0.0/16" });
  world.configure(monitored(connections.slice(0, 1), ...REKEY));
  world.run(60_000);
  assertUntouched(world);
  assert.equal(world.vpn("branch0").sas.length, 1);
});

test("a VPN that strongSwan does not have: said once, and taken up when it is loaded", () => {
  const connections = branches(2);
  const world = new World(new Engine(), connections.slice(0, 1));
  world.configure(monitored(connections, ...EVERY_SECOND));
  world.run(300_000);
  assert.equal(world.said("waits: strongSwan has no connection 'branch1'"), 1);
  world.charon.connections.push(connections[1]!);
  world.charon.establish("branch1");
  world.run(3_000);
  assert.equal(world.states()["branch1"], "up");
});

describe("an SA goes, and nobody tells", () => {
  test("the guard holds the echo back: a list is asked for, and no miss is charged", () => {
    const world = settled(branches(1), "option interval '10'", "option rekey '1'");
    world.charon.ikes = [];
    const gone_ms = world.now_ms;
    world.run(30_000);
    assert.equal(world.counts.held_back, 1);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.said("is down"), 1);
    assert.ok(world.saidAt("is down")[0]! - gone_ms <= 10_100);
    assert.equal(world.vpn("branch0").misses, 0);
    assert.equal(world.vpn("branch0").availability_percent, 100);
  });

  test("while charon cannot be asked, what is held back is missed", () => {
    const world = settled(branches(1), ...REKEY);
    world.charon.ikes = [];
    world.vici = false;
    world.viciClosed();
    world.run(6_000);
    assert.deepEqual(world.states(), { branch0: "down" });
    assert.ok(world.counts.held_back >= 3);
  });

  for (const options of [EVERY_SECOND, REKEY]) {
    const mode = options === REKEY ? "with" : "without";
    test(`one echo held back is no miss; that all are held back is told (${mode} rekey)`, () => {
      const world = settled(branches(1), ...options);
      world.send_errno = EPERM;
      world.run(1_500);
      assert.equal(world.vpn("branch0").misses, 0);
      world.run(5_000);
      assert.deepEqual(world.states(), { branch0: "down" });
      world.run(600_000);
      assert.equal(world.said("would leave unencrypted"), 1);
      assert.equal(world.said("is down"), 1);
    });
  }
});

describe("rekeyd itself is restarted:", () => {
  test("routes that come before charon has answered start no negotiation", () => {
    const connections = branches(3);
    const world = settled(connections, ...REKEY);
    world.charon.response_ms = 460;
    for (let i = 0; i < 10; i++) {
      world.restart();
      world.configure(monitored(connections, ...REKEY));
      for (let route = 0; route < 5; route++) {
        world.network(world.kernel.addRoute());
        world.run(300);
      }
      world.run(5_000);
      assertUntouched(world);
    }
  });

  test("no SA is touched, no miss charged, no 'down'", () => {
    const connections = branches(5);
    const world = settled(connections, ...REKEY);
    for (let i = 0; i < 10; i++) {
      world.restart();
      world.configure(monitored(connections, ...REKEY));
      world.run(3_000 + 97 * i);
      assertUntouched(world);
      assert.equal(world.vpn("branch0").rekeys, 0);
      assert.equal(world.said("successfully rekeyed"), 0);
    }
  });

  test("answers to the echoes of the instance before are not believed", () => {
    const connections = branches(1);
    const world = settled(connections, ...EVERY_SECOND);
    world.round_trip_ms = 500;
    world.run(1_600);
    world.restart();
    world.configure(monitored(connections, ...EVERY_SECOND));
    world.charon.peer("branch0").silent = true;
    world.run(1_500);
    assert.equal(world.vpn("branch0").echoes_answered, 0);
    assert.equal(world.vpn("branch0").state, "ready");
  });

  test("in the middle of a fault it finds the fault again", () => {
    const connections = branches(1);
    const world = settled(connections, ...REKEY);
    world.charon.child("branch0").dead = true;
    world.run(2_000);
    world.restart();
    world.configure(monitored(connections, ...REKEY));
    world.run(10_000);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.said("is down"), 1);
    assert.equal(world.charon.children("branch0").length, 1);
  });
});
