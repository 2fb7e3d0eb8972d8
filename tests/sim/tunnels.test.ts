/** Tunnel interfaces and their routes follow the monitor: what the kernel has, and when. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressText } from "../../host/node/address.ts";
import { Engine } from "../../host/node/engine.ts";
import type { Connection } from "../../host/node/sim/model/charon.ts";
import { Protocol, RT_TABLE_MAIN, type Route } from "../../host/node/sim/model/kernel.ts";
import { OperState } from "../../host/node/sim/model/links.ts";
import {
  Flag,
  networkOf,
  networkText,
  requestsIn,
  Type,
} from "../../host/node/sim/model/rtnetlink.ts";
import { World } from "./lib/world.ts";

const TABLE = 0x726b0001;
const TypeName = Object.fromEntries(Object.entries(Type).map(([name, type]) => [type, name]));
const SITES = [1, 2, 3];

function sites(): Connection[] {
  return SITES.map((i) => ({
    name: `spoke${i}`,
    local: "192.0.2.1",
    remote: `198.51.100.${i}`,
    local_ts: "0.0.0.0/0",
    remote_ts: "0.0.0.0/0",
    if_id: 100 + i,
  }));
}

const TUNNEL = `config tunnel 'tunnel.1'
  option create '1'
  list address '10.254.1.1/24'
`;

function vpn(i: number, ...options: string[]): string {
  const lines = [
    `config vpn 'spoke${i}'`,
    `option gateway 'spoke${i}'`,
    "option tunnel 'tunnel.1'",
  ];
  lines.push(
    "option monitor '1'",
    "option rekey '1'",
    "option interval '1'",
    "option threshold '3'",
  );
  return [...lines, `list destination_ip '10.254.1.1${i}'`, ...options].join("\n") + "\n";
}

function behind(i: number): string {
  return `config nhtb
  option interface 'tunnel.1'
  option nexthop '10.254.1.1${i}'
  option vpn 'spoke${i}'
config route
  option target '10.${i}.0.0/16'
  option interface 'tunnel.1'
  option gateway '10.254.1.1${i}'
  option metric '10'
`;
}

const HUB = TUNNEL + SITES.map((i) => vpn(i) + behind(i)).join("");

/** A hub with its spokes' SAs, and what is there before rekeyd is. */
function hub(config = HUB, prepare: (world: World) => void = () => {}): World {
  const world = new World(new Engine(), sites());
  world.kernel.interfaces.push({ name: "eth0", addresses: ["192.0.2.1"] });
  prepare(world);
  for (const { name } of world.charon.connections) world.charon.establish(name);
  world.configure(config);
  world.run(5_000);
  return world;
}

/** The routes of rekeyd in a table: `10.1.0.0/16 101 10` with if_id and metric. */
function routes(world: World, table: number = RT_TABLE_MAIN): string[] {
  return ours(world, table)
    .map((route) => `${networkText(route)} ${route.if_id ?? "-"} ${route.metric}`)
    .sort();
}

function ours(world: World, table: number): Route[] {
  return world.kernel.routes.all.filter(
    (route) => route.protocol === Protocol.REKEYD && route.table === table,
  );
}

const ALL = [
  ...SITES.map((i) => `10.${i}.0.0/16 ${100 + i} 10`),
  ...SITES.map((i) => `10.254.1.1${i}/32 ${100 + i} 0`),
].sort();
const PROBES = SITES.map((i) => `10.254.1.1${i}/32 ${100 + i} 0`);

/** Nothing that goes to these spokes is answered; of none: all is. */
function silence(world: World, ...spokes: number[]): void {
  const dead = new Set(spokes.map((i) => `10.254.1.1${i}`));
  world.answers = ({ destination }) => !dead.has(addressText(destination));
}

describe("an interface for several VPNs", () => {
  test("is made with its address, rules and routes, and the routes of the echoes", () => {
    const world = hub();
    const link = world.kernel.named("tunnel.1");
    assert.deepEqual(link.addresses, ["10.254.1.1/24"]);
    assert.equal(link.down, false);
    assert.deepEqual(link.xfrm, {});
    assert.equal(link.rp_filter, 2);
    assert.deepEqual(routes(world), ALL);
    assert.deepEqual(routes(world, TABLE), PROBES);
    const rules = world.kernel.rules.map(({ priority, oif, table }) => [priority, oif, table]);
    assert.deepEqual(rules, [
      [114, "tunnel.1", TABLE],
      [32_768, undefined, TABLE],
    ]);
    assert.deepEqual(world.states(), { spoke1: "up", spoke2: "up", spoke3: "up" });
    assert.equal(world.said('VPN "spoke1" has been bound to tunnel interface tunnel.1.'), 1);
    assert.equal(world.said("The state of interface tunnel.1 has changed to Up."), 1);
  });

  test("withdraws the routes of a VPN that is down, and no other's", () => {
    const world = hub();
    silence(world, 2);
    const down_ms = world.runUntil(() => routes(world).length < ALL.length, 10_000);
    assert.ok(down_ms <= 4_100, `${down_ms} ms`);
    assert.deepEqual(
      routes(world),
      ALL.filter((route) => !route.includes(" 102 ")),
    );
    assert.deepEqual(routes(world, TABLE), PROBES);
    assert.notEqual(world.kernel.named("tunnel.1").operstate, OperState.DORMANT);
    assert.equal(world.said("The state of interface tunnel.1 has changed to Down."), 0);
    world.run(20_000);
    silence(world);
    const back_ms = world.runUntil(() => routes(world).length === ALL.length, 10_000);
    assert.ok(back_ms <= 1_100, `${back_ms} ms`);
    assert.deepEqual(routes(world), ALL);
  });

  test("is dormant while all are down, and runs again with the first that is up", () => {
    const world = hub();
    silence(world, ...SITES);
    world.run(10_000);
    assert.deepEqual(routes(world), []);
    assert.deepEqual(routes(world, TABLE), PROBES);
    const link = world.kernel.named("tunnel.1");
    assert.equal(link.operstate, OperState.DORMANT);
    assert.equal(link.down, false);
    assert.equal(world.said("The state of interface tunnel.1 has changed to Down."), 1);
    silence(world, 1, 3);
    world.run(5_000);
    assert.equal(link.operstate, OperState.UP);
    assert.equal(world.said("The state of interface tunnel.1 has changed to Up."), 2);
    assert.equal(routes(world).length, 2);
  });

  test("gives its routes a worse metric instead, which never leave", () => {
    const world = hub(
      HUB.replace("option create '1'", "option create '1'\noption down 'metric 500'"),
    );
    assert.deepEqual(routes(world), ALL);
    let least = Infinity;
    const take = world.kernel.take.bind(world.kernel);
    world.kernel.take = (bytes) => {
      const taken = take(bytes);
      least = Math.min(least, ours(world, RT_TABLE_MAIN).filter(isTo("10.1.0.0/16")).length);
      return taken;
    };
    silence(world, 1);
    world.run(10_000);
    assert.deepEqual(ours(world, RT_TABLE_MAIN).filter(isTo("10.1.0.0/16")).map(metricOf), [500]);
    silence(world);
    world.run(5_000);
    assert.deepEqual(routes(world), ALL);
    assert.ok(least >= 1, "there was a moment without a route");
  });

  test("follows an SA that has another if_id", () => {
    const world = hub();
    const [sa] = world.charon.children("spoke3");
    sa!.if_id = 777;
    world.run(70_000);
    assert.deepEqual(routes(world), ALL.map((route) => route.replace(" 103 ", " 777 ")).sort());
  });
});

function isTo(target: string): (route: Route) => boolean {
  return (route) => networkText(route) === target;
}

function metricOf({ metric }: Route): number {
  return metric;
}

describe("what others do", () => {
  const FOREIGN: Route = {
    ...networkOf("10.2.0.0/16"),
    table: RT_TABLE_MAIN,
    metric: 10,
    protocol: Protocol.STATIC,
    oif: 1,
  };

  test("a foreign route in the place stays, is told once, and makes room", () => {
    const world = hub(HUB, (of) => {
      of.kernel.find("eth0");
      of.kernel.putRoute(FOREIGN);
    });
    world.run(300_000);
    const without = ALL.filter((route) => !route.startsWith("10.2."));
    assert.deepEqual(routes(world), without);
    assert.ok(world.kernel.routes.all.includes(FOREIGN));
    assert.equal(world.said("Route 10.2.0.0/16 with metric 10 over tunnel.1 has to wait"), 1);
    world.network(world.kernel.removeRoute(FOREIGN));
    world.run(100);
    assert.deepEqual(routes(world), ALL);
  });

  test("a foreign route goes with its interface: the kernel does not say so", () => {
    const world = hub(HUB, (of) => {
      of.kernel.find("eth0");
      of.kernel.putRoute(FOREIGN);
    });
    world.run(100_000);
    assert.equal(world.said("has to wait"), 1);
    world.network(world.kernel.setUp("eth0", false));
    world.run(100);
    assert.deepEqual(routes(world), ALL);
  });

  test("a route of ours that is replaced waits, one that is removed is put back", () => {
    const world = hub();
    const [mine] = ours(world, RT_TABLE_MAIN).filter(isTo("10.1.0.0/16"));
    world.network(world.kernel.removeRoute(mine!));
    world.run(100);
    assert.deepEqual(routes(world), ALL);
    world.network(world.kernel.putRoute(FOREIGN, Flag.CREATE | Flag.REPLACE));
    world.run(5_000);
    assert.ok(world.kernel.routes.all.includes(FOREIGN));
    assert.equal(world.said("has to wait"), 1);
  });

  test("the interface is removed: it is made again, with everything", () => {
    const world = hub();
    world.network(world.kernel.removeInterface("tunnel.1"));
    world.run(100);
    assert.deepEqual(world.kernel.named("tunnel.1").addresses, ["10.254.1.1/24"]);
    assert.deepEqual(routes(world), ALL);
    assert.deepEqual(routes(world, TABLE), PROBES);
    assert.equal(world.said("Interface tunnel.1 has been removed; it is made again"), 1);
    world.run(30_000);
    assert.deepEqual(world.states(), { spoke1: "up", spoke2: "up", spoke3: "up" });
    assert.equal(world.said("is down."), 0);
  });

  test("the interface goes down and up: the kernel has dropped its routes without a word", () => {
    const world = hub();
    world.network(world.kernel.setUp("tunnel.1", false));
    world.run(100);
    assert.deepEqual(routes(world), []);
    world.network(world.kernel.setUp("tunnel.1", true));
    world.run(100);
    assert.deepEqual(routes(world), ALL);
    assert.deepEqual(routes(world, TABLE), PROBES);
  });

  test("rules are put back, and those of another configuration are removed", () => {
    const world = hub(HUB, (of) => {
      of.kernel.rules.push({ priority: 114, table: TABLE + 5, oif: "tunnel.9", protocol: 114 });
    });
    assert.equal(world.kernel.rules.length, 2);
    world.network(world.kernel.removeRule(world.kernel.rules[0]!));
    world.run(100);
    assert.equal(world.kernel.rules.length, 2);
  });

  test("what the kernel could not tell is found when messages were lost", () => {
    const world = hub();
    const [mine] = ours(world, RT_TABLE_MAIN).filter(isTo("10.1.0.0/16"));
    world.kernel.removeRoute(mine!);
    world.kernel.removeAddress("tunnel.1", "10.254.1.1/24");
    world.kernel.removeRule(world.kernel.rules[1]!);
    world.carryOut(world.engine.networkLost());
    world.run(100);
    assert.deepEqual(routes(world), ALL);
    assert.deepEqual(world.kernel.named("tunnel.1").addresses, ["10.254.1.1/24"]);
    assert.equal(world.kernel.rules.length, 2);
  });
});

describe("a restart", () => {
  /** What is asked of the kernel that changes something. */
  function changes(world: World): string[] {
    const asked: string[] = [];
    const take = world.kernel.take.bind(world.kernel);
    world.kernel.take = (bytes) => {
      for (const { type } of requestsIn(bytes)) if ((type & 3) !== 2) asked.push(TypeName[type]!);
      return take(bytes);
    };
    return asked;
  }

  test("takes over what is there, and changes nothing", () => {
    const world = hub();
    const asked = changes(world);
    world.restart();
    world.configure(HUB);
    world.run(60_000);
    // The filter of reverse paths is set once more: the kernel does not tell it.
    assert.deepEqual(asked, ["NEWLINK"]);
    assert.deepEqual(routes(world), ALL);
  });

  test("withdraws nothing before strongSwan has told of its SAs", () => {
    const world = hub();
    world.vici = false;
    world.restart();
    world.configure(HUB.replace(/config route[^]*?metric '10'\n/, ""));
    world.run(60_000);
    assert.deepEqual(routes(world), ALL);
    world.vici = true;
    world.run(60_000);
    assert.equal(routes(world).length, ALL.length - 1);
  });

  test("goes on with Down: a dormant interface waits for an answer", () => {
    const world = hub();
    silence(world, ...SITES);
    world.run(10_000);
    world.restart();
    world.configure(HUB);
    world.run(2_000);
    assert.equal(world.kernel.named("tunnel.1").operstate, OperState.DORMANT);
    assert.deepEqual(routes(world), []);
    silence(world);
    world.run(5_000);
    assert.deepEqual(routes(world), ALL);
  });
});

describe("a reload", () => {
  test("touches only what it changes", () => {
    const world = hub();
    const kept = new Set(ours(world, RT_TABLE_MAIN));
    world.configure(HUB.replace("10.2.0.0/16", "10.22.0.0/16"));
    world.run(100);
    const now = ours(world, RT_TABLE_MAIN);
    assert.equal(now.length, ALL.length);
    assert.equal(now.filter((route) => !kept.has(route)).length, 1);
  });

  test("takes an interface away with all that rekeyd made of it", () => {
    const world = hub();
    world.configure(SITES.map((i) => vpn(i).replace("option tunnel 'tunnel.1'\n", "")).join(""));
    world.run(1_000);
    assert.equal(world.kernel.find("tunnel.1"), undefined);
    assert.deepEqual(routes(world), []);
    assert.equal(world.kernel.rules.length, 0);
    assert.equal(world.said('VPN "spoke1" has been unbound from tunnel interface tunnel.1.'), 1);
    world.configure(HUB);
    world.run(5_000);
    assert.deepEqual(routes(world), ALL);
  });

  test("makes an interface of rekeyd's anew where it is to be another kind", () => {
    const world = hub(TUNNEL + vpn(1) + behind(1));
    world.configure(
      TUNNEL.replace("option create '1'", "option create '1'\noption if_id '101'") +
        vpn(1) +
        behind(1),
    );
    world.run(5_000);
    assert.deepEqual(world.kernel.named("tunnel.1").xfrm, { if_id: 101 });
    assert.deepEqual(routes(world), ["10.1.0.0/16 - 10", "10.254.1.11/32 - 0"]);
  });

  test("changes addresses and MTU in their place", () => {
    const world = hub();
    const index = world.kernel.named("tunnel.1").index;
    world.configure(
      HUB.replace(
        "list address '10.254.1.1/24'",
        "list address '10.254.2.1/24'\noption mtu '1400'",
      ),
    );
    world.run(1_000);
    const link = world.kernel.named("tunnel.1");
    assert.deepEqual([link.index, link.addresses, link.mtu], [index, ["10.254.2.1/24"], 1400]);
  });
});

describe("a kernel that refuses", () => {
  test("XFRM interfaces: it is told once, and tried until it can", () => {
    const world = hub(HUB, (of) => {
      of.kernel.has_xfrm = false;
    });
    world.run(600_000);
    assert.equal(world.said("Interface tunnel.1 cannot be set up: not supported"), 1);
    world.kernel.has_xfrm = true;
    world.run(61_000);
    assert.deepEqual(routes(world), ALL);
  });

  test("nothing is asked for where somebody else is to make the interface", () => {
    const world = hub(HUB.replace(TUNNEL, "config tunnel 'tunnel.1'\n"));
    world.run(60_000);
    assert.equal(world.kernel.find("tunnel.1"), undefined);
    assert.equal(world.said("Interface tunnel.1 is not there"), 1);
    const link = { name: "tunnel.1", addresses: ["10.254.1.9/24"], xfrm: {} };
    world.network(world.kernel.addInterface(link));
    world.run(100);
    assert.deepEqual(routes(world), ALL);
    assert.deepEqual(world.kernel.named("tunnel.1").addresses, ["10.254.1.9/24"]);
  });

  test("another kind of interface has the name: it is left alone", () => {
    const other = { name: "tunnel.1", addresses: [], xfrm: { if_id: 5 } };
    const world = hub(HUB, (of) => of.kernel.addInterface(other));
    world.run(60_000);
    assert.equal(world.said("Interface tunnel.1 is not an XFRM interface in external mode"), 1);
    assert.deepEqual(world.kernel.named("tunnel.1").xfrm, { if_id: 5 });
    assert.deepEqual(routes(world), []);
  });
});

test("thousands of routes come and go in batches", () => {
  const many = Array.from(
    { length: 5_000 },
    (_, i) => `config route
  option target '172.${16 + (i >> 8)}.${i & 255}.0/24'
  option interface 'tunnel.1'
  option gateway '10.254.1.1${1 + (i % 3)}'
`,
  );
  const world = hub(HUB + many.join(""));
  assert.equal(routes(world).length, ALL.length + many.length);
  silence(world, 1);
  world.run(10_000);
  assert.equal(ours(world, RT_TABLE_MAIN).filter(({ if_id }) => if_id === 101).length, 0);
  silence(world);
  world.run(10_000);
  assert.equal(routes(world).length, ALL.length + many.length);
});

test("an if_id that another VPN's SA has by now is no longer that of a VPN without one", () => {
  const connections = sites().map((site) => ({ ...site, if_id: "unique" as const }));
  const world = new World(new Engine(), connections);
  world.charon.establish("spoke1");
  world.charon.establish("spoke2");
  const watched = vpn(1).replace("option rekey '1'\n", "");
  world.configure(TUNNEL + watched + behind(1) + vpn(2) + behind(2));
  world.run(5_000);
  assert.deepEqual(
    routes(world).filter((route) => route.startsWith("10.1.0.0")),
    ["10.1.0.0/16 1 10"],
  );
  // It counts from 1 again, and the first that comes back is the other one.
  world.charon.restart();
  world.viciClosed();
  world.run(5_000);
  assert.deepEqual(world.states(), { spoke1: "inactive", spoke2: "up" });
  assert.deepEqual(
    routes(world).filter((route) => /^10\.[12]\.0\.0/.test(route)),
    ["10.2.0.0/16 1 10"],
  );
});

test("that another's route is gone is found out where the kernel's word of it was lost", () => {
  const theirs = { ...networkOf("10.1.0.0/16"), ...{ table: RT_TABLE_MAIN, metric: 10, oif: 1 } };
  const foreign = { ...theirs, protocol: Protocol.STATIC };
  const world = hub(HUB, ({ kernel }) => kernel.putRoute(foreign));
  world.run(60_000);
  assert.ok(!routes(world).includes("10.1.0.0/16 101 10"));
  // Nobody is told; the next try may be a minute away.
  world.kernel.removeRoute(foreign);
  world.carryOut(world.engine.networkLost());
  world.run(1_000);
  assert.ok(routes(world).includes("10.1.0.0/16 101 10"));
});
