/** Addresses and configurations of a star: station 0 is the hub, the spokes are numbered from 1. */

export type Family = 4 | 6;

export const nameOf = (number: number): string => (number === 0 ? "hub" : `spoke${number}`);

/** A station's address on its uplink, and the router's there; a /30 of RFC 5737's for each. */
export const uplink = (number: number): string => `198.51.100.${4 * number + 1}`;
export const router = (number: number): string => `198.51.100.${4 * number + 2}`;

/** A station's LAN, and the host in it. */
export const lan = (number: number, family: Family = 4): string =>
  family === 4 ? `10.${number}.0.0/24` : `fd00:${10 + number}::/64`;
export const host = (number: number, family: Family = 4): string =>
  family === 4 ? `10.${number}.0.1` : `fd00:${10 + number}::1`;

/** A station's address on its tunnel interface: what the others call their next hop. */
const inTunnel = (number: number): number => (number === 0 ? 99 : number);
export const hop = (number: number, family: Family = 4): string =>
  family === 4 ? `10.255.0.${inTunnel(number)}` : `fd00:255::${inTunnel(number)}`;
export const TUNNEL_PREFIX = { 4: 24, 6: 64 } as const;

/** The if_id of a spoke's only VPN; at the hub the VPN to a spoke has the spoke's number. */
export const SPOKE_IF_ID = 1;
export const ifId = (station: number, peer: number): number => (station === 0 ? peer : SPOKE_IF_ID);

/** `ip -batch` in the router that stands between them. */
export function routerLines(numbers: number[]): string[] {
  return numbers.flatMap((number) => {
    const device = `to_${nameOf(number)}`;
    return [
      `link add ${device} type veth peer name uplink netns ${nameOf(number)}`,
      `addr add ${router(number)}/30 dev ${device}`,
      `link set ${device} up`,
    ];
  });
}

/** `ip -batch` in a station. */
export function stationLines(number: number): string[] {
  return [
    "link set lo up",
    `addr add ${host(number)}/32 dev lo`,
    `addr add ${host(number, 6)}/128 dev lo`,
    `addr add ${uplink(number)}/30 dev uplink`,
    "link set uplink up",
    `route add default via ${router(number)}`,
  ];
}

/** `ip -batch`: a spoke's tunnel interface, made by hand, with everything behind the hub. */
export function spokeTunnelLines(number: number, device = "ipsec0"): string[] {
  return [
    `link add ${device} type xfrm dev lo if_id ${SPOKE_IF_ID}`,
    `addr add ${hop(number)}/${TUNNEL_PREFIX[4]} dev ${device}`,
    `addr add ${hop(number, 6)}/${TUNNEL_PREFIX[6]} dev ${device} nodad`,
    `link set ${device} up`,
    `route add 10.0.0.0/8 dev ${device} src ${host(number)}`,
    `route add fd00::/16 dev ${device} src ${host(number, 6)}`,
  ];
}

const PLUGINS =
  "random nonce aes sha1 sha2 hmac kdf pem pkcs1 x509 revocation constraints pubkey gmp openssl " +
  "gcm drbg kernel-netlink socket-default updown vici";

export function strongswanConf(folder: string): string {
  const settings = `
  load = ${PLUGINS}
  install_routes = no
  filelog {
    file {
      path = ${folder}/charon.log
      time_format = %H:%M:%S
      time_add_ms = yes
      default = 1
      flush_line = yes
    }
  }
  plugins {
    vici {
      socket = unix://${folder}/charon.vici
    }
  }
`;
  return `charon {${settings}}\ncharon-systemd {${settings}}\n`;
}

/** A station's swanctl.conf: everything may pass everywhere, only if_ids tell the VPNs apart. */
export function swanctlConf(number: number, spokes: number): string {
  const peers = number === 0 ? [...Array(spokes).keys()].map((index) => index + 1) : [0];
  const connections = peers.map((peer) => {
    const if_id = ifId(number, peer);
    return `  ${nameOf(peer)} {
    version = 2
    mobike = no
    local_addrs = ${uplink(number)}
    remote_addrs = ${uplink(peer)}
    proposals = aes128-sha256-x25519
    rekey_time = 0
    if_id_in = ${if_id}
    if_id_out = ${if_id}
    local {
      auth = psk
      id = ${nameOf(number)}.star
    }
    remote {
      auth = psk
      id = ${nameOf(peer)}.star
    }
    children {
      ${nameOf(peer)} {
        local_ts = 0.0.0.0/0,::/0
        remote_ts = 0.0.0.0/0,::/0
        esp_proposals = aes128gcm16
        rekey_time = 0
        life_time = 0
      }
    }
  }
`;
  });
  const secrets = `secrets {\n  ike-star {\n    secret = "star"\n  }\n}\n`;
  return `connections {\n${connections.join("")}}\n${secrets}`;
}
