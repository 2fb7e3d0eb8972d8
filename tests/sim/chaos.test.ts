/** Faults of every kind, and reloads, at random, for hours: what must hold whatever happens. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { Child, Connection } from "../../host/node/sim/model/charon.ts";
import { Random } from "./lib/random.ts";
import { branches, hub, monitoredChildren, settled, World } from "./lib/world.ts";

const GATEWAYS = 24;
const FAULTS = 300;
const CONNECTIONS: Connection[] = branches(GATEWAYS, { lifetime_s: 900, rekey_s: 0 }).map(
  (connection, i) =>
    // A third has keys that strongSwan renews by itself.
    i % 3 === 0 ? { ...connection, rekey_s: 600, ike_rekey_s: 3_000 } : connection,
);

type Fault = (world: World, name: string, random: Random) => void;

function mended(world: World, name: string): void {
  const peer = world.charon.peer(name);
  Object.assign(peer, { silent: false, refuses: false, exchange_ms: 5 });
  peer.refused_children.clear();
}

const FAULT: Record<string, Fault> = {
  "a dead SA": (world, name) => world.charon.childrenOf(name).forEach((sa) => (sa.dead = true)),
  "a peer that has forgotten": (world, name) => world.charon.forget(name),
  "a peer that is silent": (world, name) => (world.charon.peer(name).silent = true),
  "a peer that refuses": (world, name) => (world.charon.peer(name).refuses = true),
  "a peer that refuses a child": (world, name, random) => {
    const { children } = world.charon.connectionOf(name);
    if (children !== undefined) {
      world.charon.peer(name).refused_children.add(random.one(children).name);
    }
  },
  "a slow peer": (world, name) => (world.charon.peer(name).exchange_ms = 700),
  "a peer that is well": mended,
  "an operator who deletes": (world, name) => world.charon.removeAll(name),
  "a CHILD_SA that goes": (world, name) => {
    const [child] = world.charon.childrenOf(name);
    if (child !== undefined) world.charon.removeChild(child);
  },
  "an SA that goes unheard": (world, name) => {
    for (const ike of world.charon.ikesOf(name)) ike.children = [];
  },
  "a duplicate of ours": (world, name) => void world.charon.establish(name),
  "a duplicate of theirs": (world, name) => void world.charon.establish(name, false),
  "a rekey by the peer": (world, name) =>
    world.charon.childrenOf(name).forEach((sa) => world.charon.rekeyChild(sa)),
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

/** All is well again: a while later every tunnel is back, with one SA. */
function assertMended(world: World, played: string[]): void {
  world.charon.hangs = false;
  world.charon.response_ms = 0;
  world.round_trip_ms = 1;
  // What was refused last waits for 5 min, or for a route.
  world.run(20_000);
  world.network(world.kernel.addRoute());
  world.run(400_000);
  for (const [name, state] of Object.entries(world.states())) {
    const { gateway, negotiation } = world.vpn(name);
    const about = played.filter((line) => line.endsWith(`: ${gateway}`) || !line.includes(": "));
    const context = `${world.command(`get vpn ${name}`)}\n${about.slice(-30).join("\n")}`;
    assert.equal(state, "up", context);
    assert.equal(negotiation, "idle", context);
    assert.equal(world.charon.children(name).length, 1, context);
    // Two IKE_SAs may share a gateway's children, but none is left without one.
    const ikes = world.charon.ikesOf(gateway);
    assert.ok(
      ikes.every(({ children }) => children.length > 0),
      context,
    );
  }
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
    assertMended(world, played);
    const downs = world.said("is down");
    const since_ms = world.now_ms;
    world.run(1_800_000);
    assert.equal(world.said("is down"), downs);
    const other = world.requests(since_ms).filter((text) => !text.startsWith("rekey"));
    assert.deepEqual(other, []);
    assertAlternating(world);
  });
}

describe("faults and reloads in turn", () => {
  /** More than may negotiate at once, and VPNs that share an IKE_SA. */
  const hubs = Array.from({ length: 24 }, (_, h) => {
    const connection = hub(1 + (h % 3), `hub${h}`);
    const children = connection.children.map((child, i) => ({
      ...child,
      name: `net${h}_${i}`,
      remote_ts: `10.${2 + h}.${i}.0/24`,
    }));
    return { ...connection, remote: `198.51.100.${1 + h}`, children };
  });
  const MONITOR = ["option interval '1'", "option threshold '3'"];
  const REKEY = [...MONITOR, "option rekey '1'"];

  /** A configuration of those children that are wanted. */
  function configured(options: string[], wanted: (child: Child) => boolean = () => true): string {
    const text = ({ children, ...connection }: (typeof hubs)[0]): string =>
      monitoredChildren(connection, children.filter(wanted), ...options);
    return hubs.map(text).join("");
  }

  const RELOAD: Record<string, (world: World, random: Random) => void> = {
    "some VPNs are left out": (world, random) => {
      world.configure(configured(REKEY, () => random.below(5) > 0));
    },
    "no VPN is rekeyed": (world, random) => {
      world.configure(configured(MONITOR, () => random.below(4) > 0));
    },
    "all VPNs are optimized": (world) => {
      world.configure(configured([...REKEY, "option optimized '1'"]));
    },
    "rekeyd is restarted": (world) => {
      world.restart();
      world.configure(configured(REKEY));
    },
  };

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`seed ${seed}`, () => {
      const random = new Random(seed * 7_919);
      const world = new World(new Engine(), hubs);
      world.configure(configured(REKEY));
      world.run(15_000);
      const played: string[] = [];
      for (let i = 0; i < 100; i++) {
        if (random.below(4) === 0) {
          const kind = random.one(Object.keys(RELOAD));
          played.push(`${world.now_ms} ${kind}`);
          RELOAD[kind]!(world, random);
        } else {
          const kind = random.one(Object.keys(FAULT));
          const { name } = random.one(hubs);
          played.push(`${world.now_ms} ${kind}: ${name}`);
          FAULT[kind]!(world, name, random);
        }
        world.run(random.below(6_000));
      }
      for (const { name } of hubs) mended(world, name);
      world.configure(configured(REKEY));
      assertMended(world, played);
    });
  }
});
