/** One router of a star: a network namespace in the guest, its charon, and its rekeyd if wanted. */
import type { VpnState, LogEvent } from "../../lab/lib/rekeyd.ts";
import { waitFor, waitUntil } from "../../lab/lib/wait.ts";
import type { Answer } from "./agent.ts";
import type { Guest } from "./guest.ts";
import { nameOf } from "./plan.ts";

const START_MS = 30_000;
const PING_MS = 30_000;

/** Nobody's networks, for marks in a list of changes. */
const MARKS = ["10.254.0.0/24", "10.254.1.0/24"] as const;

/** An SA in the kernel, of one direction. */
export interface KernelSa {
  source: string;
  destination: string;
  spi: string;
  if_id: number;
  packets: number;
}

export interface Pinged {
  sent: number;
  received: number;
}

/** A route as `ip -json route` shows it: what the tests look at. */
export interface KernelRoute {
  dst: string;
  dev?: string;
  gateway?: string;
  metric?: number;
  protocol?: string;
  encap?: string;
  if_id?: number;
  flags?: string[];
}

/** An entry as `rekeyctl --json get interface NAME nhtb` shows it. */
export interface NextHop {
  next_hop: string;
  flag: "S" | "A";
  usable: boolean;
  vpn: string;
}

export class Station {
  readonly name: string;
  readonly folder: string;

  constructor(
    readonly guest: Guest,
    readonly number: number,
  ) {
    this.name = nameOf(number);
    this.folder = `/star/${this.name}`;
  }

  /** A script for the guest's shell that runs `script` in this namespace. */
  inside(script: string): string {
    const end = `END_${this.name}`;
    return `ip netns exec ${this.name} sh -e <<'${end}'\n${script}\n${end}`;
  }

  run(script: string, within_ms?: number): Promise<string> {
    return this.guest.run(this.inside(script), within_ms);
  }

  attempt(script: string, within_ms?: number): Promise<Answer> {
    return this.guest.attempt(this.inside(script), within_ms);
  }

  /** What starts charon and has it read its connections, as a script for the guest's shell. */
  charonLines(): string {
    const run = `mount --bind ${this.folder} /run; exec "$charon"`;
    return `charon=/usr/sbin/charon-systemd
rm -f ${this.folder}/charon.vici ${this.folder}/charon.pid
export charon ${this.environment()}
ip netns exec ${this.name} sh -c '${run}' >>${this.folder}/charon.out 2>&1 &
echo $! >${this.folder}/charon.id`;
  }

  loadLines(): string {
    return `while [ ! -S ${this.folder}/charon.vici ]; do sleep 0.1; done
${this.swanctlLine("--load-all --noprompt")}`;
  }

  async startCharon(): Promise<void> {
    await this.guest.run(`${this.charonLines()}\n${this.loadLines()}`, START_MS);
  }

  /** SIGKILL: the peers hear nothing, and the kernel keeps its SAs. */
  async killCharon(): Promise<void> {
    await this.endProcess("charon", "KILL");
  }

  swanctlLine(args: string): string {
    return `${this.environment()} swanctl ${args} --uri unix://${this.folder}/charon.vici`;
  }

  swanctl(args: string): Promise<string> {
    return this.guest.run(this.swanctlLine(args));
  }

  initiate(peer: Station): Promise<string> {
    return this.swanctl(`--initiate --ike ${peer.name} --child ${peer.name} --timeout 20`);
  }

  /** Sends echoes and counts the answers. */
  async ping(destination: string, count: number, interval_s = 0.1): Promise<Pinged> {
    const command = `ping -n -q -c ${count} -i ${interval_s} -W 1 ${destination}`;
    const { out, err } = await this.attempt(command, count * interval_s * 1000 + PING_MS);
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(`${out}`) ?? [];
    if (received === undefined) throw new Error(`ping ${destination}: ${err}${out}`);
    return { sent: Number(sent), received: Number(received) };
  }

  private environment(): string {
    return `STRONGSWAN_CONF=${this.folder}/strongswan.conf SWANCTL_DIR=${this.folder}`;
  }

  /** The kernel's SAs, in both directions. */
  async kernelSas(): Promise<KernelSa[]> {
    const text = await this.guest.run(`ip -n ${this.name} -statistics xfrm state`);
    return text
      .split(/^(?=src )/m)
      .filter((block) => block.startsWith("src "))
      .map((block) => {
        const [, source = "", destination = ""] = /^src (\S+) dst (\S+)/.exec(block) ?? [];
        return {
          source,
          destination,
          spi: /spi 0x([0-9a-f]{8})/.exec(block)?.[1] ?? "",
          if_id: Number(/if_id (0x[0-9a-f]+)/.exec(block)?.[1] ?? 0),
          packets: Number(/lifetime current:\s+\d+\(bytes\), (\d+)\(packets\)/.exec(block)?.[1]),
        };
      });
  }

  async routes(family: 4 | 6 = 4, table = "main"): Promise<KernelRoute[]> {
    const command = `ip -n ${this.name} -json -Numeric -${family} route show table ${table}`;
    return JSON.parse((await this.guest.run(command)) || "[]") as KernelRoute[];
  }

  /** Has the kernel tell of all changes of routes, until the end is asked for: one in a line. */
  async watchRoutes(): Promise<{ end: () => Promise<string[]> }> {
    const file = `${this.folder}/routes`;
    await this.guest.run(
      `ip -n ${this.name} -tshort monitor route >${file} 2>&1 &
echo $! >${file}.id`,
    );
    // A change of our own shows at either end that the watch sees what it should.
    const mark = async (net: string): Promise<void> => {
      await this.guest.run(
        `i=0
until grep -q 'Deleted blackhole ${net}' ${file}; do
  ip -n ${this.name} route add blackhole ${net}
  ip -n ${this.name} route del blackhole ${net}
  i=$((i + 1)); [ $i -lt 50 ] || { cat ${file}; exit 1; }
done`,
      );
    };
    await mark(MARKS[0]);
    const end = async (): Promise<string[]> => {
      await mark(MARKS[1]);
      const text = await this.guest.run(`read -r id <${file}.id; kill "$id"; cat ${file}`);
      return text.split("\n").filter((line) => line !== "" && !MARKS.some((m) => line.includes(m)));
    };
    return { end };
  }

  /** Starts rekeyd with this configuration, and waits until it answers. */
  async startRekeyd(configuration: string): Promise<void> {
    await this.guest.put({ [`${this.folder}/rekeyd.conf`]: configuration });
    await this.guest.run(
      `export PATH
ip netns exec ${this.name} rekeyd run --config ${this.folder}/rekeyd.conf \
  --control ${this.folder}/rekeyd.control --log ${this.folder}/rekeyd.log \
  --recordings ${this.folder}/recordings >>${this.folder}/rekeyd.out 2>&1 &
echo $! >${this.folder}/rekeyd.id`,
    );
    await waitFor(`rekeyd of ${this.name} answers`, START_MS, async () => {
      await this.get("vpnmonitor");
      return true;
    });
  }

  async stopRekeyd(): Promise<void> {
    await this.endProcess("rekeyd", "TERM");
  }

  rekeyctlLine(args: string): string {
    return `rekeyctl --control ${this.folder}/rekeyd.control ${args}`;
  }

  rekeyctl(args: string): Promise<string> {
    return this.guest.run(this.rekeyctlLine(args));
  }

  async get(what: string): Promise<unknown> {
    return JSON.parse(await this.rekeyctl(`--json get ${what}`));
  }

  async vpns(): Promise<VpnState[]> {
    return ((await this.get("vpn")) as { vpns: VpnState[] }).vpns;
  }

  async events(): Promise<LogEvent[]> {
    return ((await this.get("event")) as { events: LogEvent[] }).events;
  }

  /** The next-hop tunnel binding table of an interface. */
  async nextHops(name: string): Promise<NextHop[]> {
    return ((await this.get(`interface ${name} nhtb`)) as { nhtb: NextHop[] }).nhtb;
  }

  /** Waits until these VPNs, or all, are in a state. */
  async waitState(state: VpnState["state"], within_ms: number, names?: string[]): Promise<void> {
    await waitUntil(
      `${names?.join(", ") ?? "all VPNs"} of ${this.name} ${state}`,
      within_ms,
      async () => (await this.vpns()).filter(({ name }) => names?.includes(name) ?? true),
      (vpns) => vpns.length > 0 && vpns.every((vpn) => vpn.state === state),
      { every_ms: 200, show: (vpns) => vpns.map((vpn) => `${vpn.name} ${vpn.state}`).join(", ") },
    );
  }

  private async endProcess(name: "charon" | "rekeyd", signal: "KILL" | "TERM"): Promise<void> {
    await this.guest.run(
      `read -r id <${this.folder}/${name}.id
kill -${signal} "$id"
while [ -d "/proc/$id" ]; do sleep 0.05; done`,
      START_MS,
    );
  }
}
