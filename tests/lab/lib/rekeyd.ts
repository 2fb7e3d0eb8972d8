import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { attempt, type Result } from "./command.ts";
import type { Options } from "./swanctl_conf.ts";
import type { Namespace } from "./namespace.ts";
import type { Program } from "./program.ts";
import { waitFor, waitUntil } from "./wait.ts";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const DAEMON = path.join(ROOT, "build/rekeyd");
const CONTROL = path.join(ROOT, "build/rekeyctl");
const START_MS = 5000;
const ANSWER_MS = 5000;

/** One VPN as `rekeyctl --json get vpn` shows it: the keys that are promised to stay. */
export interface VpnState {
  name: string;
  gateway: string;
  child: string;
  monitor: boolean;
  rekey: boolean;
  optimized: boolean;
  sta: string;
  state: "inactive" | "ready" | "up" | "down";
  /** null: nothing measured yet. */
  delay_last_ms: number | null;
  delay_avg_ms: number | null;
  availability_percent: number | null;
  echoes_sent: number;
  echoes_answered: number;
  misses: number;
  rekeys: number;
  [key: string]: unknown;
}

export interface LogEvent {
  id: number;
  severity: string;
  time: string;
  /** null: about the daemon, not one VPN. */
  vpn: string | null;
  text: string;
}

export interface VpnSpec {
  name: string;
  /** UCI options by name; an array becomes a list. */
  options: Record<string, string | number | (string | number)[]>;
}

/** The configuration file, as a user would write it. */
export function uciText(global: Options, vpns: VpnSpec[]): string {
  const option = (key: string, value: string | number): string => `\toption ${key} '${value}'\n`;
  const sections = [
    `config vpnmonitor 'global'\n` +
      Object.entries(global)
        .map(([key, value]) => option(key, value))
        .join(""),
    ...vpns.map(
      ({ name, options }) =>
        `config vpn '${name}'\n` +
        Object.entries(options)
          .map(([key, value]) =>
            Array.isArray(value)
              ? value.map((item) => `\tlist ${key} '${item}'\n`).join("")
              : option(key, value),
          )
          .join(""),
    ),
  ];
  return sections.join("\n");
}

/** One rekeyd beside one gateway's charon. */
export class Rekeyd {
  private program: Program | null = null;
  /** More options for `rekeyd run`. */
  readonly options: string[] = [];
  readonly config_path: string;
  control_path: string;
  readonly log_path: string;
  recordings_path: string;

  constructor(
    private readonly namespace: Namespace,
    folder: string,
    private readonly daemon = DAEMON,
  ) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.config_path = path.join(folder, "rekeyd.conf");
    this.control_path = path.join(folder, "rekeyd.control");
    this.log_path = path.join(folder, "rekeyd.log");
    this.recordings_path = path.join(folder, "recordings");
  }

  static isBuilt(): boolean {
    return fs.existsSync(DAEMON) && fs.existsSync(CONTROL);
  }

  configure(text: string): void {
    fs.writeFileSync(this.config_path, text);
  }

  get pid(): number {
    return this.program?.pid ?? -1;
  }

  isAlive(): boolean {
    return this.program?.isAlive() ?? false;
  }

  /** Starts the daemon and waits until it answers. */
  async start(): Promise<void> {
    const args = ["run", "--config", this.config_path, "--control", this.control_path];
    args.push("--log", this.log_path, "--recordings", this.recordings_path, ...this.options);
    this.program = await this.namespace.spawn(this.daemon, args, { log: `${this.log_path}.out` });
    try {
      await waitFor("rekeyd answers", START_MS, async () => {
        await this.get("vpnmonitor");
        return true;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.log()}`);
    }
  }

  /** SIGTERM; returns how long the daemon took to leave. */
  async stop(): Promise<number> {
    const took_ms = (await this.program?.end("SIGTERM")) ?? 0;
    this.program = null;
    return took_ms;
  }

  async kill(): Promise<void> {
    await this.program?.end("SIGKILL");
    this.program = null;
  }

  /** Another configuration (or the same file) and SIGHUP. */
  reload(text?: string): void {
    if (text !== undefined) this.configure(text);
    this.program?.signal("SIGHUP");
  }

  /** The control socket without a process in between: cheap enough to ask ten times a second. */
  get(what: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.control_path);
      let answer = "";
      socket.setEncoding("utf8").setTimeout(ANSWER_MS, () => {
        socket.destroy(new Error(`rekeyd: no answer to 'get ${what}'`));
      });
      socket.on("connect", () => socket.write(`json get ${what}\n`));
      socket.on("data", (text: string) => (answer += text));
      socket.on("error", reject);
      socket.on("end", () => {
        const [status, ...body] = answer.split("\n");
        if (status !== "ok") reject(new Error(`rekeyd: ${answer}`));
        else {
          try {
            resolve(JSON.parse(body.join("\n")));
          } catch {
            reject(new Error(`rekeyd: no JSON: ${answer}`));
          }
        }
      });
    });
  }

  async vpns(): Promise<VpnState[]> {
    return listIn(await this.get("vpn"), "vpns") as VpnState[];
  }

  async vpn(name: string): Promise<VpnState> {
    const vpn = (await this.vpns()).find((each) => each.name === name);
    if (vpn === undefined) throw new Error(`rekeyd knows no VPN ${name}`);
    return vpn;
  }

  async events(): Promise<LogEvent[]> {
    return listIn(await this.get("event"), "events") as LogEvent[];
  }

  /** Events whose text matches. */
  async eventsLike(pattern: RegExp): Promise<LogEvent[]> {
    return (await this.events()).filter((event) => pattern.test(event.text));
  }

  /** Waits until a VPN is in one of these states. */
  waitState(name: string, states: VpnState["state"][], within_ms: number): Promise<VpnState> {
    return waitUntil(
      `VPN ${name} is ${states.join(" or ")}`,
      within_ms,
      () => this.vpn(name),
      (vpn) => states.includes(vpn.state),
      { show: (vpn) => `${vpn.state} ${vpn.sta} misses ${vpn.misses}` },
    );
  }

  /** rekeyctl itself, as a user runs it. */
  rekeyctl(...args: string[]): Promise<Result> {
    return attempt(CONTROL, ["--control", this.control_path, ...args]);
  }

  /** The same as a line for a shell. */
  rekeyctlLine(...args: string[]): string {
    return [path.relative(ROOT, CONTROL), "--control", this.control_path, ...args].join(" ");
  }

  log(): string {
    const read = (file: string): string =>
      fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    return read(this.log_path) + read(`${this.log_path}.out`);
  }
}

/** The list in a document, whether it is the document or stands under its key. */
function listIn(document: unknown, key: string): unknown[] {
  if (Array.isArray(document)) return document;
  const list = (document as Record<string, unknown>)[key];
  if (!Array.isArray(list)) throw new Error(`no list '${key}' in ${JSON.stringify(document)}`);
  return list;
}
