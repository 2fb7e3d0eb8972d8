/** An engine, an IKE daemon and targets that answer, in a time that passes when it is told to. */
import {
  Action,
  Engine,
  type ActionRecord,
  type Echo,
  type Version,
} from "../../../host/node/engine.ts";
import { Charon, type Connection } from "./charon.ts";

const IDENTIFIER = 0x1234;
/** How long an echo and its reply are on their way. */
const ROUND_TRIP_MS = 1;

const MAPPED = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
const TYPE_REPLY = { 4: 0, 6: 129 } as const;

export interface Counts {
  ticks: number;
  echoes: number;
  replies: number;
}

interface Vpns {
  vpns: { name: string; state: string }[];
}

export class World {
  readonly charon: Charon;
  readonly log: string[] = [];
  readonly counts: Counts = { ticks: 0, echoes: 0, replies: 0 };
  /** What the engine has not been told yet. */
  private readonly inputs: (() => ActionRecord[])[] = [];
  /** Whether a target answers. */
  answers: (echo: Echo) => boolean = () => true;

  constructor(
    readonly engine: Engine,
    connections: Connection[],
  ) {
    this.charon = new Charon(connections);
    this.setTime(1_000_000);
    this.carryOut(engine.start([1n, 2n], IDENTIFIER));
  }

  get now_ms(): number {
    return this.engine.now_ms;
  }

  /** Reads a configuration that has no mistakes. */
  configure(text: string): void {
    const actions = this.engine.configure("test.conf", text);
    const mistake = actions.find(({ kind }) => kind === Action.CONFIG_ERROR);
    if (mistake !== undefined) throw new Error(mistake.bytes.toString("utf8"));
    this.carryOut(actions);
  }

  /** Lets time pass, from deadline to deadline. */
  run(for_ms: number): void {
    const end_ms = this.now_ms + for_ms;
    while (this.engine.deadline() <= end_ms) {
      this.setTime(Math.max(this.now_ms, this.engine.deadline()));
      this.counts.ticks++;
      this.carryOut(this.engine.tick());
      this.carryOut(this.engine.chores());
    }
    this.setTime(end_ms);
  }

  /** The state of each VPN, by its name. */
  states(): Record<string, string> {
    const { vpns } = JSON.parse(this.command("json get vpn")) as Vpns;
    return Object.fromEntries(vpns.map(({ name, state }) => [name, state]));
  }

  /** What a command answers, without the line that says whether it is an error. */
  command(line: string): string {
    const answer = this.engine
      .command(1, line)
      .filter(({ kind }) => kind === Action.REPLY)
      .map(({ bytes }) => bytes.toString("utf8"))
      .join("");
    const [status, ...body] = answer.split("\n");
    if (status !== "ok") throw new Error(answer);
    return body.join("\n");
  }

  setTime(now_ms: number): void {
    this.engine.wall_ms += now_ms - this.engine.now_ms;
    this.engine.now_ms = now_ms;
    this.charon.now_ms = now_ms;
  }

  /** Does what the engine asks for, then tells it what came of that, until nothing is left. */
  carryOut(actions: ActionRecord[]): void {
    actions.forEach((action) => this.perform(action));
    for (let input = this.inputs.shift(); input !== undefined; input = this.inputs.shift()) {
      input().forEach((action) => this.perform(action));
    }
  }

  private perform(action: ActionRecord): void {
    switch (action.kind) {
      case Action.SEND_ECHOES:
        this.sendEchoes(action);
        break;
      case Action.VICI_CONNECT:
        this.charon.connect();
        this.inputs.push(() => this.engine.viciOpened());
        break;
      case Action.VICI_SEND: {
        const bytes = this.charon.exchange(action.bytes);
        if (bytes.length > 0) this.inputs.push(() => this.engine.viciBytes(bytes));
        break;
      }
      case Action.LOG:
        this.log.push(action.bytes.toString("utf8"));
        break;
    }
  }

  private sendEchoes(action: ActionRecord): void {
    const version = action.argument as Version;
    const echoes = this.engine.echoes(action);
    this.counts.echoes += echoes.length;
    const received = echoes
      .filter((echo) => this.answers(echo))
      .map((echo) => ({
        source: echo.destination,
        message: version === 4 ? replyV4(echo) : reply(echo, version),
      }));
    if (received.length === 0) return;
    this.counts.replies += received.length;
    this.inputs.push(() => {
      this.setTime(this.now_ms + ROUND_TRIP_MS);
      return this.engine.replies(version, received);
    });
  }
}

/** Connections to as many peers, whose VPNs are called after them. */
export function branches(count: number): Connection[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `branch${i}`,
    local: "192.0.2.1",
    remote: `198.51.100.${i}`,
    local_ts: "10.1.0.0/16",
    remote_ts: `10.2.${i}.0/24`,
  }));
}

/** A configuration that monitors them, with further lines for each VPN. */
export function monitored(connections: Connection[], ...options: string[]): string {
  const vpn = ({ name }: Connection, i: number): string[] => [
    `config vpn '${name}'`,
    `option gateway '${name}'`,
    "option monitor '1'",
    "option source_ip '10.1.0.1'",
    `list destination_ip '10.2.${i}.10'`,
    ...options,
  ];
  return connections.flatMap(vpn).join("\n") + "\n";
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
