/** A real rekeyd, and a rekeyd-web on loopback that asks it through a gate which counts. */
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { Namespace } from "../../lab/lib/namespace.ts";
import { startProgram, type Program } from "../../lab/lib/program.ts";
import { Rekeyd, uciText } from "../../lab/lib/rekeyd.ts";
import { State } from "../../lab/lib/state.ts";
import { waitUntil } from "../../lab/lib/wait.ts";
import { ask, Stream, Wire, type Request, type Response } from "./request.ts";

const PROGRAM = path.resolve("build/rekeyd-web");
const USER = "nobody";
const GROUP = 4711;
export const SECRET = "correct horse battery staple";
const WAIT_MS = 10_000;

/** Passes requests on to the daemon, and keeps their lines. */
class Gate {
  readonly lines: string[] = [];
  private readonly server: net.Server;

  constructor(
    readonly path: string,
    private readonly behind: () => string,
  ) {
    this.server = net.createServer({ allowHalfOpen: true }, (client) => this.pass(client));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.path, resolve));
    fs.chownSync(this.path, 0, GROUP);
    fs.chmodSync(this.path, 0o660);
  }

  close(): void {
    this.server.close();
  }

  /** How many lines that match have gone through. */
  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  private pass(client: net.Socket): void {
    const daemon = net.connect(this.behind());
    let line = "";
    client.on("data", (bytes) => {
      line += bytes.toString("latin1");
      if (line.endsWith("\n")) this.lines.push(line.slice(0, -1));
    });
    for (const [from, to] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("close", () => to.end());
    }
    client.pipe(daemon, { end: false });
    daemon.pipe(client);
  }
}

export interface SiteOptions {
  /** Names of the VPNs. */
  vpns?: string[];
  /** More options for rekeyd-web. */
  options?: string[];
}

/** rekeyd-web with everything behind it. */
export class Site {
  readonly gate: Gate;
  web!: Program;
  port = 0;
  private readonly streams: Stream[] = [];
  private readonly wires: Wire[] = [];

  private constructor(
    readonly state: State,
    readonly folder: string,
    readonly rekeyd: Rekeyd,
    private readonly options: string[],
  ) {
    this.gate = new Gate(path.join(folder, "gate"), () => this.rekeyd.control_path);
  }

  static async create({ vpns = ["branch"], options = [] }: SiteOptions = {}): Promise<Site> {
    const state = State.create("test", "web");
    const namespace = await Namespace.create(`rk${state.id}-w`, state);
    // Where the user that rekeyd-web becomes can go through.
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rekeyd-web-"));
    fs.chmodSync(folder, 0o711);
    const rekeyd = new Rekeyd(namespace, path.join(state.folder, "daemon"));
    const global = { vici: path.join(folder, "no-vici") };
    rekeyd.configure(
      uciText(
        global,
        vpns.map((name) => ({ name, options: { gateway: "s2s" } })),
      ),
    );
    const site = new Site(state, folder, rekeyd, options);
    try {
      await rekeyd.start();
      await site.gate.open();
      await site.start();
    } catch (error) {
      await site.remove();
      throw error;
    }
    return site;
  }

  /** Starts rekeyd-web, on the port that it had. */
  async start(): Promise<void> {
    const secret = path.join(this.folder, "secret");
    fs.writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
    const log = path.join(this.state.folder, "web.log");
    fs.rmSync(log, { force: true });
    const command = [PROGRAM, "--listen", `127.0.0.1:${this.port}`, "--control", this.gate.path];
    command.push("--user", USER, "--control-group", `${GROUP}`, "--secret-file", secret);
    command.push(...this.options);
    this.web = await startProgram(this.state, "rekeyd-web", command, { log });
    const said = await waitUntil(
      "rekeyd-web prints its address",
      WAIT_MS,
      () => fs.readFileSync(log, "utf8"),
      (text) => text.includes("\n"),
    );
    this.port = Number(/^http:\/\/127\.0\.0\.1:(\d+)\/\n$/.exec(said)?.[1]);
    if (!(this.port > 0)) throw new Error(`rekeyd-web: ${said}`);
  }

  /** What rekeyd-web has written. */
  said(): string {
    return fs.readFileSync(path.join(this.state.folder, "web.log"), "utf8");
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  ask(request: Request): Promise<Response> {
    return ask(this.port, request);
  }

  /** GET by somebody who has the secret. */
  read(where: string): Promise<Response> {
    return this.ask({ path: where, headers: this.bearer() });
  }

  /** POST as a page of our own sends it. */
  post(where: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const own = { "content-type": "application/json", origin: this.origin };
    const text = JSON.stringify(body);
    return this.ask({ method: "POST", path: where, headers: { ...own, ...headers }, body: text });
  }

  bearer(secret = SECRET): { authorization: string } {
    return { authorization: `Bearer ${secret}` };
  }

  /** Logs in; returns the cookie as a browser sends it back. */
  async logIn(): Promise<string> {
    const { status, headers, body } = await this.post("/login", { secret: SECRET });
    if (status !== 204) throw new Error(`login: ${status} ${body}`);
    return headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
  }

  stream(headers: Record<string, string> = this.bearer()): Stream {
    const stream = new Stream(this.port, headers);
    this.streams.push(stream);
    return stream;
  }

  async wire(): Promise<Wire> {
    const wire = await Wire.open(this.port);
    this.wires.push(wire);
    return wire;
  }

  /** Waits for the status of the answer. */
  async hears(wire: Wire, status: number): Promise<void> {
    const heard = (): number => wire.status;
    await waitUntil(`an answer ${status}`, WAIT_MS, heard, (seen) => seen === status);
  }

  closeAll(): void {
    for (const each of [...this.streams, ...this.wires]) each.close();
  }

  async remove(): Promise<void> {
    this.closeAll();
    this.gate.close();
    await this.state.remove();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs the body with a site of its own. */
export async function withSite(
  body: (site: Site) => Promise<void>,
  options?: SiteOptions,
): Promise<void> {
  const site = await Site.create(options);
  try {
    await body(site);
  } finally {
    await site.remove();
  }
}
