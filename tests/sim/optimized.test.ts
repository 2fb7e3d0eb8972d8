/** Optimized: user traffic stands in for echoes (screenos.md, "Optimized"). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { branches, monitored, settled, World } from "./lib/world.ts";

const OPTIONS = ["option interval '1'", "option threshold '3'", "option optimized '1'"];
const REKEY = [...OPTIONS, "option rekey '1'"];

/** User packets on the SA in use, so many each way ten times a second, until it is called off. */
function traffic(world: World, packets_in: number, packets_out: number): () => void {
  let flows = true;
  const flow = (): void => {
    if (!flows) return;
    const sa = world.charon.children("branch0").at(-1);
    if (sa !== undefined) {
      sa.packets_in += packets_in;
      sa.packets_out += packets_out;
    }
    world.after(100, flow);
  };
  flow();
  return () => {
    flows = false;
  };
}

/** Echoes that are sent in 20 s. */
function echoes(world: World): number {
  const before = world.counts.echoes;
  world.run(20_000);
  return world.counts.echoes - before;
}

for (const options of [OPTIONS, REKEY]) {
  describe(options === REKEY ? "with rekey" : "without rekey", () => {
    test("no traffic: an echo each interval, a success only if answered", () => {
      const world = settled(branches(1), ...options);
      assert.equal(echoes(world), 20);
      assert.deepEqual(world.states(), { branch0: "up" });
      world.answers = () => false;
      world.run(5_000);
      assert.deepEqual(world.states(), { branch0: "down" });
    });

    test("both ways: no echo, and a success", () => {
      const world = settled(branches(1), ...options);
      world.answers = () => false;
      traffic(world, 1, 1);
      world.run(1_500);
      assert.equal(echoes(world), 0);
      assert.deepEqual(world.states(), { branch0: "up" });
      assert.equal(world.vpn("branch0").misses, 0);
    });

    test("only incoming: an echo, and a success whether or not it is answered", () => {
      const world = settled(branches(1), ...options);
      world.answers = () => false;
      traffic(world, 1, 0);
      assert.equal(echoes(world), 20);
      assert.deepEqual(world.states(), { branch0: "up" });
      assert.equal(world.vpn("branch0").misses, 0);
    });

    test("only outgoing: an echo, and a success only if answered", () => {
      const world = settled(branches(1), ...options);
      const stop = traffic(world, 0, 1);
      assert.equal(echoes(world), 20);
      assert.deepEqual(world.states(), { branch0: "up" });
      world.answers = () => false;
      world.run(5_000);
      assert.deepEqual(world.states(), { branch0: "down" });
      stop();
    });

    test("traffic that ends: echoes are back within an interval, and a fault is found", () => {
      const world = settled(branches(1), ...options);
      const stop = traffic(world, 3, 3);
      world.run(10_000);
      stop();
      world.charon.peer("branch0").silent = true;
      const fault_ms = world.now_ms;
      world.run(10_000);
      const detected_ms = world.saidAt("is down")[0]! - fault_ms;
      // The interval in which the traffic ended was a success still.
      assert.ok(detected_ms >= 3_000 && detected_ms <= 5_300, `${detected_ms} ms`);
    });
  });
}

test("the monitor's own echoes and replies are no user traffic", () => {
  const world = settled(branches(1), ...REKEY);
  const sa = world.charon.child("branch0");
  assert.equal(echoes(world), 20);
  assert.ok(sa.packets_in >= 20 && sa.packets_out >= 20);
  // Echoes go on, so none was taken for traffic; and unanswered ones are misses.
  world.charon.peer("branch0").silent = true;
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "down" });
});

test("also over slow lines, where replies are counted an interval later than their packets", () => {
  const world = settled(branches(1), ...REKEY);
  world.round_trip_ms = 1_400;
  assert.equal(echoes(world), 20);
  world.charon.peer("branch0").silent = true;
  world.run(7_000);
  assert.deepEqual(world.states(), { branch0: "down" });
});

test("a new SA's counters begin at nothing: that is neither traffic nor its end", () => {
  const world = settled(branches(1), ...REKEY);
  traffic(world, 50, 50);
  world.run(5_000);
  world.charon.rekeyChild(world.charon.child("branch0"));
  world.run(2_500);
  assert.equal(echoes(world), 0);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("is down"), 0);
  assert.equal(world.said("successfully rekeyed"), 1);
});

test("a reply that came before the new SA was listed is no user traffic on it", () => {
  const world = new World(new Engine(), branches(1));
  world.charon.establish("branch0");
  world.charon.response_ms = 100;
  world.round_trip_ms = 10;
  world.answers = () => false;
  world.configure(monitored(branches(1), ...REKEY, "option recover '3'"));
  world.run(1_000);
  world.answers = () => true;
  // The round is due and waits for counters, while charon takes a new key: the echo leaves on the
  // new SA, and is answered while the list is on its way that shows the SA before.
  const { lists } = world.charon;
  world.runUntil(() => world.charon.lists > lists, 5_000, 1);
  world.sent = [];
  world.charon.rekeyChild(world.charon.child("branch0"));
  world.runUntil(() => world.said("is up") > 0, 10_000);
  // What is answered after the new SA came counts.
  const completed_ms = world.saidAt("Completed negotiations with SPI")[0]!;
  const answered = world.sent.filter(({ at_ms }) => at_ms >= completed_ms);
  assert.ok(answered.length >= 3, `up after ${answered.length} answers`);
});

test("incoming traffic brings a VPN up too, but no sooner than 'recover' says", () => {
  const world = settled(branches(1), ...REKEY, "option recover '5'");
  world.charon.peer("branch0").silent = true;
  world.run(8_000);
  assert.deepEqual(world.states(), { branch0: "down" });
  world.charon.peer("branch0").silent = false;
  world.answers = () => false;
  traffic(world, 1, 1);
  const start_ms = world.now_ms;
  world.run(12_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  const up_ms = world.saidAt("is up")[1]! - start_ms;
  assert.ok(up_ms >= 4_000 && up_ms <= 8_000, `${up_ms} ms`);
});

test("get vpn says that delay and availability come from fewer echoes", () => {
  const world = settled(branches(1), ...REKEY);
  assert.match(world.command("get vpn branch0"), /optimized on/);
  assert.match(world.command("get vpn branch0"), /from fewer echoes/);
  assert.match(world.command("get vpn"), /from fewer echoes/);
});

test("while strongSwan cannot be asked, echoes go out and are judged", () => {
  const world = settled(branches(1), ...REKEY);
  const stop = traffic(world, 1, 1);
  world.run(3_000);
  world.vici = false;
  world.viciClosed();
  assert.equal(echoes(world), 20);
  world.answers = () => false;
  stop();
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "down" });
});

test("counters that come late delay no verdict", () => {
  const world = settled(
    branches(1),
    "option interval '0.2'",
    "option threshold '5'",
    "option rekey '1'",
    "option optimized '1'",
  );
  world.charon.response_ms = 90;
  world.run(5_000);
  world.charon.child("branch0").dead = true;
  const start_ms = world.now_ms;
  world.runUntil(() => world.said("is down") > 0, 10_000, 1);
  const detected_ms = world.now_ms - start_ms;
  assert.ok(detected_ms <= 1_200, `${detected_ms} ms`);
});

test("hundreds of VPNs whose counters are asked for do not keep a command waiting", () => {
  const world = settled(branches(400), ...REKEY);
  world.charon.response_ms = 5;
  world.run(10_000);
  const sa = world.charon.child("branch7");
  sa.dead = true;
  const start_ms = world.now_ms;
  world.runUntil(() => world.requests().length > 0, 10_000, 1);
  assert.deepEqual(world.requests(), [`rekey child ${sa.id}`]);
  const down_ms = world.saidAt("is down")[0]!;
  assert.ok(down_ms - start_ms <= 4_000, `down after ${down_ms - start_ms} ms`);
  assert.ok(world.now_ms - down_ms <= 100, `rekeyed after ${world.now_ms - down_ms} ms`);
});

test("what the old SA carried of our own hides no user's packet on the new one", () => {
  const world = settled(branches(1), ...REKEY);
  world.run(100);
  const old = world.charon.child("branch0").ike;
  const child = world.charon.establish("branch0", false);
  world.charon.removeIke(old);
  world.run(10_000);
  world.answers = () => false;
  world.run(2_500);
  child.packets_in++;
  world.run(1_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.vpn("branch0").misses, 0);
});
