/** Bytes that a stranger could send, into the whole engine: it never traps, and works on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, type Received } from "../../host/node/engine.ts";
import { Random } from "../../host/node/sim/random.ts";
import { branches, monitored, World } from "./lib/world.ts";

const ROUNDS = 20_000;
const VPNS = 5;

function someBytes(random: Random, max_length: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(max_length) }, () => random.below(256)));
}

/** A copy with some bytes changed, or cut off, or doubled. */
function mutate(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let n = random.below(4); n > 0 && copy.length > 0; n--) {
    copy[random.below(copy.length)] = random.below(256);
  }
  const cut = copy.subarray(0, random.below(8) === 0 ? random.below(copy.length + 1) : copy.length);
  return random.below(16) === 0 ? Buffer.concat([cut, cut]) : cut;
}

/** A world whose inputs are kept, as samples to mutate. */
function observed(): { world: World; vici: Buffer[]; received: Received[] } {
  const engine = new Engine();
  const vici: Buffer[] = [];
  const received: Received[] = [];
  const { viciBytes, replies } = engine;
  engine.viciBytes = (bytes) => {
    if (vici.length < 500) vici.push(bytes);
    return viciBytes.call(engine, bytes);
  };
  engine.replies = (version, batch) => {
    if (received.length < 500) received.push(...batch);
    return replies.call(engine, version, batch);
  };
  const connections = branches(VPNS);
  const world = new World(engine, connections);
  world.configure(monitored(connections, "option rekey '1'", "option interval '1'"));
  world.run(30_000);
  return { world, vici, received };
}

test("random and mutated bytes into every input", () => {
  const { world, vici, received } = observed();
  const { engine } = world;
  const random = new Random(20260523);
  const configuration = Buffer.from(monitored(branches(VPNS)));
  const commands = ["get sa", "json get vpn branch1", "get event", "json get sa id 0x1"];
  const address = Buffer.alloc(16, 1);

  const inputs: (() => void)[] = [
    () => world.carryOut(engine.viciBytes(someBytes(random, 300))),
    () => world.carryOut(engine.viciBytes(mutate(random, random.one(vici)))),
    () => {
      const message = someBytes(random, 200);
      world.carryOut(engine.replies(random.one([4, 6]), [{ source: address, message }]));
    },
    () => {
      const { source, message } = random.one(received);
      world.carryOut(engine.replies(4, [{ source, message: mutate(random, message) }]));
    },
    () => world.carryOut(engine.network(someBytes(random, 200))),
    () => void engine.command(1, mutate(random, Buffer.from(random.one(commands))).toString()),
    () => {
      // One that happens to be right would take effect: this one never is.
      const text = mutate(random, configuration).toString("latin1") + "\nnonsense\n";
      assert.notEqual(engine.configure("test.conf", text).length, 0);
    },
    () => world.carryOut(engine.unsent(random.one([4, 6]), random.below(64), 1)),
    () => world.run(random.below(200)),
  ];
  for (let round = 0; round < ROUNDS; round++) random.one(inputs)();

  world.run(120_000);
  const states = Object.values(world.states());
  assert.deepEqual(states, Array(VPNS).fill("up"));
});
