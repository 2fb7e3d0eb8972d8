/** The command line of the simulator, checked: what makes no sense is said before anything runs. */
import { parseArgs } from "node:util";
import { Engine } from "../engine.ts";
import { kindsOf } from "./fault.ts";
import { INVARIANTS } from "./invariants.ts";
import type { Options } from "./simulate.ts";

/** What `--help` prints. */
export const USAGE = `usage: npm run sim -- [OPTION...]
  --seed N       the first seed (default: drawn anew)
  --runs N       so many seeds, on all cores (default 1)
  --hours H      simulated hours of each run (default 1)
  --vpns N       VPNs in each run (default 3)
  --tunnels      most VPNs bound to tunnel interfaces, with routes over them
  --defaults     every VPN with the defaults of the configuration, and rekey
  --faults LIST  kinds or groups of faults; a minus takes away (default all)
  --only LIST    of the faults that the seed draws only these numbers, or none
  --tolerate LIST  invariants that are not asked
  --engine FILE  another module (default build/engine.wasm)
  --record FILE  write a recording of the run, shrunk if it fails, for npm run replay
  --list         the faults and the invariants there are

exit status:
  0  every invariant held
  1  one was broken
  2  the command line makes no sense
`;

const MAX_SEED = 0xffff_ffff;
const MAX_RUNS = 1_000_000;
const MAX_VPNS = 25_000;

/** What is asked for: runs of the seeds from `first_seed` on, or only to be told something. */
export interface Order {
  wants: "runs" | "help" | "list";
  first_seed: number;
  runs: number;
  options: Omit<Options, "seed">;
  /** The file that the recording goes to. */
  record: string | undefined;
}

/** Reads the command line; throws an error that says what is wrong with it. */
export function orderOf(args: string[]): Order {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string" },
      runs: { type: "string", default: "1" },
      hours: { type: "string", default: "1" },
      vpns: { type: "string", default: "3" },
      tunnels: { type: "boolean", default: false },
      defaults: { type: "boolean", default: false },
      faults: { type: "string", default: "all" },
      only: { type: "string" },
      tolerate: { type: "string", default: "" },
      engine: { type: "string", default: "build/engine.wasm" },
      record: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { seed = String(Date.now() % 1_000_000_000), only, record, engine } = values;
  const runs = whole("runs", values.runs, 1, MAX_RUNS);
  if (record !== undefined && runs > 1) throw new Error("--record: of one run, not of more");
  const options: Omit<Options, "seed"> = {
    hours: hoursOf(values.hours),
    vpns: whole("vpns", values.vpns, 1, MAX_VPNS),
    tunnels: values.tunnels,
    defaults: values.defaults,
    faults: about("faults", () => kindsOf(values.faults)),
    engine,
    tolerated: listOf(values.tolerate).map(invariantOf),
    ...(only === undefined ? {} : { only: numbersOf(only) }),
  };
  const wants = values.help ? "help" : values.list ? "list" : "runs";
  if (wants === "runs") about(`engine: ${engine}`, () => new Engine(engine));
  return { wants, first_seed: whole("seed", seed, 0, MAX_SEED), runs, options, record };
}

function listOf(text: string): string[] {
  return text.split(",").filter(Boolean);
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`--${name}: '${text}' is no whole number from ${least} to ${most}`);
}

function hoursOf(text: string): number {
  const hours = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (Number.isFinite(hours)) return hours;
  throw new Error(`--hours: '${text}' is no time; 24 or 0.5 would be`);
}

function numbersOf(text: string): number[] {
  if (text === "none") return [];
  return listOf(text).map((word) => whole("only", word, 0, Number.MAX_SAFE_INTEGER));
}

function invariantOf(name: string): string {
  if (INVARIANTS.some((invariant) => invariant.name === name)) return name;
  throw new Error(`--tolerate: no invariant is called '${name}'`);
}

/** Errors name the option. */
function about<T>(option: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`--${option}: ${(error as Error).message}`, { cause: error });
  }
}
