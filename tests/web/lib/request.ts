/** Requests as no browser would send them. */
import * as fs from "node:fs";
import * as http from "node:http";
import * as net from "node:net";

export interface Response {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** How long it took. */
  took_ms: number;
}

export interface Request {
  method?: string;
  path: string;
  /** Node's own Host and Content-Length give way to these. */
  headers?: http.OutgoingHttpHeaders;
  body?: string;
}

const LIMIT_MS = 30_000;

/** One request on a connection of its own; the path goes out as it is. */
export function ask(port: number, { method, path, headers, body }: Request): Promise<Response> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method: method ?? "GET", path, agent: false };
    const request = http.request({ ...options, headers: headers ?? {} }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const took_ms = performance.now() - begin;
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: text, took_ms });
      });
    });
    request.setTimeout(LIMIT_MS, () => request.destroy(new Error(`${path}: no answer`)));
    request.on("error", reject);
    request.end(body);
  });
}

/** A connection that says what it is told to, and remembers what it was told. */
export class Wire {
  heard = "";
  is_closed = false;
  private constructor(readonly socket: net.Socket) {
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => (this.heard += text));
    socket.on("error", () => {});
    socket.on("close", () => (this.is_closed = true));
  }

  static open(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => resolve(new Wire(socket)));
    });
  }

  say(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** The status of the first answer; 0: none has come. */
  get status(): number {
    return Number(/^HTTP\/1\.[01] (\d{3})/.exec(this.heard)?.[1] ?? 0);
  }

  close(): void {
    this.socket.destroy();
  }
}

export interface Told {
  event: string;
  data: string;
}

/** An event stream, as an EventSource reads it. */
export class Stream {
  readonly told: Told[] = [];
  beats = 0;
  is_open = true;
  status = 0;
  private rest = "";
  private readonly request: http.ClientRequest;

  constructor(port: number, headers: http.OutgoingHttpHeaders) {
    const options = { host: "127.0.0.1", port, path: "/stream", agent: false, headers };
    this.request = http.get(options, (response) => {
      this.status = response.statusCode ?? 0;
      response.setEncoding("utf8").on("data", (text: string) => this.take(text));
      response.on("error", () => {});
      response.on("close", () => (this.is_open = false));
    });
    this.request.on("error", () => (this.is_open = false));
  }

  /** Events of a kind, the newest last. */
  of(kind: string): unknown[] {
    return this.told.filter(({ event }) => event === kind).map(({ data }) => JSON.parse(data));
  }

  close(): void {
    this.request.destroy();
  }

  private take(text: string): void {
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop() ?? "";
    for (const block of blocks) {
      if (block === "event: beat\ndata:") this.beats++;
      const [, event, data] = /^event: (\w+)\ndata: ([^\n]*)$/.exec(block) ?? [];
      if (event !== undefined && data !== undefined) this.told.push({ event, data });
    }
  }
}

/** Connections at a port of this machine, as the kernel counts them on the server's side. */
export function connectionsAt(port: number): number {
  const ESTABLISHED = "01";
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = fs.readFileSync("/proc/net/tcp", "latin1").split("\n");
  return lines.filter((line) => {
    const [, address, , state] = line.trim().split(/\s+/);
    return address === local && state === ESTABLISHED;
  }).length;
}
