/** rekeyd's configurations in a star, as a user would write them. */
import { hop, lan, nameOf, TUNNEL_PREFIX, type Family } from "./plan.ts";

export const TUNNEL = "tunnel.1";
const FAMILIES: Family[] = [4, 6];

type Values = Record<string, string | number | string[]>;

/** One section; an array becomes a list. */
export function section(kind: string, name: string, values: Values): string {
  const lines = Object.entries(values).flatMap(([key, value]) =>
    Array.isArray(value)
      ? value.map((each) => `\tlist ${key} '${each}'\n`)
      : [`\toption ${key} '${value}'\n`],
  );
  return `config ${kind}${name === "" ? "" : ` '${name}'`}\n${lines.join("")}\n`;
}

const global = (station: number, values: Values): string =>
  section("vpnmonitor", "global", { vici: `/star/${nameOf(station)}/charon.vici`, ...values });

/** The interface that rekeyd makes at the hub: it takes all VPNs. */
const tunnel = (station: number): string =>
  section("tunnel", TUNNEL, {
    create: 1,
    address: FAMILIES.map((family) => `${hop(station, family)}/${TUNNEL_PREFIX[family]}`),
  });

const vpn = (peer: number): string =>
  section("vpn", nameOf(peer), {
    gateway: nameOf(peer),
    child: nameOf(peer),
    monitor: 1,
    rekey: 1,
    tunnel: TUNNEL,
  });

/** Static next hops and routes to a spoke: one of each family. */
const way = (peer: number): string =>
  FAMILIES.map(
    (family) =>
      section("nhtb", "", { interface: TUNNEL, nexthop: hop(peer, family), vpn: nameOf(peer) }) +
      section("route", "", {
        target: lan(peer, family),
        interface: TUNNEL,
        gateway: hop(peer, family),
      }),
  ).join("");

/** The hub's: one interface, and for each spoke a VPN, next hops and routes. */
export function hubConf(spokes: number, values: Values = {}): string {
  const numbers = [...Array(spokes).keys()].map((index) => index + 1);
  return [
    global(0, { interval: 0.5, threshold: 4, ...values }),
    tunnel(0),
    ...numbers.map((number) => vpn(number)),
    ...numbers.map(way),
  ].join("");
}
