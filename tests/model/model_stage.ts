/** A scenario played by the engine with the model of charon, in simulated time. */
import { Engine } from "../../host/node/engine.ts";
import type { Branch } from "../../host/node/sim/branch.ts";
import type { Peers } from "../../host/node/sim/peers.ts";
import { Random } from "../../host/node/sim/random.ts";
import { World, type Observer } from "../../host/node/sim/world.ts";
import type {
  Child,
  ChildSa,
  Collision,
  Connection,
  Generation,
  IkeSa,
} from "../../host/node/sim/model/charon.ts";
import { Conversation } from "./conversation.ts";
import {
  play,
  QUIET_MS,
  type Deed,
  type End,
  type Scenario,
  type Setup,
  type Stage,
} from "./scenario.ts";

const STEP_MS = 40_000;
const AWAY_MS = 1_000;
const STANDSTILL_MS = 1_500;
const ASIDE_MS = 400;
const LATE_MS = 300;
const NAME = "s2s";
const FIRST = "net0";
/** What may come of two rekeys at once; undefined: theirs is refused. */
const COLLISIONS: (Collision | undefined)[] = [
  undefined,
  "ours stays",
  "theirs stays",
  "only theirs",
];
const ENGINE = "build/engine.wasm";

/** Nobody watches: what is said is all that counts. */
const UNSEEN: Observer = {
  echo: () => {},
  reply: () => {},
  packetIn: () => {},
  said: () => {},
  hook: () => {},
  requested: () => {},
  childrenChanged: () => {},
  expires: () => {},
  begunAnew: () => {},
  startedAnew: () => {},
  configured: () => {},
  delayed: () => {},
  kernelChanged: () => {},
  step: () => {},
};

/** At our end, and at the peer's. */
export type Strongswans = Record<"a" | "b", Generation>;

/** Does something to the model before the scenario begins: a model that is wrong, for instance. */
export type Change = (peers: Peers) => void;

function branchesOf(setup: Setup): Branch[] {
  const children = Array.from({ length: setup.children ?? 1 }, (_, net): Child => ({
    name: `net${net}`,
    local_ts: `10.1.${net}.0/24`,
    remote_ts: `10.2.${net}.0/24`,
  }));
  const connection: Connection = {
    ...children[0]!,
    name: NAME,
    version: setup.version ?? 2,
    local: "192.0.2.1",
    remote: "198.51.100.1",
    children,
    lifetime_s: setup.life_time_s ?? 0,
    rekey_s: setup.rekey_time_s ?? 0,
    ike_rekey_s: setup.ike_rekey_time_s ?? 0,
    reauth_s: setup.reauth_time_s ?? 0,
  };
  const path = {
    delay_ms: 0,
    jitter_ms: 0,
    loss: 0,
    duplicates: 0,
    reorders: 0,
    corrupts: 0,
    esp_out: 0,
    esp_in: 0,
    ike: 0,
  };
  return children.map((child, net) => ({
    name: child.name,
    connection,
    child,
    rekey: setup.rekey ?? true,
    optimized: false,
    interval_ms: 1_000 * (setup.interval_s ?? 1),
    threshold: 3,
    recover: 1,
    phase1_lifetime_s: 28_800,
    destinations: [`10.2.${net}.10`],
    quorum: "any",
    source: `10.1.${net}.1`,
    source_by: "address",
    left_out: 0,
    path,
    targets: { answers: 100, late_ms: 0, off: 0 },
    traffic: { in: false, out: false },
  }));
}

export class ModelStage implements Stage {
  readonly conversation: Conversation;
  private readonly world: World;
  private readonly branches: Branch[];

  private constructor(
    setup: Setup,
    private readonly seed: number,
    strongswans: Strongswans,
    change: Change,
  ) {
    this.branches = branchesOf(setup);
    this.world = new World(new Random(seed), this.branches, () => new Engine(ENGINE));
    this.world.observer = UNSEEN;
    this.world.engine = new Engine(ENGINE);
    this.conversation = new Conversation(() => this.world.now_ms);
    const { peers } = this.world;
    const { retransmit_ms } = setup;
    peers.generation = strongswans.a;
    peers.peer(NAME).generation = strongswans.b;
    if (retransmit_ms !== undefined) peers.retransmissions_ms = retransmit_ms;
    const take = peers.take.bind(peers);
    peers.take = (bytes) => {
      this.conversation.hear("rekeyd", bytes);
      take(bytes);
    };
    change(peers);
  }

  /** Plays it, and answers what was said; the engine's jitter hangs on the seed. */
  static async conversation(
    scenario: Scenario,
    seed = 1,
    strongswans: Strongswans = { a: 5, b: 5 },
    change: Change = () => {},
  ): Promise<Conversation> {
    const stage = new ModelStage(scenario.setup ?? {}, seed, strongswans, change);
    await play(scenario, stage);
    return stage.conversation;
  }

  /** rekeyd begins, or begins anew; what its engine hears is heard here too. */
  private start(): void {
    const { world, conversation } = this;
    world.start();
    const { engine } = world;
    const opened = engine.viciOpened.bind(engine);
    const bytes = engine.viciBytes.bind(engine);
    const closed = engine.viciClosed.bind(engine);
    let open = false;
    engine.viciOpened = () => {
      open = true;
      conversation.opened();
      return opened();
    };
    engine.viciBytes = (heard) => {
      conversation.hear("charon", heard);
      return bytes(heard);
    };
    engine.viciClosed = (errno) => {
      if (open) conversation.closed();
      open = false;
      return closed(errno);
    };
  }

  private run(for_ms: number): void {
    const { world, conversation } = this;
    for (let i = 0; i < for_ms; i++) {
      conversation.pass(world.peers.listed());
      world.run(world.now_ms + 1);
    }
    conversation.pass(world.peers.listed());
  }

  until(end: End): Promise<void> {
    const { conversation, world } = this;
    const begin_ms = world.now_ms;
    const over = (): boolean => {
      if (typeof end === "object") return conversation.hasEnded;
      const quiet = world.now_ms - Math.max(begin_ms, conversation.last_ms) >= QUIET_MS;
      return quiet && (end === "quiet" || (conversation.hasLines && this.isUp()));
    };
    while (!over()) {
      if (world.now_ms - begin_ms > STEP_MS) throw new Error("the model does not come so far");
      this.run(1);
    }
    if (typeof end === "object") this.run(end.pause_ms ?? 0);
    else conversation.end(world.peers.listed());
    return Promise.resolve();
  }

  private isUp(): boolean {
    const { vpns } = this.world.document() as { vpns: { state: string }[] };
    return vpns.every(({ state }) => state === "up");
  }

  do(deed: Deed): Promise<void> {
    this.deeds[deed]();
    return Promise.resolve();
  }

  private readonly deeds: Record<Deed, () => void> = {
    "rekeyd starts": () => this.start(),
    "rekeyd is restarted": () => {
      this.conversation.closed();
      this.start();
    },
    "the tunnel is made by hand": () => this.peers.establish(NAME),
    "the tunnel is asked for by hand": () => this.peers.initiate(NAME, FIRST),
    "nothing passes": () => this.cut(1),
    "everything passes": () => {
      // With every other seed the other end's retransmission is the next.
      if (this.seed % 2 === 0) this.run(LATE_MS);
      this.cut(-1);
    },
    "the SA goes dead": () => (this.child().dead = true),
    "the peer is restarted": () => this.peers.forget(NAME),
    "the peer is restarted and initiates": () => {
      this.peers.forget(NAME);
      this.peers.establish(NAME, false);
    },
    "our charon is restarted": () => {
      this.world.vici_refused++;
      this.peers.restart();
      this.world.viciClosed(0);
      this.conversation.newCharon();
      this.run(AWAY_MS);
      this.world.vici_refused--;
    },
    "our charon stands still for a while": () => {
      this.peers.response_ms += STANDSTILL_MS;
      this.run(STANDSTILL_MS);
      this.peers.response_ms -= STANDSTILL_MS;
    },
    "the peer refuses the key": () => (this.peers.peer(NAME).refuses = true),
    "the peer refuses the proposal": () => (this.peers.peer(NAME).refuses = true),
    "the peer refuses the selectors": () => {
      for (const { name } of this.branches) this.peers.peer(NAME).refused_children.add(name);
    },
    "the peer accepts": () => {
      const peer = this.peers.peer(NAME);
      peer.refuses = false;
      peer.refused_children.clear();
      this.peers.peerReloads(NAME);
    },
    "the CHILD_SA is rekeyed by hand": () => this.peers.rekeyChild(this.child()),
    "the peer rekeys the CHILD_SA": () => this.peers.rekeyChild(this.child(), false),
    "the IKE_SA is rekeyed by hand": () => this.peers.rekeyIke(this.ike()),
    "the peer rekeys the IKE_SA": () => this.peers.rekeyIke(this.ike(), false),
    "both ends rekey the CHILD_SA": () => {
      const outcome = COLLISIONS[this.seed % COLLISIONS.length];
      const delete_exchanges = 0.5 + (Math.floor(this.seed / COLLISIONS.length) % 3);
      if (outcome === undefined) this.peers.rekeyChild(this.child());
      else this.peers.collide(this.child(), outcome, delete_exchanges);
    },
    "both ends ask for the tunnel": () => {
      this.peers.initiate(NAME, FIRST);
      this.run(ASIDE_MS);
      this.peers.peerInitiates(NAME);
    },
    "the CHILD_SA is terminated by hand": () => this.peers.terminateChild(this.child()),
    "the peer terminates the CHILD_SA": () => this.peers.terminateChild(this.child(), false),
    "the IKE_SA is terminated by hand": () => this.peers.terminateIke(this.ike()),
    "the peer terminates the IKE_SA": () => this.peers.terminateIke(this.ike(), false),
    "the connection is unloaded": () => this.peers.connections.splice(0),
    "the connection is loaded": () => this.peers.connections.push(this.branches[0]!.connection),
    "time passes": () => {},
  };

  private get peers(): Peers {
    return this.world.peers;
  }

  private cut(by: number): void {
    const { path } = this.branches[0]!;
    path.esp_out += by;
    path.esp_in += by;
    path.ike += by;
  }

  private child(): ChildSa {
    return this.peers.child(FIRST);
  }

  private ike(): IkeSa {
    return this.peers.ikesOf(NAME).at(-1)!;
  }
}
