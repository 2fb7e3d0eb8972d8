import * as fs from "node:fs";
import * as path from "node:path";
import { run } from "./command.ts";
import type { Namespace } from "./namespace.ts";
import type { Program } from "./program.ts";
import { installPrograms } from "./strongswan.ts";
import { strongswanConf } from "./swanctl_conf.ts";
import type { Section } from "../../../host/node/sim/model/vici.ts";
import { viciCommand, viciListen } from "./vici.ts";
import { waitFor, waitUntil } from "./wait.ts";

const START_MS = 10_000;

export interface ChildSa {
  name: string;
  ike: string;
  unique_id: string;
  ike_unique_id: string;
  state: string;
  spi_in: string;
  spi_out: string;
  packets_in: number;
  packets_out: number;
  bytes_in: number;
  bytes_out: number;
  /** Seconds left; NaN when unset. */
  life_time_s: number;
  rekey_time_s: number;
}

export interface IkeSa {
  name: string;
  unique_id: string;
  state: string;
  version: string;
  initiator_spi: string;
  responder_spi: string;
  children: ChildSa[];
}

const text = (section: Section, key: string): string => {
  const value = section[key];
  return typeof value === "string" ? value : "";
};
const number = (section: Section, key: string): number =>
  text(section, key) === "" ? NaN : Number(text(section, key));

function childSa(ike: string, ike_unique_id: string, section: Section): ChildSa {
  return {
    name: text(section, "name"),
    ike,
    unique_id: text(section, "uniqueid"),
    ike_unique_id,
    state: text(section, "state"),
    spi_in: text(section, "spi-in"),
    spi_out: text(section, "spi-out"),
    packets_in: number(section, "packets-in"),
    packets_out: number(section, "packets-out"),
    bytes_in: number(section, "bytes-in"),
    bytes_out: number(section, "bytes-out"),
    life_time_s: number(section, "life-time"),
    rekey_time_s: number(section, "rekey-time"),
  };
}

function ikeSa(item: Section): IkeSa {
  const [name, section] = Object.entries(item)[0] as [string, Section];
  const unique_id = text(section, "uniqueid");
  const children = Object.values((section["child-sas"] ?? {}) as Section) as Section[];
  return {
    name,
    unique_id,
    state: text(section, "state"),
    version: text(section, "version"),
    initiator_spi: text(section, "initiator-spi"),
    responder_spi: text(section, "responder-spi"),
    children: children.map((child) => childSa(name, unique_id, child)),
  };
}

/** SPIs and states in one line, for what a failed wait shows. */
function showSas(sas: IkeSa[]): string {
  if (sas.length === 0) return "no IKE_SA";
  return sas
    .map((ike) => {
      const children = ike.children.map(
        (c) => `${c.name}-${c.unique_id} ${c.state} in ${c.spi_in} out ${c.spi_out}`,
      );
      return `${ike.name}-${ike.unique_id} ${ike.state} [${children.join(", ")}]`;
    })
    .join("; ");
}

/** One gateway's IKE daemon. */
export class Charon {
  private program: Program | null = null;
  readonly vici_path: string;

  /** `folder` is short: a Unix socket's path has at most 107 characters. */
  constructor(
    private readonly namespace: Namespace,
    readonly folder: string,
    private conf: string,
    readonly version: string,
    private readonly settings = "",
  ) {
    this.vici_path = path.join(folder, "charon.vici");
  }

  get log_path(): string {
    return path.join(this.folder, "charon.log");
  }

  get pid(): number {
    return this.program?.pid ?? -1;
  }

  /** Starts charon and loads its connections; what has start_action = start then begins. */
  async start(): Promise<void> {
    fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    installPrograms(this.version, this.folder);
    for (const stale of ["charon.pid", "charon.vici"]) {
      fs.rmSync(path.join(this.folder, stale), { force: true });
    }
    const strongswan_conf = path.join(this.folder, "strongswan.conf");
    fs.writeFileSync(strongswan_conf, strongswanConf(this.folder, this.settings));
    this.program = await this.namespace.spawn(
      "env",
      [`STRONGSWAN_CONF=${strongswan_conf}`, path.join(this.folder, "charon")],
      { log: path.join(this.folder, "charon.out"), run: this.folder },
    );
    await waitFor(`charon in ${this.namespace.name} listens`, START_MS, async () => {
      await viciCommand(this.vici_path, "version");
      return true;
    });
    await this.load(this.conf);
  }

  /** Loads another swanctl.conf into the running daemon. */
  async load(conf: string): Promise<void> {
    this.conf = conf;
    fs.writeFileSync(path.join(this.folder, "swanctl.conf"), conf);
    await this.swanctl("--load-all", "--noprompt");
  }

  /** SIGKILL: the peer gets no DELETE, and nothing is remembered. */
  async kill(): Promise<void> {
    await this.program?.end("SIGKILL");
    this.program = null;
  }

  /** SIGTERM: says goodbye to its peers. */
  async stop(): Promise<void> {
    await this.program?.end("SIGTERM", 10_000);
    this.program = null;
  }

  /** Restarted without memory. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** The ordinary tool, as a user has it. */
  swanctl(...args: string[]): Promise<string> {
    return run("env", this.swanctlCommand(args));
  }

  /** The same as a line for a shell. */
  swanctlLine(...args: string[]): string {
    return this.swanctlCommand(args).join(" ");
  }

  private swanctlCommand(args: string[]): string[] {
    return [
      `SWANCTL_DIR=${this.folder}`,
      `STRONGSWAN_CONF=${path.join(this.folder, "strongswan.conf")}`,
      path.join(this.folder, "swanctl"),
      ...args,
      "--uri",
      `unix://${this.vici_path}`,
    ];
  }

  /** Initiates by hand; waits for the end, at most so long. Throws if it fails. */
  async initiate(ike: string, child: string, timeout_ms = 10_000): Promise<void> {
    await this.succeed("initiate", { ike, child, timeout: String(timeout_ms) });
  }

  /** terminate{...}, at once and by force, as for an administrator in a hurry. */
  async terminate(section: Section): Promise<void> {
    await viciCommand(this.vici_path, "terminate", { ...section, force: "yes", timeout: "-1" });
  }

  async rekey(section: Section): Promise<void> {
    await this.succeed("rekey", section);
  }

  private async succeed(command: string, message: Section): Promise<void> {
    const { response } = await viciCommand(this.vici_path, command, message);
    if (response["success"] !== "yes") {
      throw new Error(`${command} ${JSON.stringify(message)}: ${text(response, "errmsg")}`);
    }
  }

  async listSas(): Promise<IkeSa[]> {
    const { items } = await viciCommand(this.vici_path, "list-sas", {}, "list-sa");
    return items.map(ikeSa);
  }

  /** Those children that carry traffic by strongSwan's own word. */
  async installed(name?: string): Promise<ChildSa[]> {
    const children = (await this.listSas()).flatMap((ike) => ike.children);
    return children.filter(
      (child) => child.state === "INSTALLED" && (name === undefined || child.name === name),
    );
  }

  /** Waits until exactly one CHILD_SA of that name is installed, and returns it. */
  async waitInstalled(name: string, within_ms = 10_000): Promise<ChildSa> {
    await waitUntil(
      `exactly one ${name} in ${this.namespace.name}`,
      within_ms,
      () => this.listSas(),
      (sas) => countInstalled(sas, name) === 1,
      { show: showSas },
    );
    const [child] = await this.installed(name);
    if (child === undefined) throw new Error(`${name} in ${this.namespace.name} went away`);
    return child;
  }

  /** Waits until an SA is no longer the one in use, or no longer there. */
  async waitReplaced(old: ChildSa, within_ms: number): Promise<void> {
    await waitUntil(
      `another SA than ${old.spi_in} in ${this.namespace.name}`,
      within_ms,
      () => this.listSas(),
      (sas) =>
        !sas
          .flatMap((ike) => ike.children)
          .some((child) => child.spi_in === old.spi_in && child.state === "INSTALLED"),
      { show: showSas },
    );
  }

  /** Calls `listener` for charon's events until the returned function is called. */
  listen(
    events: string[],
    listener: (name: string, message: Section) => void,
  ): Promise<() => void> {
    return viciListen(this.vici_path, events, listener);
  }

  log(): string {
    return fs.existsSync(this.log_path) ? fs.readFileSync(this.log_path, "utf8") : "";
  }
}

/** INSTALLED ones only: DELETED and REKEYED stay listed for some seconds after a rekey. */
function countInstalled(sas: IkeSa[], name: string): number {
  return sas
    .flatMap((ike) => ike.children)
    .filter((child) => child.name === name && child.state === "INSTALLED").length;
}
