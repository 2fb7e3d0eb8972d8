/**
 * What the kernel has of tunnel interfaces, held against what was said of their VPNs: never against
 * the engine's memory. What is wrong may be so for a while after something has changed.
 */
import type { ChildSa } from "./model/charon.ts";
import { Protocol, RT_TABLE_MAIN, type Route } from "./model/kernel.ts";
import { isRunning } from "./model/links.ts";
import { routeText } from "./model/routes.ts";
import { AF_INET6, masked, networkOf } from "./model/rtnetlink.ts";
import type { Binding, Tunnel, TunnelRoute } from "./tunnel.ts";
import type { Truth } from "./truth.ts";
import type { World } from "./world.ts";

/** How long the engine may take for what it has heard of. */
const BOUND_MS = 3_000;
/** After trouble with charon the engine has its connection anew, and what it missed. */
const RECONNECT_MS = 15_000;
/** Until the first list: it tries each second. */
const LISTED_MS = 2_000;
/** IPv6's, where none is given. */
const DEFAULT_V6_METRIC = 1_024;
/** Of user traffic that shows a silent target's SA to be well. */
const TRAFFIC_MS = 120_000;

export class TunnelWatch {
  /** Since when it is wrong, and how. */
  private readonly wrong = new Map<string, number>();
  /** When something happened last that the engine has to find its way in. */
  private disturbed_ms = -Infinity;
  private requests = { minute_ms: 0, before: 0, last: 0 };

  /** `trouble_ms`: when the connection to charon was last not well. */
  constructor(
    private readonly world: World,
    private readonly trouble_ms: () => number,
  ) {}

  /** Something has changed that the engine has to learn first. */
  disturbed(): void {
    this.disturbed_ms = this.world.now_ms;
  }

  /** What is wrong of a VPN's routes, for longer than the engine may take. */
  wrongRoute(truth: Truth): string | undefined {
    const { bound } = truth.branch;
    if (bound === undefined) return undefined;
    for (const route of bound.routes) {
      const says = this.wrongness(truth, bound, route);
      const lasting = this.lasting(`${truth.branch.name} ${route.target}`, says);
      if (lasting !== undefined) return lasting;
    }
    return undefined;
  }

  /** What is wrong of an interface's operational state. */
  wrongState(truths: (tunnel: Tunnel) => Truth[]): string | undefined {
    for (const tunnel of this.world.tunnels.tunnels) {
      const says = this.wrongness_of_state(tunnel, truths(tunnel));
      const lasting = this.lasting(tunnel.name, says);
      if (lasting !== undefined) return lasting;
    }
    return undefined;
  }

  /** An echo that finds no SA, although there is one. */
  wrongWay(truth: Truth, found: boolean): string | undefined {
    const { branch } = truth;
    const newest = this.world.peers.newest(branch.child.name);
    const { tunnel } = branch.bound!;
    const can_leave = this.demands(tunnel) && this.world.addresses_gone === 0;
    const is_lost = !found && newest !== undefined && can_leave;
    return this.lasting(
      `echo ${branch.name}`,
      is_lost ? `it finds no SA, and if_id ${newest.if_id} is there` : undefined,
    );
  }

  /** An echo that leaves by the SA of another VPN. */
  strayEcho({ branch }: Truth, sa: ChildSa | undefined): string | undefined {
    if (sa === undefined || sa.config === branch.child) return undefined;
    const { now_ms, socket } = this.world;
    const is_deaf = now_ms < this.trouble_ms() + LISTED_MS + this.charon_ms();
    const is_delayed = socket.full > 0 || socket.late_ms > 0;
    return is_deaf || is_delayed ? undefined : `it leaves by that of ${sa.config.name}`;
  }

  /** Why it was right to withdraw the route; undefined: there is no reason. */
  reasonFor(route: Route, truth: Truth | undefined): string | undefined {
    if (truth === undefined) return "nobody wants it";
    const { branch, said } = truth;
    if (branch.rekey && said === "down") return "its VPN is down";
    // The worse one goes when its VPN is no longer down, even if somebody has the better place.
    if (route.metric === branch.bound!.tunnel.down_metric) return "its VPN is not down";
    if (!this.isWanted(route, branch.bound!)) return "it has another metric by now";
    if (this.ours(route.address, route.prefix).length > 0) return "another one is there";
    const { peers, now_ms } = this.world;
    if (now_ms - truth.sa_ms < this.bound_ms()) return "its SA has only just come";
    const into = peers.children(branch.child.name).some(({ if_id }) => if_id === route.if_id);
    return into || route.if_id === undefined ? undefined : "its SA is gone";
  }

  private isWanted(route: Route, { tunnel, routes }: Binding): boolean {
    return routes.some((own) => {
      const network = networkOf(own.target);
      const metrics = [metricOf(own, network.family), tunnel.down_metric];
      return isTo(route, network) && metrics.includes(route.metric);
    });
  }

  /** Whose a route of the main table is. */
  ownerOf(route: Route, truths: Iterable<Truth>): Truth | undefined {
    for (const truth of truths) {
      const { bound, left_out } = truth.branch;
      if (bound === undefined || left_out > 0) continue;
      const own = bound.routes.some(
        ({ target, left_out }) => left_out === 0 && isTo(route, networkOf(target)),
      );
      if (own) return truth;
    }
    return undefined;
  }

  /** Requests of the last whole minute. */
  requestsPerMinute(): number {
    const { now_ms, socket } = this.world;
    const { minute_ms, before } = this.requests;
    if (now_ms - minute_ms >= 60_000) {
      const last = socket.requests - before;
      this.requests = { minute_ms: now_ms, before: socket.requests, last };
    }
    return this.requests.last;
  }

  /** What of ours is in the kernel that nothing wants. */
  leftOver(truths: Iterable<Truth>): string | undefined {
    const all = [...truths];
    const { kernel, tunnels } = this.world;
    for (const route of kernel.routes.all) {
      if (route.protocol !== Protocol.REKEYD) continue;
      const known = tunnels.tunnels.some(({ name }) => kernel.find(name)?.index === route.oif);
      if (!known) return `${routeText(route)}: over no tunnel interface of ours`;
      if (route.table !== RT_TABLE_MAIN) continue;
      const hops = all.some(
        ({ branch }) => branch.bound && isTo(route, networkOf(branch.bound.next_hop)),
      );
      const owner = this.ownerOf(route, all);
      if (!hops && (owner === undefined || !this.isWanted(route, owner.branch.bound!))) {
        return `${routeText(route)}: nobody wants it`;
      }
    }
    const rules = kernel.rules.filter(({ protocol }) => protocol === Protocol.REKEYD);
    const texts = rules.map(({ oif, table, family }) => `oif ${oif} lookup ${table} of ${family}`);
    const twice = texts.find((text, i) => texts.indexOf(text) !== i);
    if (twice !== undefined) return `${twice}: twice`;
    return undefined;
  }

  private wrongness(truth: Truth, { tunnel }: Binding, route: TunnelRoute): string | undefined {
    const { branch, said } = truth;
    const link = this.world.kernel.find(tunnel.name);
    if (!this.demands(tunnel) || branch.left_out > 0 || link === undefined) return undefined;
    const network = networkOf(route.target);
    const found = this.ours(network.address, network.prefix);
    const text = (what: string): string =>
      `${route.target}: ${what}; there is ${found.map(routeText).join(" and ") || "none"}`;
    if (route.left_out > 0) return found.length > 0 ? text("none is wanted") : undefined;
    const metric = metricOf(route, network.family);
    if (this.isOccupied(network.address, network.prefix, metric)) return undefined;
    if (found.length > 1) return text("one is wanted");
    const [there] = found;
    const stray = there === undefined ? undefined : this.stray(there, truth);
    if (stray !== undefined) return text(stray);
    if (said === "down" && branch.rekey) {
      if (this.world.now_ms - truth.inbound_ms < TRAFFIC_MS) return undefined;
      if (this.isUnsure(truth)) return undefined;
      const wanted = tunnel.down_metric;
      if (wanted === undefined && there !== undefined) return text("its VPN is down");
      if (wanted !== undefined && there !== undefined && there.metric !== wanted) {
        return text(`its VPN is down, so metric ${wanted} is wanted`);
      }
      return undefined;
    }
    if (said !== "up") return undefined;
    if (there === undefined) return text("its VPN is up");
    return there.metric === metric ? undefined : text(`metric ${metric} is wanted`);
  }

  /** With another configuration a VPN that was down may be READY anew, until it is down again. */
  private isUnsure(truth: Truth): boolean {
    const { now_ms, coarse_ms } = this.world;
    const patience_ms = truth.patience_ms(now_ms, coarse_ms);
    if (truth.anew_ms < truth.said_ms) return false;
    const since_ms = Math.max(truth.anew_ms, truth.sa_ms);
    return !truth.has_sa || now_ms - since_ms < patience_ms;
  }

  /** What is wrong of where the route leads to. */
  private stray(route: Route, { branch, said }: Truth): string | undefined {
    const { kernel, peers } = this.world;
    const { tunnel } = branch.bound!;
    if (route.oif !== kernel.find(tunnel.name)?.index) return `it is not over ${tunnel.name}`;
    if (tunnel.if_id !== undefined) return undefined;
    if (route.if_id === undefined) return "it does not say into which SA";
    const into = peers.ikes
      .flatMap(({ children }) => children)
      .filter(({ if_id }) => if_id === route.if_id);
    const other = into.find(({ config }) => config !== branch.child);
    if (other !== undefined) return `it leads into the SA of ${other.config.name}`;
    const has_sa = said === "up" && peers.newest(branch.child.name) !== undefined;
    return has_sa && into.length === 0 ? "it leads into no SA" : undefined;
  }

  private wrongness_of_state(tunnel: Tunnel, truths: Truth[]): string | undefined {
    const link = this.world.kernel.find(tunnel.name);
    if (link === undefined || !this.demands(tunnel) || truths.length === 0) return undefined;
    const running = isRunning(link);
    if (truths.some(({ said }) => said === "up")) {
      return running ? undefined : `${tunnel.name} is dormant, and a VPN on it is up`;
    }
    const silent = truths.some(
      (truth) => this.isUnsure(truth) || this.world.now_ms - truth.inbound_ms < TRAFFIC_MS,
    );
    const all_down = truths.every(({ said, branch }) => said === "down" && branch.rekey);
    return all_down && running && !silent
      ? `${tunnel.name} runs, and all VPNs on it are down`
      : undefined;
  }

  /** Whether the engine has what it takes to have it right. */
  private demands({ name }: Tunnel): boolean {
    const { kernel } = this.world;
    const link = kernel.find(name);
    return link !== undefined && !link.down && kernel.has_xfrm;
  }

  /** Routes of ours to a network, in the main table. */
  private ours(address: string, prefix: number): Route[] {
    return this.world.kernel.routes.all.filter(
      (route) =>
        route.protocol === Protocol.REKEYD &&
        route.table === RT_TABLE_MAIN &&
        route.address === address &&
        route.prefix === prefix,
    );
  }

  /** Whether somebody else's route is in the place of ours. */
  private isOccupied(address: string, prefix: number, metric: number): boolean {
    return this.world.kernel.routes.all.some(
      (route) =>
        route.protocol !== Protocol.REKEYD &&
        route.table === RT_TABLE_MAIN &&
        route.address === address &&
        route.prefix === prefix &&
        route.metric === metric,
    );
  }

  private lasting(what: string, says: string | undefined): string | undefined {
    const { now_ms } = this.world;
    if (says === undefined) {
      this.wrong.delete(what);
      return undefined;
    }
    const since_ms = this.wrong.get(what) ?? now_ms;
    this.wrong.set(what, since_ms);
    const for_ms = now_ms - Math.max(since_ms, this.disturbed_ms, this.trouble_ms() + RECONNECT_MS);
    return for_ms > this.bound_ms() ? `${says}, for ${for_ms} ms` : undefined;
  }

  private bound_ms(): number {
    const { socket, coarse_ms } = this.world;
    return BOUND_MS + coarse_ms + this.charon_ms() + 50 * socket.late_ms;
  }

  /** How long charon's answers may take, one after the other. */
  private charon_ms(): number {
    const { peers, branches, vici_bytes } = this.world;
    return (4 + 2 * branches.length) * peers.response_ms + (vici_bytes > 0 ? 20_000 : 0);
  }
}

function metricOf({ metric }: TunnelRoute, family: number): number {
  return metric === 0 && family === AF_INET6 ? DEFAULT_V6_METRIC : metric;
}

function isTo(route: Route, network: ReturnType<typeof networkOf>): boolean {
  const { address, prefix, family } = masked(network);
  return route.family === family && route.address === address && route.prefix === prefix;
}
