import { lan, UPLINK, type Family, type Side } from "./addresses.ts";

/** Options as swanctl.conf names them (man swanctl.conf): `life_time: "30s"`. */
export type Options = Record<string, string | number>;

export interface ChildSpec {
  name: string;
  /** Which LANs it joins; net N on either side. */
  net?: number;
  family?: Family;
  /** Options of the CHILD_SA on both sides, or on one. */
  both?: Options;
  a?: Options;
  b?: Options;
}

export interface ConnectionSpec {
  name: string;
  version?: 1 | 2;
  children?: ChildSpec[];
  both?: Options;
  a?: Options;
  b?: Options;
}

export const DEFAULT_CONNECTION = "s2s";
export const DEFAULT_CHILD = "net";

/** Nothing starts, renews or watches by itself unless a lab says so. */
const QUIET_CONNECTION: Options = {
  encap: "yes",
  mobike: "no",
  dpd_delay: "0s",
  reauth_time: 0,
  rekey_time: 0,
  proposals: "aes128-sha256-x25519",
};
const QUIET_CHILD: Options = {
  mode: "tunnel",
  start_action: "none",
  close_action: "none",
  dpd_action: "clear",
  rekey_time: 0,
  life_time: 0,
  esp_proposals: "aes128-sha256",
};

/** strongswan.md's best practice for the gateway that keeps the tunnel up by itself. */
export const BEST_CONNECTION: Options = { dpd_delay: "10s", keyingtries: 0 };
export const BEST_CHILD: Options = {
  start_action: "start",
  close_action: "start",
  dpd_action: "restart",
};

const lines = (indent: string, options: Options): string =>
  Object.entries(options)
    .map(([key, value]) => `${indent}${key} = ${value}\n`)
    .join("");

const other = (side: Side): Side => (side === "a" ? "b" : "a");

function childText(child: ChildSpec, side: Side): string {
  const net = child.net ?? 0;
  const family = child.family ?? 4;
  const options = {
    ...QUIET_CHILD,
    local_ts: lan(side, net, family),
    remote_ts: lan(other(side), net, family),
    ...child.both,
    ...child[side],
  };
  return `      ${child.name} {\n${lines("        ", options)}      }\n`;
}

function connectionText(connection: ConnectionSpec, side: Side, outer: Family): string {
  const children = connection.children ?? [{ name: DEFAULT_CHILD }];
  const options = {
    version: connection.version ?? 2,
    local_addrs: UPLINK[outer][side],
    remote_addrs: UPLINK[outer][other(side)],
    ...QUIET_CONNECTION,
    ...connection.both,
    ...connection[side],
  };
  const id = (of: Side): string => `${of}.${connection.name}.lab`;
  return (
    `  ${connection.name} {\n${lines("    ", options)}` +
    `    local {\n      auth = psk\n      id = ${id(side)}\n    }\n` +
    `    remote {\n      auth = psk\n      id = ${id(other(side))}\n    }\n` +
    `    children {\n${children.map((child) => childText(child, side)).join("")}    }\n  }\n`
  );
}

/** The swanctl.conf of one side. */
export function swanctlConf(connections: ConnectionSpec[], side: Side, outer: Family): string {
  const body = connections.map((connection) => connectionText(connection, side, outer)).join("");
  return `connections {\n${body}}\nsecrets {\n  ike-lab {\n    secret = "lab"\n  }\n}\n`;
}

export const PLUGINS =
  "random nonce aes sha1 sha2 hmac kdf pem pkcs1 x509 revocation constraints pubkey gmp " +
  "curve25519 drbg cmac ctr ccm chapoly kernel-libipsec kernel-netlink socket-default updown vici";

/** The strongswan.conf of one gateway; `folder` is mounted over its /run. */
export function strongswanConf(folder: string, settings = ""): string {
  return `charon {
  load = ${PLUGINS}
  ${settings}
  filelog {
    lab {
      path = ${folder}/charon.log
      time_format = %H:%M:%S
      time_add_ms = yes
      default = 1
      ike_name = yes
      flush_line = yes
    }
  }
  plugins {
    vici {
      socket = unix://${folder}/charon.vici
    }
  }
}
`;
}
