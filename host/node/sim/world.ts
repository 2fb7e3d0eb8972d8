/**
 * What surrounds the engine in a run: time, paths, peers, targets, the kernel and the host. All of
 * it hangs on one seed, and nothing on the machine: two runs with one seed leave the same trace.
 */
import { crc32 } from "node:zlib";
import type { ChildSa } from "../../../tests/sim/lib/charon.ts";
import { addressBytes, MAPPED } from "../../../tests/sim/lib/address.ts";
import { Agenda } from "../../../tests/sim/lib/agenda.ts";
import { Kernel } from "../../../tests/sim/lib/kernel.ts";
import { replyTo } from "../../../tests/sim/lib/world.ts";
import {
  Action,
  Engine,
  type ActionRecord,
  type Echo,
  type Received,
  type Version,
} from "../engine.ts";
import { configuration, type Branch } from "./branch.ts";
import { Peers, type Watcher } from "./peers.ts";
import type { Random } from "./random.ts";

/** The monotonic time at which every run starts. */
export const START_MS = 1_000_000;
const START_WALL_MS = Date.UTC(2026, 0, 1);
const TRAFFIC_MS = 500;
const EPERM = 1;
const EAGAIN = 11;
const ECONNREFUSED = 111;
/** Where the number of its round stands in an echo (assembly/icmp/echo.ts). */
const ECHO_ROUND = 12;
/** The token, and what it covers: what no stranger can change unseen. */
const SEALED = { begin: 8, end: 40 };
const IPV4_HEADER_BYTES = 20;
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
  packetIn(branch: Branch, user: boolean): void;
  said(line: string): void;
  requested(text: string, connection: string): void;
  childrenChanged(connection: string, told: boolean): void;
  expires(child: ChildSa): void;
  /** Another instance of the engine, or another configuration, is at work. */
  begunAnew(instance: boolean): void;
  /** Something that makes verdicts later than they were: a suspend, a guard, a busy socket. */
  delayed(branch?: Branch): void;
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
  readonly kernel = new Kernel();
  readonly counts: Counts = { calls: 0, echoes: 0, replies: 0 };
  now_ms = START_MS;
  wall_ms = START_WALL_MS;
  engine!: Engine;
  instance = 0;
  observer!: Observer;
  /** Bytes in one read of the vici socket, and the pause before the next; 0: all at once. */
  vici_bytes = 0;
  vici_gap_ms = 0;
  /** Whether charon can be connected to. */
  vici_refused = 0;
  /** The host comes to the engine only at multiples of this. */
  coarse_ms = 0;
  /** Percent of echoes that the socket does not take. */
  busy = 0;
  /** The next call ends in a trap. */
  traps = false;
  private trace_crc = 0;
  private readonly agenda = new Agenda();
  private readonly by_destination = new Map<string, { branch: Branch; destination: string }>();
  private stream = 0;
  private last_stream = 0;
  private vici_free_ms = 0;
  private flowing = false;
  private last_echo: { echo: Echo; version: Version } | undefined;

  constructor(
    readonly random: Random,
    readonly branches: Branch[],
    private readonly engine_path: string,
  ) {
    this.kernel.interfaces.push({ name: "eth0", addresses: ["192.0.2.1"] });
    this.kernel.interfaces.push({ name: "lan", addresses: ["10.1.0.1", "fd01::1"] });
    const connections = [...new Set(branches.map(({ connection }) => connection))];
    this.peers = new Peers(connections, this.watcher());
    for (const branch of branches) {
      for (const destination of branch.destinations) {
        this.by_destination.set(slotKey(destination), { branch, destination });
      }
    }
  }

  /** What has happened so far, as a number. */
  get trace(): string {
    return this.trace_crc.toString(16).padStart(8, "0");
  }

  /** rekeyd starts; what it leaves behind from before is gone. */
  start(): void {
    this.stream = 0;
    this.instance++;
    this.traps = false;
    this.engine = new Engine(this.engine_path);
    const { random } = this;
    const key: [bigint, bigint] = [random.u64(), random.u64()];
    const identifier = random.between(1, 0xffff);
    this.observer.begunAnew(true);
    this.call(() => this.engine.start(key, identifier));
    this.configure(configuration(this.branches));
  }

  configure(text: string): void {
    this.call(() => this.engine.configure("rekeyd.conf", text));
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
    this.call(() => this.engine.viciClosed(errno));
  }

  /** A route is there, or there again. */
  addRoute(): void {
    this.call(() => this.engine.network(this.kernel.addRoute()));
  }

  /** What `json get vpn` answers; no call of its own to any invariant. */
  document(): unknown {
    const [status, ...body] = this.command("json get vpn").split("\n");
    if (status !== "ok") throw new Error(`json get vpn: ${status}`);
    return JSON.parse(body.join("\n"));
  }

  command(line: string): string {
    this.setTime(this.now_ms);
    return this.engine
      .command(1, line)
      .filter(({ kind }) => kind === Action.REPLY)
      .map(({ bytes }) => bytes.toString("utf8"))
      .join("");
  }

  /** Bytes that look like a reply, and are none: `kind` says in what they are wrong. */
  forge(kind: number): void {
    if (this.last_echo === undefined) return;
    const { echo, version } = this.last_echo;
    const received = replyTo(echo, version);
    const message = Buffer.from(received.message);
    const data = version === 4 ? IPV4_HEADER_BYTES : 0;
    if (kind % 3 === 0) {
      for (let i = SEALED.begin; i < SEALED.end; i++) message[data + i] = this.random.below(256);
    } else {
      // A round that is yet to come.
      const at = data + ECHO_ROUND;
      message.writeUInt32LE((message.readUInt32LE(at) + 1 + (kind % 5)) >>> 0, at);
    }
    if (version === 4) mendChecksum(message.subarray(data));
    this.receive(version, { source: received.source, message });
  }

  /** User traffic begins, where a branch has some. */
  flow(): void {
    if (this.flowing) return;
    this.flowing = true;
    this.after(TRAFFIC_MS, () => this.flowOn());
  }

  private flowOn(): void {
    this.flowing = false;
    for (const branch of this.branches) {
      const { traffic, path } = branch;
      if (!traffic.in && !traffic.out) continue;
      this.flow();
      const sa = this.peers.route(branch.source, branch.destinations[0]!);
      if (sa === undefined) continue;
      if (traffic.out) sa.packets_out++;
      if (!traffic.in || path.esp_in > 0 || !this.peers.works(sa)) continue;
      if (this.random.percent(path.loss)) continue;
      sa.packets_in++;
      this.observer.packetIn(branch, true);
    }
  }

  private setTime(now_ms: number): void {
    this.wall_ms += now_ms - this.now_ms;
    this.now_ms = now_ms;
    this.engine.now_ms = now_ms;
    this.engine.wall_ms = this.wall_ms;
  }

  /** When a host with coarse ticks gets to what is due. */
  private onTick(at_ms: number): number {
    if (this.coarse_ms === 0 || at_ms === Infinity) return at_ms;
    return Math.ceil(at_ms / this.coarse_ms) * this.coarse_ms;
  }

  private tick(): void {
    this.call(() => this.engine.tick());
    this.call(() => this.engine.chores());
  }

  /** One input of the engine, and what comes of it. */
  private call(input: () => ActionRecord[]): void {
    this.setTime(this.now_ms);
    const actions = input();
    this.counts.calls++;
    this.note(Buffer.from(`${this.now_ms} ${actions.length}`));
    if (this.traps) {
      // What the call asked for is lost with its instance.
      this.start();
      return;
    }
    for (const action of actions) this.perform(action);
    this.observer.step();
  }

  private note(bytes: Buffer): void {
    this.trace_crc = crc32(bytes, this.trace_crc);
  }

  private perform(action: ActionRecord): void {
    this.note(action.bytes);
    switch (action.kind) {
      case Action.SEND_ECHOES:
        this.sendEchoes(action);
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
      case Action.NETLINK_SEND: {
        const { instance } = this;
        this.after(0, () => {
          const answer = this.kernel.answer(action.bytes);
          if (instance === this.instance) this.call(() => this.engine.network(answer));
        });
        break;
      }
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
      this.call(() => this.engine.viciClosed(ECONNREFUSED));
      return;
    }
    this.stream = ++this.last_stream;
    this.vici_free_ms = this.now_ms;
    this.peers.connect();
    this.call(() => this.engine.viciOpened());
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
    const gap_ms = this.vici_gap_ms > 0 ? this.random.below(this.vici_gap_ms + 1) : 0;
    const at_ms = Math.max(this.now_ms, this.vici_free_ms) + gap_ms;
    this.vici_free_ms = at_ms;
    const deliver = (): void => {
      if (stream === this.stream) this.call(() => this.engine.viciBytes(chunk));
    };
    if (at_ms === this.now_ms) deliver();
    else this.after(at_ms - this.now_ms, deliver);
  }

  private sendEchoes(action: ActionRecord): void {
    const version = action.argument as Version;
    const echoes = this.engine.echoes(action);
    this.counts.echoes += echoes.length;
    echoes.forEach((echo, index) => this.send(echo, version, index));
  }

  private send(echo: Echo, version: Version, index: number): void {
    const found = this.by_destination.get(echo.destination.toString("latin1"));
    if (found === undefined) throw new Error("an echo to where none was configured");
    const { branch, destination } = found;
    const sa = this.peers.route(branch.source, destination);
    const round = echo.message.readUInt32LE(ECHO_ROUND);
    const { now_ms: at_ms, instance } = this;
    const sent: SentEcho = { branch, destination, round, at_ms, instance, sa };
    this.observer.echo(sent);
    this.last_echo = { echo, version };
    if (sa === undefined || this.random.percent(this.busy)) {
      this.observer.delayed(branch);
      this.call(() => this.engine.unsent(version, index, sa === undefined ? EPERM : EAGAIN));
      return;
    }
    sa.packets_out++;
    this.travel(sent, sa, replyTo(echo, version), version);
  }

  /** The echo's way to the target and back. */
  private travel(sent: SentEcho, sa: ChildSa, received: Received, version: Version): void {
    const { random } = this;
    const { path, targets } = sent.branch;
    if (!this.peers.works(sa) || path.esp_out > 0 || random.percent(path.loss)) return;
    if (targets.answers < 100 && !random.percent(targets.answers)) return;
    const copies = random.percent(path.duplicates) ? 2 : 1;
    let first = true;
    for (let copy = 0; copy < copies; copy++) {
      let way_ms = 2 * path.delay_ms + targets.late_ms;
      if (path.jitter_ms > 0) way_ms += random.below(path.jitter_ms);
      if (random.percent(path.reorders)) way_ms += random.below(1_500);
      const at_ms = this.onTick(this.now_ms + way_ms);
      this.after(at_ms - this.now_ms, () => {
        if (path.esp_in > 0 || random.percent(path.loss) || !this.carries(sa)) return;
        sa.packets_in++;
        const corrupt = random.percent(path.corrupts);
        const genuine = !corrupt && sent.instance === this.instance;
        this.observer.packetIn(sent.branch, !genuine);
        if (genuine) this.observer.reply(sent, !first);
        if (genuine) first = false;
        this.receive(version, corrupt ? this.corrupted(received, version) : received);
      });
    }
  }

  private carries(sa: ChildSa): boolean {
    return this.peers.works(sa) && this.peers.ikes.includes(sa.ike) && sa.ike.children.includes(sa);
  }

  /** One bit is another: of ICMPv4 anywhere, of ICMPv6 where the kernel's checksum is no help. */
  private corrupted({ source, message }: Received, version: Version): Received {
    const changed = Buffer.from(message);
    const at =
      version === 4
        ? this.random.between(IPV4_HEADER_BYTES, message.length - 1)
        : this.random.between(SEALED.begin, SEALED.end - 1);
    changed[at]! ^= 1 << this.random.below(8);
    return { source, message: changed };
  }

  private receive(version: Version, received: Received): void {
    this.counts.replies++;
    this.call(() => this.engine.replies(version, [received]));
  }
}

/** An address as it stands in a slot, as a key. */
function slotKey(address: string): string {
  const bytes = addressBytes(address);
  return (bytes.length === 4 ? Buffer.concat([MAPPED, bytes]) : bytes).toString("latin1");
}

/** RFC 1071: a forger can add up, too. */
function mendChecksum(message: Buffer): void {
  message.writeUInt16BE(0, 2);
  let sum = 0;
  for (let i = 0; i + 1 < message.length; i += 2) sum += message.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  message.writeUInt16BE(~sum & 0xffff, 2);
}
