/** How much later than due real echoes leave, while something else goes on. */
import * as path from "node:path";
import type { Figure } from "../../../tools/bench.ts";
import { LANS } from "./addresses.ts";
import { Capture, type Packet } from "./capture.ts";
import { vpnSpec, withLab, type Lab } from "./lab.ts";
import type { Rekeyd, VpnSpec } from "./rekeyd.ts";
import { sleep } from "./wait.ts";

const INTERVAL_MS = 250;
/** A round that is later begins a new schedule (assembly/monitor/round.ts). */
const NEW_SCHEDULE_MS = INTERVAL_MS / 4;
const LENGTH_MS = 30_000;
const AIM_MS = 50;
/** strongSwan's device for tunnels in user space: an echo is on it once the daemon has sent it. */
const TUNNEL_DEVICE = "ipsec0";
/** Where an IPv4 header has its destination. */
const DESTINATION = 16;

const nets = [...Array(LANS).keys()];
const nameOf = (net: number): string => `vpn${net}`;

/**
 * Two real tunnels' ends, and a daemon that is not started yet: a VPN for each LAN is monitored;
 * `shown` others are only there to be told of, so that answers are long.
 */
export function withEchoes<T>(
  name: string,
  shown: number,
  body: (lab: Lab, rekeyd: Rekeyd) => Promise<T>,
): Promise<T> {
  const children = nets.map((net) => ({ name: `net${net}`, net }));
  return withLab(name, { connections: [{ name: "s2s", children }] }, async (lab) => {
    await lab.start();
    for (const child of children) await lab.a.charon.initiate("s2s", child.name);
    const monitored = nets.map((net) => vpnSpec({ child: `net${net}` }, nameOf(net), net));
    const others = Array.from({ length: shown }, (_, i): VpnSpec => {
      return { name: `shown${i}`, options: { gateway: "s2s", child: `spare${i}` } };
    });
    const global = { interval: INTERVAL_MS / 1000 };
    return body(lab, lab.a.rekeyd([...monitored, ...others], global));
  });
}

/** All that are monitored are up: at the beginning, and at the end as well. */
export async function allUp(rekeyd: Rekeyd): Promise<void> {
  for (const net of nets) await rekeyd.waitState(nameOf(net), ["up"], 5000);
}

/** How much later than due each echo left, in ascending order. */
function delays(packets: Packet[]): number[] {
  const times = new Map<string, number[]>();
  for (const { at_ms, bytes } of packets) {
    const destination = bytes.subarray(DESTINATION, DESTINATION + 4).join(".");
    times.set(destination, [...(times.get(destination) ?? []), at_ms]);
  }
  return [...times.values()].flatMap(delaysOfOne).sort((a, b) => a - b);
}

/**
 * Of one VPN: the earliest echo of a schedule says when all of it are due. One that is later than
 * the engine puts up with is the first of a new schedule, and late by the one before.
 */
function delaysOfOne(sent_ms: number[]): number[] {
  const late: number[] = [];
  let phases: number[] = [];
  const end = (): void => {
    late.push(...phases.map((phase_ms) => phase_ms - Math.min(...phases)));
  };
  for (const [i, at_ms] of sent_ms.entries()) {
    const phase_ms = at_ms - i * INTERVAL_MS;
    const late_ms = phase_ms - Math.min(phase_ms, ...phases);
    if (late_ms > NEW_SCHEDULE_MS) {
      end();
      phases = [];
      late.push(late_ms);
    }
    phases.push(phase_ms);
  }
  end();
  return late;
}

/** The delays of the echoes that leave from now on, for a while. */
export async function measure(lab: Lab, name: string): Promise<number[]> {
  const file = path.join(lab.state.folder, `${name}.pcap`);
  const filter = `icmp[icmptype] = icmp-echo and src net 10.1.0.0/16`;
  const capture = await Capture.start(lab.a.namespace, TUNNEL_DEVICE, filter, file);
  await sleep(LENGTH_MS);
  const late = delays(await capture.end());
  const expected = (nets.length * LENGTH_MS) / INTERVAL_MS;
  if (late.length < expected * 0.95) throw new Error(`${late.length} echoes, not ${expected}`);
  return late;
}

export const at = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

export function figures(what: string, late: number[]): Figure[] {
  return [
    { what: `${what}: echoes`, value: late.length, unit: "" },
    { what: `${what}: median delay`, value: at(late, 0.5), unit: "ms" },
    { what: `${what}: 99 of 100 below`, value: at(late, 0.99), unit: "ms" },
    { what: `${what}: longest delay`, value: at(late, 1), unit: "ms", aim: AIM_MS },
  ];
}
