/** The routes and the rules of a modelled kernel, in the words of linux/rtnetlink.h. */
import {
  AF_INET,
  AF_INET6,
  attribute,
  attributesOf,
  Errno,
  Flag,
  holds,
  masked,
  message,
  nested,
  nestedIn,
  networkText,
  numberIn,
  Refused,
  textIn,
  text,
  Type,
  u16,
  u32,
  u8,
  type Network,
  type Request,
} from "./rtnetlink.ts";

const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, TABLE: 15, ENCAP_TYPE: 21, ENCAP: 22 };
const FRA = { PRIORITY: 6, FWMARK: 10, TABLE: 15, FWMASK: 16, OIFNAME: 17, PROTOCOL: 21 } as const;
const LWTUNNEL_ENCAP_XFRM = 10;
const LWT_XFRM_IF_ID = 1;
const BODY_BYTES = 12;
export const RT_TABLE_MAIN = 254;
const RT_TABLE_COMPAT = 252;
const RTN_UNICAST = 1;
const FR_ACT_TO_TBL = 1;
/** What IPv6 takes for a metric of 0. */
const IP6_RT_PRIO_USER = 1024;

/** rtm_protocol: who made a route. */
export const Protocol = { KERNEL: 2, STATIC: 4, REKEYD: 114 } as const;

export interface Route extends Network {
  table: number;
  metric: number;
  protocol: number;
  oif: number;
  /** Of `encap xfrm`. */
  if_id?: number | undefined;
  gateway?: string | undefined;
}

/** A rule of policy routing. */
export interface Rule {
  priority: number;
  table: number;
  mark?: number;
  mask?: number;
  /** Unless given: IPv4's. */
  family?: number;
  /** It is for packets that leave by this interface alone. */
  oif?: string | undefined;
  protocol?: number;
}

/** What a route is looked for by: two are the same in the kernel's table when this is. */
function keyOf({ family, table, address, prefix, metric }: Route): string {
  return `${family} ${table} ${address}/${prefix} ${metric}`;
}

export class Routes {
  private readonly routes = new Map<string, Route>();

  get all(): Route[] {
    return [...this.routes.values()];
  }

  /** `ip route add`: whether another one has its place. */
  add(route: Route, flags: number = Flag.CREATE | Flag.EXCL): void {
    const key = keyOf(route);
    if (this.routes.has(key) && !(flags & Flag.REPLACE)) throw new Refused(Errno.EEXIST);
    if (!this.routes.has(key) && !(flags & Flag.CREATE)) throw new Refused(Errno.ENOENT);
    this.routes.set(key, route);
  }

  /** The route in the place of another. */
  like(route: Route): Route | undefined {
    return this.routes.get(keyOf(route));
  }

  remove(route: Route): boolean {
    return this.routes.delete(keyOf(route));
  }

  /** Those of an interface go. */
  flush(oif: number): Route[] {
    const gone = this.all.filter((route) => route.oif === oif);
    for (const route of gone) this.remove(route);
    return gone;
  }

  /** Of the routes that a request for removal names the one that the kernel takes. */
  toRemove(request: Request): Route {
    const { route, named } = readRoute(request);
    const found = this.all
      .filter((other) => {
        const same_network =
          other.family === route.family &&
          other.table === route.table &&
          other.address === route.address &&
          other.prefix === route.prefix;
        return (
          same_network &&
          // What is 0 or left out is any.
          (route.metric === 0 || other.metric === route.metric) &&
          (route.protocol === 0 || other.protocol === route.protocol) &&
          (route.oif === 0 || other.oif === route.oif) &&
          (!named.encap || other.if_id === route.if_id) &&
          (route.gateway === undefined || other.gateway === route.gateway)
        );
      })
      .sort((a, b) => a.metric - b.metric)[0];
    if (found === undefined) throw new Refused(Errno.ESRCH);
    return found;
  }

  /** The best route of a table to an address, out of one interface where one is named. */
  lookUp(table: number, address: string, oif?: number): Route | undefined {
    let best: Route | undefined;
    for (const route of this.routes.values()) {
      if (route.table !== table || (oif !== undefined && route.oif !== oif)) continue;
      if (!holds(route, address)) continue;
      const better =
        best === undefined ||
        route.prefix > best.prefix ||
        (route.prefix === best.prefix && route.metric < best.metric);
      if (better) best = route;
    }
    return best;
  }
}

/** The route of a request; and what of it was given. */
export function readRoute({ body, type }: Request): { route: Route; named: { encap: boolean } } {
  const family = body.readUInt8(0);
  const prefix = body.readUInt8(1);
  const protocol = body.readUInt8(5);
  const attributes = attributesOf(body.subarray(BODY_BYTES));
  const bytes = family === AF_INET ? 4 : 16;
  if (family !== AF_INET && family !== AF_INET6) throw new Refused(Errno.EOPNOTSUPP);
  const dst = attributes.get(RTA.DST) ?? Buffer.alloc(bytes);
  if (prefix > 8 * bytes || dst.length !== bytes) throw new Refused(Errno.EINVAL);
  const network = { family, address: dst.toString("hex"), prefix };
  // `ip route add 10.1.0.1/16`: Invalid argument (of IPv4; IPv6 clears the rest).
  if (masked(network).address !== network.address && family === AF_INET) {
    throw new Refused(Errno.EINVAL);
  }
  const is_new = type === Type.NEWROUTE;
  if (is_new && body.readUInt8(7) !== RTN_UNICAST) throw new Refused(Errno.EOPNOTSUPP);
  const metric = numberIn(attributes, RTA.PRIORITY) ?? 0;
  const encap = attributes.has(RTA.ENCAP_TYPE);
  const route: Route = {
    ...masked(network),
    table: numberIn(attributes, RTA.TABLE) ?? body.readUInt8(4),
    metric: family === AF_INET6 && is_new && metric === 0 ? IP6_RT_PRIO_USER : metric,
    protocol,
    oif: numberIn(attributes, RTA.OIF) ?? 0,
    if_id: encap ? readEncap(attributes) : undefined,
    gateway: attributes.get(RTA.GATEWAY)?.toString("hex"),
  };
  return { route, named: { encap } };
}

function readEncap(attributes: Map<number, Buffer>): number {
  if (attributes.get(RTA.ENCAP_TYPE)!.readUInt16LE(0) !== LWTUNNEL_ENCAP_XFRM) {
    throw new Refused(Errno.EOPNOTSUPP);
  }
  const if_id = numberIn(nestedIn(attributes, RTA.ENCAP), LWT_XFRM_IF_ID) ?? 0;
  if (if_id === 0) throw new Refused(Errno.EINVAL);
  return if_id;
}

export function routeMessage(type: number, route: Route, seq: number, flags = 0): Buffer {
  const { family, address, prefix, table, metric, protocol, oif, if_id, gateway } = route;
  const body = Buffer.alloc(BODY_BYTES);
  body.writeUInt8(family, 0);
  body.writeUInt8(prefix, 1);
  body.writeUInt8(table < 256 ? table : RT_TABLE_COMPAT, 4);
  body.writeUInt8(protocol, 5);
  body.writeUInt8(RTN_UNICAST, 7);
  const parts = [body, attribute(RTA.TABLE, u32(table))];
  if (prefix > 0) parts.push(attribute(RTA.DST, Buffer.from(address, "hex")));
  if (metric > 0) parts.push(attribute(RTA.PRIORITY, u32(metric)));
  if (gateway !== undefined) parts.push(attribute(RTA.GATEWAY, Buffer.from(gateway, "hex")));
  parts.push(attribute(RTA.OIF, u32(oif)));
  if (if_id !== undefined) {
    parts.push(nested(RTA.ENCAP, attribute(LWT_XFRM_IF_ID, u32(if_id))));
    parts.push(attribute(RTA.ENCAP_TYPE, u16(LWTUNNEL_ENCAP_XFRM)));
  }
  return message(type, Buffer.concat(parts), seq, flags);
}

/** For people. */
export function routeText(route: Route): string {
  const { table, metric, protocol, oif, if_id } = route;
  const encap = if_id === undefined ? "" : ` encap xfrm if_id ${if_id}`;
  const where = `${networkText(route)}${encap} dev ${oif} table ${table}`;
  return `${where} proto ${protocol} metric ${metric}`;
}

/** The rule of a request. */
export function readRule({ body }: Request): Rule {
  const attributes = attributesOf(body.subarray(BODY_BYTES));
  const rule: Rule = {
    family: body.readUInt8(0),
    priority: numberIn(attributes, FRA.PRIORITY) ?? 0,
    table: numberIn(attributes, FRA.TABLE) ?? body.readUInt8(4),
    protocol: attributes.get(FRA.PROTOCOL)?.readUInt8(0) ?? 0,
    oif: textIn(attributes, FRA.OIFNAME),
  };
  const mark = numberIn(attributes, FRA.FWMARK);
  const mask = numberIn(attributes, FRA.FWMASK);
  if (mark !== undefined) rule.mark = mark;
  if (mask !== undefined) rule.mask = mask;
  return rule;
}

/** Whether a request for removal with these parts means the rule. */
export function isMeant(rule: Rule, asked: Rule): boolean {
  return (
    (rule.family ?? AF_INET) === asked.family &&
    (asked.table === 0 || rule.table === asked.table) &&
    (asked.priority === 0 || rule.priority === asked.priority) &&
    (asked.protocol === 0 || (rule.protocol ?? 0) === asked.protocol) &&
    (asked.oif === undefined || rule.oif === asked.oif) &&
    (asked.mark === undefined || rule.mark === asked.mark)
  );
}

export function ruleMessage(type: number, rule: Rule, seq: number, flags = 0): Buffer {
  const { priority, table, mark = 0, mask, family = AF_INET, oif, protocol = 0 } = rule;
  const body = Buffer.alloc(BODY_BYTES);
  body.writeUInt8(family, 0);
  if (table < 256) body.writeUInt8(table, 4);
  body.writeUInt8(FR_ACT_TO_TBL, 7);
  const parts = [attribute(FRA.PRIORITY, u32(priority)), attribute(FRA.TABLE, u32(table))];
  if (mark !== 0) parts.push(attribute(FRA.FWMARK, u32(mark)));
  if (mask !== undefined) parts.push(attribute(FRA.FWMASK, u32(mask)));
  if (oif !== undefined) parts.push(attribute(FRA.OIFNAME, text(oif)));
  if (protocol !== 0) parts.push(attribute(FRA.PROTOCOL, u8(protocol)));
  return message(type, Buffer.concat([body, ...parts]), seq, flags);
}
