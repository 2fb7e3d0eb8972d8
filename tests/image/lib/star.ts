/**
 * A hub and its spokes inside the emulated router: each is a network namespace with a charon of its
 * own, all behind a router that has the faults. ESP is the kernel's.
 */
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { Guest, type GuestOptions } from "./guest.ts";
import {
  routerLines,
  spokeTunnelLines,
  stationLines,
  strongswanConf,
  swanctlConf,
} from "./plan.ts";
import { Station } from "./station.ts";

/** Seven charons on one emulated processor, which others may be busy with. */
const START_MS = 90_000;

/** The namespace between them. */
const ROUTER = "router";

/** No filter by the way back, no waiting before a fresh IPv6 address may be used. */
const SETTINGS = `cd /proc/sys/net
echo 0 >ipv4/conf/all/rp_filter
echo 0 >ipv4/conf/default/rp_filter
echo 0 >ipv6/conf/default/accept_dad
echo 1 >ipv4/ip_forward
echo 1 >ipv6/conf/all/forwarding`;

export interface StarOptions {
  /** Whether the spokes have no tunnel interfaces, since their rekeyds make them. */
  bare?: boolean;
}

export class Star {
  private constructor(
    readonly guest: Guest,
    readonly hub: Station,
    readonly spokes: Station[],
  ) {}

  /** Makes the network and starts the charons. */
  static async create(guest: Guest, spokes: number, options: StarOptions = {}): Promise<Star> {
    const numbers = [...Array(spokes + 1).keys()];
    const stations = numbers.map((number) => new Station(guest, number));
    const files: Record<string, string> = {
      "star/names": [ROUTER, ...stations.map(({ name }) => name)]
        .map((name) => `netns add ${name}\n`)
        .join(""),
      "star/router": batch(routerLines(numbers)),
    };
    for (const { number, folder } of stations) {
      const tunnel = number === 0 || options.bare ? [] : spokeTunnelLines(number);
      files[`${folder}/net`] = batch([...stationLines(number), ...tunnel]);
      files[`${folder}/strongswan.conf`] = strongswanConf(folder);
      files[`${folder}/swanctl.conf`] = swanctlConf(number, spokes);
    }
    await guest.put(files);
    const script = [
      "set -e",
      "ip -batch /star/names",
      `ip netns exec ${ROUTER} sh -e <<'END'\n${SETTINGS}\nip -batch /star/router\nEND`,
      ...stations.map((each) => each.inside(`${SETTINGS}\nip -batch ${each.folder}/net`)),
      ...stations.map((each) => each.charonLines()),
      ...stations.map((each) => each.loadLines()),
    ];
    await guest.run(script.join("\n"), START_MS);
    const [hub, ...rest] = stations;
    return new Star(guest, hub!, rest);
  }

  /** A script in the router between the stations: where the faults are. */
  async fault(script: string): Promise<void> {
    await this.guest.run(`ip netns exec ${ROUTER} sh -e <<'END'\n${script}\nEND`);
  }
}

/** Boots a router, makes a star in it, hands it over, and ends it whatever happens. */
export async function withStar(
  name: string,
  spokes: number,
  body: (star: Star) => Promise<void>,
  options: StarOptions & GuestOptions = {},
): Promise<void> {
  const guest = await Guest.boot(name, options);
  try {
    await body(await Star.create(guest, spokes, options));
  } catch (error) {
    const kept = guest.keep();
    const { out } = await guest.attempt(`tar -cz -C /star .`).catch(() => ({ out: null }));
    if (out !== null) writeFileSync(path.join(kept, "star.tar.gz"), out);
    console.log(`what the router has said is kept in ${kept}`);
    throw error;
  } finally {
    await guest.end();
  }
}

const batch = (lines: string[]): string => `${lines.join("\n")}\n`;
