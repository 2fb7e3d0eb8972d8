/** Watches a world, keeps the truth of its VPNs, and asks the invariants. */
import type { ChildSa } from "./model/charon.ts";
import { INVARIANTS, type Invariant } from "./invariants.ts";
import { MemoryWatch } from "./memory.ts";
import { Truth } from "./truth.ts";
import type { Tunnel } from "./tunnel.ts";
import { TunnelWatch } from "./tunnel_watch.ts";
import type { Branch } from "./branch.ts";
import type { HookRun } from "./hooks.ts";
import { START_MS, type Observer, type SentEcho, type World } from "./world.ts";

const SWEEP_MS = 500;
/** What is asked of the engine itself is asked less often, and least while nothing is wrong. */
const SHOWN_MS = 30_000;
const SHOWN_SETTLED_MS = 600_000;
const LOG_LINES = 40;

/** What `json get vpn` says of a VPN, as far as it is looked at. */
interface Shown {
  name: string;
  state: string;
  negotiation: string;
  echoes_answered: number;
  delay_last_ms: number | null;
}

/** An invariant did not hold. */
export class Broken extends Error {
  constructor(
    readonly invariant: string,
    readonly says: string,
    readonly seen: string,
    readonly at_ms: number,
  ) {
    super(`${invariant}: ${seen}`);
  }
}

type Question = keyof Omit<Invariant, "name" | "says">;

const asked = <Q extends Question>(question: Q): (Invariant & Required<Pick<Invariant, Q>>)[] =>
  INVARIANTS.filter(
    (invariant): invariant is Invariant & Required<Pick<Invariant, Q>> =>
      invariant[question] !== undefined,
  );

const ASKED = {
  echo: asked("echo"),
  up: asked("up"),
  down: asked("down"),
  rekeyed: asked("rekeyed"),
  request: asked("request"),
  hook: asked("hook"),
  withdrawn: asked("withdrawn"),
  harmed: asked("harmed"),
  expired: asked("expired"),
  sweep: asked("sweep"),
  sweepAll: asked("sweepAll"),
  settled: asked("settled"),
  settledAll: asked("settledAll"),
};

export class Judge implements Observer {
  readonly truths = new Map<string, Truth>();
  readonly memory = new MemoryWatch();
  readonly tunnels: TunnelWatch;
  /** Inbound SPIs that ever were, in hexadecimal, and whose they were. */
  readonly spis = new Map<string, Truth>();
  /** The last lines of the log. */
  readonly log: string[] = [];
  /** When the vici connection was last not well. */
  vici_trouble_ms = -Infinity;
  /** When charon was last slow, and how much. */
  private slow = { at_ms: -Infinity, by_ms: 0 };
  /** Since when no fault is under way; Infinity: one is. */
  calm_ms = -Infinity;
  /** Whether all has come back since then. */
  private settled = false;
  private readonly by_connection = new Map<string, Truth[]>();
  /** When this instance of the engine last asked for a negotiation, by connection. */
  private readonly initiated_ms = new Map<string, number>();
  private documents = new Map<string, Shown>();
  private next_shown_ms = 0;
  private next_sweep_ms = 0;
  private fresh = false;
  private minute = { begin_ms: 0, lists: 0, lines: 0 };
  private last_minute = { lists: 0, lines: 0 };

  constructor(
    readonly world: World,
    private readonly tolerated: readonly string[] = [],
  ) {
    this.tunnels = new TunnelWatch(world, () => this.vici_trouble_ms);
    for (const branch of world.branches) {
      const truth = new Truth(branch);
      this.truths.set(branch.name, truth);
      const { name } = branch.connection;
      this.by_connection.set(name, [...(this.by_connection.get(name) ?? []), truth]);
    }
    world.observer = this;
  }

  get now_ms(): number {
    return this.world.now_ms;
  }

  // What the world tells.

  echo(sent: SentEcho): void {
    const truth = this.of(sent.branch);
    // That an SA is gone which charon still lists, as in the middle of a rekey, nobody can know.
    if (sent.sa === undefined && this.isListed(sent.branch)) truth.no_sa_ms = this.now_ms;
    for (const invariant of ASKED.echo)
      this.hold(invariant, truth, invariant.echo(this, truth, sent));
    truth.echo(sent);
  }

  reply(sent: SentEcho): void {
    this.of(sent.branch).reply(sent, this.now_ms);
  }

  packetIn(branch: Branch, user: boolean, sa: ChildSa): void {
    const truth = this.of(branch);
    if (branch.optimized) {
      const in_use = sa === this.world.tunnels.inUse(branch);
      truth.counted(user, in_use, this.now_ms);
    }
    if (!user) return;
    truth.inbound_ms = this.now_ms;
    if (!branch.optimized) return;
    truth.active_ms = this.now_ms;
    truth.waiting_ms = this.now_ms;
  }

  said(line: string): void {
    this.minute.lines++;
    this.log.push(`${this.stamp()} ${line}`);
    if (this.log.length > LOG_LINES) this.log.shift();
    const state = /VPN '(.*)' from .* is (up|down)\./.exec(line);
    if (state !== null) this.saidState(this.truths.get(state[1]!)!, state[2] as "up" | "down");
    const rekeyed = /for VPN (.*) has successfully rekeyed .* new SPI ([0-9a-f]+)\./.exec(line);
    if (rekeyed !== null) this.saidRekeyed(this.truths.get(rekeyed[1]!)!, rekeyed[2]!);
    const completed = /Completed negotiations with SPI ([0-9a-f]+),/.exec(line);
    const spi = completed?.[1];
    if (spi !== undefined) this.spis.get(spi)?.useAnother(spi, this.now_ms);
  }

  hook(run: HookRun): void {
    const truth = this.truths.get(run.vpn)!;
    const { REKEYD_EVENT: event, REKEYD_SKIPPED: skipped } = run.variables;
    this.log.push(`${this.stamp()} ! hook ${event} of ${run.vpn}, ${skipped} skipped`);
    for (const { hook, ...about } of ASKED.hook) this.hold(about, truth, hook(this, truth, run));
    if (event !== "up" && event !== "down") return;
    truth.hook_told = event;
    truth.hook_again = false;
  }

  requested(text: string, connection: string): void {
    const of = this.by_connection.get(connection) ?? [];
    this.log.push(`${this.stamp()} > ${text}`);
    if (text.startsWith("initiate")) this.initiated_ms.set(connection, this.now_ms);
    for (const invariant of ASKED.request) {
      this.hold(invariant, of[0], invariant.request(this, text, of));
    }
    for (const truth of of) {
      const own = text.endsWith(`/${truth.branch.child.name}`);
      if (own || !text.startsWith("initiate")) truth.active_ms = this.now_ms;
      if (own) truth.negotiating = true;
      if (text.startsWith("terminate ike")) truth.negotiating = false;
    }
  }

  childrenChanged(connection: string, told: boolean): void {
    for (const truth of this.by_connection.get(connection)!) {
      const children = this.world.peers.children(truth.branch.child.name);
      for (const { spi_in } of children) this.spis.set(spi_in.toString(16), truth);
      if (truth.unlisted_at === this.world.peers.lists) this.adopt(truth);
      const has_sa = children.length > 0;
      if (truth.has_sa && !has_sa) {
        truth.no_sa_ms = this.now_ms;
        truth.no_sa_told = told;
      }
      if (has_sa) truth.negotiating = false;
      if (has_sa && !truth.has_sa) truth.sa_ms = this.now_ms;
      if (!told) truth.no_sa_told = false;
      truth.has_sa = has_sa;
    }
  }

  expires(child: ChildSa): void {
    const truth = this.truths.get(child.config.name)!;
    if (this.world.peers.children(child.config.name).at(-1) !== child) return;
    for (const invariant of ASKED.expired) {
      this.hold(invariant, truth, invariant.expired(this, truth));
    }
  }

  begunAnew(instance: boolean): void {
    this.tunnels.disturbed();
    this.documents.clear();
    this.initiated_ms.clear();
    for (const truth of this.truths.values()) {
      truth.beginAnew(this.now_ms, instance);
      if (instance) this.adopt(truth);
    }
    this.log.push(`${this.stamp()} = ${instance ? "a new instance" : "another configuration"}`);
  }

  configured(branch: Branch): void {
    this.of(branch).beginAnew(this.now_ms, true);
    this.adopt(this.of(branch));
    this.of(branch).hook_again = true;
  }

  startedAnew(): void {
    for (const truth of this.truths.values()) truth.hook_told = undefined;
  }

  delayed(branch?: Branch): void {
    const truths = branch === undefined ? this.truths.values() : [this.of(branch)];
    for (const truth of truths) {
      truth.waiting_ms = this.now_ms;
      truth.active_ms = this.now_ms;
      if (branch === undefined) truth.anew_ms = this.now_ms;
    }
    if (branch === undefined) this.vici_trouble_ms = Math.max(this.vici_trouble_ms, this.now_ms);
    if (branch === undefined) this.tunnels.disturbed();
  }

  kernelChanged(): void {
    this.tunnels.disturbed();
    for (const truth of this.truths.values()) {
      if (truth.branch.bound === undefined) continue;
      truth.waiting_ms = truth.active_ms = this.now_ms;
    }
  }

  step(): void {
    this.judgeRequests();
    if (this.now_ms < this.next_sweep_ms) return;
    this.next_sweep_ms = this.now_ms + SWEEP_MS;
    this.look();
    this.time();
    for (const invariant of ASKED.sweepAll) {
      this.hold(invariant, undefined, invariant.sweepAll(this));
    }
    for (const truth of this.watched()) {
      for (const invariant of ASKED.sweep)
        this.hold(invariant, truth, invariant.sweep(this, truth));
    }
    this.fresh = false;
  }

  // What the run tells.

  /** A fault begins or ends. */
  disturbed(): void {
    this.calm_ms = Infinity;
    this.settled = false;
    this.next_shown_ms = 0;
  }

  /** From now on nothing is wrong. */
  calmed(): void {
    this.calm_ms = this.now_ms;
  }

  /** The time for coming back is over: all that must be well then is. */
  mustBeSettled(): void {
    this.next_shown_ms = 0;
    this.look();
    for (const invariant of ASKED.settledAll) {
      this.hold(invariant, undefined, invariant.settledAll(this));
    }
    for (const truth of this.truths.values()) {
      for (const invariant of ASKED.settled) {
        this.hold(invariant, truth, invariant.settled(this, truth));
      }
    }
    this.fresh = false;
    this.settled = [...this.truths.values()].every(({ said }) => said === "up");
  }

  // What the invariants ask.

  isCalm(): boolean {
    return this.calm_ms !== Infinity;
  }

  isSettled(): boolean {
    return this.settled;
  }

  /** Whether the connection to charon had trouble within the last ... */
  viciTroubled(within_ms: number): boolean {
    return this.now_ms - this.vici_trouble_ms < within_ms;
  }

  /** How long charon's answers may take, one after the other. */
  slowness_ms(): number {
    const { peers, vici_bytes, branches } = this.world;
    const split_ms = vici_bytes === 0 ? 0 : 20_000;
    return (4 + 2 * branches.length) * peers.response_ms + split_ms;
  }

  /** How much later than an interval after it came user traffic may be seen. */
  counters_late_ms({ branch }: Truth): number {
    const { optimized, threshold, interval_ms } = branch;
    const lately_ms = (threshold + 3) * interval_ms + this.slow.by_ms;
    if (!optimized) return 0;
    if (this.now_ms - this.slow.at_ms < lately_ms) return interval_ms + this.slow.by_ms;
    return this.viciTroubled(lately_ms) ? interval_ms : 0;
  }

  private isListed({ connection, child }: Branch): boolean {
    return this.world.peers
      .ikesOf(connection.name)
      .flatMap(({ children }) => children)
      .some(({ config, state }) => config.name === child.name && state === "REKEYING");
  }

  /** Whether there is no address that its echoes could come from, or no interface to leave by. */
  lacksSource({ branch }: Truth): boolean {
    const link = branch.bound && this.world.kernel.find(branch.bound.tunnel.name);
    if (branch.bound !== undefined && (link === undefined || link.down)) return true;
    return this.world.addresses_gone > 0 && branch.source_by !== "address";
  }

  /** Whether the engine has a reason to say 'down' at once: the last SA went lately. */
  lostSa(truth: Truth): boolean {
    return !truth.has_sa || this.now_ms - truth.no_sa_ms < RECENT_MS;
  }

  /** Those of them that are bound to an interface. */
  truthsOn(tunnel: Tunnel): Truth[] {
    return [...this.watched()].filter(({ branch }) => branch.bound?.tunnel === tunnel);
  }

  /** The VPNs that the configuration names. */
  private *watched(): Iterable<Truth> {
    for (const truth of this.truths.values()) if (truth.branch.left_out === 0) yield truth;
  }

  /** What the engine shows of a VPN, if that was asked just now. */
  shown(truth: Truth): Shown | undefined {
    return this.fresh ? this.documents.get(truth.branch.name) : undefined;
  }

  /** Negotiations of ours that are in flight, by connection. */
  negotiations(): Map<string, number> {
    const found = new Map<string, number>();
    for (const ike of this.world.peers.ikes) {
      const count = this.world.peers.unfinished(ike);
      if (count === 0) continue;
      found.set(ike.connection.name, (found.get(ike.connection.name) ?? 0) + count);
    }
    return found;
  }

  /** How many of them the engine is still at: what it gave up charon may go on with for long. */
  attempts(): number {
    let count = 0;
    for (const connection of this.negotiations().keys()) {
      const since_ms = this.now_ms - (this.initiated_ms.get(connection) ?? -Infinity);
      const intervals_ms = this.by_connection
        .get(connection)!
        .map(({ branch }) => branch.interval_ms);
      // An attempt lasts an interval +-10 %, but 1 s at least and 10 s at most.
      const least_ms = 0.85 * Math.min(10_000, Math.max(1_000, Math.min(...intervals_ms)));
      if (since_ms < least_ms) count++;
    }
    return count;
  }

  /** What the last whole minute brought. */
  rates(): { lists: number; lines: number } {
    const { lists } = this.world.peers;
    if (this.now_ms - this.minute.begin_ms >= 60_000) {
      this.last_minute = { lists: lists - this.minute.lists, lines: this.minute.lines };
      this.minute = { begin_ms: this.now_ms, lists, lines: 0 };
    }
    return this.last_minute;
  }

  stamp(): string {
    return `${((this.now_ms - START_MS) / 1000).toFixed(3)} s`;
  }

  private of(branch: Branch): Truth {
    return this.truths.get(branch.name)!;
  }

  /**
   * What is there before the engine's first list of it has no new key, though it may come into use
   * only later, when a duplicate is removed.
   */
  private adopt(truth: Truth): void {
    const { peers } = this.world;
    truth.unlisted_at = peers.lists;
    for (const { spi_in } of peers.children(truth.branch.child.name)) {
      truth.spis.add(spi_in.toString(16));
    }
  }

  /** Asks the engine what it shows, if it is time for that. */
  private look(): void {
    if (this.now_ms < this.next_shown_ms) return;
    this.next_shown_ms = this.now_ms + (this.settled ? SHOWN_SETTLED_MS : SHOWN_MS);
    const { vpns } = this.world.document() as { vpns: Shown[] };
    this.documents = new Map(vpns.map((shown) => [shown.name, shown]));
    this.fresh = true;
  }

  /** What the engine's requests have done to the kernel. */
  private judgeRequests(): void {
    const { withdrawn, harmed } = this.world.tunnels;
    for (const route of withdrawn.splice(0)) {
      const truth = this.tunnels.ownerOf(route, this.truths.values());
      for (const { withdrawn, ...about } of ASKED.withdrawn) {
        this.hold(about, truth, withdrawn(this, truth, route));
      }
    }
    for (const what of harmed.splice(0)) {
      for (const { harmed, ...about } of ASKED.harmed) {
        this.hold(about, undefined, harmed(this, what));
      }
    }
  }

  /** Remembers how slow charon is. */
  private time(): void {
    const by_ms = this.slowness_ms();
    if (by_ms === 0) return;
    const ended = this.now_ms - this.slow.at_ms > 2 * SWEEP_MS;
    this.slow = { at_ms: this.now_ms, by_ms: ended ? by_ms : Math.max(by_ms, this.slow.by_ms) };
  }

  private saidState(truth: Truth, state: "up" | "down"): void {
    if (state === "up") {
      for (const invariant of ASKED.up) this.hold(invariant, truth, invariant.up(this, truth));
    } else {
      for (const invariant of ASKED.down) this.hold(invariant, truth, invariant.down(this, truth));
      truth.makeVoid(this.now_ms);
    }
    if (state === "up") truth.used ||= 1;
    truth.said = state;
    truth.said_ms = this.now_ms;
    truth.waiting_ms = Math.max(truth.waiting_ms, this.now_ms);
  }

  private saidRekeyed(truth: Truth, spi: string): void {
    for (const invariant of ASKED.rekeyed) {
      this.hold(invariant, truth, invariant.rekeyed(this, truth, spi));
    }
    truth.told.add(spi);
  }

  private hold(
    about: { name: string; says: string },
    truth: Truth | undefined,
    seen?: string,
  ): void {
    if (seen === undefined || this.tolerated.includes(about.name)) return;
    const whose = truth === undefined ? "" : `VPN ${truth.branch.name}: `;
    throw new Broken(about.name, about.says, whose + seen, this.now_ms);
  }
}

/** So long after its SA went a VPN may be said to be down for that. */
const RECENT_MS = 75_000;
