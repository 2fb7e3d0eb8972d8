/** Many clients at the control socket at once, of all sorts. */
import * as net from "node:net";
import { sleep } from "../../lab/lib/wait.ts";

/** What eager clients ask for, in turn. */
const LINES = ["get vpn", "json get vpn", "get event", "json get event", "get sa", "metrics"];
/** A slow reader takes so much, and rests. */
const SIP_BYTES = 4096;
const SIP_PAUSE_MS = 50;

export interface Crowd {
  /** Ask again as soon as they are answered. */
  eager: number;
  /** Ask for all VPNs, and hardly read. */
  slow: number;
  /** Say nothing. */
  silent: number;
  /** Send half a line. */
  half: number;
}

export interface Tally {
  answered: number;
  refused: number;
  /** Closed before there was an answer, of those who asked for one. */
  dropped: number;
  bytes: number;
  /** How long eager clients waited for the whole of their answers. */
  waits_ms: number[];
}

/** Lets the crowd at the socket while `body` runs. */
export async function withCrowd<T>(
  control_path: string,
  crowd: Crowd,
  body: (clients: Clients) => Promise<T>,
): Promise<T> {
  const clients = new Clients(control_path, crowd);
  try {
    return await body(clients);
  } finally {
    await clients.leave();
  }
}

export class Clients {
  readonly tally: Tally = { answered: 0, refused: 0, dropped: 0, bytes: 0, waits_ms: [] };
  /** Of the eager ones, those that have had an answer or a refusal. */
  readonly served = new Set<number>();
  /** What refusals said. */
  readonly refusals = new Set<string>();
  private readonly sockets = new Set<net.Socket>();
  private readonly loops: Promise<void>[] = [];
  private over = false;

  constructor(
    private readonly control_path: string,
    crowd: Crowd,
  ) {
    const begin = (count: number, body: (i: number) => Promise<void>): void => {
      for (let i = 0; i < count; i++) this.loops.push(this.repeat(() => body(i)));
    };
    begin(crowd.eager, (i) => this.ask(i));
    begin(crowd.slow, () => this.sip());
    begin(crowd.silent, () => this.hold(""));
    begin(crowd.half, () => this.hold("get v"));
  }

  /** Those that are connected now. */
  get connected(): number {
    return this.sockets.size;
  }

  async leave(): Promise<void> {
    this.over = true;
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.loops);
  }

  private async repeat(body: () => Promise<void>): Promise<void> {
    while (!this.over) await body();
  }

  /** A connection that was made, and its end. */
  private async connect(use: (socket: net.Socket) => void): Promise<void> {
    const socket = net.connect(this.control_path);
    this.sockets.add(socket);
    await new Promise<void>((resolve) => {
      // The daemon may close while we write.
      socket.on("error", () => undefined);
      socket.on("close", resolve);
      use(socket);
    });
    this.sockets.delete(socket);
  }

  /** Asks for the whole of an answer, in all its parts. */
  private async ask(i: number): Promise<void> {
    const begun = performance.now();
    for (let next: string | undefined = LINES[i % LINES.length]; next !== undefined;) {
      const answer = await this.exchange(next);
      if (this.over) return;
      this.tally.bytes += answer.length;
      const [head] = answer.split("\n", 1);
      if (head === "") {
        this.tally.dropped++;
        return;
      }
      if (head === "error") {
        this.tally.refused++;
        this.served.add(i);
        this.refusals.add(answer);
        return;
      }
      next = /^more (.*)$/.exec(head!)?.[1];
    }
    this.served.add(i);
    this.tally.answered++;
    this.tally.waits_ms.push(performance.now() - begun);
  }

  private async exchange(line: string): Promise<string> {
    const parts: Buffer[] = [];
    await this.connect((socket) => {
      socket.on("data", (part: Buffer) => parts.push(part));
      socket.write(`${line}\n`);
    });
    return Buffer.concat(parts).toString("latin1");
  }

  private sip(): Promise<void> {
    return this.connect((socket) => {
      socket.write("json get vpn\n");
      const read = async (): Promise<void> => {
        while (!socket.destroyed && !socket.readableEnded) {
          socket.read(Math.min(SIP_BYTES, Math.max(1, socket.readableLength)));
          await sleep(SIP_PAUSE_MS);
        }
      };
      socket.on("readable", () => undefined);
      void read();
    });
  }

  private hold(text: string): Promise<void> {
    return this.connect((socket) => {
      if (text !== "") socket.write(text);
      socket.resume();
    });
  }
}
