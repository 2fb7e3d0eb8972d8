/** Bytes that a stranger could send, into the whole engine: it never traps, and works on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, type Received } from "../../host/node/engine.ts";
import { branches, monitored, World } from "./lib/world.ts";

const ROUNDS = 20_000;
const VPNS = 5;

/** xorshift32: the same bytes in every run, so that what fails once fails again. */
class Random {
  constructor(private state: number) {}

  below(bound: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % bound;
  }

  bytes(max_length: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(max_length) }, () => this.below(256)));
  }

  /** A copy with some bytes changed, or cut off, or doubled. */
  mutate(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    for (let n = this.below(4); n > 0 && copy.length > 0; n--) {
      copy[this.below(copy.length)] = this.below(256);
    }
    const cut = copy.subarray(0, this.below(8) === 0 ? this.below(copy.length + 1) : copy.length);
    return this.below(16) === 0 ? Buffer.concat([cut, cut]) : cut;
  }

  one<T>(of: T[]): T {
    return of[this.below(of.length)] as T;
  }
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
    () => world.carryOut(engine.viciBytes(random.bytes(300))),
    () => world.carryOut(engine.viciBytes(random.mutate(random.one(vici)))),
    () => {
      const message = random.bytes(200);
      world.carryOut(engine.replies(random.one([4, 6]), [{ source: address, message }]));
    },
    () => {
      const { source, message } = random.one(received);
      world.carryOut(engine.replies(4, [{ source, message: random.mutate(message) }]));
    },
    () => world.carryOut(engine.network(random.bytes(200))),
    () => void engine.command(1, random.mutate(Buffer.from(random.one(commands))).toString()),
    () => {
      // One that happens to be right would take effect: this one never is.
      const text = random.mutate(configuration).toString("latin1") + "\nnonsense\n";
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
