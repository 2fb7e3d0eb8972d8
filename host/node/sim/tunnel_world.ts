/** The kernel's part of a world with tunnel interfaces: what is there, and where packets go. */
import { addressBytes } from "./model/address.ts";
import type { ChildSa } from "./model/charon.ts";
import { Protocol, RT_TABLE_MAIN, type Kernel, type Route } from "./model/kernel.ts";
import { Forwarding } from "./model/forwarding.ts";
import type { Interface } from "./model/links.ts";
import { routeText } from "./model/routes.ts";
import { networkOf } from "./model/rtnetlink.ts";
import type { Branch } from "./branch.ts";
import type { Peers } from "./peers.ts";
import type { Random } from "./random.ts";
import type { Tunnel } from "./tunnel.ts";

const EINVAL = 22;

/** Where an echo goes: `errno` if the kernel refuses it; without an SA it is lost. */
export interface Departure {
  errno: number;
  sa: ChildSa | undefined;
}

/** Something in the kernel that the engine's requests may take away, or must not. */
interface Thing {
  harmed?: string;
  withdrawn?: Route;
}

export class TunnelWorld {
  /** Routes that the engine has withdrawn, and what of others it has removed: until judged. */
  readonly withdrawn: Route[] = [];
  readonly harmed: string[] = [];
  private readonly forwarding: Forwarding;

  constructor(
    readonly tunnels: Tunnel[],
    private readonly kernel: Kernel,
    private readonly peers: Peers,
  ) {
    this.forwarding = new Forwarding(kernel);
  }

  /** The engine's requests are carried out: what they have done. */
  asks(requests: () => void): void {
    if (this.tunnels.length === 0) {
      requests();
      return;
    }
    const before = this.things();
    requests();
    const after = new Set(this.things().keys());
    for (const [key, { harmed, withdrawn }] of before) {
      if (after.has(key)) continue;
      if (withdrawn !== undefined) this.withdrawn.push(withdrawn);
      else if (harmed !== undefined) this.harmed.push(harmed);
    }
  }

  /** What is to be missed if it goes. */
  private things(): Map<unknown, Thing> {
    const { kernel } = this;
    const things = new Map<unknown, Thing>();
    const own = new Set(this.tunnels.filter(({ create }) => create).map(({ name }) => name));
    for (const link of kernel.interfaces) {
      if (own.has(link.name)) continue;
      things.set(link, { harmed: `interface ${link.name}` });
      for (const address of link.addresses) {
        things.set(`${link.name} ${address}`, { harmed: `${address} on ${link.name}` });
      }
    }
    for (const route of kernel.routes.all) {
      const { protocol, table } = route;
      if (protocol === Protocol.STATIC) things.set(route, { harmed: routeText(route) });
      const ours = protocol === Protocol.REKEYD && table === RT_TABLE_MAIN;
      if (ours) things.set(route, { withdrawn: route });
    }
    for (const rule of kernel.rules) {
      if (rule.protocol !== Protocol.REKEYD) {
        things.set(rule, { harmed: `the rule with priority ${rule.priority}` });
      }
    }
    return things;
  }

  /** What is there before rekeyd is. */
  furnish(random: Random): void {
    if (this.tunnels.length === 0) return;
    const { kernel } = this;
    kernel.rp_filter.fresh = random.one([0, 2]);
    kernel.putRoute(mainRoute("0.0.0.0/0", kernel.find("eth0")!.index!));
    kernel.putRoute(mainRoute("::/0", kernel.find("eth0")!.index!, 1024));
    kernel.putRoute(mainRoute("172.31.0.0/16", kernel.find("lan")!.index!));
    kernel.addInterface({ name: "ipsec9", addresses: ["10.253.0.1/30"], xfrm: { if_id: 0x20000 } });
    kernel.putRoute(mainRoute("172.30.0.0/16", kernel.find("ipsec9")!.index!));
    kernel.rules.push({ priority: 1_000, table: 77, mark: 0x100 });
    for (const tunnel of this.tunnels) if (!tunnel.create) this.provide(tunnel);
  }

  /** Somebody makes an interface, as rekeyd's owner was told to. */
  provide({ name, if_id, addresses }: Tunnel): Buffer {
    const link: Interface = {
      name,
      addresses: [],
      xfrm: if_id === undefined ? {} : { if_id },
    };
    const news = [this.kernel.addInterface(link)];
    for (const address of addresses) news.push(this.kernel.addAddress(name, address));
    return Buffer.concat(news);
  }

  /** Where a packet of this machine's goes that is to leave by an interface. */
  depart(ifindex: number, source: string, destination: string): Departure {
    const { forwarding, peers } = this;
    if (!forwarding.hasAddress(source)) return { errno: EINVAL, sa: undefined };
    const { errno = 0, if_id = 0 } = forwarding.wayOut(ifindex, digits(destination));
    if (errno !== 0 || if_id === 0) return { errno, sa: undefined };
    return { errno, sa: peers.route(source, destination, if_id) };
  }

  /** Whether an answer is let in that comes over the branch's interface. */
  letsIn({ bound }: Branch, source: string): boolean {
    return bound === undefined || this.forwarding.letsIn(bound.tunnel.name, digits(source));
  }

  /** The SA that a user's packet to the branch goes out on. */
  carrier({ bound, source, destinations }: Branch): ChildSa | undefined {
    const [destination = ""] = destinations;
    if (bound === undefined) return this.peers.route(source, destination);
    const if_id = this.forwarding.wayOfUser(bound.tunnel.name, digits(destination));
    return if_id === undefined ? undefined : this.peers.route(source, destination, if_id);
  }

  /** The SA that the branch has in use. */
  inUse({ bound, child, source, destinations }: Branch): ChildSa | undefined {
    if (bound === undefined) return this.peers.route(source, destinations[0]!);
    return this.peers.newest(child.name);
  }
}

/** A route that somebody made by hand. */
export function mainRoute(target: string, oif: number, metric = 0): Route {
  const network = networkOf(target);
  return { ...network, table: RT_TABLE_MAIN, metric, protocol: Protocol.STATIC, oif };
}

function digits(address: string): string {
  return addressBytes(address).toString("hex");
}
