import * as readline from "node:readline";
import type { Namespace } from "./namespace.ts";
import type { Program } from "./program.ts";
import { sleep } from "./wait.ts";

export interface Outage {
  /** performance.now() of the first echo that stayed unanswered. */
  begin_ms: number;
  /** Until the first answered echo after it, or until now if there is none. */
  duration_ms: number;
  lost: number;
  over: boolean;
}

/** A user behind gateway A: pings through the tunnel and keeps account of each echo. */
export class Ping {
  /** When each answer came, by sequence number (from 1). */
  private readonly answered = new Map<number, number>();
  private newest = 0;
  private readonly begin_ms: number;

  private constructor(
    private readonly program: Program,
    private readonly interval_ms: number,
  ) {
    this.begin_ms = performance.now();
    const lines = readline.createInterface({ input: program.child.stdout! });
    lines.on("line", (line) => {
      const seq = Number(/icmp_seq=(\d+) .*time=/.exec(line)?.[1] ?? 0);
      if (seq === 0) return;
      this.answered.set(seq, performance.now());
      this.newest = Math.max(this.newest, seq);
    });
    program.child.stderr!.resume();
  }

  static async start(
    namespace: Namespace,
    source: string,
    destination: string,
    interval_ms = 100,
  ): Promise<Ping> {
    const interval_s = String(interval_ms / 1000);
    // stdbuf: ping keeps its lines back when it does not write to a terminal.
    const args = ["-oL", "ping", "-n", "-i", interval_s, "-I", source, destination];
    return new Ping(await namespace.spawn("stdbuf", args), interval_ms);
  }

  async stop(): Promise<void> {
    await this.program.end("SIGINT");
    await sleep(20);
  }

  get answers(): number {
    return this.answered.size;
  }

  /** Time since the last answer, or since the start. */
  get silence_ms(): number {
    return performance.now() - (this.answered.get(this.newest) ?? this.begin_ms);
  }

  /**
   * Every run of at least `least` unanswered echoes, with those now under way when they are late.
   * An echo's own time is not printed when it is lost: it follows from its number, counted from
   * the nearest answered one.
   */
  outages(least = 2): Outage[] {
    const outages: Outage[] = [];
    const sequence = [...this.answered.keys()].sort((x, y) => x - y);
    let before = 0;
    let before_ms = this.begin_ms - this.interval_ms;
    for (const seq of sequence) {
      const at_ms = this.answered.get(seq)!;
      const lost = seq - before - 1;
      if (lost >= least) {
        outages.push({
          begin_ms: before_ms + this.interval_ms,
          duration_ms: at_ms - before_ms - this.interval_ms,
          lost,
          over: true,
        });
      }
      before = seq;
      before_ms = at_ms;
    }
    const silence_ms = this.silence_ms - this.interval_ms;
    const lost = Math.floor(silence_ms / this.interval_ms);
    if (lost >= Math.max(least, 3)) {
      const begin_ms = before_ms + this.interval_ms;
      outages.push({ begin_ms, duration_ms: silence_ms, lost, over: false });
    }
    return outages;
  }

  /** Echoes known to be lost: those with an answered one after them. */
  get lost(): number {
    return this.newest - this.answered.size;
  }
}

const SENDER = `
  const [source, destination, port, interval] = process.argv.slice(1);
  const socket = require("dgram").createSocket(source.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => {});
  socket.bind(0, source, () =>
    setInterval(() => socket.send("user", Number(port), destination, () => {}), Number(interval)));
`;
const RECEIVER = `
  const [address, port] = process.argv.slice(1);
  const socket = require("dgram").createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.bind(Number(port), address);
`;

/** Datagrams one way only: the receiver takes them and says nothing. */
export class OneWay {
  private constructor(private readonly programs: Program[]) {}

  static async start(
    from: Namespace,
    source: string,
    to: Namespace,
    destination: string,
    interval_ms = 50,
    port = 9,
  ): Promise<OneWay> {
    const node = process.execPath;
    // Without a receiver the kernel would answer with 'port unreachable': traffic both ways.
    const receiver = await to.spawn(node, ["-e", RECEIVER, destination, String(port)]);
    const args = [source, destination, String(port), String(interval_ms)];
    const sender = await from.spawn(node, ["-e", SENDER, ...args]);
    for (const { child } of [receiver, sender]) {
      child.stdout!.resume();
      child.stderr!.resume();
    }
    return new OneWay([receiver, sender]);
  }

  async stop(): Promise<void> {
    for (const program of this.programs) await program.end("SIGKILL");
  }
}
