/** The sites of a run: their connections, what is asked of rekeyd for them, and their paths. */
import type { Child, Connection } from "./model/charon.ts";
import type { Random } from "./random.ts";
import { tunnelSections, type Binding, type Tunnel } from "./tunnel.ts";

/** What lies between here and a peer. The shares are percents. */
export interface Path {
  delay_ms: number;
  jitter_ms: number;
  loss: number;
  duplicates: number;
  reorders: number;
  corrupts: number;
  /** How many faults keep packets from getting through. */
  esp_out: number;
  esp_in: number;
  ike: number;
}

/** How the hosts behind the peer answer; `late_ms` beside the way. */
export interface Targets {
  answers: number;
  late_ms: number;
  /** So many of them, the first ones, are switched off. */
  off: number;
}

/** How many destinations must answer: `option quorum`. */
export type Quorum = "any" | "all" | 2;

/** User packets, each half second. */
export interface Traffic {
  in: boolean;
  out: boolean;
}

/** A VPN: one child of a connection, as rekeyd is told to watch it. */
export interface Branch {
  name: string;
  connection: Connection;
  child: Child;
  rekey: boolean;
  optimized: boolean;
  interval_ms: number;
  threshold: number;
  recover: number;
  phase1_lifetime_s: number;
  destinations: string[];
  quorum: Quorum;
  source: string;
  /** How rekeyd is told of the source. */
  source_by: "address" | "interface" | "nothing";
  /** How many reloads have left it out. */
  left_out: number;
  path: Path;
  targets: Targets;
  traffic: Traffic;
  /** Its tunnel interface, and its routes. */
  bound?: Binding;
}

/** Draws so many VPNs; some share a gateway. */
export function drawBranches(random: Random, count: number): Branch[] {
  const branches: Branch[] = [];
  for (let gateway = 0; branches.length < count; gateway++) {
    const wanted = random.percent(25) && count - branches.length > 1 ? 2 : 1;
    const v6 = random.percent(20);
    branches.push(...drawGateway(random, gateway, wanted, v6));
  }
  return branches;
}

function drawGateway(random: Random, gateway: number, count: number, v6: boolean): Branch[] {
  const name = `gw${gateway}`;
  const children = Array.from({ length: count }, (_, i) => drawChild(name, gateway, i, v6));
  const lifetime_s = random.one([600, 900, 1800]);
  const connection: Connection = {
    ...children[0]!,
    name,
    local: "192.0.2.1",
    remote: `198.51.${100 + (gateway >> 8)}.${gateway & 255}`,
    children,
    lifetime_s,
    rekey_s: random.percent(60) ? Math.floor(lifetime_s * 0.8) : 0,
    ike_rekey_s: random.percent(40) ? 2400 : 0,
  };
  const path = drawPath(random);
  return children.map((child) => drawBranch(random, connection, child, path, v6));
}

function drawChild(gateway_name: string, gateway: number, index: number, v6: boolean): Child {
  const name = `${gateway_name}-${index}`;
  const site = 2 * gateway + index;
  if (v6) return { name, local_ts: "fd01::/64", remote_ts: `fd02:${(site + 1).toString(16)}::/64` };
  return {
    name,
    local_ts: "10.1.0.0/16",
    remote_ts: `10.${2 + (site >> 8)}.${site & 255}.0/24`,
  };
}

function drawPath(random: Random): Path {
  return {
    delay_ms: random.between(1, 60),
    jitter_ms: 0,
    loss: 0,
    duplicates: 0,
    reorders: 0,
    corrupts: 0,
    esp_out: 0,
    esp_in: 0,
    ike: 0,
  };
}

function drawBranch(
  random: Random,
  connection: Connection,
  child: Child,
  path: Path,
  v6: boolean,
): Branch {
  const host = (number: number): string =>
    v6
      ? child.remote_ts.replace("::/64", `::${number}`)
      : child.remote_ts.replace("0/24", `${number}`);
  return {
    name: child.name,
    connection,
    child,
    rekey: random.percent(70),
    optimized: random.percent(30),
    interval_ms: random.one([1_000, 2_000, 5_000, 10_000]),
    threshold: random.one([2, 3, 5, 10]),
    recover: random.one([1, 1, 2, 3]),
    phase1_lifetime_s: random.one([1_800, 28_800]),
    ...drawDestinations(random, host),
    source: v6 ? "fd01::1" : "10.1.0.1",
    source_by: random.one(["address", "address", "interface", "nothing"]),
    left_out: 0,
    path,
    targets: { answers: 100, late_ms: 0, off: 0 },
    traffic: { in: false, out: false },
  };
}

function drawDestinations(
  random: Random,
  host: (number: number) => string,
): Pick<Branch, "destinations" | "quorum"> {
  const count = random.one([1, 1, 1, 2, 3]);
  const destinations = [16, 17, 18].slice(0, count).map(host);
  return { destinations, quorum: count === 1 ? "any" : random.one<Quorum>(["any", "all", 2]) };
}

/** How many destinations must answer in a round. */
export function quorumOf({ quorum, destinations }: Branch): number {
  if (quorum === "any") return 1;
  return quorum === "all" ? destinations.length : quorum;
}

/** The defaults of the configuration; with rekey, which is what rekeyd is for. */
export function setDefaults(branch: Branch): void {
  Object.assign(branch, { rekey: true, optimized: false, recover: 1, phase1_lifetime_s: 28_800 });
  Object.assign(branch, { interval_ms: 10_000, threshold: 10 });
}

/** What /etc/config/rekeyd says of them. */
export function configuration(branches: Branch[], tunnels: Tunnel[] = []): string {
  const vpns = branches.filter(({ left_out }) => left_out === 0).flatMap(section);
  return [...vpns, ...tunnelSections(tunnels)].join("\n") + "\n";
}

function section(branch: Branch): string[] {
  const option = (name: string, value: string | number | boolean): string =>
    `\toption ${name} '${typeof value === "boolean" ? Number(value) : value}'`;
  return [
    `config vpn '${branch.name}'`,
    option("gateway", branch.connection.name),
    option("child", branch.child.name),
    option("monitor", true),
    option("rekey", branch.rekey),
    option("optimized", branch.optimized),
    option("interval", branch.interval_ms / 1000),
    option("threshold", branch.threshold),
    option("recover", branch.recover),
    option("phase1_lifetime", branch.phase1_lifetime_s),
    option("quorum", branch.quorum),
    ...(branch.source_by === "address" ? [option("source_ip", branch.source)] : []),
    ...(branch.source_by === "interface" ? [option("source_interface", "lan")] : []),
    option("hook", "/etc/rekeyd/hook"),
    ...(branch.bound === undefined ? [] : [option("tunnel", branch.bound.tunnel.name)]),
    ...branch.destinations.map((address) => `\tlist destination_ip '${address}'`),
  ];
}
