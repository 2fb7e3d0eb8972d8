import assert from "node:assert/strict";
import { test } from "node:test";
import { host, lan } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";

const SPOKES = 6;

test("each next hop's SA counts exactly its own packets", () =>
  withStar("star", SPOKES, async (star) => {
    const { hub, spokes } = star;
    for (const spoke of spokes) await hub.initiate(spoke);
    await hub.run(
      [
        "/sbin/ip link add tunnel.1 type xfrm external",
        "/sbin/ip link set tunnel.1 up",
        ...spokes.map(({ number }) => {
          const route = `${lan(number)} dev tunnel.1 src ${host(0)}`;
          return `/sbin/ip route add ${route} encap xfrm if_id ${number}`;
        }),
      ].join("\n"),
    );
    for (const { number } of spokes) {
      const pinged = await hub.ping(host(number), 10 + number, 0.01);
      assert.equal(pinged.received, 10 + number);
    }
    const sas = await hub.kernelSas();
    assert.equal(sas.length, 2 * SPOKES);
    for (const { if_id, packets } of sas) assert.equal(packets, 10 + if_id);
  }));
