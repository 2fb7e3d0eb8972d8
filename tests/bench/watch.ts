/** What a frame of the live screen costs the engine, with few VPNs and with many. */
import { Engine } from "../../host/node/engine.ts";
import type { Figure } from "../../tools/bench.ts";
import { branches, monitored, World } from "../sim/lib/world.ts";

const FRAMES = 500;
const SETTLE_MS = 60_000;
/** More than a frame shows. What those behind them cost is to be looked at, monitored or not. */
const MONITORED = 100;

/** The mean over many frames, in a world where every VPN that is monitored is up. */
function measure(vpns: number): Figure[] {
  const connections = branches(vpns);
  const world = new World(new Engine(), connections);
  const some = connections.slice(0, MONITORED);
  for (const { name } of some) world.charon.establish(name);
  const rest = monitored(connections.slice(MONITORED)).replaceAll("monitor '1'", "monitor '0'");
  world.configure(monitored(some, "option rekey '1'") + rest);
  world.run(SETTLE_MS);
  const frame = (line: string): number => {
    const begun = process.hrtime.bigint();
    for (let i = 0; i < FRAMES; i++) world.ask(line);
    return Number(process.hrtime.bigint() - begun) / 1000 / FRAMES;
  };
  frame("watch size 120 50 color");
  const last = `watch size 120 50 skip ${vpns}`;
  return [
    { what: `${vpns} VPNs: 80x24`, value: frame("watch size 80 24"), unit: "us" },
    { what: `${vpns} VPNs: 120x50`, value: frame("watch size 120 50 color"), unit: "us" },
    { what: `${vpns} VPNs: 120x50, the last ones`, value: frame(last), unit: "us" },
    { what: `${vpns} VPNs: get vpn`, value: frame("get vpn"), unit: "us" },
  ];
}

/** Figures of one core. */
export function bench(): Figure[] {
  return [10, 1_000, 10_000].flatMap(measure);
}
