/** What the simulator found first: each as short as it can be shown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { branches, monitored, settled, World } from "./lib/world.ts";

const REKEY = ["option interval '1'", "option threshold '3'", "option rekey '1'"];

test("a route that comes before the first list renews nothing: the tunnels may be well", () => {
  const connections = branches(2);
  const world = new World(new Engine(), connections);
  for (const { name } of connections) world.charon.establish(name);
  world.charon.response_ms = 1_000;
  world.configure(monitored(connections, ...REKEY));
  world.run(500);
  world.network(world.kernel.addRoute());
  world.run(20_000);
  assert.deepEqual(world.states(), { branch0: "up", branch1: "up" });
  assert.deepEqual(world.requests(), []);
});

test("a list that ends early takes no VPN's targets away", () => {
  const world = settled(branches(2), ...REKEY);
  const { lists } = world.charon;
  world.charon.cuts_list = true;
  world.vici = false;
  world.runUntil(() => world.charon.lists > lists, 120_000, 1);
  world.run(1_000);
  const { echoes } = world.counts;
  world.run(20_000);
  assert.equal(world.counts.echoes - echoes, 40);
});

test("an SA that is in use again because a newer one went is no new key", () => {
  const world = settled(branches(1), ...REKEY);
  const newer = world.charon.establish("branch0", false);
  world.run(500);
  assert.equal(world.said("successfully rekeyed"), 1);
  world.charon.removeIke(newer.ike);
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("successfully rekeyed"), 1);
});

test("nor is it when there was yet another one in between", () => {
  const world = settled(branches(1), ...REKEY);
  const first = world.charon.establish("branch0", false);
  world.run(500);
  world.round_trip_ms = 50;
  const config = first.config;
  // One that is never answered on, and at once another one.
  const second = world.charon.addChild(first.ike, config);
  world.charon.tell("child-updown", first.ike, { up: "yes" });
  world.run(20);
  const third = world.charon.addChild(first.ike, config);
  world.charon.tell("child-updown", first.ike, { up: "yes" });
  world.run(500);
  assert.equal(world.said("successfully rekeyed"), 2);
  world.charon.removeChild(third);
  world.charon.removeChild(second);
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("successfully rekeyed"), 2);
});

test("a child that strongSwan is still negotiating is not initiated again", () => {
  const connections = branches(1);
  const world = settled(connections, ...REKEY);
  world.charon.peer("branch0").exchange_ms = 900;
  world.charon.removeChild(world.charon.child("branch0"));
  world.run(100);
  assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
  world.restart();
  world.configure(monitored(connections, ...REKEY));
  world.run(5_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
});

test("user traffic of long ago is none, though a slow charon's last list shows it", () => {
  const world = settled(branches(1), "option interval '1'", "option threshold '3'");
  world.charon.removeIke(world.charon.child("branch0").ike);
  const child = world.charon.establish("branch0");
  world.run(500);
  child.packets_in += 100;
  world.charon.tell("child-updown", child.ike);
  world.run(500);
  assert.deepEqual(world.states(), { branch0: "up" });
  world.charon.response_ms = 30_000;
  world.answers = () => false;
  world.runUntil(() => world.said("is down") === 1, 10_000);
  const { echoes } = world.counts;
  world.run(20_000);
  assert.equal(world.counts.echoes, echoes);
});

test("what waits for a slow strongSwan is not asked for once rekey is switched off", () => {
  const connections = branches(3);
  const world = settled(connections, ...REKEY);
  // Its answers take a while, so that what is to be asked next has to wait.
  world.charon.response_ms = 3_000;
  for (const { name } of connections) world.charon.removeAll(name);
  world.run(5_000);
  assert.deepEqual(Object.values(world.states()), ["down", "down", "down"]);
  assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
  world.configure(monitored(connections, "option interval '1'", "option threshold '3'"));
  world.run(60_000);
  assert.deepEqual(world.requests(), ["initiate branch0/branch0"]);
});
