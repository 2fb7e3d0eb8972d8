/** One run: a world, its faults in storms with calm between them, and the verdict. */
import { Trap } from "../engine.ts";
import { drawBranches, setDefaults, type Branch } from "./branch.ts";
import { engines } from "./engines.ts";
import { drawFaults, KINDS, strike, type Fault } from "./fault.ts";
import { Outcome, type HookEnd } from "./hooks.ts";
import { MAX_RECOVERY_MS, OF_THE_RUN } from "./invariants.ts";
import { Broken, Judge } from "./judge.ts";
import type { Generation } from "./model/charon.ts";
import type { Peers } from "./peers.ts";
import { Random } from "./random.ts";
import { drawTunnels } from "./tunnel.ts";
import { Spinning, START_MS, World, type Counts } from "./world.ts";

const STORM_MS = 15 * 60_000;
/** Time for coming back, and a while in which nothing may happen. */
const CALM_MS = MAX_RECOVERY_MS + 5 * 60_000;

/** Groups of faults in which the engine may not hear of what charon does. */
const DEAFENING = new Set(["charon", "clock", "host"]);

export interface Options {
  seed: number;
  hours: number;
  vpns: number;
  /** Every VPN has the defaults of the configuration, and rekey. */
  defaults?: boolean;
  /** Most VPNs are bound to tunnel interfaces, with routes over them. */
  tunnels?: boolean;
  /** Kinds of faults. */
  faults: string[];
  engine: string;
  /** Invariants that are not asked. */
  tolerated?: readonly string[];
  /** Only these of the faults that the seed draws: their numbers. */
  only?: number[];
}

export interface Failure {
  invariant: string;
  says: string;
  seen: string;
  /** Since the start of the run. */
  after_ms: number;
  log: string[];
}

export interface Result {
  /** The same for two runs with the same options. */
  trace: string;
  simulated_ms: number;
  counts: Counts;
  faults: Fault[];
  start_ms: number;
  branches: Branch[];
  failure: Failure | undefined;
}

/** What is known of a run of which nothing is known. */
export const UNSTARTED: Result = {
  trace: "unknown",
  simulated_ms: 0,
  counts: { calls: 0, echoes: 0, replies: 0 },
  faults: [],
  start_ms: START_MS,
  branches: [],
  failure: undefined,
};

/** Which strongSwan each end runs. */
function drawVersions(random: Random, peers: Peers): void {
  const draw = (): Generation => random.one<Generation>([5, 6]);
  peers.generation = draw();
  peers.alerts = peers.generation === 6 && random.percent(50);
  for (const connection of peers.connections) {
    peers.peer(connection.name).generation = draw();
    // Before 6.0 it breaks what is well: nothing to judge rekeyd by.
    connection.reauth_s = peers.generation === 6 && random.percent(30) ? 3_000 : 0;
  }
}

/**
 * Runs it to its end, or to the first invariant that is broken. `progress` is kept up all the
 * while: calls of the engine, simulated milliseconds.
 */
export function simulate(
  options: Options,
  progress?: Float64Array,
  makeEngine = engines(options.engine),
): Result {
  const random = new Random(options.seed);
  const branches = drawBranches(random.fork(), options.vpns);
  if (options.defaults) branches.forEach(setDefaults);
  const schedule = random.fork();
  const chance = random.fork();
  const of_tunnels = random.fork();
  const tunnels = options.tunnels ? drawTunnels(of_tunnels, branches) : [];
  const of_versions = random.fork();
  const world = new World(chance, branches, makeEngine, progress, tunnels);
  drawVersions(of_versions, world.peers);
  world.tunnels.furnish(of_tunnels);
  world.hooks.behaviour = slowAndSlower();
  const judge = new Judge(world, options.tolerated);
  const kinds = options.faults.filter((kind) => options.tunnels || KINDS[kind]!.group !== "tunnel");
  const start_ms = world.now_ms;
  const end_ms = start_ms + options.hours * 3_600_000;
  const faults: Fault[] = [];
  let failure: Failure | undefined;
  try {
    establishSome(world, schedule);
    world.start();
    judge.calmed();
    world.run(start_ms + 60_000);
    while (world.now_ms < end_ms) {
      const storm_end_ms = world.now_ms + STORM_MS;
      const drawn = drawFaults(schedule, kinds, branches.length, world.now_ms, storm_end_ms);
      storm(world, judge, drawn, faults.length, options.only);
      faults.push(...drawn);
      world.run(storm_end_ms);
      world.run(world.now_ms + 1_000);
      if (!judge.isCalm()) judge.calmed();
      const calm_ms = world.now_ms;
      world.run(calm_ms + MAX_RECOVERY_MS);
      judge.mustBeSettled();
      world.run(calm_ms + CALM_MS);
    }
  } catch (error) {
    failure = failureOf(error, judge, start_ms);
  }
  const simulated_ms = world.now_ms - start_ms;
  const { trace, counts } = world;
  return { trace: trace.text, simulated_ms, counts, faults, start_ms, branches, failure };
}

/** Hooks that are quick, slow, fail, or hang, in turn. */
function slowAndSlower(): () => HookEnd {
  let count = 0;
  return () => {
    const after_ms = [5, 300, 2_000, Infinity, 40, 15_000][count % 6]!;
    const detail = count++ % 5 === 0 ? 1 : 0;
    return { after_ms, outcome: Outcome.EXITED, detail };
  };
}

/** Before rekeyd starts some tunnels are there already. */
function establishSome(world: World, random: Random): void {
  for (const { name } of world.peers.connections) {
    if (random.percent(50)) world.peers.establish(name);
  }
}

function storm(world: World, judge: Judge, faults: Fault[], first: number, only?: number[]): void {
  // Without faults there is no storm: what is settled has to stay so.
  if (faults.length > 0) judge.disturbed();
  faults.forEach((fault, i) => {
    if (only !== undefined && !only.includes(first + i)) return;
    world.after(fault.at_ms - world.now_ms, () => {
      const end_ms = fault.at_ms + fault.for_ms;
      if (DEAFENING.has(KINDS[fault.kind]!.group)) {
        judge.vici_trouble_ms = Math.max(judge.vici_trouble_ms, end_ms);
      }
      strike(world, fault);
    });
  });
}

function failureOf(error: unknown, judge: Judge, start_ms: number): Failure {
  const { log } = judge;
  const after_ms = judge.now_ms - start_ms;
  if (error instanceof Broken) {
    const { invariant, says, seen } = error;
    return { invariant, says, seen, after_ms, log };
  }
  if (!(error instanceof Trap || error instanceof Spinning)) throw error;
  const { name, says } = error instanceof Trap ? OF_THE_RUN.TRAP : OF_THE_RUN.SPIN;
  return { invariant: name, says, seen: error.message, after_ms, log };
}
