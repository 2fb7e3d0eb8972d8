/**
 * A gateway for fuzzers: what a real charon said (tests/unit/fixtures/vici), a kernel with one
 * interface, and targets that answer. It brings an engine to where a fuzzer begins, and sees after
 * the garbage whether the engine still works.
 */
import { readFileSync } from "node:fs";
import {
  Action,
  UNGUARDED,
  type ActionRecord,
  type Echo,
  type Received,
} from "../../../host/node/engine.ts";
import { Kernel } from "../../../host/node/sim/model/kernel.ts";
import { replyTo } from "../../sim/lib/world.ts";
import type { FuzzedEngine } from "./engine.ts";
import { hold } from "./finding.ts";

export const CONFIGURATION = `config vpnmonitor 'global'
  option interval '10'
  option threshold '3'

config vpn 'net'
  option gateway 's2s'
  option child 'net'
  option monitor '1'
  option rekey '1'
  option source_ip '10.1.0.1'
  list destination_ip '10.2.0.1'
  list destination_ip '10.2.0.2'
  option hook '/usr/bin/hook'

config vpn 'six'
  option gateway 'six'
  option monitor '1'
  option rekey '1'
  option source_ip 'fd11::1'
  option destination_ip 'fd12::1'
  option size '200'

config vpn 'old'
  option gateway 'old'
  option monitor '1'
  option optimized '1'
  option rekey '1'
  option source_interface 'lan0'
  option destination_ip '10.22.0.1'
`;

const PATH = Buffer.from("vpnmonitor");
const FIXTURES = "tests/unit/fixtures/vici";
const IDENTIFIER = 0x1234;
const MAX_STEPS = 500;
/** The first digit of an SPI, behind its key and length. */
const SPI = /(\x06spi-in\0\x08|\x07spi-out\0\x08)./g;
const SPI_PAIR = /\x03\x06spi-in\0\x08/g;
const EVENT = 7;

/** Bytes that charon said. */
export function fixture(name: string): Buffer {
  return fixtures.get(name) ?? load(name);
}

const fixtures = new Map<string, Buffer>();

function load(name: string): Buffer {
  const bytes = readFileSync(`${FIXTURES}/${name}.bin`);
  fixtures.set(name, bytes);
  return bytes;
}

/** What charon says if its SAs have an if_id. */
function withIfId(stream: Buffer, if_id: string): Buffer {
  const value = `\0${String.fromCharCode(if_id.length)}${if_id}`;
  const pairs = `\x03\x08if-id-in${value}\x03\x09if-id-out${value}`;
  const changed = frames(stream).map((packet) => {
    const text = packet.toString("latin1", 4).replaceAll(SPI_PAIR, `${pairs}$&`);
    return frame(Buffer.from(text, "latin1"));
  });
  return Buffer.concat(changed);
}

/** The packets of a stream, each with its length. */
export function frames(stream: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= stream.length;) {
    const end = at + 4 + stream.readUInt32BE(at);
    found.push(stream.subarray(at, end));
    at = end;
  }
  return found;
}

/** A packet with its length. */
export function frame(body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

const SUCCESS = frame(
  Buffer.concat([
    Buffer.from([1, 3, 7]),
    Buffer.from("success"),
    Buffer.from([0, 3]),
    Buffer.from("yes"),
  ]),
);

/** What a host tells when it is asked. */
const FACTS = "# host\nxfrm 1\nipv6 1\n# xfrm_stat\nXfrmInNoStates 3\n";

export class Site {
  readonly kernel = new Kernel();
  /** Echoes that were sent and not answered yet. */
  echoes: { version: 4 | 6; echo: Echo }[] = [];
  answers = true;
  kernel_answers = true;
  /** What the kernel says of its SAs; undefined: nothing. */
  tells_sas: ((asked: Buffer) => Buffer) | undefined;
  /** Another charon is there: its SAs have other SPIs than those of the fixture. */
  has_other_sas = false;
  /** Of charon's SAs, as it writes them; undefined: none. */
  if_id: string | undefined;
  private readonly waiting: (() => ActionRecord[])[] = [];

  constructor(readonly engine: FuzzedEngine) {
    this.kernel.interfaces.push({ name: "lan0", addresses: ["10.21.0.1"] });
  }

  start(): this {
    this.take(this.engine.start([1n, 2n], IDENTIFIER));
    return this.work();
  }

  configure(text = CONFIGURATION): this {
    this.take(this.engine.configure(PATH, Buffer.from(text)));
    return this.work();
  }

  /** Has the engine's tables made, so that no input has to: then there is no VPN again. */
  warm(): this {
    return this.configure().configure("");
  }

  /** Answers whatever the engine asks, until it asks no more. */
  work(): this {
    let steps = 0;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      this.take(next());
      hold(++steps < MAX_STEPS, "never rests", () => `${MAX_STEPS} answers, and still it asks`);
    }
    return this;
  }

  /** Lets time pass, with all that is due in it. */
  run(ms: number): this {
    const end = this.engine.now_ms + BigInt(ms);
    let steps = 0;
    while (this.engine.passToDeadline(Number(end - this.engine.now_ms))) {
      this.take(this.engine.call("tick"));
      this.take(this.engine.call("chores"));
      this.work();
      hold(++steps < MAX_STEPS, "never rests", () => `${MAX_STEPS} deadlines in ${ms} ms`);
    }
    this.engine.pass(Number(end - this.engine.now_ms));
    return this;
  }

  /** A document that `json get` answers. */
  json(what: string): unknown {
    const [reply] = this.engine
      .command(1, `json get ${what}`)
      .filter((a) => a.kind === Action.REPLY);
    const text = reply!.bytes.toString("utf8");
    hold(text.startsWith("ok\n"), "reply", () => text);
    return JSON.parse(text.slice(3));
  }

  /** Notes what is asked for, to be answered by `work`. */
  take(actions: ActionRecord[]): void {
    for (const action of actions) this.perform(action);
  }

  private perform({ kind, argument, bytes }: ActionRecord): void {
    const { engine } = this;
    switch (kind) {
      case Action.VICI_CONNECT:
        this.waiting.push(() => engine.call("viciOpened"));
        break;
      case Action.VICI_SEND:
        this.waiting.push(() => engine.viciBytes(this.charon(bytes)));
        break;
      case Action.NETLINK_SEND:
        if (!this.kernel_answers) break;
        this.waiting.push(() => engine.network(this.kernel.answer(bytes)));
        break;
      case Action.XFRM_SEND: {
        const told = this.tells_sas?.(bytes) ?? Buffer.alloc(0);
        if (told.length > 0) this.waiting.push(() => engine.xfrm(told));
        break;
      }
      case Action.SEND_ECHOES:
        this.send((argument & ~UNGUARDED) as 4 | 6, bytes);
        break;
      case Action.TELL_FACTS:
        this.waiting.push(() => engine.facts(Buffer.from(FACTS)));
        break;
    }
  }

  private charon(request: Buffer): Buffer {
    const said = this.if_id === undefined ? answer(request) : withIfId(answer(request), this.if_id);
    if (!this.has_other_sas) return said;
    return Buffer.from(said.toString("latin1").replaceAll(SPI, "$1b"), "latin1");
  }

  private send(version: 4 | 6, bytes: Buffer): void {
    const { engine } = this;
    const size = bytes.length / Math.round(bytes.length / 1536);
    for (let at = 0; at < bytes.length; at += size) {
      const slot = bytes.subarray(at, at + size);
      const echo = {
        ifindex: slot.readUInt32LE(8),
        destination: slot.subarray(16, 32),
        source: slot.subarray(32, 48),
        message: slot.subarray(64, 64 + slot.readUInt32LE(4)),
      };
      if (this.answers) this.waiting.push(() => engine.replies(version, [replyTo(echo, version)]));
      else this.echoes.push({ version, echo });
    }
  }
}

/** The reply to an echo, as the engine must take it. */
export function genuine({ version, echo }: { version: 4 | 6; echo: Echo }): Received {
  return replyTo(echo, version);
}

/** What charon answers to the requests in the bytes. */
function answer(bytes: Buffer): Buffer {
  const packets = frames(bytes);
  if (packets[0]![4] === 3) return fixture("register");
  const name = packets[0]!.toString("latin1", 6, 6 + packets[0]![5]!);
  if (name === "list-conns") return fixture("list-conns");
  if (name !== "list-sas") return SUCCESS;
  const ike = packets[0]!.toString("latin1", 6 + name.length).match(/\x03\x03ike\x00.(.*)$/s)?.[1];
  const wanted = frames(fixture("list-sas")).filter((packet) => {
    if (packet[4] !== EVENT || ike === undefined) return true;
    return packet.toString("latin1", 6 + packet[5]! + 2).startsWith(ike);
  });
  return Buffer.concat(wanted);
}
