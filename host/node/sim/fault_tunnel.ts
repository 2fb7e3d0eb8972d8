/** Faults that befall tunnel interfaces and the routes over them: fault.ts. */
import { mainRoute } from "./tunnel_world.ts";
import { Protocol, type Route } from "./model/kernel.ts";
import { Flag, networkOf } from "./model/rtnetlink.ts";
import type { Branch } from "./branch.ts";
import type { Kind } from "./fault.ts";
import type { Tunnel, TunnelRoute } from "./tunnel.ts";
import type { World } from "./world.ts";

const DEFAULT_V6_METRIC = 1_024;

function lasting(begin: Kind["begin"], end: Kind["begin"]): Kind {
  return { group: "tunnel", begin, end };
}

function once(begin: Kind["begin"]): Kind {
  return { group: "tunnel", begin };
}

export const TUNNEL_KINDS: Record<string, Kind> = {
  "tunnel-down": lasting(
    (world, branch) => setUp(world, branch, false),
    (world, branch) => setUp(world, branch, true),
  ),
  "tunnel-flaps": once((world, branch) => {
    setUp(world, branch, false);
    setUp(world, branch, true);
  }),
  "tunnel-gone": lasting(
    (world, branch) => remove(world, branch),
    (world, branch) => restore(world, branch),
  ),
  "tunnel-runs": once((world, { bound }) => {
    const link = bound && world.kernel.find(bound.tunnel.name);
    if (link !== undefined) world.toldOf(world.kernel.setOperState(link.name));
  }),
  "route-taken": lasting(
    (world, branch, amount) => takePlace(world, branch, amount),
    (world, branch, amount) => leavePlace(world, branch, amount),
  ),
  "route-deleted": once((world, branch, amount) => {
    for (const route of ownRoutes(world)) {
      if (amount > 50 || isOver(world, route, branch))
        world.toldOf(world.kernel.removeRoute(route));
    }
  }),
  "rule-deleted": once((world) => {
    const { kernel } = world;
    for (const rule of kernel.rules.filter(({ protocol }) => protocol === Protocol.REKEYD)) {
      world.toldOf(kernel.removeRule(rule));
    }
  }),
  "route-left-out": lasting(
    (world, branch, amount) => leaveOut(world, routeOf(branch, amount), 1),
    (world, branch, amount) => leaveOut(world, routeOf(branch, amount), -1),
  ),
  "route-metric": lasting(
    (world, branch, amount) => changeMetric(world, routeOf(branch, amount), 7),
    (world, branch, amount) => changeMetric(world, routeOf(branch, amount), -7),
  ),
  "netlink-full": lasting(
    (world, _, amount) => (world.socket.full += amount >> 1),
    (world, _, amount) => (world.socket.full -= amount >> 1),
  ),
  "netlink-late": lasting(
    (world, _, amount) => (world.socket.late_ms += amount),
    (world, _, amount) => (world.socket.late_ms -= amount),
  ),
  "netlink-split": lasting(
    (world, _, amount) => (world.socket.at_a_time = 1 + (amount >> 4)),
    (world) => (world.socket.at_a_time = 0),
  ),
};

function setUp(world: World, { bound }: Branch, up: boolean): void {
  const link = bound && world.kernel.find(bound.tunnel.name);
  if (link === undefined || bound === undefined) return;
  if ((link.down !== true) === up) return;
  const { create, addresses } = bound.tunnel;
  world.toldOf(world.kernel.setUp(link.name, up));
  if (!up || create) return;
  // Who made it gives it again what Linux has taken away: IPv6 addresses.
  for (const address of addresses) {
    const lacks = !link.addresses.includes(address);
    if (lacks) world.toldOf(world.kernel.addAddress(link.name, address));
  }
}

function remove(world: World, { bound }: Branch): void {
  if (bound === undefined || world.kernel.find(bound.tunnel.name) === undefined) return;
  world.toldOf(world.kernel.removeInterface(bound.tunnel.name));
}

/** What rekeyd does not make somebody else makes again. */
function restore(world: World, { bound }: Branch): void {
  if (bound === undefined || bound.tunnel.create) return;
  if (world.kernel.find(bound.tunnel.name) === undefined)
    world.toldOf(provide(world, bound.tunnel));
}

function provide(world: World, tunnel: Tunnel): Buffer {
  return world.tunnels.provide(tunnel);
}

function routeOf({ bound }: Branch, amount: number): TunnelRoute | undefined {
  return bound?.routes[amount % bound.routes.length];
}

/** Somebody's route in the place of one of ours, be ours there or not. */
function foreignRoute(world: World, branch: Branch, amount: number): Route | undefined {
  const route = routeOf(branch, amount);
  if (route === undefined) return undefined;
  const v6 = networkOf(route.target).address.length > 8;
  const metric = v6 && route.metric === 0 ? DEFAULT_V6_METRIC : route.metric;
  return mainRoute(route.target, world.kernel.find("eth0")!.index!, metric);
}

function takePlace(world: World, branch: Branch, amount: number): void {
  const route = foreignRoute(world, branch, amount);
  if (route === undefined) return;
  world.toldOf(world.kernel.putRoute(route, Flag.CREATE | Flag.REPLACE));
}

function leavePlace(world: World, branch: Branch, amount: number): void {
  const route = foreignRoute(world, branch, amount);
  if (route === undefined) return;
  // Its metric may be another by now.
  const there = world.kernel.routes.all.find(
    ({ protocol, address, prefix }) =>
      protocol === Protocol.STATIC && address === route.address && prefix === route.prefix,
  );
  if (there !== undefined) world.toldOf(world.kernel.removeRoute(there));
}

function ownRoutes(world: World): Route[] {
  return world.kernel.routes.all.filter(({ protocol }) => protocol === Protocol.REKEYD);
}

function isOver(world: World, route: Route, { bound }: Branch): boolean {
  return bound !== undefined && world.kernel.find(bound.tunnel.name)?.index === route.oif;
}

function leaveOut(world: World, route: TunnelRoute | undefined, change: number): void {
  if (route === undefined) return;
  route.left_out += change;
  world.reload();
}

function changeMetric(world: World, route: TunnelRoute | undefined, change: number): void {
  if (route === undefined) return;
  route.metric += change;
  world.reload();
}
