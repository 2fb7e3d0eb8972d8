/** Tunnel interfaces of a run, and the routes over them: what rekeyd is told to keep right. */
import type { Branch } from "./branch.ts";
import type { Random } from "./random.ts";

/** Of those that the configuration names: charon counts its own from 1. */
const FIRST_IF_ID = 0x10000;

export interface Tunnel {
  name: string;
  /** Of the SAs that its packets go into; undefined: each route says it. */
  if_id: number | undefined;
  /** rekeyd makes it; else it is there. */
  create: boolean;
  /** Given to one that rekeyd makes. */
  addresses: string[];
  /** What routes over it have while it is DOWN; undefined: they are withdrawn. */
  down_metric: number | undefined;
  /** The VPNs that are bound to it. */
  branches: Branch[];
}

/** A route that leads to a branch. */
export interface TunnelRoute {
  target: string;
  metric: number;
  /** It names its next hop; else the interface has one VPN alone. */
  by_next_hop: boolean;
  /** How many reloads have left it out. */
  left_out: number;
}

/** A VPN's place behind a tunnel interface. */
export interface Binding {
  tunnel: Tunnel;
  next_hop: string;
  routes: TunnelRoute[];
}

/** Binds most of the branches to interfaces: several to the first one, others to their own. */
export function drawTunnels(random: Random, branches: Branch[]): Tunnel[] {
  const tunnels: Tunnel[] = [];
  let shared: Tunnel | undefined;
  branches.forEach((branch, i) => {
    const share = i === 0 ? 0 : random.below(100);
    if (share >= 90) return;
    const own = i > 0 && share >= 65;
    const number = tunnels.length + 1;
    const known = own ? undefined : shared;
    const tunnel = known ?? drawTunnel(random, number, own ? FIRST_IF_ID + i : undefined);
    if (known === undefined) tunnels.push(tunnel);
    if (!own) shared = tunnel;
    bind(random, branch, tunnel, i);
  });
  for (const { branches: of } of tunnels) {
    for (const { bound } of of) {
      const alone = of.length === 1 && random.percent(50);
      for (const route of bound!.routes) route.by_next_hop = !alone;
    }
  }
  return tunnels;
}

function drawTunnel(random: Random, number: number, if_id: number | undefined): Tunnel {
  return {
    name: `tunnel.${number}`,
    if_id,
    create: random.percent(60),
    addresses: [`10.254.${number}.1/24`, `fd0e:${number}::1/64`],
    down_metric: random.percent(25) ? 5_000 : undefined,
    branches: [],
  };
}

function bind(random: Random, branch: Branch, tunnel: Tunnel, i: number): void {
  const { child } = branch;
  const v6 = child.remote_ts.includes(":");
  const network = tunnel.addresses[v6 ? 1 : 0]!.replace(/1\/\d+$/, "");
  const route = (target: string): TunnelRoute => ({
    target,
    metric: random.one([0, 0, 10]),
    by_next_hop: true,
    left_out: 0,
  });
  const routes = [route(child.remote_ts)];
  if (random.percent(40)) {
    routes.push(route(v6 ? `fd03:${i.toString(16)}::/48` : `172.16.${i & 255}.0/24`));
  }
  branch.bound = {
    tunnel,
    next_hop: `${network}${v6 ? (i + 16).toString(16) : 10 + (i % 240)}`,
    routes,
  };
  tunnel.branches.push(branch);
  child.if_id = tunnel.if_id ?? (random.percent(30) ? "unique" : FIRST_IF_ID + i);
  if (random.percent(70)) child.local_ts = child.remote_ts = v6 ? "::/0" : "0.0.0.0/0";
}

/** What /etc/config/rekeyd says of them. */
export function tunnelSections(tunnels: Tunnel[]): string[] {
  return [
    ...tunnels.flatMap(tunnelSection),
    ...tunnels.flatMap(({ branches }) => branches.flatMap(routeSections)),
  ];
}

function tunnelSection({ name, if_id, create, addresses, down_metric }: Tunnel): string[] {
  return [
    `config tunnel '${name}'`,
    ...(if_id === undefined ? [] : [`\toption if_id '${if_id}'`]),
    ...(create ? ["\toption create '1'"] : []),
    ...(create ? addresses.map((address) => `\tlist address '${address}'`) : []),
    ...(down_metric === undefined ? [] : [`\toption down 'metric ${down_metric}'`]),
  ];
}

function routeSections({ name, bound, left_out }: Branch): string[] {
  if (bound === undefined || left_out > 0) return [];
  const { tunnel, next_hop, routes } = bound;
  const on = `\toption interface '${tunnel.name}'`;
  const used = routes.filter((route) => route.left_out === 0);
  const sections = used.flatMap(({ target, metric, by_next_hop }) => [
    "config route",
    `\toption target '${target}'`,
    on,
    ...(by_next_hop ? [`\toption gateway '${next_hop}'`] : []),
    ...(metric === 0 ? [] : [`\toption metric '${metric}'`]),
  ]);
  if (!routes.some(({ by_next_hop }) => by_next_hop)) return sections;
  return [
    ...sections,
    "config nhtb",
    on,
    `\toption nexthop '${next_hop}'`,
    `\toption vpn '${name}'`,
  ];
}
