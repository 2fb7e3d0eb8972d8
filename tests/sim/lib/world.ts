/** An engine, an IKE daemon and targets that answer, in a time that passes when it is told to. */
import {
  Action,
  Engine,
  UNGUARDED,
  type ActionRecord,
  type Echo,
  type Received,
  type Version,
} from "../../../host/node/engine.ts";
import { Hooks } from "../../../host/node/sim/hooks.ts";
import { addressText, MAPPED } from "../../../host/node/address.ts";
import { Agenda } from "../../../host/node/sim/model/agenda.ts";
import { addressBytes } from "../../../host/node/sim/model/address.ts";
import { Forwarding } from "../../../host/node/sim/model/forwarding.ts";
import { Kernel } from "../../../host/node/sim/model/kernel.ts";
import { Xfrm } from "../../../host/node/sim/model/xfrm.ts";
import {
  Charon,
  type Child,
  type ChildSa,
  type Connection,
  type Surroundings,
} from "../../../host/node/sim/model/charon.ts";

const IDENTIFIER = 0x1234;
const TYPE_REPLY = { 4: 0, 6: 129 } as const;
export const EPERM = 1;
const ECONNREFUSED = 111;

export interface Counts {
  ticks: number;
  echoes: number;
  replies: number;
  /** Echoes for which there was no SA: the guard held them back. */
  held_back: number;
}

/** An echo that left. */
export interface Sent {
  at_ms: number;
  source: string;
  destination: string;
  answered: boolean;
  /** The interface that it was to leave by. */
  by: string | undefined;
}

/** What `json get vpn` says of a VPN, as far as tests look at it. */
export interface VpnJson {
  name: string;
  gateway: string;
  sta: string;
  state: string;
  negotiation: string;
  source: string | null;
  targets: { address: string }[];
  delay_last_ms: number | null;
  delay_avg_ms: number | null;
  availability_percent: number | null;
  echoes_sent: number;
  echoes_answered: number;
  misses: number;
  rekeys: number;
  sas: { spi_in: string; spi_out: string; state: string; current: boolean }[];
}

export class World implements Surroundings {
  readonly charon: Charon;
  readonly kernel = new Kernel();
  private readonly forwarding = new Forwarding(this.kernel);
  readonly xfrm: Xfrm;
  readonly log: string[] = [];
  private readonly log_times_ms: number[] = [];
  readonly counts: Counts = { ticks: 0, echoes: 0, replies: 0, held_back: 0 };
  /** Every echo, if they are to be kept. */
  sent: Sent[] | undefined;
  /** The SA that an echo leaves by. */
  carrier = (source: string, destination: string, if_id: number): ChildSa | undefined =>
    this.charon.route(source, destination, if_id);
  /** Whether a target answers. */
  answers: (echo: Echo) => boolean = () => true;
  /** How long an echo and its reply are on their way. */
  round_trip_ms = 1;
  /** What the kernel says to every echo, as in errno(3); 0: it takes them. EPERM is the guard's. */
  send_errno = 0;
  /** How much one read from the vici socket brings. */
  read_bytes = 65_536;
  /** Whether an address answers a ping beside the tunnel. */
  answers_clear: (address: string) => boolean = () => true;
  /** What the host tells of itself and the kernel; undefined: nothing, ever. */
  facts: (() => string) | undefined = () => "# host\nxfrm 1\nipv6 1\n# xfrm_stat\n";
  /** Answers that came in a later call than their command. */
  private readonly late: ActionRecord[] = [];
  /** Whether the vici socket can be connected. */
  vici = true;
  readonly hooks = new Hooks({
    after: (ms, what) => this.after(ms, what),
    hookEnded: (...ended) => this.carryOut(this.engine.hookEnded(...ended)),
  });
  private readonly agenda = new Agenda();
  /** Number of the vici connection that is open, and of the last one. */
  private stream = 0;
  private last_stream = 0;

  constructor(
    public engine: Engine,
    connections: Connection[],
  ) {
    this.charon = new Charon(connections, this);
    this.setTime(1_000_000);
    this.xfrm = new Xfrm(this.charon, (this.engine.wall_ms - this.now_ms) / 1000);
    this.carryOut(engine.start([1n, 2n], IDENTIFIER));
    this.carryOut(engine.xfrmOpened(0));
  }

  /** rekeyd is started anew; nothing else is. */
  restart(): void {
    this.hooks.startAnew();
    this.startEngine();
  }

  /** The engine traps: a fresh one goes on with this configuration. */
  trap(text: string): void {
    this.startEngine();
    this.configure(text);
    this.hooks.recall((...told) => this.carryOut(this.engine.hookTold(...told)));
  }

  private startEngine(): void {
    const { now_ms, wall_ms } = this.engine;
    this.stream = 0;
    this.engine = new Engine();
    this.engine.wall_ms = wall_ms;
    this.engine.now_ms = now_ms;
    this.carryOut(this.engine.start([3n, 4n], IDENTIFIER));
    this.carryOut(this.engine.xfrmOpened(0));
  }

  get now_ms(): number {
    return this.engine.now_ms;
  }

  /** Reads a configuration; answers its mistakes. */
  reload(text: string): string[] {
    this.changed = Buffer.from(text);
    const actions = this.engine.configure("test.conf", text);
    this.carryOut(actions);
    return actions
      .filter(({ kind }) => kind === Action.CONFIG_ERROR)
      .map(({ bytes }) => bytes.toString("utf8"));
  }

  /** Reads a configuration that has no mistakes. */
  configure(text: string): void {
    const [mistake] = this.reload(text);
    if (mistake !== undefined) throw new Error(mistake);
  }

  /** Lets time pass, from one thing that happens to the next. */
  run(for_ms: number): void {
    const end_ms = this.now_ms + for_ms;
    for (;;) {
      const next_ms = Math.min(this.engine.deadline(), this.agenda.next_ms);
      if (next_ms > end_ms) break;
      this.setTime(Math.max(this.now_ms, next_ms));
      if (this.agenda.next_ms <= next_ms) this.agenda.take()?.();
      else this.tick();
    }
    this.setTime(end_ms);
  }

  /** Runs until it is so, in steps; answers how long that took. */
  runUntil(so: () => boolean, at_most_ms: number, step_ms = 10): number {
    const start_ms = this.now_ms;
    while (!so()) {
      if (this.now_ms - start_ms >= at_most_ms) {
        throw new Error(`not so within ${at_most_ms} ms; the log:\n${this.log.join("\n")}`);
      }
      this.run(step_ms);
    }
    return this.now_ms - start_ms;
  }

  after(ms: number, what: () => void): void {
    this.agenda.add(this.now_ms + ms, what);
  }

  vpn(name: string): VpnJson {
    const { vpns } = JSON.parse(this.command(`json get vpn ${name}`)) as { vpns: VpnJson[] };
    return vpns[0]!;
  }

  /** The state of each VPN, by its name. */
  states(): Record<string, string> {
    const { vpns } = JSON.parse(this.command("json get vpn")) as { vpns: VpnJson[] };
    return Object.fromEntries(vpns.map(({ name, state }) => [name, state]));
  }

  /** How many lines of the log hold the text. */
  said(text: string): number {
    return this.log.filter((line) => line.includes(text)).length;
  }

  /** When that was. */
  saidAt(text: string): number[] {
    return this.log_times_ms.filter((_, i) => this.log[i]!.includes(text));
  }

  /** What the engine asked charon to do, lists left out. */
  requests(since_ms = 0): string[] {
    return this.charon.requests.filter(({ at_ms }) => at_ms >= since_ms).map(({ text }) => text);
  }

  /** What a command answers, without the line that says whether it is an error. */
  command(line: string): string {
    const answer = this.ask(line);
    if (!answer.startsWith("ok\n")) throw new Error(answer);
    return answer.slice("ok\n".length);
  }

  /** The configuration's file, as `save` writes it; what keeps it from being written (errno). */
  file: Buffer = Buffer.alloc(0);
  save_errno = 0;
  /** What a fresh engine would be told. */
  changed: Buffer = Buffer.alloc(0);

  /** What a line is answered, with the line in front that says whether it is an error. */
  ask(line: string | Buffer): string {
    const actions = this.engine.command(1, line);
    this.carryOut(actions);
    this.late.length = 0;
    // A recorder is the host's; this one has it when it is asked for, and nothing to save.
    const asked = actions.find(({ kind }) => kind === Action.RECORDER);
    const saves = actions.some(({ kind }) => kind === Action.SAVE_CONFIG);
    let answers = actions;
    if (asked) answers = this.engine.recorder(asked.argument === 1, 0);
    if (saves) answers = this.save();
    if (answers !== actions) this.carryOut(answers);
    const replies = answers.filter(({ kind }) => kind === Action.REPLY);
    const deferred = actions.some(({ kind }) => kind === Action.TELL_FACTS);
    if (deferred) this.runUntil(() => this.late.length > 0, 5000);
    if (deferred) replies.push(...this.late);
    const saved = answers.filter(({ kind }) => kind === Action.SAVE_RECORDING);
    if (replies.length + saved.length !== 1) throw new Error(`no answer, or several, to ${line}`);
    const said = replies[0]?.bytes.toString("utf8");
    return said ?? `save ${saved[0]!.bytes.toString("utf8")}\n(what was recorded)\n`;
  }

  private save(): ActionRecord[] {
    if (this.save_errno === 0) this.file = this.changed;
    return this.engine.saved(this.save_errno);
  }

  /** The clock goes on without anything else: a suspend, or a machine that stalls. */
  setTime(now_ms: number): void {
    this.engine.wall_ms += now_ms - this.engine.now_ms;
    this.engine.now_ms = now_ms;
  }

  /** Bytes of the kernel's. */
  network(bytes: Buffer): void {
    this.carryOut(this.engine.network(bytes));
  }

  /** Bytes of charon's on the connection there is now. */
  viciBytes(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.stream !== 0; at += this.read_bytes) {
      this.carryOut(this.engine.viciBytes(bytes.subarray(at, at + this.read_bytes)));
    }
  }

  /** The vici connection breaks. */
  viciClosed(errno = 0): void {
    if (this.stream === 0) return;
    this.stream = 0;
    this.carryOut(this.engine.viciClosed(errno));
  }

  /** Does what the engine asks for; what comes of that, it is told later. */
  carryOut(actions: ActionRecord[]): void {
    for (const action of actions) this.perform(action);
  }

  private tick(): void {
    this.counts.ticks++;
    this.carryOut(this.engine.tick());
    this.carryOut(this.engine.chores());
  }

  private perform(action: ActionRecord): void {
    switch (action.kind) {
      case Action.SEND_ECHOES:
        this.sendEchoes(action);
        break;
      case Action.VICI_CONNECT:
        this.stream = 0;
        this.after(0, () => this.connect());
        break;
      case Action.VICI_SEND:
        if (this.stream !== 0) this.charon.take(action.bytes);
        break;
      case Action.VICI_CLOSE:
        this.stream = 0;
        break;
      case Action.CONFIG_CHANGED:
        this.changed = action.bytes;
        break;
      case Action.NETLINK_SEND:
        this.after(0, () => this.network(this.kernel.answer(action.bytes)));
        break;
      case Action.XFRM_SEND:
        this.after(0, () => {
          const answer = this.xfrm.answer(action.bytes);
          if (answer.length > 0) this.carryOut(this.engine.xfrm(answer));
        });
        break;
      case Action.RUN_HOOK:
        this.hooks.run(action);
        break;
      case Action.TELL_FACTS:
        if (this.facts) {
          const text = this.facts();
          this.after(0, () => this.carryOut(this.engine.facts(text)));
        }
        break;
      case Action.REPLY:
        this.late.push(action);
        break;
      case Action.LOG:
        this.log.push(action.bytes.toString("utf8"));
        this.log_times_ms.push(this.now_ms);
        break;
    }
  }

  private connect(): void {
    if (!this.vici) {
      this.carryOut(this.engine.viciClosed(ECONNREFUSED));
      return;
    }
    this.stream = ++this.last_stream;
    this.charon.connect();
    this.carryOut(this.engine.viciOpened());
  }

  private sendEchoes(action: ActionRecord): void {
    const version = (action.argument & ~UNGUARDED) as Version;
    const echoes = this.engine.echoes(action);
    if (action.argument & UNGUARDED) return this.sendClear(version, echoes);
    this.counts.echoes += echoes.length;
    const received = echoes.filter((echo, index) => this.send(echo, version, index));
    if (received.length === 0) return;
    this.after(this.round_trip_ms, () => {
      this.deliver(
        version,
        received.map((echo) => replyTo(echo, version)),
      );
    });
  }

  private sendClear(version: Version, echoes: Echo[]): void {
    const answered = echoes.filter(({ destination }) =>
      this.answers_clear(addressText(destination)),
    );
    const received = answered.map((echo) => replyTo(echo, version));
    if (received.length > 0) this.after(this.round_trip_ms, () => this.deliver(version, received));
  }

  /** Replies come in. */
  deliver(version: Version, received: Received[]): void {
    this.counts.replies += received.length;
    this.carryOut(this.engine.replies(version, received));
  }

  /** Into which SAs the echo goes: 0, those of no interface; undefined: into none. */
  private ifIdFor({ ifindex, destination }: Echo): number | undefined {
    if (ifindex === 0) return 0;
    const digits = addressBytes(addressText(destination)).toString("hex");
    return this.forwarding.wayOut(ifindex, digits).if_id;
  }

  /** Whether the echo is answered. */
  private send(echo: Echo, version: Version, index: number): boolean {
    const source = addressText(echo.source);
    const destination = addressText(echo.destination);
    const if_id = this.ifIdFor(echo);
    const sa = if_id === undefined ? undefined : this.carrier(source, destination, if_id);
    let answered = false;
    const errno = sa === undefined ? EPERM : this.send_errno;
    if (sa === undefined || errno !== 0) {
      if (errno === EPERM) this.counts.held_back++;
      this.carryOut(this.engine.unsent(version, index, errno));
    } else {
      sa.packets_out++;
      answered = this.charon.works(sa) && this.answers(echo);
      if (answered) this.after(this.round_trip_ms, () => sa.packets_in++);
    }
    const by = this.kernel.interfaces.find((link) => link.index === echo.ifindex)?.name;
    this.sent?.push({ at_ms: this.now_ms, source, destination, answered, by });
    return answered;
  }
}

/** A world that has settled: SAs are there, whoever made them, and its VPNs are up. */
export function settled(connections: Connection[], ...options: string[]): World {
  const world = new World(new Engine(), connections);
  for (const { name } of connections) world.charon.establish(name);
  world.configure(monitored(connections, ...options));
  world.run(10_000);
  return world;
}

/** Connections to as many peers, whose VPNs are called after them. */
export function branches(count: number, more: Partial<Connection> = {}): Connection[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `branch${i}`,
    local: "192.0.2.1",
    remote: `198.51.${100 + (i >> 8)}.${i & 255}`,
    local_ts: "10.1.0.0/16",
    remote_ts: `10.${2 + (i >> 8)}.${i & 255}.0/24`,
    ...more,
  }));
}

/** A configuration that monitors them, with further lines for each VPN. */
export function monitored(connections: Connection[], ...options: string[]): string {
  const vpn = ({ name, remote_ts }: Connection): string[] => [
    `config vpn '${name}'`,
    `option gateway '${name}'`,
    "option monitor '1'",
    "option source_ip '10.1.0.1'",
    `list destination_ip '${remote_ts.replace("0/24", "10")}'`,
    ...options,
  ];
  return connections.flatMap(vpn).join("\n") + "\n";
}

/** A connection with so many children, `net0` and on. */
export function hub(count = 2, name = "hub"): Connection & { children: Child[] } {
  const children = Array.from({ length: count }, (_, i) => ({
    name: `net${i}`,
    local_ts: "10.1.0.0/16",
    remote_ts: `10.2.${i}.0/24`,
  }));
  return {
    name,
    local: "192.0.2.1",
    remote: "198.51.100.1",
    local_ts: "",
    remote_ts: "",
    children,
  };
}

/** A configuration that monitors children of one connection, each as a VPN with its name. */
export function monitoredChildren(
  { name, local, remote }: Connection,
  children: Child[],
  ...options: string[]
): string {
  const vpns = children.map((child) => ({ ...child, local, remote }));
  return monitored(vpns, ...options).replaceAll(/option gateway '.*'/g, `option gateway '${name}'`);
}

/** What the target answers. */
export function replyTo(echo: Echo, version: Version): Received {
  return {
    source: echo.destination,
    message: version === 4 ? replyV4(echo) : reply(echo, version),
  };
}

/** The echo turned around: another type, and the checksum that goes with it (RFC 1624). */
function reply(echo: Echo, version: Version): Buffer {
  const message = Buffer.from(echo.message);
  const before = message.readUInt16BE(0);
  message.writeUInt8(TYPE_REPLY[version], 0);
  let sum = (~message.readUInt16BE(2) & 0xffff) + (~before & 0xffff) + message.readUInt16BE(0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  message.writeUInt16BE(~sum & 0xffff, 2);
  return message;
}

/** With the IP header that a raw socket delivers; the kernel has checked its sum. */
function replyV4(echo: Echo): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + echo.message.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(1, 9);
  header.set(echo.destination.subarray(MAPPED.length), 12);
  header.set(echo.source.subarray(MAPPED.length), 16);
  return Buffer.concat([header, reply(echo, 4)]);
}
