/** What the kernel's routing socket shows of a table when all of it is asked for. */
import { addressMessage, linkMessage, type Interface } from "./links.ts";
import { routeMessage, ruleMessage, type Routes, type Rule } from "./routes.ts";
import { AF_INET, AF_UNSPEC, Type, type Request } from "./rtnetlink.ts";

/** One thing after the other, as it is when its turn comes. */
export interface Dump {
  seq: number;
  /** Changes with the tables: where it does so in the middle, the dump may have gaps. */
  version: () => number;
  items: () => Item[];
}

interface Item {
  /** What tells it from the others. */
  key: unknown;
  write: (flags: number) => Buffer;
}

/** The tables that can be shown. */
export interface Tables {
  interfaces: Interface[];
  rules: Rule[];
  routes: Routes;
}

export function dumpItems({ interfaces, rules, routes }: Tables, request: Request): Item[] {
  const { type, seq, body } = request;
  const family = body.length > 0 ? body.readUInt8(0) : AF_UNSPEC;
  const isOf = (of = AF_INET): boolean => family === AF_UNSPEC || family === of;
  switch (type) {
    case Type.GETLINK:
      return interfaces.map((link) => ({
        key: link,
        write: (flags) => linkMessage(Type.NEWLINK, link, seq, flags),
      }));
    case Type.GETRULE:
      return rules
        .filter(({ family }) => isOf(family))
        .map((rule) => ({
          key: rule,
          write: (flags) => ruleMessage(Type.NEWRULE, rule, seq, flags),
        }));
    case Type.GETROUTE:
      return routes.all
        .filter(({ family }) => isOf(family))
        .map((route) => ({
          key: route,
          write: (flags) => routeMessage(Type.NEWROUTE, route, seq, flags),
        }));
    default:
      return interfaces.flatMap(({ index = 0, addresses }) =>
        addresses.map((address) => ({
          key: `${index} ${address}`,
          write: (flags: number) => addressMessage(Type.NEWADDR, index, address, seq, flags),
        })),
      );
  }
}
