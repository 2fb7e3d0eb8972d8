import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "./command.ts";
import type { Namespace } from "./namespace.ts";
import type { Program } from "./program.ts";
import { waitFor } from "./wait.ts";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const MIBS = ["host/snmp", "tests/lab/mibs"].map((folder) => path.join(ROOT, folder)).join(":");
const PORT = 1161;
const START_MS = 5000;

/** nsVpnMonTable and its entry. */
export const TABLE = ".1.3.6.1.4.1.3224.4.1.1";

/** What snmpd, snmptrapd and snmptrap may neither read nor write elsewhere. */
function surroundings(folder: string): string[] {
  return ["env", `SNMPCONFPATH=${folder}`, `SNMP_PERSISTENT_DIR=${folder}`, "MIBS="];
}

/** snmpd with `rekeyctl snmp` behind it, in a namespace. */
export class Snmpd {
  program: Program | null = null;

  constructor(
    private readonly namespace: Namespace,
    private readonly folder: string,
    control_path: string,
    /** Who it becomes, as Debian's snmpd becomes Debian-snmp. */
    private readonly user = "root",
    rekeyctl = path.join(ROOT, "build/rekeyctl"),
  ) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(
      this.conf_path,
      `agentaddress udp:127.0.0.1:${PORT}
rocommunity public 127.0.0.1
rwcommunity private 127.0.0.1
pass_persist ${TABLE} ${rekeyctl} --control ${control_path} snmp
`,
    );
  }

  private get conf_path(): string {
    return path.join(this.folder, "snmpd.conf");
  }

  async start(): Promise<void> {
    const args = ["-f", "-Lf", path.join(this.folder, "snmpd.log"), "-C", "-c", this.conf_path];
    // Only what is needed: other modules look at the machine, and want to write.
    args.push("-I", "pass_persist,vacm_conf,vacm_vars,snmp_mib", "-r");
    args.push("-u", this.user, "-g", this.user);
    const [env, ...settings] = surroundings(this.folder);
    this.program = await this.namespace.spawn(env!, [...settings, "snmpd", ...args], {
      log: path.join(this.folder, "snmpd.out"),
    });
    await waitFor("snmpd answers", START_MS, async () => {
      return (await this.ask("snmpget", ["-On"], `${TABLE}.1.99.1`)).code === 0;
    });
  }

  /** One of net-snmp's commands; `-On` shows numbers, without it our module's names are shown. */
  ask(command: string, options: string[], oid: string, ...rest: string[]): Promise<Result> {
    const community = command === "snmpset" ? "private" : "public";
    const [env, ...settings] = surroundings(this.folder);
    const named = options.includes("-On") ? [] : ["-M", MIBS, "-m", "REKEYD-VPN-MON-MIB"];
    const where = ["-v", "2c", "-c", community, "-t", "5", "-r", "1", `127.0.0.1:${PORT}`];
    return this.namespace.attempt(env!, [
      ...settings,
      command,
      ...named,
      ...options,
      ...where,
      oid,
      ...rest,
    ]);
  }

  /** The table's cells: `COLUMN.ROW` to `TYPE: VALUE`. */
  async walk(): Promise<Map<string, string>> {
    const { stdout } = await this.ask("snmpwalk", ["-On"], TABLE);
    const cells = [...stdout.matchAll(/^\S+\.1\.(\d+\.\d+) = (.*)$/gm)];
    return new Map(cells.map(([, cell, value]) => [cell!, value!]));
  }
}

/** snmptrapd, which writes down what it receives. */
export class Snmptrapd {
  private readonly log_path: string;

  constructor(
    private readonly namespace: Namespace,
    private readonly folder: string,
    private readonly port: number,
  ) {
    fs.mkdirSync(folder, { recursive: true });
    this.log_path = path.join(folder, "traps");
  }

  async start(): Promise<void> {
    const conf = path.join(this.folder, "snmptrapd.conf");
    fs.writeFileSync(conf, "authCommunity log public\n");
    const [env, ...settings] = surroundings(this.folder);
    const args = ["-f", "-n", "-On", "-Lf", this.log_path, "-C", "-c", conf];
    args.push("-F", "%v\\n", `udp:127.0.0.1:${this.port}`);
    await this.namespace.spawn(env!, [...settings, "snmptrapd", ...args], {
      log: path.join(this.folder, "snmptrapd.out"),
    });
    await waitFor("snmptrapd listens", START_MS, async () => {
      const { stdout } = await this.namespace.attempt("ss", ["-Hlun", `sport = :${this.port}`]);
      return stdout.includes(`:${this.port}`);
    });
  }

  /** The variables of each trap, as one line. */
  traps(): string[] {
    if (!fs.existsSync(this.log_path)) return [];
    return fs
      .readFileSync(this.log_path, "utf8")
      .split("\n")
      .filter((line) => line.includes(".1.3.6.1.6.3.1.1.4.1.0"));
  }
}

/** The hook that sends traps, with its settings beside it. */
export function trapHook(folder: string, port: number): string {
  fs.mkdirSync(folder, { recursive: true });
  const hook = path.join(folder, "snmptrap");
  fs.copyFileSync(path.join(ROOT, "host/snmp/rekeyd-trap.sh"), hook);
  fs.chmodSync(hook, 0o755);
  fs.writeFileSync(
    path.join(folder, "snmptrap.conf"),
    `sinks='127.0.0.1:${port}'\nexport MIBS= SNMP_PERSISTENT_DIR='${folder}'\n`,
  );
  return hook;
}
