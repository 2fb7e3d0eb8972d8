/** What a recording of an engine rests on (docs/recording.md). */
import assert from "node:assert/strict";
import { createHash, type Hash } from "node:crypto";
import { test } from "node:test";
import { Action, Engine, type ActionRecord } from "../../host/node/engine.ts";
import { RecordingEngine } from "../../host/node/replay/record.ts";
import { Random } from "../../host/node/sim/random.ts";
import { branches, monitored, World } from "./lib/world.ts";

const VPNS = 8;
const STEPS = 400;
const SEED = 7n;

/** Some minutes with lost echoes, dead SAs, a stream that closes, commands and reloads. */
function play(engine: Engine): World {
  const random = new Random(1);
  const connections = branches(VPNS);
  const world = new World(engine, connections);
  const conf = (...options: string[]): string =>
    monitored(connections, "option rekey '1'", "option interval '1'", ...options);
  world.configure(conf());
  world.answers = () => random.below(20) > 0;
  for (let step = 0; step < STEPS; step++) {
    world.run(random.below(1000));
    const { name } = random.one(connections);
    const what = random.below(12);
    if (what === 0) world.charon.childrenOf(name).forEach((sa) => (sa.dead = true));
    if (what === 1) world.charon.removeAll(name);
    if (what === 2) world.read_bytes = 1 + random.below(3000);
    if (what === 3) world.reload(conf(`option threshold '${1 + random.below(4)}'`));
    if (what === 4) world.reload("config vpn 'x'\noption y 1\n");
    if (what === 5) world.command("json get vpn");
    if (what === 6) world.command("get event");
  }
  return world;
}

/** Keeps a digest of all actions. */
class Watched extends Engine {
  readonly digest: Hash = createHash("sha256");

  protected override call(name: string, ...numbers: (number | bigint)[]): ActionRecord[] {
    const actions = super.call(name, ...numbers);
    for (const { kind, argument, bytes } of actions) {
      this.digest.update(`${name} ${kind} ${argument} ${bytes.length} `).update(bytes);
    }
    return actions;
  }
}

/** One that is wiped after each call, as if a snapshot was taken there. */
class Wiped extends Watched {
  protected override call(name: string, ...numbers: (number | bigint)[]): ActionRecord[] {
    const actions = super.call(name, ...numbers);
    (this.exports as unknown as { wipe(): void }).wipe();
    return actions;
  }
}

test("no call reads what wipe clears", () => {
  const [watched, wiped] = [new Watched(), new Wiped()];
  const { counts } = play(watched);
  assert.deepEqual(play(wiped).counts, counts);
  assert.ok(counts.replies > 1000);
  assert.equal(wiped.digest.digest("hex"), watched.digest.digest("hex"));
});

/** A recording, under a key of one's own. */
class Keyed extends RecordingEngine {
  private readonly own_key: [bigint, bigint];

  constructor(...key: [bigint, bigint]) {
    super();
    this.own_key = key;
  }

  override start(_key: unknown, identifier: number): ActionRecord[] {
    return super.start(this.own_key, identifier, 0, SEED);
  }
}

test("nothing that is recorded hangs on the key", () => {
  const [one, other] = [new Keyed(1n, 2n), new Keyed(0x0123_4567_89ab_cdefn, -5n)];
  for (const engine of [one, other]) {
    play(engine);
    engine.nextSegment();
  }
  assert.ok(one.recording().length > 100_000);
  assert.ok(one.recording().equals(other.recording()));
});

test("the configuration asks for a recorder when that changes, and else not", () => {
  const engine = new Engine();
  engine.start([1n, 2n], 1);
  const asked = (recorder: number): number[] =>
    engine
      .configure("f", `config vpnmonitor 'global'\noption recorder '${recorder}'\n`)
      .filter(({ kind }) => kind === Action.RECORDER)
      .map(({ argument }) => argument);
  assert.deepEqual([asked(0), asked(1)], [[], [1]]);
  engine.recorder(true, 0);
  assert.deepEqual([asked(1), asked(0)], [[], [0]]);
  engine.recorder(false, 0);
  // The disk is full: that is no reason to ask at each reload.
  assert.deepEqual(asked(1), [1]);
  engine.recorder(false, 28);
  assert.deepEqual(asked(1), []);
  // What a command began already is not begun again.
  assert.deepEqual(asked(0), []);
  engine.recorder(true, 0);
  assert.deepEqual(asked(1), []);
});
