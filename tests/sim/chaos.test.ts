/** Faults of every kind, at random, for hours: what must hold whatever happens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "./lib/charon.ts";
import { Random } from "./lib/random.ts";
import { branches, settled, World } from "./lib/world.ts";

const GATEWAYS = 24;
const FAULTS = 300;
const CONNECTIONS: Connection[] = branches(GATEWAYS, { lifetime_s: 900, rekey_s: 0 }).map(
  (connection, i) =>
    // A third has keys that strongSwan renews by itself.
    i % 3 === 0 ? { ...connection, rekey_s: 600, ike_rekey_s: 3_000 } : connection,
);

type Fault = (world: World, name: string, random: Random) => void;

function mended(world: World, name: string): void {
  Object.assign(world.charon.peer(name), { silent: false, refuses: false, exchange_ms: 5 });
}

const FAULT: Record<string, Fault> = {
  "a dead SA": (world, name) => world.charon.children(name).forEach((sa) => (sa.dead = true)),
  "a peer that has forgotten": (world, name) => world.charon.forget(name),
  "a peer that is silent": (world, name) => (world.charon.peer(name).silent = true),
  "a peer that refuses": (world, name) => (world.charon.peer(name).refuses = true),
  "a slow peer": (world, name) => (world.charon.peer(name).exchange_ms = 700),
  "a peer that is well": mended,
  "an operator who deletes": (world, name) => world.charon.removeAll(name),
  "an SA that goes unheard": (world, name) => {
    for (const ike of world.charon.ikesOf(name)) ike.children = [];
  },
  "a duplicate of ours": (world, name) => void world.charon.establish(name),
  "a duplicate of theirs": (world, name) => void world.charon.establish(name, false),
  "a rekey by the peer": (world, name) =>
    world.charon.children(name).forEach((sa) => world.charon.rekeyChild(sa)),
  "a new charon": (world) => {
    world.charon.restart();
    world.viciClosed();
  },
  "a broken connection": (world) => world.viciClosed(104),
  "a list cut short": (world) => (world.charon.cuts_list = true),
  "a charon that hangs": (world) => {
    world.charon.hangs = true;
    world.after(15_000, () => (world.charon.hangs = false));
  },
  "a slow charon": (world, _, random) => (world.charon.response_ms = random.below(400)),
  "a route": (world) => world.network(world.kernel.addRoute()),
  "a suspend": (world, _, random) => world.setTime(world.now_ms + random.below(60_000)),
  "a slow line": (world, _, random) => (world.round_trip_ms = 1 + random.below(300)),
};

function assertAlternating(world: World): void {
  const last = new Map<string, string>();
  for (const line of world.log) {
    const match = /VPN '(.*)' from .* is (up|down)\./.exec(line);
    if (match === null) continue;
    const [, name = "", state = ""] = match;
    assert.notEqual(last.get(name), state, line);
    last.set(name, state);
  }
}

/** A rekey is told once for each new key. */
function assertRekeyedOnce(world: World): void {
  const keys = world.log.flatMap((line) => /new SPI ([0-9a-f]{8})/.exec(line)?.[1] ?? []);
  assert.equal(new Set(keys).size, keys.length);
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  const rekey = seed % 4 !== 0;
  test(`${FAULTS} faults ${rekey ? "with" : "without"} rekey, seed ${seed}`, () => {
    const random = new Random(seed * 7_919);
    const options = [
      "option interval '1'",
      "option threshold '3'",
      `option rekey '${Number(rekey)}'`,
    ];
    if (seed % 3 === 0) options.push("option optimized '1'");
    if (seed % 5 === 0) options.push("option recover '3'");
    const world = settled(CONNECTIONS, ...options);
    const played: string[] = [];
    for (let i = 0; i < FAULTS; i++) {
      const kind = random.one(Object.keys(FAULT));
      const { name } = random.one(CONNECTIONS);
      played.push(`${world.now_ms} ${kind}: ${name}`);
      FAULT[kind]!(world, name, random);
      world.run(random.below(30_000));
    }
    assertAlternating(world);
    assertRekeyedOnce(world);
    if (!rekey) {
      assert.deepEqual(world.requests(), []);
      assert.equal(world.said("deactivated") + world.said("rekeyed the SA"), 0);
      return;
    }

    // All is well again: every tunnel comes back, with one SA, and stays.
    for (const { name } of CONNECTIONS) mended(world, name);
    world.charon.response_ms = 0;
    world.round_trip_ms = 1;
    // What was refused last waits for 5 min, or for a route.
    world.run(20_000);
    world.network(world.kernel.addRoute());
    const away = (): string[] =>
      Object.keys(world.states()).filter((name) => world.states()[name] !== "up");
    world.run(400_000);
    const context = (name: string): string =>
      [
        name,
        ...played.filter((line) => line.includes(name) || !line.includes("branch")).slice(-30),
      ].join("\n");
    for (const name of away())
      assert.fail(`down: ${context(name)}\n${world.command(`get vpn ${name}`)}`);
    for (const { name } of CONNECTIONS) {
      assert.equal(world.charon.children(name).length, 1, context(name));
      assert.equal(world.charon.ikesOf(name).length, 1, context(name));
      assert.equal(world.vpn(name).negotiation, "idle", context(name));
    }
    const downs = world.said("is down");
    const since_ms = world.now_ms;
    world.run(3_600_000);
    assert.equal(world.said("is down"), downs);
    const other = world.requests(since_ms).filter((text) => !text.startsWith("rekey"));
    assert.deepEqual(other, []);
    assertAlternating(world);
  });
}
