/*
 * The plan of addresses, the same in every lab: namespaces keep them apart. Documentation ranges
 * outside (RFC 5737), private and unique local ones inside.
 */

export type Side = "a" | "b";
export type Family = 4 | 6;

/** The gateways' addresses on their uplinks. */
export const UPLINK = {
  4: { a: "192.0.2.1", b: "198.51.100.1" },
  6: { a: "fd00:a::1", b: "fd00:b::1" },
} as const;

/** The router's addresses: the gateways' default routes. */
export const ROUTER = {
  4: { a: "192.0.2.254", b: "198.51.100.254" },
  6: { a: "fd00:a::fe", b: "fd00:b::fe" },
} as const;

export const PREFIX = { 4: 24, 6: 64 } as const;

const SITE = { a: 1, b: 2 } as const;

/** LAN `net` of a side as a selector: 10.1.0.0/24 or fd00:1:0::/64. */
export function lan(side: Side, net = 0, family: Family = 4): string {
  return family === 4 ? `10.${SITE[side]}.${net}.0/24` : `fd00:${SITE[side]}:${net}::/64`;
}

/** A host in it. */
export function host(side: Side, number: number, net = 0, family: Family = 4): string {
  return family === 4
    ? `10.${SITE[side]}.${net}.${number}`
    : `fd00:${SITE[side]}:${net}::${number}`;
}

/** Hosts that every LAN has (on the gateway's loopback). */
export const MONITOR = 1; // the monitor's source on either side
export const USER = 2; // whoever sends user traffic
export const TARGETS = [10, 11, 12] as const; // the monitor's destinations
export const HOSTS = [MONITOR, USER, ...TARGETS];

/** How many LANs each side has: children of one or several connections. */
export const LANS = 4;
