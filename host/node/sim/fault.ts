/**
 * The faults that a run can meet, as a table. A fault begins, and most also end; what it changes is
 * added and taken away again, so that faults of one kind may overlap.
 */
import type { Collision, IkeSa } from "./model/charon.ts";
import type { Branch } from "./branch.ts";
import { TUNNEL_KINDS } from "./fault_tunnel.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

export interface Fault {
  kind: string;
  at_ms: number;
  for_ms: number;
  /** Index of the branch that it befalls. */
  branch: number;
  /** How bad it is: 1 to 100. */
  amount: number;
}

export interface Kind {
  /** What `--faults` may name beside the kind itself. */
  group:
    | "path"
    | "ike"
    | "charon"
    | "target"
    | "traffic"
    | "clock"
    | "host"
    | "network"
    | "forger"
    | "tunnel";
  begin: (world: World, branch: Branch, amount: number) => void;
  end?: (world: World, branch: Branch, amount: number) => void;
}

/** A fault whose end is its beginning with the sign turned. */
function added(
  group: Kind["group"],
  add: (world: World, branch: Branch, amount: number) => void,
): Kind {
  return { group, begin: add, end: (world, branch, amount) => add(world, branch, -amount) };
}

function eachPath(world: World, change: (branch: Branch) => void): void {
  const seen = new Set<unknown>();
  for (const branch of world.branches) {
    if (!seen.has(branch.path)) change(branch);
    seen.add(branch.path);
  }
}

function once(group: Kind["group"], begin: Kind["begin"]): Kind {
  return { group, begin };
}

export const KINDS: Record<string, Kind> = {
  delay: added("path", (_, { path }, amount) => (path.delay_ms += 5 * amount)),
  jitter: added("path", (_, { path }, amount) => (path.jitter_ms += 5 * amount)),
  loss: added("path", (_, { path }, amount) => (path.loss += Math.trunc(amount / 2))),
  duplication: added("path", (_, { path }, amount) => (path.duplicates += amount)),
  reordering: added("path", (_, { path }, amount) => (path.reorders += amount)),
  corruption: added("path", (_, { path }, amount) => (path.corrupts += amount)),
  "cut-out": added("path", (_, { path }, amount) => (path.esp_out += Math.sign(amount))),
  "cut-in": added("path", (_, { path }, amount) => (path.esp_in += Math.sign(amount))),
  "esp-dead": added("path", (_, { path }, amount) => cutEsp({ path }, amount)),
  "ike-dead": added("path", (_, { path }, amount) => (path.ike += Math.sign(amount))),
  cut: added("path", (_, branch, amount) => cut(branch, amount)),
  "cut-all": added("path", (world, _, amount) => eachPath(world, (branch) => cut(branch, amount))),

  refuses: {
    group: "ike",
    begin: (world, { connection }) => (world.peers.peer(connection.name).refuses = true),
    end: (world, { connection }) => {
      world.peers.peer(connection.name).refuses = false;
      world.peers.peerReloads(connection.name);
    },
  },
  "refuses-child": {
    group: "ike",
    begin: (world, { connection, child }) =>
      world.peers.peer(connection.name).refused_children.add(child.name),
    end: (world, { connection, child }) => {
      world.peers.peer(connection.name).refused_children.delete(child.name);
      world.peers.peerReloads(connection.name);
    },
  },
  slow: added(
    "ike",
    (world, { connection }, amount) =>
      (world.peers.peer(connection.name).exchange_ms += 20 * amount),
  ),
  forgets: once("ike", (world, { connection }) => world.peers.forget(connection.name)),
  "dead-sa": once("ike", (world, { child }) => {
    for (const sa of world.peers.children(child.name)) sa.dead = true;
  }),
  deleted: once("ike", (world, { connection }) => world.peers.removeAll(connection.name)),
  "deleted-child": once("ike", (world, { child }) => {
    for (const sa of world.peers.children(child.name)) world.peers.terminateChild(sa, false);
  }),
  "lost-delete": once("ike", (world, { connection }) => world.peers.loseChildren(connection.name)),
  "duplicate-ours": once("ike", (world, branch) => establish(world, branch, true)),
  "duplicate-theirs": once("ike", (world, branch) => establish(world, branch, false)),
  "rekey-theirs": once("ike", (world, { child, path }) => {
    for (const sa of world.peers.children(child.name)) {
      if (isFree(sa.ike, path)) world.peers.rekeyChild(sa, false);
    }
  }),
  "rekey-ike-theirs": once("ike", (world, { connection, path }) => {
    for (const ike of world.peers.ikesOf(connection.name)) {
      if (isFree(ike, path)) world.peers.rekeyIke(ike, false);
    }
  }),
  collision: once("ike", (world, { child }, amount) => {
    const [sa] = world.peers.children(child.name);
    if (sa === undefined || sa.dead || sa.ike.forgotten || sa.ike.state !== "ESTABLISHED") return;
    const outcome = COLLISIONS[amount % COLLISIONS.length];
    if (outcome !== undefined) {
      world.peers.collide(sa, outcome);
      return;
    }
    // Both ends made a new one, where one was to be rekeyed.
    world.peers.addChild(sa.ike, child);
    world.peers.tell("child-updown", sa.ike, { up: "yes" });
  }),
  "in-vain": once("ike", (world, { connection }, amount) =>
    world.peers.beginInVain(connection.name, 200 * amount),
  ),
  "no-rekey": {
    group: "ike",
    begin: (world) => (world.peers.forgets_to_rekey = true),
    end: (world) => (world.peers.forgets_to_rekey = false),
  },

  "charon-restart": {
    group: "charon",
    begin: (world) => {
      world.vici_refused++;
      world.peers.restart();
      world.viciClosed(0);
    },
    end: (world) => world.vici_refused--,
  },
  "vici-closed": once("charon", (world) => world.viciClosed(104)),
  "vici-cut": once("charon", (world) => (world.peers.cuts_list = true)),
  "vici-broken": once("charon", (world, _, amount) => (world.vici_left = 7 * amount)),
  "vici-stalls": once("charon", (world, _, amount) => world.stallVici(110 * amount)),
  "vici-hangs": {
    group: "charon",
    begin: (world) => (world.peers.hangs = true),
    end: (world) => (world.peers.hangs = false),
  },
  "vici-slow": added("charon", (world, _, amount) => (world.peers.response_ms += 5 * amount)),
  "vici-split": {
    group: "charon",
    begin: (world, _, amount) =>
      Object.assign(world, { vici_bytes: amount, vici_gap_ms: amount >> 4 }),
    end: (world) => Object.assign(world, { vici_bytes: 0, vici_gap_ms: 0 }),
  },

  "target-silent": {
    group: "target",
    begin: (_, { targets }) => (targets.answers = 0),
    end: (_, { targets }) => (targets.answers = 100),
  },
  "target-sometimes": {
    group: "target",
    begin: (_, { targets }, amount) => (targets.answers = amount),
    end: (_, { targets }) => (targets.answers = 100),
  },
  "target-off": added("target", (_, { targets }, amount) => (targets.off += Math.sign(amount))),
  "target-late": added("target", (_, { targets }, amount) => (targets.late_ms += 100 * amount)),

  "traffic-both": traffic(true, true),
  "traffic-in": traffic(true, false),
  "traffic-out": traffic(false, true),

  "clock-jump": once("clock", (world, _, amount) => {
    world.wall_ms += (amount - 50) * 3_600_000;
  }),
  suspend: once("clock", (world, _, amount) => world.suspend(1_000 * amount)),
  "coarse-ticks": added("clock", (world, _, amount) => (world.coarse_ms += 2 * amount)),

  "host-restart": once("host", (world) => world.start()),
  trap: once("host", (world) => (world.traps = true)),
  reload: once("host", (world) => world.reload()),
  "changed-interval": {
    group: "host",
    begin: (world, branch) => changeInterval(world, branch, 2),
    end: (world, branch) => changeInterval(world, branch, 0.5),
  },
  "left-out": added("host", (world, branch, amount) => leaveOut(world, branch, amount)),
  "changed-mode": {
    group: "host",
    begin: (world, branch) => changeMode(world, branch),
    end: (world, branch) => changeMode(world, branch),
  },
  "changed-rekey": {
    group: "host",
    begin: (world, branch) => changeRekey(world, branch),
    end: (world, branch) => changeRekey(world, branch),
  },
  "bad-config": once("host", (world) => world.configure("config vpn 'x'\n\toption interval\n")),
  "busy-socket": added("host", (world, _, amount) => (world.busy += amount)),

  route: once("network", (world) => world.network(world.kernel.addRoute())),
  "link-down": {
    group: "network",
    begin: (world) => plug(world, -1),
    end: (world) => plug(world, 1),
  },
  "address-gone": {
    group: "network",
    begin: (world) => moveAddresses(world, 1),
    end: (world) => moveAddresses(world, -1),
  },

  forged: once("forger", (world, _, amount) => world.air.forge(amount)),

  ...TUNNEL_KINDS,
};

const COLLISIONS: (Collision | undefined)[] = [
  undefined,
  "ours stays",
  "theirs stays",
  "only theirs",
];

/** Whether the peer can ask for something: else it puts that off (RFC 7296, 2.25). */
function isFree(ike: IkeSa, path: Branch["path"]): boolean {
  return path.ike === 0 && !ike.forgotten && ike.tasks.length === 0;
}

function cutEsp({ path }: Pick<Branch, "path">, amount: number): void {
  path.esp_out += Math.sign(amount);
  path.esp_in += Math.sign(amount);
}

function cut(branch: Branch, amount: number): void {
  cutEsp(branch, amount);
  branch.path.ike += Math.sign(amount);
}

/** Another SA comes about: where the peer can be reached. */
function establish(world: World, { connection, path }: Branch, initiator: boolean): void {
  if (path.ike === 0) world.peers.establish(connection.name, initiator);
}

function traffic(inwards: boolean, outwards: boolean): Kind {
  return {
    group: "traffic",
    begin: (world, branch) => {
      branch.traffic = { in: inwards, out: outwards };
      world.air.flow();
    },
    end: (_, branch) => (branch.traffic = { in: false, out: false }),
  };
}

function changeInterval(world: World, branch: Branch, factor: number): void {
  branch.interval_ms *= factor;
  world.reload();
}

function changeMode(world: World, branch: Branch): void {
  branch.optimized = !branch.optimized;
  world.reload();
}

function changeRekey(world: World, branch: Branch): void {
  branch.rekey = !branch.rekey;
  world.reload();
}

/** The uplink's cable: out, and in again. */
function plug(world: World, change: number): void {
  eachPath(world, (branch) => cut(branch, -change));
  world.unplugged -= change;
  world.network(world.kernel.plug("eth0", world.unplugged === 0));
}

/** The addresses that echoes come from go, and come back. */
function moveAddresses(world: World, change: number): void {
  const before = world.addresses_gone;
  world.addresses_gone += change;
  if (before > 0 && world.addresses_gone > 0) return;
  for (const branch of world.branches) world.observer.delayed(branch);
  for (const address of ["10.1.0.1", "fd01::1"]) {
    const { kernel } = world;
    world.network(
      change > 0 ? kernel.removeAddress("lan", address) : kernel.addAddress("lan", address),
    );
  }
}

/** Another configuration, without the VPN; and one that has it again. */
function leaveOut(world: World, branch: Branch, amount: number): void {
  branch.left_out += Math.sign(amount);
  world.observer.configured(branch);
  world.reload();
}

/** The kinds that a list names: kinds, groups, `all`, `none`; a minus in front takes them away. */
export function kindsOf(list: string): string[] {
  const names = Object.keys(KINDS);
  const chosen = new Set<string>();
  for (const word of list.split(",").filter((word) => word !== "" && word !== "none")) {
    const without = word.startsWith("-");
    const name = without ? word.slice(1) : word;
    const meant = names.filter(
      (kind) => name === "all" || name === kind || name === KINDS[kind]!.group,
    );
    if (meant.length === 0) throw new Error(`no fault or group of faults is called '${name}'`);
    if (without && chosen.size === 0) names.forEach((kind) => chosen.add(kind));
    for (const kind of meant) {
      if (without) chosen.delete(kind);
      else chosen.add(kind);
    }
  }
  return names.filter((kind) => chosen.has(kind));
}

/** Draws faults between two times; all have ended at the second. */
export function drawFaults(
  random: Random,
  kinds: string[],
  branches: number,
  from_ms: number,
  until_ms: number,
): Fault[] {
  const faults: Fault[] = [];
  if (kinds.length === 0) return faults;
  const pause_ms = random.one([4_000, 15_000, 60_000]);
  for (let at_ms = from_ms; ;) {
    at_ms += 1 + random.below(2 * pause_ms);
    if (at_ms >= until_ms) return faults;
    const kind = random.one(kinds);
    const longest_ms = until_ms - at_ms;
    const for_ms = Math.min(longest_ms, 1 + random.below(random.one([5_000, 60_000, 300_000])));
    faults.push({
      kind,
      at_ms,
      for_ms,
      branch: random.below(branches),
      amount: random.between(1, 100),
    });
  }
}

/** Sets a fault in motion; not one that was to begin while everything was suspended. */
export function strike(world: World, fault: Fault): void {
  if (world.now_ms > fault.at_ms) return;
  const kind = KINDS[fault.kind]!;
  const branch = world.branches[fault.branch]!;
  const { end } = kind;
  kind.begin(world, branch, fault.amount);
  if (end !== undefined) world.after(fault.for_ms, () => end(world, branch, fault.amount));
}

/** One line of a schedule. */
export function describe(fault: Fault, start_ms: number, branches: Branch[]): string {
  const at_s = ((fault.at_ms - start_ms) / 1000).toFixed(3);
  const lasting = KINDS[fault.kind]!.end === undefined ? "" : ` for ${fault.for_ms} ms`;
  return `${at_s} s ${fault.kind}(${fault.amount}) on ${branches[fault.branch]!.name}${lasting}`;
}
