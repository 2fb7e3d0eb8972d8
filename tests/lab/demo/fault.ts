import type { Pair } from "./pair.ts";
import { sleep } from "../lib/wait.ts";

/** One fault of the demonstration. */
export interface Fault {
  /** On the command line. */
  name: string;
  /** Stands before each line of the timeline. */
  key: string;
  title: string;
  /** Hard lifetime of the CHILD_SA, for the fault that is the end of it. */
  life_time_s?: number;
  /** Of the user's pings; shorter where the outage is. */
  user_interval_ms: number;
  /** Plays the fault. Recovery can begin when it has returned. */
  play(pair: Pair): Promise<void>;
}

const CUT_MS = 30_000;
const LIFE_TIME_S = 30;
/** The tunnel is idle until shortly before its SA's end. */
const USER_COMES_MS = (LIFE_TIME_S - 5) * 1000;

/** Nothing happens: gateways to look at. */
export const NONE: Fault = {
  name: "none",
  key: "none",
  title: "no fault",
  user_interval_ms: 1000,
  play: () => Promise.resolve(),
};

export const FAULTS: Fault[] = [
  {
    name: "dead-sa",
    key: "dead SA",
    title: "one SA dead, IKE alive",
    user_interval_ms: 50,
    async play(pair) {
      const [child] = await pair.lab.a.charon.installed();
      if (child === undefined) throw new Error("no SA to make dead");
      await pair.lab.router.dropSpi(child.spi_out);
    },
  },
  {
    name: "restart",
    key: "restart",
    title: "peer restarted without memory",
    user_interval_ms: 50,
    play: (pair) => pair.lab.b.charon.restart(),
  },
  {
    name: "cut",
    key: "cut",
    title: `uplink cut for ${CUT_MS / 1000} s`,
    user_interval_ms: 50,
    async play(pair) {
      await pair.lab.router.cut();
      await sleep(CUT_MS);
      await pair.lab.router.heal();
    },
  },
  {
    name: "lifetime",
    key: "lifetime",
    title: `lifetime of ${LIFE_TIME_S} s ends, idle`,
    life_time_s: LIFE_TIME_S,
    user_interval_ms: 10,
    async play(pair) {
      await sleep(USER_COMES_MS);
      await pair.startUser();
      await sleep(LIFE_TIME_S * 1000 - USER_COMES_MS);
    },
  },
];
