/** rekeyd's configurations in a star, as a user would write them. */
import { hop, lan, nameOf, SPOKE_IF_ID, TUNNEL_PREFIX, type Family } from "./plan.ts";

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

/** The interface that rekeyd makes; at the hub it takes all VPNs. */
export const tunnel = (station: number, values: Values = {}): string =>
  section("tunnel", TUNNEL, {
    create: 1,
    ...(station === 0 ? {} : { if_id: SPOKE_IF_ID }),
    address: FAMILIES.map((family) => `${hop(station, family)}/${TUNNEL_PREFIX[family]}`),
    ...values,
  });

export const vpn = (peer: number, values: Values = {}): string =>
  section("vpn", nameOf(peer), {
    gateway: nameOf(peer),
    child: nameOf(peer),
    monitor: 1,
    rekey: 1,
    tunnel: TUNNEL,
    ...values,
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

/** A hub's and a spoke's that tell each other where they are. */
export function talkingHubConf(spokes: number, values: Values = {}): string {
  const numbers = [...Array(spokes).keys()].map((index) => index + 1);
  return [
    global(0, { interval: 0.5, threshold: 4, ...values }),
    tunnel(0, { nhtb_announce: networks(0), nhtb_accept: ["10.0.0.0/8", "fd00::/16"] }),
    ...numbers.map((number) => vpn(number)),
  ].join("");
}

export function talkingSpokeConf(station: number, announce: string[] = []): string {
  return [
    global(station, { interval: 0.5, threshold: 4 }),
    tunnel(station, {
      nhtb_announce: [...networks(station), ...announce],
      nhtb_accept: ["10.0.0.0/8", "fd00::/16"],
    }),
    vpn(0, { destination_ip: [hop(0)] }),
  ].join("");
}

const networks = (station: number): string[] => FAMILIES.map((family) => lan(station, family));
