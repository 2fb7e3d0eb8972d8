/** Echoes of a VPN that is bound to a tunnel interface. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { World, type Sent } from "./lib/world.ts";

const ENETUNREACH = 101;
const ENODEV = 19;
const IF_ID = 3;
const CONNECTION = {
  name: "branch0",
  local: "192.0.2.1",
  remote: "198.51.100.1",
  local_ts: "0.0.0.0/0",
  remote_ts: "0.0.0.0/0",
};
const TUNNEL = `config tunnel 'tunnel.1'
  option if_id '${IF_ID}'
`;
const NEXT_HOP = `config nhtb
  option interface 'tunnel.1'
  option nexthop '10.9.0.3'
  option vpn 'branch0'
`;

function vpn(...options: string[]): string {
  return [
    "config vpn 'branch0'",
    "option gateway 'branch0'",
    "option monitor '1'",
    "option rekey '1'",
    "option interval '1'",
    "option threshold '3'",
    "option tunnel 'tunnel.1'",
    ...options,
    "",
  ].join("\n");
}

/** The VPN's SA has this if_id; its interface is there, with an address, unless it is not to be. */
function bound(text: string, if_id = IF_ID, is_there = true): World {
  const world = new World(new Engine(), [{ ...CONNECTION, if_id }]);
  world.kernel.interfaces.push({ name: "lan", addresses: ["10.1.0.1/24"] });
  if (is_there) addTunnel(world);
  world.charon.establish("branch0");
  world.sent = [];
  world.configure(text);
  world.run(10_000);
  return world;
}

function addTunnel(world: World): void {
  const xfrm = { if_id: IF_ID };
  const news = world.kernel.addInterface({ name: "tunnel.1", addresses: [], xfrm });
  const address = world.kernel.addAddress("tunnel.1", "10.9.0.1/24");
  if (world.now_ms > 1_000_000) world.network(Buffer.concat([news, address]));
}

function last(world: World): Partial<Sent> | undefined {
  const sent = world.sent!.at(-1);
  return sent && { source: sent.source, destination: sent.destination, by: sent.by };
}

describe("echoes of a bound VPN", () => {
  test("leave by its interface, from its address, to its next hop", () => {
    const world = bound(vpn() + TUNNEL + NEXT_HOP);
    assert.equal(world.vpn("branch0").state, "up");
    const way = { source: "10.9.0.1", destination: "10.9.0.3", by: "tunnel.1" };
    assert.deepEqual(last(world), way);
    assert.ok(world.sent!.every(({ by }) => by === "tunnel.1"));
  });

  test("go where the configuration says, if it does", () => {
    const world = bound(
      vpn("option source_ip '10.1.0.1'", "list destination_ip '10.2.0.10'") + TUNNEL + NEXT_HOP,
    );
    const way = { source: "10.1.0.1", destination: "10.2.0.10", by: "tunnel.1" };
    assert.deepEqual(last(world), way);
  });

  test("follow a next hop that is configured later, and one that is not any more", () => {
    const world = bound(vpn() + TUNNEL);
    assert.equal(last(world)?.destination, "198.51.100.1");
    world.configure(vpn() + TUNNEL + NEXT_HOP);
    world.run(5_000);
    assert.equal(last(world)?.destination, "10.9.0.3");
    world.configure(vpn() + TUNNEL);
    world.run(5_000);
    assert.equal(last(world)?.destination, "198.51.100.1");
    assert.equal(world.vpn("branch0").state, "up");
  });

  test("stop while the interface is not there, and nothing is missed", () => {
    const world = bound(vpn() + TUNNEL + NEXT_HOP);
    world.network(world.kernel.removeInterface("tunnel.1"));
    const { echoes } = world.counts;
    world.run(60_000);
    assert.equal(world.counts.echoes, echoes);
    assert.equal(world.vpn("branch0").state, "up");
    assert.equal(world.vpn("branch0").misses, 0);
    assert.deepEqual(world.requests(), []);
    addTunnel(world);
    world.run(5_000);
    assert.ok(world.counts.echoes > echoes);
    assert.equal(last(world)?.by, "tunnel.1");
  });

  test("stop while the interface is down", () => {
    const world = bound(vpn() + TUNNEL + NEXT_HOP);
    world.network(world.kernel.setUp("tunnel.1", false));
    const { echoes } = world.counts;
    world.run(60_000);
    assert.equal(world.counts.echoes, echoes);
    assert.deepEqual(world.requests(), []);
    world.network(world.kernel.setUp("tunnel.1", true));
    world.run(5_000);
    assert.ok(world.counts.echoes > echoes);
  });

  test("wait for an interface that comes later", () => {
    const world = bound(vpn() + TUNNEL + NEXT_HOP, IF_ID, false);
    assert.equal(world.counts.echoes, 0);
    addTunnel(world);
    world.run(5_000);
    assert.equal(world.vpn("branch0").state, "up");
  });

  for (const if_id of [0, 4]) {
    test(`do not leave for an SA with if_id ${if_id}, and swanctl.conf's mistake is told`, () => {
      const world = bound(vpn() + TUNNEL + NEXT_HOP, if_id);
      world.run(60_000);
      assert.equal(world.counts.echoes, 0);
      assert.deepEqual(world.requests(), []);
      const has = `tunnel.1 has if_id 3, but its SA has if_id_in ${if_id} and if_id_out ${if_id}.`;
      assert.equal(world.said(has), 1);
      assert.equal(world.said("Set if_id_in and if_id_out of child 'branch0' to 3"), 1);
      assert.match(world.command("get vpn branch0"), /no echo: another if_id/);
    });
  }

  test("that the kernel knows no way for are told once, and no misses", () => {
    for (const errno of [ENETUNREACH, ENODEV]) {
      const world = bound(vpn() + TUNNEL + NEXT_HOP);
      world.send_errno = errno;
      world.run(60_000);
      assert.equal(world.vpn("branch0").state, "up");
      assert.deepEqual(world.requests(), []);
      assert.equal(world.said("cannot send to 10.9.0.3"), 1);
    }
  });

  test("that are lost in the tunnel are misses as ever", () => {
    const world = bound(vpn() + TUNNEL + NEXT_HOP);
    world.charon.child("branch0").dead = true;
    world.runUntil(() => world.said("is down") > 0, 10_000);
  });
});
