/** What echoes suffer from many clients at the control socket: how much later than due they go. */
import * as path from "node:path";
import type { Figure } from "../../tools/bench.ts";
import { withCrowd, type Crowd } from "../device/lib/crowd.ts";
import { LANS } from "../lab/lib/addresses.ts";
import { Capture, type Packet } from "../lab/lib/capture.ts";
import { vpnSpec, withLab, type Lab } from "../lab/lib/lab.ts";
import type { VpnSpec } from "../lab/lib/rekeyd.ts";
import { sleep, waitFor } from "../lab/lib/wait.ts";

const CROWD: Crowd = { eager: 150, slow: 20, silent: 20, half: 10 };
const CLIENTS = Object.values(CROWD).reduce((sum, count) => sum + count);
/** A verdict that is a quarter of it late begins a new schedule: that is more than the aim. */
const INTERVAL_MS = 250;
const LENGTH_MS = 30_000;
/** VPNs that are shown and not monitored, so that answers are long. */
const SHOWN = 1_000;
const AIM_MS = 50;
/** strongSwan's device in user space: echoes are on it when the daemon has sent them. */
const TUNNEL_DEVICE = "ipsec0";
/** Where an IPv4 header has its destination. */
const DESTINATION = 16;

const nets = [...Array(LANS).keys()];

function vpns(): VpnSpec[] {
  const monitored = nets.map((net) => vpnSpec({ child: `net${net}` }, `vpn${net}`, net));
  const shown = Array.from({ length: SHOWN }, (_, i) => ({
    name: `shown${i}`,
    options: { gateway: "s2s", child: `spare${i}` },
  }));
  return [...monitored, ...shown];
}

/** How much later than due each echo left, in ascending order: its VPN's earliest sets the time. */
function delays(packets: Packet[]): number[] {
  const times = new Map<string, number[]>();
  for (const { at_ms, bytes } of packets) {
    const destination = bytes.subarray(DESTINATION, DESTINATION + 4).join(".");
    times.set(destination, [...(times.get(destination) ?? []), at_ms]);
  }
  const late = [...times.values()].flatMap((sent) => {
    const phases = sent.map((at_ms, i) => at_ms - i * INTERVAL_MS);
    const due_ms = Math.min(...phases);
    return phases.map((phase_ms) => phase_ms - due_ms);
  });
  return late.sort((a, b) => a - b);
}

/** The delays of the echoes that leave meanwhile. */
async function measure(lab: Lab, name: string): Promise<number[]> {
  const file = path.join(lab.state.folder, `${name}.pcap`);
  const filter = `icmp[icmptype] = icmp-echo and src net 10.1.0.0/16`;
  const capture = await Capture.start(lab.a.namespace, TUNNEL_DEVICE, filter, file);
  await sleep(LENGTH_MS);
  const late = delays(await capture.end());
  const expected = (nets.length * LENGTH_MS) / INTERVAL_MS;
  if (late.length < expected * 0.95) throw new Error(`${late.length} echoes, not ${expected}`);
  return late;
}

const at = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

function figures(what: string, late: number[]): Figure[] {
  return [
    { what: `${what}: echoes`, value: late.length, unit: "" },
    { what: `${what}: median delay`, value: at(late, 0.5), unit: "ms" },
    { what: `${what}: 99 of 100 below`, value: at(late, 0.99), unit: "ms" },
    { what: `${what}: longest delay`, value: at(late, 1), unit: "ms", aim: AIM_MS },
  ];
}

/** Two runs of one daemon with real tunnels: alone, and with the crowd. */
export function bench(): Promise<Figure[]> {
  const children = nets.map((net) => ({ name: `net${net}`, net }));
  return withLab("bench-control", { connections: [{ name: "s2s", children }] }, async (lab) => {
    await lab.start();
    for (const { name } of children) await lab.a.charon.initiate("s2s", name);
    const rekeyd = lab.a.rekeyd(vpns(), { interval: INTERVAL_MS / 1000 });
    await rekeyd.start();
    for (const net of nets) await rekeyd.waitState(`vpn${net}`, ["up"], 5000);

    const idle = await measure(lab, "idle");
    const { crowded, tally } = await withCrowd(rekeyd.control_path, CROWD, async (clients) => {
      await waitFor("all are connected", 5000, () => clients.connected === CLIENTS);
      return { crowded: await measure(lab, "crowded"), tally: clients.tally };
    });
    for (const net of nets) {
      const { state } = await rekeyd.vpn(`vpn${net}`);
      if (state !== "up") throw new Error(`vpn${net} is ${state}`);
    }
    const { answered, refused, dropped, bytes, waits_ms } = tally;
    waits_ms.sort((a, b) => a - b);
    const length_s = LENGTH_MS / 1000;
    return [
      ...figures("alone", idle),
      ...figures(`${CLIENTS} clients`, crowded),
      { what: "answers a second", value: answered / length_s, unit: "" },
      { what: "of them", value: bytes / 1e6 / length_s, unit: "MB/s" },
      { what: "refused", value: refused, unit: "" },
      { what: "dropped", value: dropped, unit: "" },
      { what: "median wait for an answer", value: at(waits_ms, 0.5), unit: "ms" },
      { what: "longest wait", value: at(waits_ms, 1), unit: "ms" },
    ];
  });
}
