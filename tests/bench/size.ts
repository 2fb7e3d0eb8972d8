/** What the programs need of a router: bytes of its flash, and rekeyd-web's memory. */
import * as fs from "node:fs";
import type { Figure } from "../../tools/bench.ts";
import { MAX_PAGES_BYTES, pageSizes, sumOf } from "../../tools/pages.ts";
import { crossFolder, TARGETS } from "../../tools/cross/targets.ts";
import { engineFor } from "../../tools/parts.ts";
import { waitFor } from "../lab/lib/wait.ts";
import { withSite } from "../web/lib/site.ts";

const VPNS = 100;
const STREAMS = 200;
const WAIT_MS = 30_000;

export async function bench(): Promise<Figure[]> {
  const bytes = (file: string): number => fs.statSync(file).size;
  const figures: Figure[] = [
    { what: "build/rekeyd", value: bytes("build/rekeyd") / 1000, unit: "kB" },
    ...programsOfTargets(),
    {
      what: "build/rekeyd-web with its pages",
      value: bytes("build/rekeyd-web") / 1000,
      unit: "kB",
    },
    {
      what: "of it the pages, compressed",
      value: sumOf(pageSizes()) / 1000,
      unit: "kB",
      aim: MAX_PAGES_BYTES / 1000,
    },
  ];
  const vpns = Array.from({ length: VPNS }, (_, i) => `vpn-${i}`);
  await withSite(
    async (site) => {
      figures.push({ what: `rekeyd's memory, ${VPNS} VPNs`, ...memory(site.rekeyd.pid) });
      const what = `rekeyd-web's memory, ${VPNS} VPNs`;
      figures.push({ what: `${what}, nobody watches`, ...memory(site.web.pid) });
      const streams = Array.from({ length: STREAMS }, () => site.stream());
      const told = (): boolean => streams.every((stream) => stream.of("log").length > 0);
      await waitFor("all streams tell", WAIT_MS, told);
      figures.push({ what: `${what}, ${STREAMS} streams`, ...memory(site.web.pid) });
    },
    { vpns },
  );
  return figures;
}

/** What `npm run cross` has built. */
function programsOfTargets(): Figure[] {
  const built = TARGETS.filter(({ triple }) => fs.existsSync(`${crossFolder(triple)}/rekeyd`));
  return built.flatMap(({ triple, budget_bytes }) => {
    const daemon = fs.statSync(`${crossFolder(triple)}/rekeyd`).size / 1000;
    const engine = fs.statSync(engineFor(triple)).size / 1000;
    return [
      { what: `rekeyd for ${triple}`, value: daemon, unit: "kB", aim: budget_bytes / 1000 },
      { what: "of it the engine", value: engine, unit: "kB" },
    ];
  });
}

/** What is resident, the program itself included. */
function memory(pid: number): { value: number; unit: string } {
  const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  return { value: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024, unit: "MiB" };
}
