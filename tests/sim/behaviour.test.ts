/** What the engine does in hours, in a second, and without a network. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { branches, monitored, settled, World } from "./lib/world.ts";

const REKEY = ["option rekey '1'", "option interval '1'", "option threshold '3'"];

function world(vpns: number, options: string[]): World {
  const connections = branches(vpns);
  const world = new World(new Engine(), connections);
  world.configure(monitored(connections, ...options));
  world.run(10_000);
  return world;
}

/** How many lines of the log hold the text. */
function said(world: World, text: string): number {
  return world.log.filter((line) => line.includes(text)).length;
}

test("a day with rekey: every key is renewed, and no VPN goes down", () => {
  const day = world(3, REKEY);
  day.run(24 * 3_600_000);
  assert.deepEqual(Object.values(day.states()), ["up", "up", "up"]);
  assert.equal(said(day, "is down"), 0);
  // A key lives an hour, less what it is renewed before that.
  assert.ok(said(day, "successfully rekeyed") >= 3 * 23);
  assert.equal(day.counts.echoes, day.counts.replies);
});

test("a target falls silent: down after the threshold, up when it answers again", () => {
  const fault = world(1, REKEY);
  fault.answers = () => false;
  fault.run(4_500);
  assert.deepEqual(fault.states(), { branch0: "down" });
  assert.equal(said(fault, "has deactivated the SA"), 1);
  fault.answers = () => true;
  fault.run(5_000);
  assert.deepEqual(fault.states(), { branch0: "up" });
  assert.equal(said(fault, "successfully rekeyed"), 1);
});

for (const response_ms of [0, 300]) {
  // Beyond 200 ms a round goes on without fresh counters.
  test(`without rekey: packets from long before 'down' bring no echo (${response_ms} ms)`, () => {
    const world = settled(branches(1), "option interval '1'", "option threshold '3'");
    world.charon.child("branch0").packets_in += 5;
    world.run(30_000);
    world.charon.response_ms = response_ms;
    world.charon.peer("branch0").silent = true;
    world.run(5_000);
    assert.deepEqual(world.states(), { branch0: "down" });
    const before = world.counts.echoes;
    world.run(30_000);
    assert.equal(world.counts.echoes, before);
  });
}

test("without rekey: no echo leaves after 'down' until there is a new SA", () => {
  const connections = branches(1);
  const quiet = new World(new Engine(), connections);
  quiet.charon.establish("branch0");
  quiet.configure(monitored(connections, "option interval '1'", "option threshold '3'"));
  quiet.run(10_000);
  assert.deepEqual(quiet.states(), { branch0: "up" });

  quiet.answers = () => false;
  quiet.run(10_000);
  assert.deepEqual(quiet.states(), { branch0: "down" });
  const echoes = quiet.counts.echoes;
  quiet.answers = () => true;
  quiet.run(60_000);
  assert.equal(quiet.counts.echoes, echoes);
  assert.equal(quiet.charon.ikes.length, 1);

  quiet.charon.establish("branch0");
  quiet.run(120_000);
  assert.deepEqual(quiet.states(), { branch0: "up" });
});

test("a clock that jumps, as after a suspend, brings no 'down'", () => {
  const laptop = world(3, REKEY);
  // Less than the keys live: an SA that is gone after it would be 'down' rightly.
  laptop.setTime(laptop.now_ms + 40 * 60_000);
  laptop.run(60_000);
  assert.equal(said(laptop, "is down"), 0);
});

test("the same configuration again changes nothing", () => {
  const steady = world(3, REKEY);
  const before = said(steady, "is up");
  for (let i = 0; i < 10; i++) {
    steady.configure(monitored(branches(3), ...REKEY));
    steady.run(1_500);
  }
  assert.equal(said(steady, "is up"), before);
  assert.equal(said(steady, "is down"), 0);
});

test("the same inputs lead to the same actions", () => {
  const run = (): string => {
    const same = world(20, REKEY);
    same.answers = ({ message }) => message.readUInt16BE(6) % 7 !== 0;
    same.run(600_000);
    const state = same.command("json get vpn") + same.log.join("\n");
    return createHash("sha256").update(state).digest("hex");
  };
  assert.equal(run(), run());
});
