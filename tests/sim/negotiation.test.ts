/** Recovery: what is asked of strongSwan, in which order, how often, and for whom. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { branches, monitored, settled, type VpnJson, World } from "./lib/world.ts";

const EVERY_SECOND = ["option interval '1'", "option threshold '3'"];
const REKEY = [...EVERY_SECOND, "option rekey '1'"];
/** design.md, rule 7. */
const MAX_NEGOTIATIONS = 16;
const MAX_BACK_OFF_MS = 300_000;

/** Times of the requests that begin so, since a time. */
function times(world: World, text: string, since_ms: number): number[] {
  return world.charon.requests
    .filter((request) => request.at_ms >= since_ms && request.text.startsWith(text))
    .map(({ at_ms }) => at_ms);
}

/** From now on a new route comes again and again, as while a network converges. */
function routes(world: World, every_ms: number): void {
  world.network(world.kernel.addRoute());
  world.after(every_ms, () => routes(world, every_ms));
}

function gaps(times_ms: number[]): number[] {
  return times_ms.slice(1).map((at_ms, i) => at_ms - times_ms[i]!);
}

/** One fault, found and mended: what the log says of it. */
function assertRecovered(world: World): void {
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.charon.children("branch0").length, 1);
  assert.equal(world.said("is down"), 1);
  assert.equal(world.said("has deactivated the SA with ID 0x00000001"), 1);
  assert.equal(world.said("has successfully rekeyed"), 1);
  assert.equal(world.said("is up"), 2);
  assert.equal(world.counts.held_back, 0);
}

describe("one fault:", () => {
  test("nothing is up: the tunnel is brought up at once", () => {
    const connections = branches(1);
    const world = new World(new Engine(), connections);
    world.configure(monitored(connections, ...REKEY));
    const took_ms = world.runUntil(() => world.said("is up") > 0, 5_000);
    assert.ok(took_ms <= 1_000, `${took_ms} ms`);
    assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
    assert.equal(world.said("is down"), 0);
    assert.equal(world.said("successfully rekeyed"), 0);
  });

  test("the SA is dead while IKE lives: a new key, and nothing else", () => {
    const world = settled(branches(1), ...REKEY);
    const dead = world.charon.child("branch0");
    dead.dead = true;
    world.run(30_000);
    assertRecovered(world);
    assert.deepEqual(world.requests(), [`rekey child ${dead.id}`]);
    const back_ms = world.saidAt("is up")[1]! - world.saidAt("is down")[0]!;
    assert.ok(back_ms <= 100, `${back_ms} ms`);
  });

  test("the peer has forgotten everything: a new IKE_SA after a second", () => {
    const world = settled(branches(1), ...REKEY);
    const { id, ike } = world.charon.child("branch0");
    world.charon.forget("branch0");
    world.run(30_000);
    assertRecovered(world);
    const expected = [`rekey child ${id}`, `terminate ike ${ike.id}`, "initiate branch0/branch0"];
    assert.deepEqual(world.requests(), expected);
    const back_ms = world.saidAt("is up")[1]! - world.saidAt("is down")[0]!;
    assert.ok(back_ms <= 1_500, `${back_ms} ms`);
  });

  for (const cut_ms of [5_000, 30_000, 200_000]) {
    test(`the path is cut for ${cut_ms / 1_000} s: back within an interval and 2 s`, () => {
      const world = settled(branches(1), ...REKEY);
      world.charon.peer("branch0").silent = true;
      world.run(cut_ms);
      world.charon.peer("branch0").silent = false;
      const healed_ms = world.now_ms;
      world.run(30_000);
      assertRecovered(world);
      const back_ms = world.saidAt("is up")[1]! - healed_ms;
      assert.ok(back_ms <= 3_000, `${back_ms} ms`);
    });
  }

  test("an operator deletes the SA: down at once, and negotiated anew", () => {
    const world = settled(branches(1), ...REKEY);
    world.charon.removeAll();
    world.run(5_000);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.said("is down"), 1);
    assert.equal(world.said("has deactivated"), 0);
    assert.equal(world.said("successfully rekeyed"), 1);
    assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
    const back_ms = world.saidAt("is up")[1]! - world.saidAt("is down")[0]!;
    assert.ok(back_ms <= 1_000, `${back_ms} ms`);
  });

  test("the peer makes the new SA itself: ours is not made beside it", () => {
    const world = settled(branches(1), ...REKEY);
    world.charon.forget("branch0");
    world.runUntil(() => world.requests().some((text) => text.startsWith("terminate")), 10_000, 1);
    world.charon.establish("branch0", false);
    world.run(30_000);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.charon.children("branch0").length, 1);
    assert.equal(world.said("successfully rekeyed"), 1);
    assert.ok(!world.requests().includes("initiate branch0/branch0"), world.requests().join(", "));
  });

  test("strongSwan answers late, and the negotiation waits for it", () => {
    const world = settled(branches(1), ...REKEY);
    world.charon.response_ms = 300;
    world.charon.forget("branch0");
    world.run(60_000);
    assertRecovered(world);
  });

  test("an echo shows that the new key works before a list shows the new SA", () => {
    const world = settled(
      branches(1),
      "option interval '0.25'",
      "option threshold '3'",
      "option rekey '1'",
    );
    world.charon.child("branch0").dead = true;
    world.charon.response_ms = 400;
    world.run(30_000);
    assertRecovered(world);
    world.charon.response_ms = 0;
    const again = world.charon.child("branch0");
    again.dead = true;
    const since_ms = world.now_ms;
    world.run(30_000);
    assert.deepEqual(world.requests(since_ms), [`rekey child ${again.id}`]);
  });

  test("a line with a delay longer than the interval", () => {
    const world = settled(branches(1), ...REKEY);
    world.round_trip_ms = 1_400;
    world.charon.peer("branch0").exchange_ms = 1_400;
    world.run(30_000);
    assert.equal(world.said("is down"), 0);
    world.charon.forget("branch0");
    world.run(60_000);
    assertRecovered(world);
  });

  test("the path is back before the new key is: nothing more is done about it", () => {
    const world = settled(
      branches(1),
      "option interval '0.2'",
      "option threshold '5'",
      "option rekey '1'",
    );
    const sa = world.charon.child("branch0");
    world.charon.peer("branch0").silent = true;
    world.runUntil(() => world.said("is down") > 0, 10_000, 1);
    // The request is lost; strongSwan repeats it only after seconds.
    world.run(50);
    world.charon.peer("branch0").silent = false;
    world.run(60_000);
    assert.deepEqual(world.requests(), [`rekey child ${sa.id}`]);
    assert.ok(world.charon.ikes.includes(sa.ike));
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.said("is down"), 1);
    assert.equal(world.vpn("branch0").negotiation, "idle");
  });

  test("a slow peer that has answered gets its time", () => {
    const world = settled(branches(1), ...REKEY);
    // In all longer than an attempt at a silent peer.
    world.charon.peer("branch0").exchange_ms = 800;
    world.charon.forget("branch0");
    world.run(60_000);
    assertRecovered(world);
  });
});

describe("attempts", () => {
  test("at a silent peer come each interval, +-10 %, for as long as it takes", () => {
    const world = settled(
      branches(1),
      "option interval '5'",
      "option threshold '2'",
      "option rekey '1'",
    );
    world.charon.peer("branch0").silent = true;
    world.run(60_000);
    const since_ms = world.now_ms;
    world.run(600_000);
    const between_ms = gaps(times(world, "initiate", since_ms));
    assert.ok(between_ms.length >= 100, `${between_ms.length} attempts`);
    // The removal of the last one's IKE_SA comes on top: 33 ms and a look each 50 ms.
    for (const gap_ms of between_ms) assert.ok(gap_ms >= 4_500 && gap_ms <= 5_650, `${gap_ms} ms`);
    assert.ok(Math.max(...between_ms) - Math.min(...between_ms) > 200, "no jitter");
    assert.ok(world.charon.ikes.length <= 1);
    assert.equal(world.said("is down"), 1);
    assert.equal(world.said("has deactivated"), 1);
  });

  test("that are refused by the peer back off, doubling, to 5 min", () => {
    const connections = branches(1);
    const world = new World(new Engine(), connections);
    world.charon.peer("branch0").refuses = true;
    world.configure(monitored(connections, "option interval '2'", "option rekey '1'"));
    world.run(3_600_000);
    const between_ms = gaps(times(world, "initiate", 0));
    // A refusal is seen at the attempt's limit, an interval later.
    const seen_ms = 2_400;
    between_ms.forEach((gap_ms, i) => {
      const pause_ms = Math.min(2_000 * 2 ** i, MAX_BACK_OFF_MS);
      const shown = `pause ${i} is ${gap_ms} ms`;
      assert.ok(gap_ms >= 0.9 * pause_ms && gap_ms <= 1.1 * pause_ms + seen_ms, shown);
    });
    assert.ok(between_ms.length >= 17 && between_ms.length <= 22, `${between_ms.length}`);
    assert.equal(world.said("Negotiations have failed"), between_ms.length + 1);
  });

  test("leave nothing behind that would hit the SA that works again", () => {
    const world = settled(branches(1), ...REKEY);
    const sa = world.charon.child("branch0");
    sa.dead = true;
    world.charon.peer("branch0").silent = true;
    world.runUntil(() => world.requests().length > 0, 10_000);
    // strongSwan is slow, so the next steps' requests wait for their turn.
    world.charon.response_ms = 6_000;
    world.run(4_000);
    sa.dead = false;
    world.charon.peer("branch0").silent = false;
    world.runUntil(() => world.states()["branch0"] === "up", 5_000);
    world.charon.response_ms = 0;
    world.run(20_000);
    assert.deepEqual(
      world.requests().filter((text) => text.startsWith("terminate")),
      [],
    );
  });

  test("that are refused say why, where strongSwan has alerts", () => {
    const connections = branches(2);
    const world = new World(new Engine(), connections);
    world.charon.generation = 6;
    world.charon.alerts = true;
    world.charon.peer("branch0").refuses = true;
    world.charon.peer("branch1").refused_children.add("branch1");
    world.configure(monitored(connections, "option interval '2'", "option rekey '1'"));
    world.run(30_000);
    const why = "our authentication failed: identity, secret or certificate";
    assert.ok(world.said(`Negotiations have failed for VPN branch0 (${why})`) > 1);
    assert.ok(world.said("have failed for VPN branch1 (selectors do not match)") > 1);
    assert.match(world.command("get vpn branch1"), /refused \(selectors do not match\)/);
    // What an alert told of one attempt says nothing of the next.
    world.charon.alerts = false;
    world.run(60_000);
    const told = world.log.filter((line) => line.includes("have failed for VPN branch0"));
    assert.match(told.at(-1)!, /VPN branch0; next attempt/);
  });

  test("are long once in a while, for a peer whose answers take longer than an interval", () => {
    const world = new World(new Engine(), branches(1));
    world.charon.peer("branch0").exchange_ms = 1_500;
    world.configure(monitored(branches(1), ...REKEY));
    assert.ok(world.runUntil(() => world.states()["branch0"] === "up", 120_000) < 60_000);
  });

  test("at a child that is not in tunnel mode are not made, and it is told once", () => {
    const connections = branches(1).map((connection) => ({ ...connection, mode: "TRANSPORT" }));
    const world = new World(new Engine(), connections);
    world.configure(monitored(connections, ...REKEY));
    world.run(600_000);
    assert.deepEqual(world.requests(), []);
    assert.equal(world.said("is not in tunnel mode"), 1);
    assert.equal(world.said("strongSwan has no"), 0);
    connections[0]!.mode = "TUNNEL";
    assert.ok(world.runUntil(() => world.states()["branch0"] === "up", 20_000) <= 11_000);
  });

  test("at what strongSwan does not know are not made, and made as soon as it does", () => {
    const connections = branches(1);
    const world = new World(new Engine(), []);
    world.configure(monitored(connections, ...REKEY));
    world.run(600_000);
    assert.deepEqual(world.requests(), []);
    assert.equal(world.said("strongSwan has no connection"), 1);
    world.charon.connections.push(...connections);
    assert.ok(world.runUntil(() => world.states()["branch0"] === "up", 20_000) <= 11_000);
  });

  test("are made at once where strongSwan loads its connections after its start", () => {
    const connections = branches(1);
    const world = settled(connections, "option rekey '1'");
    const loaded = world.charon.connections.splice(0);
    world.charon.restart();
    world.viciClosed();
    // rekeyd is there after a second, and the connections a little later.
    world.run(1_300);
    world.charon.connections.push(...loaded);
    assert.ok(world.runUntil(() => world.said("is up") > 1, 20_000) <= 1_000);
    assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
    assert.equal(world.said("Negotiations have failed"), 0);
    assert.equal(world.said("is down"), 1);
  });

  test("after refusals begin with the shortest pause again once one has succeeded", () => {
    const world = settled(branches(1), ...REKEY);
    world.charon.peer("branch0").refuses = true;
    world.charon.forget("branch0");
    world.run(600_000);
    world.charon.peer("branch0").refuses = false;
    world.run(400_000);
    assert.deepEqual(world.states(), { branch0: "up" });
    world.charon.peer("branch0").refuses = true;
    world.charon.forget("branch0");
    const since_ms = world.now_ms;
    world.run(20_000);
    const [first_ms] = gaps(times(world, "initiate", since_ms)) as [number];
    assert.ok(first_ms <= 2_500, `${first_ms} ms`);
  });

  test("wait no longer when a route comes back: refused ones, and silent ones", () => {
    for (const fault of ["refuses", "silent"] as const) {
      const world = settled(
        branches(1),
        "option interval '60'",
        "option threshold '1'",
        "option rekey '1'",
      );
      world.run(60_000);
      world.charon.peer("branch0")[fault] = true;
      world.charon.forget("branch0");
      world.run(1_000_000);
      world.charon.peer("branch0")[fault] = false;
      const since_ms = world.now_ms;
      world.network(world.kernel.addRoute());
      world.run(500);
      assert.equal(times(world, "initiate", since_ms).length, 1, fault);
      world.run(1_000);
      assert.deepEqual(world.states(), { branch0: "up" }, fault);
    }
  });

  test("are not taken for refused when routes come back in a burst", () => {
    const world = settled(
      branches(1),
      "option interval '5'",
      "option threshold '2'",
      "option rekey '1'",
    );
    world.charon.peer("branch0").silent = true;
    world.charon.response_ms = 20;
    world.run(60_000);
    for (let i = 0; i < 200; i++) {
      world.network(world.kernel.addRoute());
      world.run(3 + (i % 50));
    }
    assert.equal(world.said("Negotiations have failed"), 0);
    world.charon.peer("branch0").silent = false;
    world.network(world.kernel.addRoute());
    world.run(7_000);
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  for (const every_ms of [20, 200]) {
    test(`are let finish while routes come each ${every_ms} ms`, () => {
      const world = settled(branches(1), ...REKEY);
      world.charon.peer("branch0").silent = true;
      world.run(30_000);
      Object.assign(world.charon.peer("branch0"), { silent: false, exchange_ms: 60 });
      routes(world, every_ms);
      const since_ms = world.now_ms;
      assert.ok(world.runUntil(() => world.states()["branch0"] === "up", 60_000) <= 3_000);
      world.run(60_000);
      assert.ok(world.requests(since_ms).length <= 3, world.requests(since_ms).join(", "));
      assert.equal(world.said("is down"), 1);
    });
  }

  test("at a peer that refuses come no more often because routes do", () => {
    const connections = branches(1);
    const world = new World(new Engine(), connections);
    world.charon.peer("branch0").refuses = true;
    world.configure(monitored(connections, ...REKEY));
    world.run(600_000);
    const since_ms = world.now_ms;
    routes(world, 1_000);
    world.run(600_000);
    // Each wake-up that does not help is followed by a longer time without one.
    const tries = times(world, "initiate", since_ms).length;
    assert.ok(tries <= 12, `${tries} attempts`);
  });

  test("that strongSwan has not taken yet are not judged", () => {
    const connections = branches(40);
    const world = settled(connections, ...REKEY);
    // Its answers come one after the other: those to the last of forty have to wait.
    world.charon.response_ms = 150;
    for (const { name } of connections) world.charon.forget(name);
    for (let i = 0; i < 100; i++) {
      world.network(world.kernel.addRoute());
      world.run(300);
    }
    world.run(60_000);
    assert.equal(world.said("Negotiations have failed"), 0);
    assert.deepEqual([...new Set(Object.values(world.states()))], ["up"]);
  });

  test("that were refused are forgotten when the tunnel comes up without us", () => {
    const world = settled(branches(1), ...REKEY);
    world.charon.peer("branch0").refuses = true;
    world.charon.forget("branch0");
    world.run(600_000);
    world.charon.peer("branch0").refuses = false;
    world.charon.establish("branch0", false);
    world.run(2_000);
    assert.equal(world.vpn("branch0").state, "up");
    assert.equal(world.vpn("branch0").negotiation, "idle");
    world.charon.peer("branch0").refuses = true;
    world.charon.forget("branch0");
    const since_ms = world.now_ms;
    world.run(20_000);
    const [first_ms] = gaps(times(world, "initiate", since_ms)) as [number];
    assert.ok(first_ms <= 2_500, `${first_ms} ms`);
  });

  test("of somebody else that come to nothing are not ours: we try next", () => {
    const connections = branches(1);
    const world = new World(new Engine(), connections);
    world.charon.beginInVain("branch0", 500);
    world.configure(monitored(connections, ...REKEY));
    world.run(3_000);
    assert.equal(world.said("Negotiations have failed"), 0);
    assert.deepEqual(world.states(), { branch0: "up" });
  });

  test("of a hundred gateways at once: no more than the cap, and each gets its turn", () => {
    const connections = branches(100);
    const world = settled(connections, ...REKEY);
    for (const { name } of connections) world.charon.peer(name).silent = true;
    let most = 0;
    const look = (): void => {
      const { vpns } = JSON.parse(world.command("json get vpn")) as { vpns: VpnJson[] };
      const talks = ["rekeying Phase 2", "removing Phase 1", "initiating"];
      most = Math.max(most, vpns.filter((vpn) => talks.includes(vpn.negotiation)).length);
    };
    for (let i = 0; i < 600; i++) {
      world.run(100);
      look();
    }
    assert.equal(most, MAX_NEGOTIATIONS);
    const tried = new Set(world.requests());
    for (const { name } of connections) assert.ok(tried.has(`initiate ${name}/${name}`), name);
    for (const { name } of connections) world.charon.peer(name).silent = false;
    const took_ms = world.runUntil(
      () => Object.values(world.states()).every((state) => state === "up"),
      60_000,
      100,
    );
    assert.ok(took_ms <= 15_000, `${took_ms} ms`);
    for (const { name } of connections) {
      assert.equal(world.charon.children(name).length, 1, name);
    }
  });
});

describe("a gateway that waits for its turn gives it on", () => {
  /** Sixty peers, all silent: some are asked, and the others wait. */
  function queueing(): { world: World; names: string[]; queued: string[] } {
    const connections = branches(60);
    const world = new World(new Engine(), connections);
    const names = connections.map(({ name }) => name);
    for (const name of names) world.charon.peer(name).silent = true;
    world.configure(monitored(connections, ...REKEY));
    world.run(20_000);
    const queued = names.filter((name) => world.vpn(name).negotiation === "queued");
    assert.equal(queued.length, names.length - MAX_NEGOTIATIONS);
    return { world, names, queued };
  }

  function assertAllUp(world: World): void {
    world.run(120_000);
    assert.deepEqual([...new Set(Object.values(world.states()))], ["up"]);
  }

  for (const count of [1, 20, 43]) {
    test(`when ${count} of 44 peers make the SA themselves`, () => {
      const { world, names, queued } = queueing();
      for (const name of queued.slice(0, count)) {
        world.charon.peer(name).silent = false;
        world.charon.establish(name, false);
      }
      world.run(1_500);
      for (const name of names) world.charon.peer(name).silent = false;
      assertAllUp(world);
    });
  }

  test("when it leaves the configuration", () => {
    const { world, names, queued } = queueing();
    const gone = new Set(queued.slice(4));
    const left = branches(60).filter(({ name }) => !gone.has(name));
    world.configure(monitored(left, ...REKEY));
    for (const name of names) world.charon.peer(name).silent = false;
    assertAllUp(world);
    assert.equal(Object.keys(world.states()).length, left.length);
  });

  test("when charon is restarted", () => {
    const { world, names } = queueing();
    world.charon.restart();
    world.viciClosed();
    for (const name of names) world.charon.peer(name).silent = false;
    assertAllUp(world);
  });
});

describe("without rekey", () => {
  test("nothing is asked of strongSwan but lists, and no echo leaves after 'down'", () => {
    const world = settled(branches(1), ...EVERY_SECOND);
    world.charon.child("branch0").dead = true;
    world.run(6_000);
    assert.deepEqual(world.states(), { branch0: "down" });
    assert.equal(world.vpn("branch0").sta, "A/D");
    assert.match(world.command("get sa"), /A\/D/);
    world.sent = [];
    world.run(600_000);
    assert.deepEqual(world.sent, []);
    assert.deepEqual(world.requests(), []);
    assert.equal(world.charon.children("branch0").length, 1);
    assert.equal(world.said("has deactivated"), 0);
  });

  test("monitoring resumes with a new SPI", () => {
    const world = settled(branches(1), ...EVERY_SECOND);
    world.charon.child("branch0").dead = true;
    world.run(10_000);
    world.charon.rekeyChild(world.charon.child("branch0"));
    world.run(1_500);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.equal(world.said("is up"), 2);
    assert.equal(world.said("rekeyed"), 0);
    assert.equal(world.vpn("branch0").rekeys, 0);
  });

  test("monitoring resumes with inbound packets on the old SPI", () => {
    const world = settled(branches(1), ...EVERY_SECOND);
    const sa = world.charon.child("branch0");
    sa.dead = true;
    world.run(10_000);
    sa.dead = false;
    world.run(60_000);
    assert.deepEqual(world.states(), { branch0: "down" });
    sa.packets_in += 3;
    world.run(2_500);
    assert.deepEqual(world.states(), { branch0: "up" });
    assert.deepEqual(world.requests(), []);
  });

  test("an SA that goes takes the VPN to inactive, and one that comes back to up", () => {
    const world = settled(branches(1), ...EVERY_SECOND);
    world.charon.removeAll();
    world.run(5_000);
    assert.deepEqual(world.states(), { branch0: "inactive" });
    assert.equal(world.vpn("branch0").sta, "I/I");
    assert.equal(world.said("is down"), 1);
    const { echoes } = world.counts;
    world.run(60_000);
    assert.equal(world.counts.echoes, echoes);
    world.charon.establish("branch0");
    world.run(1_500);
    assert.deepEqual(world.states(), { branch0: "up" });
  });
});

test("what is not monitored is shown, and nothing is done about it", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  world.configure(monitored(connections).replace("option monitor '1'", "option monitor '0'"));
  world.run(60_000);
  assert.equal(world.vpn("branch0").sta, "I/I");
  assert.equal(world.vpn("branch0").state, "inactive");
  world.charon.establish("branch0");
  world.run(60_000);
  assert.equal(world.vpn("branch0").sta, "A/-");
  assert.equal(world.vpn("branch0").state, "ready");
  assert.equal(world.counts.echoes, 0);
  assert.deepEqual(world.requests(), []);
  assert.equal(world.said("is up"), 0);
});

test("whatever fails, no echo leaves while there is no SA, but for one that was on its way", () => {
  const world = settled(
    branches(1),
    "option interval '0.1'",
    "option threshold '3'",
    "option rekey '1'",
  );
  for (let i = 0; i < 50; i++) {
    world.charon.removeAll();
    world.run(1_000 + 37 * i);
  }
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.charon.children("branch0").length, 1);
  assert.ok(world.counts.held_back <= 1, `${world.counts.held_back}`);
});
