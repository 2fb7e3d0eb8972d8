/** Sources and targets: what is chosen, what does not fit, and what never answers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { Connection } from "../../host/node/sim/model/charon.ts";
import { branches, monitored, settled, World } from "./lib/world.ts";

const OPTIONS = ["option interval '1'", "option threshold '3'"];
const REKEY = [...OPTIONS, "option rekey '1'"];

/** A VPN of which only these options are given. */
function bare(connection: Connection, ...options: string[]): World {
  const world = new World(new Engine(), [connection]);
  const lines = ["config vpn 'branch0'", "option gateway 'branch0'", "option monitor '1'"];
  world.configure([...lines, ...OPTIONS, ...options].join("\n") + "\n");
  return world;
}

function incoming(world: World): void {
  for (const sa of world.charon.children("branch0")) sa.packets_in++;
  world.after(100, () => incoming(world));
}

describe("a target that never answers while user traffic comes in", () => {
  test("is named once, and its tunnel is not rekeyed over and over", () => {
    const connections = branches(1);
    const world = new World(new Engine(), connections);
    world.answers = () => false;
    world.charon.establish("branch0");
    incoming(world);
    world.configure(monitored(connections, ...REKEY));
    world.run(3_000_000);
    assert.deepEqual(world.states(), { branch0: "down" });
    assert.equal(world.vpn("branch0").sta, "A/D");
    assert.equal(world.said("has never had an answer from 10.2.0.10"), 1);
    assert.equal(world.said("has deactivated"), 0);
    assert.deepEqual(world.requests(), []);
    // Echoes never stop: it may come to answer.
    world.answers = () => true;
    world.run(2_000);
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  test("is not a reason to rekey when a link or route comes back either", () => {
    const connections = branches(1);
    const world = new World(new Engine(), connections);
    world.answers = () => false;
    world.charon.establish("branch0");
    incoming(world);
    world.configure(monitored(connections, ...REKEY));
    world.run(60_000);
    for (let i = 0; i < 20; i++) {
      world.network(world.kernel.addRoute());
      world.run(10_000);
    }
    assert.deepEqual(world.requests(), []);
  });

  test("keeps its key: it is renewed before the hard lifetime", () => {
    const connections = branches(1, { lifetime_s: 600, rekey_s: 0 });
    const world = new World(new Engine(), connections);
    world.answers = () => false;
    world.charon.establish("branch0");
    incoming(world);
    world.configure(monitored(connections, ...REKEY));
    world.run(2_000_000);
    assert.ok(world.charon.children("branch0").length > 0);
    assert.equal(world.requests().filter((text) => text.startsWith("initiate")).length, 0);
    const renewals = world.requests().filter((text) => text.startsWith("rekey child")).length;
    assert.ok(renewals >= 3 && renewals <= 4, `${renewals} renewals`);
  });

  test("which once answered is a fault first; and then not for ever", () => {
    const world = settled(branches(1), ...REKEY);
    world.answers = () => false;
    incoming(world);
    world.run(600_000);
    assert.equal(world.said("has deactivated"), 1);
    const requests = world.requests().length;
    assert.ok(requests >= 1 && requests <= 10, world.requests().join(", "));
    assert.equal(world.said("has never had an answer"), 1);
  });
});

test("without user traffic a target that never answers is a dead path: recovery goes on", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  world.answers = () => false;
  world.charon.establish("branch0");
  world.configure(monitored(connections, ...REKEY));
  world.run(600_000);
  assert.equal(world.said("has never had an answer"), 0);
  const requests = world.requests().filter((text) => !text.startsWith("terminate")).length;
  // Each try waits longer than the one before: not a new key every few seconds.
  assert.ok(requests >= 4 && requests <= 25, `${requests}: ${world.requests().join(", ")}`);
  world.run(3_600_000);
  // Phase 1 is made anew once: it has shown that it lives, and what shares it shall not suffer.
  const forced = world.requests().filter((text) => text.startsWith("terminate"));
  assert.equal(forced.length, 1, forced.join(", "));
});

test("without rekey a silent target is down, however much user traffic comes in", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  world.answers = () => false;
  world.charon.establish("branch0");
  incoming(world);
  world.configure(monitored(connections, ...OPTIONS));
  world.run(10_000);
  for (let i = 0; i < 600; i++) {
    assert.equal(world.vpn("branch0").sta, "A/D");
    world.run(500);
  }
  assert.equal(world.said("is down"), 1);
  assert.deepEqual(world.requests(), []);
});

describe("an echo that this machine cannot send", () => {
  const ENETUNREACH = 101;
  const ENOBUFS = 105;

  test("is a miss, and its cause is told: once, and again after it was gone", () => {
    const world = settled(branches(1), ...REKEY);
    const cause = "cannot send to 10.2.0.10: Network is unreachable";
    for (const times of [1, 2]) {
      world.send_errno = ENETUNREACH;
      world.run(60_000);
      assert.equal(world.vpn("branch0").state, "down");
      assert.equal(world.said(cause), times);
      world.send_errno = 0;
      world.run(400_000);
      assert.deepEqual(world.states(), { branch0: "up" });
    }
  });

  test("because its queue is full is no miss", () => {
    const world = settled(branches(1), ...REKEY);
    world.send_errno = ENOBUFS;
    world.run(10_000);
    assert.equal(world.vpn("branch0").misses, 0);
    assert.equal(world.said("is down"), 0);
    assert.deepEqual(world.requests(), []);
  });
});

describe("an SA that does not cover the echo", () => {
  for (const options of [OPTIONS, REKEY]) {
    test(`is named once, without an echo or a miss (${options.length} options)`, () => {
      const [connection] = branches(1) as [Connection];
      const world = new World(new Engine(), [connection]);
      world.charon.establish("branch0");
      const elsewhere = monitored([{ ...connection, remote_ts: "10.99.0.0/24" }], ...options);
      world.configure(elsewhere);
      world.run(60_000);
      const named = "cannot ping 10.99.0.10 from 10.1.0.1: the SA's selectors are";
      assert.equal(world.said(`${named} 10.1.0.0/16 === 10.2.0.0/24.`), 1);
      assert.equal(world.counts.echoes, 0);
      assert.equal(world.vpn("branch0").misses, 0);
      assert.equal(world.vpn("branch0").state, "ready");
      assert.deepEqual(world.requests(), []);
      // Mended, it works.
      world.configure(monitored([connection], ...options));
      world.run(3_000);
      assert.deepEqual(world.states(), { branch0: "up" });
    });
  }

  for (const options of [OPTIONS, REKEY]) {
    test(`for a quorum is named once, and nothing is done (${options.length} options)`, () => {
      const connections = branches(1);
      const world = new World(new Engine(), connections);
      world.charon.establish("branch0");
      const targets = ["list destination_ip '10.99.0.1'", "option quorum 'all'"];
      world.configure(monitored(connections, ...options, ...targets));
      world.run(600_000);
      assert.equal(world.said("cannot ping 10.99.0.1 from 10.1.0.1"), 1);
      assert.equal(world.said("cannot ping"), 1);
      assert.equal(world.said("is down"), 0);
      assert.equal(world.vpn("branch0").state, "ready");
      assert.equal(world.vpn("branch0").misses, 0);
      assert.deepEqual(world.requests(), []);
    });
  }

  test("has more selectors than are kept: the target may be in one of those", () => {
    const networks = Array.from({ length: 100 }, (_, i) => `10.2.${i}.0/24`);
    const [connection] = branches(1, { remote_ts: networks.join() }) as [Connection];
    const options = ["option source_ip '10.1.0.1'", "list destination_ip '10.2.99.10'"];
    const world = bare(connection, ...options, "option rekey '1'");
    world.run(60_000);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.said("cannot ping"), 0);
    assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
  });

  test("of several targets keeps only those that it covers", () => {
    const world = settled(branches(1), ...OPTIONS, "list destination_ip '10.99.0.10'");
    world.sent = [];
    world.run(5_000);
    assert.deepEqual([...new Set(world.sent.map((echo) => echo.destination))], ["10.2.0.10"]);
    assert.deepEqual(world.states(), { branch0: "up" });
  });
});

describe("what is not configured is chosen:", () => {
  const [connection] = branches(1) as [Connection];
  const host = { ...connection, remote_ts: `${connection.remote}/32` };

  test("the source among this machine's addresses inside the local selectors", () => {
    const world = bare(connection, "list destination_ip '10.2.0.10'");
    world.charon.establish("branch0");
    const addresses = ["192.0.2.1", "10.1.7.1", "fd00::1"];
    world.kernel.interfaces.push({ name: "lan0", addresses });
    world.run(3_000);
    assert.equal(world.vpn("branch0").source, "10.1.7.1");
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  test("no address inside them: that is said, with the selectors; one that comes is taken", () => {
    const world = bare(connection, "list destination_ip '10.2.0.10'");
    world.charon.establish("branch0");
    world.kernel.interfaces.push({ name: "wan0", addresses: ["192.0.2.1"] });
    world.run(30_000);
    assert.equal(
      world.said("no address of this machine is inside the local selectors 10.1.0.0/16"),
      1,
    );
    assert.equal(world.counts.echoes, 0);
    world.network(world.kernel.addAddress("wan0", "10.1.0.9"));
    world.run(3_000);
    assert.equal(world.vpn("branch0").source, "10.1.0.9");
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  test("the source of an interface", () => {
    const options = ["list destination_ip '10.2.0.10'", "option source_interface 'lan0'"];
    const world = bare(connection, ...options);
    world.charon.establish("branch0");
    world.kernel.interfaces.push({ name: "lan0", addresses: ["10.1.3.3"] });
    world.run(3_000);
    assert.equal(world.vpn("branch0").source, "10.1.3.3");
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  test("the peer's address, if it is inside the remote selectors", () => {
    const world = bare(host, "option source_ip '10.1.0.1'");
    world.charon.establish("branch0");
    world.run(3_000);
    assert.deepEqual(
      world.vpn("branch0").targets.map(({ address }) => address),
      [connection.remote],
    );
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  test("the peer's address outside them: that is said, with the selectors", () => {
    const world = bare(connection, "option source_ip '10.1.0.1'");
    world.run(30_000);
    const outside = `address ${connection.remote} is outside the remote selectors 10.2.0.0/24`;
    assert.equal(world.said(outside), 1);
    world.charon.establish("branch0");
    world.run(30_000);
    assert.equal(world.said(outside), 1);
    assert.equal(world.counts.echoes, 0);
  });
});

test("IPv6 targets are pinged in IPv6", () => {
  const [connection] = branches(1) as [Connection];
  const v6 = { ...connection, local_ts: "fd01::/64", remote_ts: "fd02::/64" };
  const options = ["option source_ip 'fd01::1'", "list destination_ip 'fd02::10'"];
  const world = bare(v6, ...options, "option rekey '1'");
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  world.charon.forget("branch0");
  world.run(10_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("is down"), 1);
});
