import * as path from "node:path";
import {
  HOSTS,
  host,
  LANS,
  MONITOR,
  PREFIX,
  ROUTER,
  TARGETS,
  UPLINK,
  USER,
  type Family,
  type Side,
} from "./addresses.ts";
import { Charon } from "./charon.ts";
import { run } from "./command.ts";
import { Namespace } from "./namespace.ts";
import { Rekeyd, uciText, type VpnSpec } from "./rekeyd.ts";
import { Router } from "./router.ts";
import { removeLeftovers, State, type Kind } from "./state.ts";
import { versionAt } from "./strongswan.ts";
import {
  DEFAULT_CHILD,
  DEFAULT_CONNECTION,
  swanctlConf,
  type ConnectionSpec,
  type Options,
} from "./swanctl_conf.ts";
import { Ping } from "./traffic.ts";

export interface LabOptions {
  kind?: Kind;
  /** Default: one IKEv2 connection `s2s` with one child `net`. */
  connections?: ConnectionSpec[];
  /** The IP version between the gateways. */
  outer?: Family;
  /** Further settings of strongswan.conf's charon section, per side. */
  charon?: Partial<Record<Side, string>>;
}

const UPLINK_DEVICE = "uplink";
const EVERYWHERE = { 4: "0.0.0.0/0", 6: "::/0" } as const;

/** One gateway: its namespace, its charon, and a rekeyd if one is started. */
export class Gateway {
  readonly charon: Charon;

  constructor(
    readonly side: Side,
    readonly namespace: Namespace,
    private readonly folder: string,
    readonly conf: string,
    settings: string,
  ) {
    const charon_folder = path.join(folder, side);
    this.charon = new Charon(namespace, charon_folder, conf, versionAt(side), settings);
  }

  /** A rekeyd with this configuration, not started yet. */
  rekeyd(vpns: VpnSpec[], global: Options = {}, daemon?: string): Rekeyd {
    const rekeyd = new Rekeyd(this.namespace, path.join(this.folder, `${this.side}r`), daemon);
    rekeyd.configure(this.rekeydConf(vpns, global));
    return rekeyd;
  }

  /** The text of such a configuration; interval 1 s and threshold 3 unless told. */
  rekeydConf(vpns: VpnSpec[], global: Options = {}): string {
    const settings = { interval: 1, threshold: 3, vici: this.charon.vici_path, ...global };
    return uciText(settings, vpns);
  }

  /** The uplink's cable. Pulling it removes the default route, as on a real machine. */
  async uplinkDown(): Promise<void> {
    await this.namespace.batch([`link set ${UPLINK_DEVICE} down`]);
  }

  async uplinkUp(outer: Family = 4): Promise<void> {
    await this.namespace.batch([
      `link set ${UPLINK_DEVICE} up`,
      ...addressLines(this.side).filter((line) => outer === 6 || !line.includes(":")),
      ...routeLines(this.side),
    ]);
  }

  /** Host `number` of this side's LAN `net` answers no ping, or does again. */
  async silence(number: number, net = 0, family: Family = 4): Promise<void> {
    const ip = family === 4 ? "ip" : "ip6";
    const type = family === 4 ? "icmp" : "icmpv6";
    const to = host(this.side, number, net, family);
    await this.namespace.nft(`table inet lab_silent {
      chain silent {
        type filter hook input priority 0
        ${ip} daddr ${to} ${type} type echo-request drop
      }
    }`);
  }

  /** All of them answer again. */
  async unsilence(): Promise<void> {
    await this.namespace.nft("table inet lab_silent { }\ndelete table inet lab_silent");
  }
}

const addressLines = (side: Side): string[] =>
  ([4, 6] as Family[]).map(
    (family) =>
      `addr replace ${UPLINK[family][side]}/${PREFIX[family]} dev ${UPLINK_DEVICE}` +
      (family === 6 ? " nodad" : ""),
  );

const routeLines = (side: Side): string[] =>
  ([4, 6] as Family[]).map(
    (family) => `route replace ${EVERYWHERE[family]} via ${ROUTER[family][side]}`,
  );

const lanLines = (side: Side): string[] =>
  ([4, 6] as Family[]).flatMap((family) =>
    [...Array(LANS).keys()].flatMap((net) =>
      HOSTS.map((number) => {
        const length = family === 4 ? 32 : 128;
        return `addr add ${host(side, number, net, family)}/${length} dev lo`;
      }),
    ),
  );

/** Two gateways and the router between them. */
export class Lab {
  private constructor(
    readonly state: State,
    readonly a: Gateway,
    readonly b: Gateway,
    readonly router: Router,
  ) {}

  /** Makes the network; starts nothing. */
  static async create(name: string, options: LabOptions = {}): Promise<Lab> {
    const state = State.create(options.kind ?? "test", name);
    labs.add(state);
    try {
      return await Lab.build(state, options);
    } catch (error) {
      await forget(state);
      throw error;
    }
  }

  private static async build(state: State, options: LabOptions): Promise<Lab> {
    const { connections = [{ name: DEFAULT_CONNECTION }], outer = 4, charon = {} } = options;
    const [r, a, b] = await Promise.all(
      ["r", "a", "b"].map((part) => Namespace.create(`rk${state.id}-${part}`, state)),
    );
    await Promise.all(
      // No second of waiting before a fresh IPv6 address may be used.
      [r!, a!, b!].map((each) => each.sysctl({ "net.ipv6.conf.default.accept_dad": 0 })),
    );
    await r!.sysctl({
      "net.ipv4.ip_forward": 1,
      "net.ipv6.conf.all.forwarding": 1,
      "net.ipv4.conf.all.rp_filter": 0,
      "net.ipv4.conf.default.rp_filter": 0,
    });
    for (const [side, namespace] of [["a", a!] as const, ["b", b!] as const]) {
      await namespace.sysctl({
        "net.ipv4.conf.all.rp_filter": 0,
        "net.ipv4.conf.default.rp_filter": 0,
        // A pulled cable does not take the address away, as with a static configuration.
        "net.ipv6.conf.all.keep_addr_on_down": 1,
      });
      // Both ends are made where they belong: names in the first namespace could clash.
      await run("ip", [
        ...["-netns", namespace.name, "link", "add", UPLINK_DEVICE, "type", "veth"],
        ...["peer", "name", `to_${side}`, "netns", r!.name],
      ]);
      await r!.batch([
        ...([4, 6] as Family[]).map(
          (family) =>
            `addr add ${ROUTER[family][side]}/${PREFIX[family]} dev to_${side}` +
            (family === 6 ? " nodad" : ""),
        ),
        `link set to_${side} up`,
      ]);
      await namespace.batch([
        ...addressLines(side),
        `link set ${UPLINK_DEVICE} up`,
        ...routeLines(side),
        ...lanLines(side),
      ]);
    }
    const router = new Router(r!);
    await router.prepare();
    const gateway = (side: Side, namespace: Namespace): Gateway =>
      new Gateway(
        side,
        namespace,
        state.folder,
        swanctlConf(connections, side, outer),
        charon[side] ?? "",
      );
    return new Lab(state, gateway("a", a!), gateway("b", b!), router);
  }

  /** Starts both charons, B first, so that what A starts finds its peer. */
  async start(): Promise<void> {
    await this.b.charon.start();
    await this.a.charon.start();
  }

  /** Both charons, and the tunnel brought up by hand from A unless it starts by itself. */
  async startUp(ike = DEFAULT_CONNECTION, child = DEFAULT_CHILD): Promise<void> {
    await this.start();
    if (!this.a.conf.includes("start_action = start")) await this.a.charon.initiate(ike, child);
    await this.a.charon.waitInstalled(child);
    await this.b.charon.waitInstalled(child);
  }

  /** A user of A's LAN pings one of B's: what an outage is measured by. */
  userPing(interval_ms = 100, net = 0, family: Family = 4): Promise<Ping> {
    return Ping.start(
      this.a.namespace,
      host("a", USER, net, family),
      host("b", USER, net, family),
      interval_ms,
    );
  }

  async close(): Promise<void> {
    await forget(this.state);
  }
}

/** The usual monitored VPN: A's monitor address to B's first target. */
export function vpnSpec(
  options: VpnSpec["options"] = {},
  name = "branch",
  net = 0,
  family: Family = 4,
  side: Side = "a",
): VpnSpec {
  return {
    name,
    options: {
      gateway: DEFAULT_CONNECTION,
      child: DEFAULT_CHILD,
      monitor: 1,
      rekey: 1,
      source_ip: host(side, MONITOR, net, family),
      destination_ip: [host(side === "a" ? "b" : "a", TARGETS[0], net, family)],
      ...options,
    },
  };
}

const labs = new Set<State>();

async function forget(state: State): Promise<void> {
  labs.delete(state);
  await state.remove();
}

/** Removes every lab this process has made and not kept. */
export async function closeAll(): Promise<void> {
  await Promise.all([...labs].map(forget));
}

let leaving = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (leaving) return;
    leaving = true;
    void closeAll().finally(() => process.exit(130));
  });
}

/** Makes a lab, hands it over, and removes it whatever happens. */
export async function withLab<T>(
  name: string,
  options: LabOptions,
  body: (lab: Lab) => Promise<T>,
): Promise<T> {
  // What a killed run has left; side by side with others that do the same.
  await removeLeftovers("test");
  const lab = await Lab.create(name, options);
  try {
    return await body(lab);
  } finally {
    await lab.close();
  }
}
