/**
 * The routing socket between kernel and engine: what is asked for is done at once, and what comes
 * of it is read in order, some of it late, in parts, or never.
 */
import { Errno, Flag, acknowledgement, done, isDump, requestsIn } from "./model/rtnetlink.ts";
import type { Datagram, Dump, Kernel } from "./model/kernel.ts";
import type { Random } from "./random.ts";

/** One read brings no more (host/device). */
const READ_BYTES = 32_768;

/** What it needs of the world around it. */
interface Surroundings {
  readonly kernel: Kernel;
  readonly random: Random;
  after(ms: number, what: () => void): void;
  /** Bytes are read from the socket. */
  read(bytes: Buffer): void;
  /** The socket was full, and something did not fit (ENOBUFS). */
  overrun(): void;
}

/** A dump that is being read. */
interface Reading {
  dump: Dump;
  shown: Set<unknown>;
  version: number;
}

export class RoutingSocket {
  /** Percent of the news and answers that find it full. */
  full = 0;
  /** So many things of a dump come at a time, if not 0; and so long after each read. */
  at_a_time = 0;
  late_ms = 0;
  /** Requests since it was opened. */
  requests = 0;
  private readonly queue: ({ bytes: Buffer } | Reading)[] = [];
  private overran = false;
  private reads = false;
  /** Another one is another socket: what waits for the one before is lost. */
  private opened = 0;

  constructor(private readonly world: Surroundings) {}

  /** A fresh one. */
  open(): void {
    this.opened++;
    this.queue.length = 0;
    this.overran = this.reads = false;
  }

  /** The engine's requests. */
  send(bytes: Buffer): void {
    for (const request of requestsIn(bytes)) {
      this.requests++;
      const busy = isDump(request) && this.queue.some((item) => "dump" in item);
      if (busy) this.put({ answer: acknowledgement(request, Errno.EBUSY) });
      else for (const datagram of this.world.kernel.take(request.bytes)) this.put(datagram);
    }
    this.expect();
  }

  /** What others did. */
  tell(news: Buffer): void {
    if (news.length === 0) return;
    this.put({ news });
    this.expect();
  }

  private put(datagram: Datagram): void {
    if ("dump" in datagram) {
      const { dump } = datagram;
      this.queue.push({ dump, shown: new Set(), version: dump.version() });
      return;
    }
    if (this.world.random.percent(this.full)) {
      this.overran = true;
      return;
    }
    this.queue.push({ bytes: "news" in datagram ? datagram.news : datagram.answer });
  }

  /** The engine comes to it when it has done what is at hand. */
  private expect(): void {
    if (this.reads) return;
    this.reads = true;
    const { opened } = this;
    this.world.after(this.late_ms, () => {
      if (opened !== this.opened) return;
      this.reads = false;
      this.read();
      if (opened === this.opened && this.queue.length > 0) this.expect();
    });
  }

  private read(): void {
    const { opened } = this;
    if (this.overran) {
      this.overran = false;
      this.world.overrun();
      if (opened !== this.opened) return;
    }
    const parts: Buffer[] = [];
    let bytes = 0;
    let is_cut = false;
    while (this.queue.length > 0 && bytes < READ_BYTES && !is_cut) {
      const first = this.queue[0]!;
      const part = "dump" in first ? this.part(first) : first.bytes;
      is_cut = this.queue[0] === first && "dump" in first;
      if (!is_cut && this.queue[0] === first) this.queue.shift();
      parts.push(part);
      bytes += part.length;
    }
    if (parts.length > 0) this.world.read(Buffer.concat(parts));
  }

  /** What is read of a dump at a time; the last part takes it from the queue. */
  private part(reading: Reading): Buffer {
    const { dump, shown, version } = reading;
    const flags = dump.version() === version ? 0 : Flag.DUMP_INTR;
    const left = dump.items().filter(({ key }) => !shown.has(key));
    const now = this.at_a_time > 0 ? left.slice(0, this.at_a_time) : left;
    const parts = now.map(({ write }) => write(flags));
    for (const { key } of now) shown.add(key);
    if (now.length === left.length) {
      parts.push(done(dump.seq, flags));
      this.queue.shift();
    }
    return Buffer.concat(parts);
  }
}
