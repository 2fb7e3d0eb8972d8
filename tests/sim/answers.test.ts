/** Which answers count, and of which SA they say something. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, type Echo } from "../../host/node/engine.ts";
import { branches, monitored, replyTo, settled, World } from "./lib/world.ts";

const OPTIONS = ["option interval '1'", "option threshold '3'"];
const EAGAIN = 11;

test("an answer to an echo from before the new key says nothing of the new key", () => {
  const world = settled(branches(1), ...OPTIONS, "option rekey '1'");
  world.round_trip_ms = 300;
  world.run(2_000);
  const { echoes } = world.counts;
  world.runUntil(() => world.counts.echoes > echoes, 2_000, 1);
  world.answers = () => false;
  world.charon.rekeyChild(world.charon.child("branch0"));
  world.runUntil(() => world.said("is down") > 0, 10_000, 1);
  assert.equal(world.said("Completed negotiations with SPI"), 1);
  assert.equal(world.said("successfully rekeyed"), 0);
  // It is no silent target either: the next new key brings the VPN up.
  world.answers = () => true;
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("successfully rekeyed"), 1);
});

test("an answer from before the SA brings nothing up, if the echo beside it stayed, too", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  const out: Echo[] = [];
  world.answers = (echo) => {
    out.push(echo);
    // The socket was full after the first of the two.
    if (out.length === 2) world.carryOut(world.engine.unsent(4, 1, EAGAIN));
    return false;
  };
  world.charon.establish("branch0");
  world.configure(monitored(connections, ...OPTIONS, "list destination_ip '10.2.0.11'"));
  world.runUntil(() => out.length === 2, 2_000, 1);
  world.charon.rekeyChild(world.charon.child("branch0"));
  world.run(50);
  assert.equal(world.said("Completed negotiations with SPI"), 1);
  world.deliver(4, [replyTo(out[0]!, 4)]);
  assert.equal(world.said("is up"), 0);
  world.deliver(4, [replyTo(out.at(-1)!, 4)]);
  assert.equal(world.said("is up"), 1);
});

test("answers to a round that was called off are none to the next one", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  let full = false;
  let count = 0;
  world.answers = () => {
    // The socket takes the first of the two.
    if (full && ++count % 2 === 0) world.carryOut(world.engine.unsent(4, 1, EAGAIN));
    return true;
  };
  world.charon.establish("branch0");
  world.configure(monitored(connections, ...OPTIONS, "list destination_ip '10.2.0.11'"));
  world.run(5_000);
  full = true;
  world.run(5_000);
  full = false;
  world.answers = () => false;
  const start_ms = world.now_ms;
  world.runUntil(() => world.said("is down") > 0, 10_000, 10);
  assert.ok(world.now_ms - start_ms <= 3_500, `${world.now_ms - start_ms} ms`);
});

test("late answers to a VPN that was left out for a while are no user traffic", () => {
  const connections = branches(1);
  const options = ["option interval '1'", "option optimized '1'", "option recover '2'"];
  const world = settled(connections, ...options);
  world.round_trip_ms = 3_600;
  world.run(5_000);
  world.configure("");
  world.run(500);
  world.answers = () => false;
  world.configure(monitored(connections, ...options));
  world.run(5_000);
  assert.equal(world.said("is up"), 1);
});
