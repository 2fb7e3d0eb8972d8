/**
 * The kernel's routing socket (linux/rtnetlink.h), as far as the engine uses it: interfaces, their
 * addresses, routes and rules. What it refuses, what it tells of its own accord and what it does
 * not, is Linux's.
 */
import { dumpItems, type Dump } from "./dump.ts";
import {
  addressMessage,
  linkMessage,
  OperState,
  readAddress,
  readLink,
  setLink,
  wantsUp,
  type Interface,
  type LinkRequest,
} from "./links.ts";
import {
  isMeant,
  Protocol,
  readRoute,
  readRule,
  routeMessage,
  Routes,
  RT_TABLE_MAIN,
  ruleMessage,
  type Route,
  type Rule,
} from "./routes.ts";
import {
  acknowledgement,
  AF_INET,
  AF_INET6,
  attribute,
  attributesOf,
  done,
  Errno,
  Flag,
  HEADER_BYTES,
  isDump,
  masked,
  message,
  networkOf,
  Refused,
  requestsIn,
  Type,
  u32,
  type Request,
} from "./rtnetlink.ts";

export type { Dump } from "./dump.ts";
export type { Interface } from "./links.ts";
export type { Route, Rule } from "./routes.ts";

const RTA = { DST: 1, OIF: 4, TABLE: 15, MARK: 16 } as const;
const ROUTE_BYTES = 12;
const RTN_UNICAST = 1;
const RTN_LOCAL = 2;
/** The place of the rule that leads to the main table. */
const MAIN_PRIORITY = 32766;
/** Metrics of the routes that come with an address. */
const CONNECTED_METRIC = { [AF_INET]: 0, [AF_INET6]: 256 } as const;

/** Where a packet goes: `errno` if nowhere. */
export interface Way {
  errno?: number;
  oif?: number;
  table?: number;
  local?: boolean;
}

/** What comes over the socket: news, which get lost when it is full, as answers do; or a dump. */
export type Datagram = { news: Buffer } | { answer: Buffer } | { dump: Dump };

export class Kernel {
  readonly interfaces: Interface[] = [];
  readonly rules: Rule[] = [];
  readonly routes = new Routes();
  /** net.ipv4.conf.all.rp_filter, and what new interfaces have. */
  rp_filter = { all: 0, fresh: 0 };
  /** Whether there are XFRM interfaces: the module. */
  has_xfrm = true;
  /** The way of a packet to an address (in bytes, as in dotted text) with a mark. */
  way: (destination: string, mark: number) => Way = () => ({ oif: 1 });
  /** Whether it tells of rules. */
  tells_rules = true;
  /** Changes with everything. */
  private version = 0;
  private last_index = 0;
  private news: Buffer[] = [];

  /** All that it answers to a datagram, and tells because of it. */
  answer(request: Buffer): Buffer {
    return Buffer.concat(
      this.take(request).map((datagram) => {
        if ("news" in datagram) return datagram.news;
        if ("answer" in datagram) return datagram.answer;
        const { items, seq } = datagram.dump;
        return Buffer.concat([...items().map(({ write }) => write(0)), done(seq)]);
      }),
    );
  }

  /** Carries out the requests of a datagram. */
  take(datagram: Buffer): Datagram[] {
    const answers: Datagram[] = [];
    for (const request of requestsIn(datagram)) {
      if (request.type === Type.GETROUTE && !isDump(request)) {
        answers.push({ answer: this.wayAnswer(request) });
        continue;
      }
      if ((request.type & 3) === 2) {
        answers.push({ dump: this.dump(request) });
        continue;
      }
      const errno = this.change(request);
      for (const news of this.news.splice(0)) answers.push({ news });
      if (errno !== 0 || request.flags & Flag.ACK) {
        answers.push({ answer: acknowledgement(request, errno) });
      }
    }
    return answers;
  }

  // What others do to it; each answers what it tells of that.

  /** An interface gets an address. */
  addAddress(name: string, address: string): Buffer {
    return this.telling(() => this.putAddress(this.named(name), address, 0));
  }

  /** An interface loses an address. */
  removeAddress(name: string, address: string): Buffer {
    return this.telling(() => this.dropAddress(this.named(name), address, 0));
  }

  /** The cable of an interface is pulled out, or plugged in. */
  plug(name: string, plugged: boolean): Buffer {
    const link = this.named(name);
    link.unplugged = !plugged;
    return this.telling(() => this.tell(linkMessage(Type.NEWLINK, link, 0)));
  }

  /** `ip link set NAME up` or `down`. */
  setUp(name: string, up: boolean): Buffer {
    return this.telling(() => this.changeUp(this.named(name), up));
  }

  /** `ip link add`. */
  addInterface(link: Interface): Buffer {
    return this.telling(() => this.putInterface(link, 0));
  }

  /** `ip link del NAME`. */
  removeInterface(name: string): Buffer {
    return this.telling(() => this.dropInterface(this.named(name)));
  }

  /** A route appears in the main table. */
  addRoute(): Buffer {
    const body = Buffer.alloc(ROUTE_BYTES);
    body.writeUInt8(AF_INET, 0);
    body.writeUInt8(RT_TABLE_MAIN, 4);
    body.writeUInt8(RTN_UNICAST, 7);
    return message(Type.NEWROUTE, body, 0);
  }

  /** `ip route add`, or `replace`. */
  putRoute(route: Route, flags: number = Flag.CREATE | Flag.EXCL): Buffer {
    return this.telling(() => {
      this.routes.add(route, flags);
      this.tell(routeMessage(Type.NEWROUTE, route, 0, flags));
    });
  }

  /** `ip route del`. */
  removeRoute(route: Route): Buffer {
    return this.telling(() => {
      if (this.routes.remove(route)) this.tell(routeMessage(Type.DELROUTE, route, 0));
    });
  }

  /** `ip rule del`. */
  removeRule(rule: Rule): Buffer {
    return this.telling(() => {
      this.rules.splice(this.rules.indexOf(rule), 1);
      this.tellRule(Type.DELRULE, rule, 0);
    });
  }

  /** `ip link set NAME state UP`. */
  setOperState(name: string): Buffer {
    return this.telling(() => {
      const link = this.named(name);
      link.operstate = OperState.UP;
      this.tell(linkMessage(Type.NEWLINK, link, 0));
    });
  }

  named(name: string): Interface {
    const link = this.find(name);
    if (link === undefined) throw new Error(`no interface ${name}`);
    return link;
  }

  find(name: string): Interface | undefined {
    this.number();
    return this.interfaces.find((link) => link.name === name);
  }

  byIndex(index: number): Interface | undefined {
    this.number();
    return this.interfaces.find((link) => link.index === index);
  }

  /** Gives those their numbers that have none yet. */
  private number(): void {
    for (const link of this.interfaces) link.index ??= ++this.last_index;
  }

  private telling(change: () => void): Buffer {
    this.number();
    this.version++;
    change();
    return Buffer.concat(this.news.splice(0));
  }

  private tell(news: Buffer): void {
    this.news.push(news);
  }

  /** Answers 0 or what keeps it from that. */
  private change(request: Request): number {
    this.number();
    this.version++;
    try {
      this.perform(request);
      return 0;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return error.errno;
    }
  }

  private perform(request: Request): void {
    const { type, flags, seq } = request;
    switch (type) {
      case Type.NEWLINK:
      case Type.SETLINK:
        this.changeLink(readLink(request), request);
        return;
      case Type.DELLINK: {
        const { index, name = "" } = readLink(request);
        const link = index > 0 ? this.byIndex(index) : this.find(name);
        if (link === undefined) throw new Refused(Errno.ENODEV);
        if (link.xfrm === undefined) throw new Refused(Errno.EOPNOTSUPP);
        this.dropInterface(link);
        return;
      }
      case Type.NEWADDR:
      case Type.DELADDR: {
        const { index, address } = readAddress(request);
        const link = this.byIndex(index);
        if (link === undefined) throw new Refused(Errno.ENODEV);
        if (type === Type.NEWADDR) this.putAddress(link, address, seq);
        else this.dropAddress(link, address, seq);
        return;
      }
      case Type.NEWROUTE:
        this.newRoute(readRoute(request).route, flags, seq);
        return;
      case Type.DELROUTE: {
        const route = this.routes.toRemove(request);
        this.routes.remove(route);
        this.tell(routeMessage(Type.DELROUTE, route, seq));
        return;
      }
      case Type.NEWRULE:
        this.newRule(readRule(request), flags, seq);
        return;
      case Type.DELRULE: {
        const asked = readRule(request);
        const at = this.rules.findIndex((rule) => isMeant(rule, asked));
        if (at < 0) throw new Refused(Errno.ENOENT);
        this.tellRule(Type.DELRULE, this.rules.splice(at, 1)[0]!, seq);
        return;
      }
      default:
        throw new Refused(Errno.EOPNOTSUPP);
    }
  }

  private changeLink(asked: LinkRequest, { type, flags, seq }: Request): void {
    const known = asked.index > 0 ? this.byIndex(asked.index) : this.find(asked.name ?? "");
    if (known !== undefined && type === Type.NEWLINK && flags & Flag.EXCL) {
      throw new Refused(Errno.EEXIST);
    }
    if (known === undefined) {
      if (type === Type.SETLINK || !(flags & Flag.CREATE)) throw new Refused(Errno.ENODEV);
      if (asked.kind !== "xfrm" || !this.has_xfrm) throw new Refused(Errno.EOPNOTSUPP);
      const link: Interface = { name: asked.name!, addresses: [], xfrm: asked.xfrm, down: true };
      if (wantsUp(link, asked)) link.down = false;
      setLink(link, asked, true);
      this.putInterface(link, seq);
      return;
    }
    const before = linkMessage(Type.NEWLINK, known, 0);
    const up = wantsUp(known, asked);
    setLink(known, asked, false);
    if (up !== !known.down) this.changeUp(known, up);
    else if (!linkMessage(Type.NEWLINK, known, 0).equals(before)) {
      this.tell(linkMessage(Type.NEWLINK, known, 0));
    }
  }

  private putInterface(link: Interface, seq: number): void {
    if (this.find(link.name) !== undefined) throw new Refused(Errno.EEXIST);
    const { xfrm } = link;
    const twin = this.interfaces.some(
      (other) => xfrm && other.xfrm && other.xfrm.if_id === xfrm.if_id,
    );
    if (twin) throw new Refused(Errno.EEXIST);
    link.rp_filter ??= this.rp_filter.fresh;
    this.interfaces.push(link);
    this.number();
    this.tell(linkMessage(Type.NEWLINK, link, seq));
  }

  private dropInterface(link: Interface): void {
    if (!link.down) this.changeUp(link, false);
    for (const address of [...link.addresses]) this.dropAddress(link, address, 0);
    this.interfaces.splice(this.interfaces.indexOf(link), 1);
    this.tell(linkMessage(Type.DELLINK, link, 0));
  }

  private changeUp(link: Interface, up: boolean): void {
    link.down = !up;
    this.tell(linkMessage(Type.NEWLINK, link, 0));
    if (up) {
      for (const address of link.addresses) this.connect(link, address, 0);
      return;
    }
    this.flush(link);
    for (const address of [...link.addresses]) {
      if (networkOf(address).family === AF_INET6) this.dropAddress(link, address, 0);
    }
  }

  /** The routes of an interface go: of IPv4 nobody is told. */
  private flush(link: Interface): void {
    for (const route of this.routes.flush(link.index!)) {
      if (route.family === AF_INET6) this.tell(routeMessage(Type.DELROUTE, route, 0));
    }
  }

  private putAddress(link: Interface, address: string, seq: number): void {
    const same = link.addresses.some((other) => sameAddress(other, address));
    if (same) throw new Refused(Errno.EEXIST);
    link.addresses.push(address);
    this.tell(addressMessage(Type.NEWADDR, link.index!, address, seq));
    if (!link.down) this.connect(link, address, seq);
  }

  private dropAddress(link: Interface, address: string, seq: number): void {
    const at = link.addresses.findIndex((other) => sameAddress(other, address));
    if (at < 0) throw new Refused(Errno.EADDRNOTAVAIL);
    const [gone] = link.addresses.splice(at, 1);
    const route = connected(link, gone!);
    if (route !== undefined && this.routes.remove(route)) {
      this.tell(routeMessage(Type.DELROUTE, route, 0));
    }
    this.tell(addressMessage(Type.DELADDR, link.index!, gone!, seq));
  }

  /** The route that comes with an address of an interface that is up. */
  private connect(link: Interface, address: string, seq: number): void {
    const route = connected(link, address);
    if (route === undefined) return;
    try {
      this.routes.add(route);
    } catch {
      return;
    }
    this.tell(routeMessage(Type.NEWROUTE, route, seq));
  }

  private newRoute(route: Route, flags: number, seq: number): void {
    const link = this.byIndex(route.oif);
    if (link === undefined) throw new Refused(Errno.ENODEV);
    if (link.down) throw new Refused(Errno.ENETDOWN);
    if (route.if_id !== undefined && !this.has_xfrm) throw new Refused(Errno.EOPNOTSUPP);
    const { gateway, family } = route;
    if (gateway !== undefined) {
      const hop = this.routes.lookUp(RT_TABLE_MAIN, gateway, route.oif);
      if (hop === undefined || hop.gateway !== undefined || family !== hop.family) {
        throw new Refused(Errno.ENETUNREACH);
      }
    }
    this.routes.add(route, flags);
    this.tell(routeMessage(Type.NEWROUTE, route, seq, flags & Flag.DUMP));
  }

  private newRule(rule: Rule, flags: number, seq: number): void {
    if (flags & Flag.EXCL && this.rules.some((other) => isSameRule(other, rule))) {
      throw new Refused(Errno.EEXIST);
    }
    rule.priority ||= Math.min(MAIN_PRIORITY, ...this.rules.map(({ priority }) => priority)) - 1;
    this.rules.push(rule);
    this.rules.sort((a, b) => a.priority - b.priority);
    this.tellRule(Type.NEWRULE, rule, seq);
  }

  private tellRule(type: number, rule: Rule, seq: number): void {
    if (this.tells_rules) this.tell(ruleMessage(type, rule, seq));
  }

  private dump(request: Request): Dump {
    const items = (): ReturnType<Dump["items"]> => {
      this.number();
      return dumpItems(this, request);
    };
    // Of routes it says nothing: what changes is told, and what is left out was so.
    const version = (): number => (request.type === Type.GETROUTE ? 0 : this.version);
    return { seq: request.seq, version, items };
  }

  private wayAnswer(request: Request): Buffer {
    const { seq } = request;
    const asked = attributesOf(request.body.subarray(ROUTE_BYTES));
    const mark = asked.get(RTA.MARK)?.readUInt32LE(0) ?? 0;
    const {
      errno = 0,
      oif = 0,
      table = RT_TABLE_MAIN,
      local,
    } = this.way([...(asked.get(RTA.DST) ?? [])].join("."), mark);
    if (errno !== 0)
      return acknowledgement({ ...request, bytes: Buffer.alloc(HEADER_BYTES) }, errno);
    const body = Buffer.alloc(ROUTE_BYTES);
    body.writeUInt8(local ? RTN_LOCAL : RTN_UNICAST, 7);
    const found = [body, attribute(RTA.OIF, u32(oif)), attribute(RTA.TABLE, u32(table))];
    return message(Type.NEWROUTE, Buffer.concat(found), seq);
  }
}

function sameAddress(a: string, b: string): boolean {
  const one = networkOf(a);
  const other = networkOf(b);
  // Of IPv4 one that is there with another prefix is another address; of IPv6 it is not.
  const same_prefix = !a.includes("/") || !b.includes("/") || one.prefix === other.prefix;
  return one.address === other.address && (same_prefix || one.family === AF_INET6);
}

function isSameRule(a: Rule, b: Rule): boolean {
  const parts = ({ family = AF_INET, table, mark, mask, oif, protocol = 0 }: Rule): string =>
    [family, table, mark, mask, oif, protocol].join(" ");
  return parts(a) === parts(b) && (b.priority === 0 || a.priority === b.priority);
}

/** The route to the network of an address; undefined: a network of its own. */
function connected(link: Interface, address: string): Route | undefined {
  if (!address.includes("/")) return undefined;
  const network = masked(networkOf(address));
  if (network.prefix === 4 * network.address.length) return undefined;
  const metric = CONNECTED_METRIC[network.family as typeof AF_INET];
  const { index: oif = 0 } = link;
  return { ...network, table: RT_TABLE_MAIN, metric, protocol: Protocol.KERNEL, oif };
}

export { Protocol, RT_TABLE_MAIN };
