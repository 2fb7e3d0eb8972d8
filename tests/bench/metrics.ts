/** What monitoring costs: the whole of the metrics, and a walk over SNMP's table. */
import { Action } from "../../host/node/engine.ts";
import type { Figure } from "../../tools/bench.ts";
import { branches, settled, type World } from "../sim/lib/world.ts";

const VPNS = 1_000;
const RUNS = 10;
const TABLE = ".1.3.6.1.4.1.3224.4.1.1";

interface Document {
  bytes: number;
  parts: number;
  /** The part that took longest. */
  worst_ms: number;
}

function metrics(world: World): Document {
  const document = { bytes: 0, parts: 0, worst_ms: 0 };
  for (let line: string | undefined = "metrics"; line !== undefined;) {
    const begun = performance.now();
    const actions = world.engine.command(1, line);
    document.worst_ms = Math.max(document.worst_ms, performance.now() - begun);
    const { bytes } = actions.find(({ kind }) => kind === Action.REPLY)!;
    document.bytes += bytes.length;
    document.parts++;
    line = /^more (.*)\n/.exec(bytes.subarray(0, 200).toString())?.[1];
  }
  return document;
}

function walk(world: World): number {
  let cells = 0;
  for (let oid = TABLE; ; cells++) {
    const answer = world.command(`snmp getnext ${oid}`);
    if (answer === "NONE\n") return cells;
    oid = answer.slice(0, answer.indexOf("\n"));
  }
}

/** Figures for 1,000 VPNs that are up. */
export function bench(): Figure[] {
  const world = settled(branches(VPNS), "option interval '1'", "option rekey '1'");
  const { bytes } = metrics(world);
  const worst = Math.max(...Array.from({ length: RUNS }, () => metrics(world).worst_ms));
  const begun = performance.now();
  for (let i = 0; i < RUNS; i++) metrics(world);
  const took_ms = (performance.now() - begun) / RUNS;
  const walked = performance.now();
  const cells = walk(world);
  return [
    { what: `metrics of ${VPNS} VPNs`, value: bytes / 1e6, unit: "MB" },
    { what: `metrics of ${VPNS} VPNs`, value: took_ms, unit: "ms" },
    { what: "the slowest part of them", value: worst, unit: "ms" },
    { what: "snmp getnext", value: (1000 * (performance.now() - walked)) / cells, unit: "µs" },
  ];
}
