/** Where a modelled kernel sends packets: rules, routes, XFRM interfaces, reverse path filter. */
import type { Kernel, Route } from "./kernel.ts";
import type { Interface } from "./links.ts";
import { RT_TABLE_MAIN } from "./routes.ts";
import { AF_INET, AF_INET6, Errno } from "./rtnetlink.ts";

/** The place of the rule that leads to the main table. */
const MAIN_PRIORITY = 32766;
/** Digits of an IPv4 address. */
const V4_DIGITS = 8;

/** Where a packet goes that is to leave by an interface. */
export interface WayOut {
  errno?: number;
  /** Into which SAs; undefined: none, the interface drops it. */
  if_id?: number | undefined;
}

export class Forwarding {
  constructor(private readonly kernel: Kernel) {}

  /** The way of an unmarked packet that is bound to an interface, to an address in digits. */
  wayOut(index: number, destination: string): WayOut {
    const link = this.kernel.byIndex(index);
    if (link === undefined) return { errno: Errno.ENODEV };
    if (link.down) return { errno: Errno.ENETUNREACH };
    const route = this.lookUp(destination, link);
    // Of IPv4 Linux takes whatever is to leave by an interface to be beyond it.
    if (route === undefined && destination.length > V4_DIGITS) return { errno: Errno.ENETUNREACH };
    return { if_id: link.xfrm?.if_id ?? route?.if_id };
  }

  /** Into which SAs a packet goes that no interface was chosen for; undefined: elsewhere. */
  wayOfUser(name: string, destination: string): number | undefined {
    const link = this.kernel.find(name);
    const route = this.lookUp(destination);
    if (link === undefined || link.down || route === undefined) return undefined;
    if (route.oif !== link.index) return undefined;
    return link.xfrm?.if_id ?? route.if_id;
  }

  /** Whether an interface has the address. */
  hasAddress(address: string): boolean {
    return this.kernel.interfaces.some(({ addresses }) =>
      addresses.some((own) => own.split("/")[0] === address),
    );
  }

  /** Whether the filter of reverse paths lets a packet in (RFC 3704). */
  letsIn(name: string, source: string): boolean {
    const link = this.kernel.find(name);
    if (link === undefined || link.down) return false;
    const filter = Math.max(this.kernel.rp_filter.all, link.rp_filter ?? 0);
    if (source.length > V4_DIGITS || filter === 0) return true;
    const back = this.lookUp(source);
    return back !== undefined && (filter === 2 || back.oif === link.index);
  }

  private lookUp(destination: string, out_of?: Interface): Route | undefined {
    const family = destination.length > V4_DIGITS ? AF_INET6 : AF_INET;
    const tables = this.kernel.rules
      .filter(
        ({ family: of = AF_INET, mark = 0, oif }) =>
          of === family && mark === 0 && (oif === undefined || oif === out_of?.name),
      )
      .concat({ priority: MAIN_PRIORITY, table: RT_TABLE_MAIN })
      .sort((a, b) => a.priority - b.priority);
    for (const { table } of tables) {
      const found = this.kernel.routes.lookUp(table, destination, out_of?.index);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
