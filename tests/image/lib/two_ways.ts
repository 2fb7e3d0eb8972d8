/**
 * A hub with two spokes, each with a tunnel and a line. The tunnel of spoke 1 is monitored by
 * rekeyd at both ends; that of spoke 2 has strongSwan and the routing protocols alone. All have two
 * LANs, one for OSPF and one for BGP: each protocol has its own traffic to move.
 */
import { waitUntil } from "../../lab/lib/wait.ts";
import { ifId } from "./plan.ts";
import type { Star } from "./star.ts";
import type { Station } from "./station.ts";

export const PROTOCOLS = ["ospf", "bgp"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Which number a protocol's LAN has. */
const LAN: Record<Protocol, number> = { ospf: 0, bgp: 1 };
const network = (station: number, protocol: Protocol): string =>
  `10.${station}.${LAN[protocol]}.0/24`;
const host = (station: number, protocol: Protocol): string => `10.${station}.${LAN[protocol]}.1`;

/** An echo's reply tells by its TTL which way the two of them went. */
export const Ways = { TUNNEL: 64, LINE: 63, LINE_THERE: 62, LINE_BACK: 61 } as const;

/** What marks a reply to an echo that came over a line. */
const MARK = 1;

/** The reply inherits the mark of its request (net.ipv4.fwmark_reflect). */
const HUB_WAYS = `table ip ways {
  chain in {
    type filter hook prerouting priority mangle;
    iifname "line.*" icmp type echo-request meta mark set ${MARK}
  }
  chain out {
    type filter hook output priority mangle;
    icmp type echo-reply meta mark ${MARK} ip ttl set ${Ways.LINE_THERE}
  }
}`;
const SPOKE_WAYS = `table ip ways {
  chain in {
    type filter hook prerouting priority mangle;
    iifname "line.*" icmp type echo-reply ip ttl ${Ways.LINE_THERE} ip ttl set ${Ways.LINE} accept
    iifname "line.*" icmp type echo-reply ip ttl set ${Ways.LINE_BACK}
  }
}`;

const PING_S = 0.2;
const MAX_PING_S = 300;
const LOOK_MS = 500;

export interface Echo {
  time_s: number;
  ttl: number;
}

/** The spoke whose tunnel nobody monitors. */
const ALONE = 2;

/** Adds the LANs, the lines and the tunnel that nobody monitors. */
export async function addTwoWays({ guest, hub, spokes }: Star): Promise<void> {
  const lines = spokes.map(
    ({ name, number }) =>
      `link add line.1 netns ${name} type veth peer name line.${number} netns ${hub.name}`,
  );
  await guest.run(batch(lines));
  const at_hub = [
    ...lanLines(0),
    ...spokes.flatMap(({ number }) => lineLines(number, `line.${number}`, 1)),
    ...tunnelLines(ALONE, `tunnel.${ALONE}`, ifId(0, ALONE), 1),
  ];
  const atSpoke = (number: number): string[] => [
    // The harness has made one, with this if_id.
    "link delete ipsec0",
    ...lanLines(number),
    ...lineLines(number, "line.1", 2),
    ...(number === ALONE ? tunnelLines(number, "tunnel.1", ifId(number, 0), 2) : []),
  ];
  await Promise.all([
    hub.run(batch(at_hub) + waysShown(HUB_WAYS)),
    ...spokes.map((spoke) => spoke.run(batch(atSpoke(spoke.number)) + waysShown(SPOKE_WAYS))),
  ]);
}

const batch = (lines: string[]): string => `/sbin/ip -batch - <<'END'\n${lines.join("\n")}\nEND\n`;

const waysShown = (rules: string): string =>
  `echo 1 >/proc/sys/net/ipv4/fwmark_reflect\nnft -f - <<'END'\n${rules}\nEND\n`;

function lanLines(station: number): string[] {
  return PROTOCOLS.flatMap((protocol) => {
    const device = LAN[protocol] === 0 ? "lan" : `lan${LAN[protocol]}`;
    return [
      `link add ${device} type dummy`,
      `addr add ${host(station, protocol)}/24 dev ${device}`,
      `link set ${device} up`,
    ];
  });
}

function lineLines(spoke: number, device: string, end: 1 | 2): string[] {
  return [`addr add 10.253.${spoke}.${end}/30 dev ${device}`, `link set ${device} up`];
}

function tunnelLines(spoke: number, device: string, if_id: number, end: 1 | 2): string[] {
  return [
    `link add ${device} type xfrm dev lo if_id ${if_id}`,
    `addr add 10.254.${spoke}.${end}/30 dev ${device}`,
    `link set ${device} mtu 1400 multicast on up`,
  ];
}

/** Traffic of each protocol's LAN at each spoke. */
export class Traffic {
  private constructor(private readonly star: Star) {}

  static async start(star: Star): Promise<Traffic> {
    // By -w it would end with the first error that the kernel tells.
    const ping = `/bin/ping -D -n -i ${PING_S} -c ${MAX_PING_S / PING_S}`;
    for (const spoke of star.spokes) {
      const lines = PROTOCOLS.map(
        (protocol) =>
          `${ping} -I ${host(spoke.number, protocol)} ${host(0, protocol)} ` +
          `>${spoke.folder}/ping.${protocol} 2>&1 & echo $! >>${spoke.folder}/ping.ids`,
      );
      await spoke.run(lines.join("\n"));
    }
    return new Traffic(star);
  }

  /** Ends it; the replies of each protocol, spoke by spoke. */
  async stop(): Promise<Record<Protocol, Echo[][]>> {
    const echoes: Record<Protocol, Echo[][]> = { ospf: [], bgp: [] };
    for (const { folder, guest } of this.star.spokes) {
      await guest.run(
        `for id in $(cat ${folder}/ping.ids); do
  kill -INT "$id"
  while [ -d "/proc/$id" ]; do sleep 0.05; done
done`,
      );
      for (const protocol of PROTOCOLS) {
        const text = (await guest.get(`${folder}/ping.${protocol}`)).toString();
        echoes[protocol].push(
          [...text.matchAll(/^\[(\S+)\] \d+ bytes .* ttl=(\d+) /gm)].map(([, time, ttl]) => ({
            time_s: Number(time),
            ttl: Number(ttl),
          })),
        );
      }
    }
    return echoes;
  }
}

/** The guest's time, as ping tells it: busybox's date knows no fractions of a second. */
export async function guestTime_s(station: Station): Promise<number> {
  const [, time] = /^\[(\S+)\]/m.exec(await station.run("/bin/ping -D -n -c 1 127.0.0.1")) ?? [];
  return Number(time);
}

/** Waits until all traffic, in both directions, has routes over this kind of interface. */
export async function waitWay(
  star: Star,
  way: "tunnel" | "line",
  within_ms: number,
): Promise<void> {
  const { hub, spokes } = star;
  await waitUntil(
    `all routes lead over a ${way}`,
    within_ms,
    async () => {
      const [from_hub = [], ...from_spokes] = await Promise.all(
        [hub, ...spokes].map((station) => station.routes()),
      );
      const devices: string[] = [];
      for (const [index, { number, name }] of spokes.entries()) {
        for (const protocol of PROTOCOLS) {
          const there = from_spokes[index]!.find(({ dst }) => dst === network(0, protocol));
          const back = from_hub.find(({ dst }) => dst === network(number, protocol));
          devices.push(`${name} ${protocol} ${there?.dev}/${back?.dev}`);
        }
      }
      return devices;
    },
    (devices) => devices.every((text) => text.split(way).length === 3),
    { every_ms: LOOK_MS, show: (devices) => devices.join(", ") },
  );
}
