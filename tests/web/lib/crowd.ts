/** Many clients of rekeyd-web at once: those that listen, and those that ask and ask. */
import * as http from "node:http";
import { sleep } from "../../lab/lib/wait.ts";

/** What eager clients ask for, in turn. */
const PATHS = ["/json/get/vpn", "/metrics", "/json/get/event", "/json/get/vpnmonitor", "/app.js"];
/** An event of a stream begins so. */
const EVENT = /^event:/gm;
/** After a refusal or an error, so that a server that is full is not asked in a tight loop. */
const PAUSE_MS = 50;

export interface Crowd {
  /** Hold an event stream. */
  streams: number;
  /** Ask again as soon as they are answered, each on a connection of its own. */
  eager: number;
}

export interface Tally {
  answered: number;
  /** Answers that are errors. */
  refused: number;
  /** Connections that broke. */
  dropped: number;
  bytes: number;
  /** Events of all streams. */
  events: number;
  /** How long eager clients waited for the whole of their answers. */
  waits_ms: number[];
}

/** Runs the body while the crowd is at the server. */
export async function withWebCrowd<T>(
  origin: string,
  token: string,
  crowd: Crowd,
  body: (clients: WebClients) => Promise<T>,
): Promise<T> {
  const clients = new WebClients(origin, token, crowd);
  try {
    return await body(clients);
  } finally {
    await clients.leave();
  }
}

class WebClients {
  readonly tally: Tally = {
    ...{ answered: 0, refused: 0, dropped: 0, bytes: 0, events: 0 },
    waits_ms: [],
  };
  /** Streams that have brought an event. */
  private readonly listening = new Set<number>();
  private readonly agents: http.Agent[] = [];
  private readonly loops: Promise<void>[] = [];
  private over = false;

  constructor(
    private readonly origin: string,
    private readonly token: string,
    crowd: Crowd,
  ) {
    const begin = (count: number, body: (agent: http.Agent, i: number) => Promise<void>): void => {
      for (let i = 0; i < count; i++) {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        this.agents.push(agent);
        this.loops.push(this.repeat(() => body(agent, i)));
      }
    };
    begin(crowd.streams, (agent, i) => this.listen(agent, i));
    begin(crowd.eager, (agent, i) => this.ask(agent, PATHS[i % PATHS.length]!));
  }

  /** How many streams have told something. */
  get told(): number {
    return this.listening.size;
  }

  async leave(): Promise<void> {
    this.over = true;
    for (const agent of this.agents) agent.destroy();
    await Promise.all(this.loops);
  }

  private async repeat(body: () => Promise<void>): Promise<void> {
    while (!this.over) {
      try {
        await body();
      } catch {
        if (!this.over) this.tally.dropped++;
        await sleep(PAUSE_MS);
      }
    }
  }

  private async ask(agent: http.Agent, path: string): Promise<void> {
    const begun = performance.now();
    const status = await this.get(agent, path, (bytes) => (this.tally.bytes += bytes.length));
    if (status !== 200) {
      this.tally.refused++;
      await sleep(PAUSE_MS);
      return;
    }
    this.tally.answered++;
    this.tally.waits_ms.push(performance.now() - begun);
  }

  private async listen(agent: http.Agent, i: number): Promise<void> {
    const status = await this.get(agent, "/stream", (bytes) => {
      this.tally.bytes += bytes.length;
      const events = bytes.toString("latin1").match(EVENT)?.length ?? 0;
      this.tally.events += events;
      if (events > 0) this.listening.add(i);
    });
    if (status !== 200) this.tally.refused++;
    await sleep(PAUSE_MS);
  }

  /** Reads an answer to its end, which a stream has not by itself. */
  private get(agent: http.Agent, path: string, hear: (bytes: Buffer) => void): Promise<number> {
    const headers = { Authorization: `Bearer ${this.token}`, "Accept-Encoding": "gzip" };
    return new Promise((resolve, reject) => {
      const request = http.get(new URL(path, this.origin), { agent, headers }, (response) => {
        response.on("data", hear);
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", reject);
      });
      request.on("error", reject);
    });
  }
}
