/**
 * What surrounds the engine in a run: time, paths, peers, targets, the kernel and the host. All of
 * it hangs on one seed, and nothing on the machine: two runs with one seed leave the same trace.
 */
import type { ChildSa } from "./model/charon.ts";
import { Agenda } from "./model/agenda.ts";
import { Kernel } from "./model/kernel.ts";
import { Xfrm } from "./model/xfrm.ts";
import { Action, Engine, type ActionRecord, type Version } from "../engine.ts";
import { Air } from "./air.ts";
import { configuration, type Branch } from "./branch.ts";
import { Hooks, type HookRun } from "./hooks.ts";
import { Peers, type Watcher } from "./peers.ts";
import type { Random } from "./random.ts";
import { RoutingSocket } from "./routing_socket.ts";
import { Trace } from "./trace.ts";
import type { Tunnel } from "./tunnel.ts";
import { TunnelWorld } from "./tunnel_world.ts";

/** The monotonic time at which every run starts. */
export const START_MS = 1_000_000;
const START_WALL_MS = Date.UTC(2026, 0, 1);
const ECONNRESET = 104;
const ECONNREFUSED = 111;
/** A deadline that is not met by as many calls at one time is an engine that spins. */
const MAX_CALLS_AT_ONCE = 10_000;

/** The engine's deadline stays in the past, whatever is called. */
export class Spinning extends Error {}

/** An echo that was handed to the host. */
export interface SentEcho {
  branch: Branch;
  destination: string;
  round: number;
  at_ms: number;
  /** Number of the engine's instance: another one has another key. */
  instance: number;
  /** The SA that carried it. */
  sa: ChildSa | undefined;
}

/** Who is told of everything that happens. */
export interface Observer {
  echo(sent: SentEcho): void;
  /** A genuine reply came in, for the first time or once more; the engine has not seen it yet. */
  reply(sent: SentEcho, again: boolean): void;
  /** A packet came in through the VPN's SA; `user`: not an answer to an echo. */
  packetIn(branch: Branch, user: boolean, sa: ChildSa): void;
  said(line: string): void;
  /** A hook is run; `hooks` has those that run now. */
  hook(run: HookRun): void;
  requested(text: string, connection: string): void;
  childrenChanged(connection: string, told: boolean): void;
  expires(child: ChildSa): void;
  /** Another instance of the engine, or another configuration, is at work. */
  begunAnew(instance: boolean): void;
  /** A VPN has left the configuration, or is in it again. */
  configured(branch: Branch): void;
  /** rekeyd is another process: its hooks know nothing of the one before. */
  startedAnew(): void;
  /** Something that makes verdicts later than they were: a suspend, a guard, a busy socket. */
  delayed(branch?: Branch): void;
  /** Others have changed interfaces, routes or rules. */
  kernelChanged(): void;
  /** A call has been carried out. */
  step(): void;
}

export interface Counts {
  calls: number;
  echoes: number;
  replies: number;
}

export class World {
  readonly peers: Peers;
  readonly air: Air;
  readonly tunnels: TunnelWorld;
  readonly kernel = new Kernel();
  readonly xfrm: Xfrm;
  readonly hooks = new Hooks({
    after: (ms, what) => this.after(ms, what),
    hookEnded: (...ended) => this.done(this.engine.hookEnded(...ended)),
  });
  readonly socket: RoutingSocket;
  readonly trace = new Trace();
  readonly counts: Counts = { calls: 0, echoes: 0, replies: 0 };
  now_ms = START_MS;
  wall_ms = START_WALL_MS;
  engine!: Engine;
  instance = 0;
  observer!: Observer;
  /** Bytes in one read of the vici socket, and the pause before the next; 0: all at once. */
  vici_bytes = 0;
  vici_gap_ms = 0;
  /** So many bytes still come over the vici connection; then it breaks. */
  vici_left: number | undefined;
  /** Whether charon can be connected to. */
  vici_refused = 0;
  /** The host comes to the engine only at multiples of this. */
  coarse_ms = 0;
  /** How many faults keep the uplink's cable out, and the addresses of the LAN away. */
  unplugged = 0;
  addresses_gone = 0;
  /** Percent of echoes that the socket does not take. */
  busy = 0;
  /** The next call ends in a trap. */
  traps = false;
  private readonly agenda = new Agenda();
  private stream = 0;
  private last_stream = 0;
  private vici_free_ms = 0;

  constructor(
    readonly random: Random,
    readonly branches: Branch[],
    private readonly makeEngine: () => Engine,
    private readonly progress: Float64Array = new Float64Array(2),
    tunnels: Tunnel[] = [],
  ) {
    this.kernel.interfaces.push({ name: "eth0", addresses: ["192.0.2.1"] });
    this.kernel.interfaces.push({ name: "lan", addresses: ["10.1.0.1", "fd01::1"] });
    const connections = [...new Set(branches.map(({ connection }) => connection))];
    this.peers = new Peers(connections, this.watcher());
    this.socket = new RoutingSocket({
      kernel: this.kernel,
      random,
      after: (ms, what) => this.after(ms, what),
      read: (bytes) => this.done(this.engine.network(bytes)),
      overrun: () => this.done(this.engine.networkLost()),
    });
    this.tunnels = new TunnelWorld(tunnels, this.kernel, this.peers);
    this.air = new Air(this);
    this.xfrm = new Xfrm(this.peers, (START_WALL_MS - START_MS) / 1000);
  }

  /** rekeyd starts; what it leaves behind from before is gone. */
  start(): void {
    this.hooks.startAnew();
    this.observer.startedAnew();
    this.startEngine();
  }

  private startEngine(): void {
    this.stream = 0;
    this.socket.open();
    this.instance++;
    this.traps = false;
    this.engine = this.makeEngine();
    this.engine.leaves_echoes = true;
    this.setTime(this.now_ms);
    const { random } = this;
    const key: [bigint, bigint] = [random.u64(), random.u64()];
    const identifier = random.between(1, 0xffff);
    this.observer.begunAnew(true);
    this.done(this.engine.start(key, identifier));
    this.done(this.engine.xfrmOpened(0));
    this.configure(this.configuration());
    const { engine } = this;
    this.hooks.recall((...told) => this.done(engine.hookTold(...told)));
  }

  /** As it stands in the file. */
  configuration(): string {
    return configuration(this.branches, this.tunnels.tunnels);
  }

  /** The file is read again. */
  reload(): void {
    // Told first: the call itself is judged by the new one.
    this.observer.begunAnew(false);
    this.configure(this.configuration());
  }

  configure(text: string): void {
    this.done(this.engine.configure("rekeyd.conf", text));
  }

  /** Lets time pass, from one thing that happens to the next. */
  run(until_ms: number): void {
    let calls = 0;
    for (;;) {
      const due_ms = Math.max(this.now_ms, this.onTick(this.engine.deadline()));
      const next_ms = Math.min(due_ms, this.agenda.next_ms);
      if (next_ms > until_ms) break;
      calls = next_ms > this.now_ms ? 0 : calls + 1;
      if (calls > MAX_CALLS_AT_ONCE) throw new Spinning(`${calls} calls at one time`);
      this.setTime(Math.max(this.now_ms, next_ms));
      if (this.agenda.next_ms <= next_ms) this.agenda.take()?.();
      else this.tick();
    }
    this.setTime(Math.max(this.now_ms, until_ms));
  }

  after(ms: number, what: () => void): void {
    this.agenda.add(this.now_ms + ms, what);
  }

  /** The clock goes on, and nothing else does. */
  suspend(for_ms: number): void {
    this.setTime(this.now_ms + for_ms);
    this.observer.delayed();
  }

  /** The vici connection breaks. */
  viciClosed(errno: number): void {
    if (this.stream === 0) return;
    this.stream = 0;
    this.done(this.engine.viciClosed(errno));
  }

  /** Nothing comes over the vici connection for a while; then all of it. */
  stallVici(for_ms: number): void {
    this.vici_free_ms = Math.max(this.vici_free_ms, this.now_ms + for_ms);
  }

  /** The kernel tells of links, addresses or routes. */
  network(bytes: Buffer): void {
    this.done(this.engine.network(bytes));
  }

  /** Others have changed what the kernel has, which tells of that. */
  toldOf(news: Buffer): void {
    this.observer.kernelChanged();
    this.socket.tell(news);
  }

  /** What `json get vpn` answers; no call of its own to any invariant. */
  document(): unknown {
    const [status, ...body] = this.command("json get vpn").split("\n");
    if (status !== "ok") throw new Error(`json get vpn: ${status}`);
    return JSON.parse(body.join("\n"));
  }

  command(line: string): string {
    return this.engine
      .command(1, line)
      .filter(({ kind }) => kind === Action.REPLY)
      .map(({ bytes }) => bytes.toString("utf8"))
      .join("");
  }

  private setTime(now_ms: number): void {
    this.wall_ms += now_ms - this.now_ms;
    this.now_ms = now_ms;
    this.engine.now_ms = now_ms;
    this.engine.wall_ms = this.wall_ms;
  }

  /** When a host with coarse ticks gets to what is due. */
  onTick(at_ms: number): number {
    if (this.coarse_ms === 0 || at_ms === Infinity) return at_ms;
    return Math.ceil(at_ms / this.coarse_ms) * this.coarse_ms;
  }

  private tick(): void {
    this.done(this.engine.tick());
    this.done(this.engine.chores());
  }

  /** An input of the engine's has been taken: what comes of it. */
  done(actions: ActionRecord[]): void {
    this.progress[0] = ++this.counts.calls;
    this.progress[1] = this.now_ms - START_MS;
    this.trace.add(this.now_ms);
    this.trace.add(actions.length);
    if (this.traps) {
      // What the call asked for is lost with its instance.
      this.startEngine();
      return;
    }
    for (const action of actions) this.perform(action);
    this.observer.step();
  }

  private perform(action: ActionRecord): void {
    this.trace.add(action.kind);
    this.trace.addBytes(action.bytes);
    switch (action.kind) {
      case Action.SEND_ECHOES:
        this.air.send(action.slots!, action.argument as Version);
        break;
      case Action.VICI_CONNECT:
        this.stream = 0;
        this.after(0, () => this.connect());
        break;
      case Action.VICI_SEND:
        if (this.stream !== 0) this.take(action.bytes);
        break;
      case Action.VICI_CLOSE:
        this.stream = 0;
        break;
      case Action.NETLINK_SEND:
        this.tunnels.asks(() => this.socket.send(action.bytes));
        break;
      case Action.XFRM_SEND: {
        const { instance } = this;
        this.after(0, () => {
          const answer = this.xfrm.answer(action.bytes);
          if (instance === this.instance) this.done(this.engine.xfrm(answer));
        });
        break;
      }
      case Action.RUN_HOOK:
        this.observer.hook(this.hooks.run(action));
        break;
      case Action.LOG:
        this.observer.said(action.bytes.toString("utf8"));
        break;
      case Action.CONFIG_ERROR:
        this.observer.said(`configuration: ${action.bytes.toString("utf8")}`);
        break;
    }
  }

  private connect(): void {
    if (this.stream !== 0) return;
    if (this.vici_refused > 0) {
      this.done(this.engine.viciClosed(ECONNREFUSED));
      return;
    }
    this.stream = ++this.last_stream;
    this.vici_free_ms = this.now_ms;
    this.peers.connect();
    this.done(this.engine.viciOpened());
  }

  private take(bytes: Buffer): void {
    const known = this.peers.requests.length;
    this.peers.take(bytes);
    for (const { text } of this.peers.requests.splice(known)) {
      this.observer.requested(text, this.connectionOf(text));
    }
  }

  /** `initiate gw1/gw1-0`, `rekey child 7`, `terminate ike 3`. */
  private connectionOf(request: string): string {
    const [what = "", of = "", id = ""] = request.split(" ");
    if (what === "initiate") return of.split("/")[0]!;
    const ike = this.peers.ikes.find((ike) =>
      of === "ike" ? ike.id === Number(id) : ike.children.some((child) => child.id === Number(id)),
    );
    return ike?.connection.name ?? "";
  }

  /** The world as charon sees it: what it does for a connection that is gone goes with it. */
  private watcher(): Watcher {
    const world = this;
    let of_stream: number | undefined;
    const stale = (): boolean => of_stream !== undefined && of_stream !== this.stream;
    return {
      get now_ms() {
        return world.now_ms;
      },
      after: (ms, what) => {
        const { stream } = this;
        this.after(ms, () => {
          of_stream = stream;
          what();
          of_stream = undefined;
        });
      },
      viciBytes: (bytes) => {
        const size = this.vici_bytes > 0 ? this.vici_bytes : 65_536;
        for (let at = 0; at < bytes.length && !stale(); at += size) {
          this.queueVici(bytes.subarray(at, at + size));
        }
      },
      viciClosed: (errno) => {
        if (!stale()) this.viciClosed(errno);
      },
      ikeLost: (connection) => {
        const { path } = this.branches.find((branch) => branch.connection.name === connection)!;
        return path.ike > 0 || this.random.percent(path.loss);
      },
      childrenChanged: (connection, told) =>
        this.observer.childrenChanged(connection, told && this.stream !== 0),
      expires: (child) => this.observer.expires(child),
    };
  }

  private queueVici(chunk: Buffer): void {
    const { stream } = this;
    if (stream === 0) return;
    if (this.vici_left !== undefined) {
      this.vici_left -= chunk.length;
      if (this.vici_left < 0) {
        chunk = chunk.subarray(0, chunk.length + this.vici_left);
        this.vici_left = undefined;
        this.after(0, () => stream === this.stream && this.viciClosed(ECONNRESET));
      }
    }
    const gap_ms = this.vici_gap_ms > 0 ? this.random.below(this.vici_gap_ms + 1) : 0;
    const at_ms = Math.max(this.now_ms, this.vici_free_ms) + gap_ms;
    this.vici_free_ms = at_ms;
    const deliver = (): void => {
      if (stream === this.stream) this.done(this.engine.viciBytes(chunk));
    };
    if (at_ms === this.now_ms) deliver();
    else this.after(at_ms - this.now_ms, deliver);
  }
}
