/** Keys, sections, lists and events that strongSwan does not have yet must change nothing. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Engine, type ActionRecord } from "../../host/node/engine.ts";
import { Packet } from "../../host/node/sim/model/vici.ts";
import { Random } from "../../host/node/sim/random.ts";
import { withUnknown } from "./lib/unknown.ts";
import { branches, monitored, World } from "./lib/world.ts";

const RUNS = 8;
const FIXTURES = "tests/unit/fixtures";

/** Every action that the engine asks for, in order. */
function play(change: (bytes: Buffer) => Buffer): ActionRecord[] {
  const connections = branches(3, { ike_rekey_s: 100, reauth_s: 150, rekey_s: 40, lifetime_s: 60 });
  const world = new World(new Engine(), connections);
  const actions: ActionRecord[] = [];
  const carryOut = world.carryOut.bind(world);
  world.carryOut = (asked) => {
    actions.push(...asked);
    carryOut(asked);
  };
  const viciBytes = world.viciBytes.bind(world);
  world.viciBytes = (bytes) => viciBytes(change(bytes));
  const { charon } = world;
  charon.generation = 6;
  charon.alerts = true;
  world.configure(
    monitored(connections, "option interval '1'", "option threshold '3'", "option rekey '1'"),
  );
  world.run(20_000);
  charon.child("branch0").dead = true;
  charon.rekeyChild(charon.child("branch1"), false);
  charon.collide(charon.child("branch2"), "theirs stays");
  world.run(20_000);
  charon.peer("branch1").refuses = true;
  charon.forget("branch1");
  world.run(20_000);
  charon.peer("branch1").refuses = false;
  charon.peer("branch2").silent = true;
  world.run(60_000);
  charon.peer("branch2").silent = false;
  world.run(400_000);
  assert.deepEqual([...new Set(Object.values(world.states()))], ["up"]);
  return actions;
}

test("a whole life comes out the same, action by action and byte by byte", () => {
  const plain = play((bytes) => bytes);
  assert.ok(plain.length > 1000, `${plain.length} actions`);
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Random(seed);
    const peppered = play((bytes) => withUnknown(bytes, random));
    assert.ok(isDeepStrictEqual(peppered, plain), `seed ${seed}`);
  }
});

const VPNS = ["s2s/net", "s2s/net6", "s2s/host", "old/old", "six/six", "wrong/wrong"];
const RESPONSE = Buffer.from([0, 0, 0, 1, Packet.CMD_RESPONSE]);

const config = VPNS.map((path) => {
  const [gateway, child] = path.split("/");
  return `config vpn '${child}'\noption gateway '${gateway}'\noption child '${child}'\n`;
}).join("");

/** What an engine that has asked for a list asks for and shows, when it is told a recording. */
function told(folder: string, name: string, change: (bytes: Buffer) => Buffer): string {
  const load = (name: string): Buffer => readFileSync(`${FIXTURES}/${folder}/${name}.bin`);
  const engine = new Engine();
  engine.start([1n, 2n], 1);
  engine.configure("x", config);
  engine.viciOpened();
  engine.viciBytes(load("register"));
  const events = packets(load(name)).filter((packet) => packet[4] === Packet.EVENT);
  const actions = [
    ...engine.viciBytes(change(load("list-conns"))),
    ...engine.viciBytes(change(Buffer.concat([...events, RESPONSE]))),
    ...engine.command(1, "json get vpn"),
  ];
  engine.now_ms += 1_000;
  actions.push(...engine.tick(), ...engine.chores());
  return actions.map(({ kind, bytes }) => `${kind} ${bytes.toString("latin1")}`).join("\n");
}

function packets(stream: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < stream.length; at += 4 + stream.readUInt32BE(at)) {
    found.push(stream.subarray(at, at + 4 + stream.readUInt32BE(at)));
  }
  return found;
}

describe("what a real charon said is understood the same, whatever stands in it besides:", () => {
  for (const folder of ["vici", "vici-6.0.6"]) {
    for (const file of readdirSync(`${FIXTURES}/${folder}`)) {
      if (!file.endsWith(".bin")) continue;
      const name = file.slice(0, -".bin".length);
      test(`${folder}/${name}`, () => {
        const plain = told(folder, name, (bytes) => bytes);
        if (name.startsWith("list-sas-t")) assert.match(plain, /"state":"connecting"/);
        for (let seed = 1; seed <= 20; seed++) {
          const random = new Random(seed);
          const seen = told(folder, name, (bytes) => withUnknown(bytes, random));
          assert.ok(seen === plain, `seed ${seed}`);
        }
      });
    }
  }
});
