/**
 * What must hold after every step, whatever the faults: each invariant is a name, the sentence that
 * it stands for, and the smallest question that tells whether it is broken. A question answers with
 * what was seen, or with nothing.
 */
import type { Branch } from "./branch.ts";
import type { HookRun } from "./hooks.ts";
import type { Route } from "./model/kernel.ts";
import type { Judge } from "./judge.ts";
import type { Truth } from "./truth.ts";
import { TUNNEL_INVARIANTS } from "./tunnel_invariants.ts";
import type { SentEcho } from "./world.ts";

type Seen = string | undefined;

export interface Invariant {
  name: string;
  says: string;
  /** An echo is handed to the host. */
  echo?: (judge: Judge, truth: Truth, sent: SentEcho) => Seen;
  /** The engine says of a VPN that it is up or down: before the truth is told so. */
  up?: (judge: Judge, truth: Truth) => Seen;
  down?: (judge: Judge, truth: Truth) => Seen;
  /** A rekey that succeeded is told. */
  rekeyed?: (judge: Judge, truth: Truth, spi: string) => Seen;
  /** charon is asked for something other than a list, for a connection. */
  request?: (judge: Judge, text: string, of: Truth[]) => Seen;
  /** A route of a VPN is withdrawn; and anything of others is removed. */
  withdrawn?: (judge: Judge, truth: Truth | undefined, route: Route) => Seen;
  harmed?: (judge: Judge, what: string) => Seen;
  /** A hook is run. */
  hook?: (judge: Judge, truth: Truth, run: HookRun) => Seen;
  /** An SA is at its end. */
  expired?: (judge: Judge, truth: Truth) => Seen;
  /** Once in a while, for each VPN. */
  sweep?: (judge: Judge, truth: Truth) => Seen;
  /** Once in a while, for all. */
  sweepAll?: (judge: Judge) => Seen;
  /** The faults have been over for the time in which everything must have come back. */
  settled?: (judge: Judge, truth: Truth) => Seen;
  settledAll?: (judge: Judge) => Seen;
}

/** The longest pause after refusals, with its jitter, and what may come on top. */
const MAX_BACK_OFF_MS = 330_000;
const MAX_SILENCE_MS = MAX_BACK_OFF_MS + 15_000;
/** After the last fault a VPN with rekey is up within: the longest pause, and some attempts. */
export const MAX_RECOVERY_MS = MAX_BACK_OFF_MS + 120_000;
/** What is not told by an event, the engine finds out by listing everything. */
const RESYNC_MS = 75_000;
/** After a request that charon leaves unanswered the engine has its connection anew. */
const RECONNECT_MS = 15_000;
/** assembly/limits.ts */
const MAX_NEGOTIATIONS = 16;
const MAX_HOOKS = 8;
/** Lists of SAs in a minute, for each VPN. */
const MAX_LISTS_PER_MINUTE = 200;
/** Lines of the log in a minute, for each VPN. */
const MAX_LINES_PER_MINUTE = 120;

function ago(judge: Judge, at_ms: number): string {
  return `${judge.now_ms - at_ms} ms ago`;
}

function countSince(times_ms: number[], since_ms: number): number {
  return times_ms.filter((at_ms) => at_ms > since_ms).length;
}

/** Without rekey an SA that nobody renews ends, and that is how it should be. */
function isRenewed({ rekey, connection }: Branch): boolean {
  return rekey || connection.rekey_s! > 0;
}

export const INVARIANTS: Invariant[] = [
  {
    name: "answered-is-not-down",
    says: "Never 'down' while a genuine reply came within the last threshold intervals.",
    down: (judge, truth) => {
      if (judge.lostSa(truth)) return undefined;
      const since_ms = judge.now_ms - truth.success_ms;
      return since_ms < truth.window_ms(judge.now_ms, judge.world.coarse_ms)
        ? `a reply came ${since_ms} ms ago`
        : undefined;
    },
  },
  {
    name: "traffic-is-not-down",
    says: "Optimized: never 'down' while user traffic came in within the last threshold intervals.",
    down: (judge, truth) => {
      const window_ms = truth.window_ms(judge.now_ms, judge.world.coarse_ms);
      if (
        !truth.branch.optimized ||
        judge.lostSa(truth) ||
        judge.viciTroubled(window_ms + 15_000)
      ) {
        return undefined;
      }
      // A reply may be counted before its packet is listed, and then hides a user's packet.
      const { user_packets_ms, replies_ms, branch } = truth;
      const users = countSince(user_packets_ms, judge.now_ms - window_ms);
      const recent = countSince(replies_ms, judge.now_ms - 2 * branch.interval_ms);
      const hidden = recent + truth.strays;
      const since_ms = judge.now_ms - truth.inbound_ms;
      return users > hidden ? `a user packet came in ${since_ms} ms ago` : undefined;
    },
  },
  {
    name: "missed-is-down",
    says: "'Down' at the latest one interval after threshold misses.",
    sweep: (judge, truth) => {
      if (truth.said === "down" || !truth.has_sa || judge.lacksSource(truth)) return undefined;
      // Of an SA that came while charon could not be asked the engine hears late.
      const found = truth.said === undefined || truth.sa_ms > truth.waiting_ms;
      const heard_ms = found ? Math.max(truth.sa_ms, judge.vici_trouble_ms + RECONNECT_MS) : 0;
      const since_ms = judge.now_ms - Math.max(truth.waiting_ms, heard_ms);
      const patience_ms =
        truth.patience_ms(judge.now_ms, judge.world.coarse_ms) + judge.counters_late_ms(truth);
      return since_ms > patience_ms
        ? `${truth.said} without an answer for ${since_ms} ms`
        : undefined;
    },
  },
  {
    name: "quiet-after-down",
    says: "Without rekey no echo after 'down', until there is another SA or user traffic comes in.",
    echo: (judge, truth, sent) => {
      const { rekey, threshold, interval_ms } = truth.branch;
      if (rekey || truth.said !== "down" || truth.anew_ms >= truth.said_ms) return undefined;
      if (truth.inbound_ms > truth.said_ms - (threshold + 3) * interval_ms) return undefined;
      // In the call that says so, echoes may be written before or after the line.
      return sent.at_ms > truth.said_ms ? `down since ${ago(judge, truth.said_ms)}` : undefined;
    },
  },
  {
    name: "never-silent",
    says: "With rekey never silent for longer than the back-off's maximum.",
    sweep: (judge, truth) => {
      if (!truth.branch.rekey || judge.lacksSource(truth)) return undefined;
      // What charon is not asked it cannot do.
      const asked_ms = judge.vici_trouble_ms + RECONNECT_MS;
      const since_ms = judge.now_ms - Math.max(truth.active_ms, asked_ms);
      const most_ms = MAX_SILENCE_MS + 2 * truth.branch.interval_ms;
      return since_ms > most_ms ? `neither echo nor request for ${since_ms} ms` : undefined;
    },
  },
  {
    name: "only-configured",
    says: "Nothing is sent or said for a VPN that is not configured.",
    echo: (_, { branch }) => (branch.left_out > 0 ? "it is not configured" : undefined),
    up: (_, { branch }) => (branch.left_out > 0 ? "it is not configured" : undefined),
    down: (_, { branch }) => (branch.left_out > 0 ? "it is not configured" : undefined),
  },
  {
    name: "never-without-sa",
    says: "No echo without an SA, once its end can be known.",
    echo: (judge, truth, { sa }) => {
      if (sa !== undefined || truth.has_sa) return undefined;
      const least_ms = truth.no_sa_told ? 2_000 + judge.slowness_ms() : RESYNC_MS;
      const heard_ms = judge.vici_trouble_ms + RECONNECT_MS;
      const known_ms = judge.now_ms - Math.max(truth.no_sa_ms, heard_ms);
      return known_ms > least_ms ? `the last SA went ${ago(judge, truth.no_sa_ms)}` : undefined;
    },
  },
  {
    name: "pace",
    says: "One echo to a target in an interval, but for a new SA, which is verified at once.",
    echo: (judge, truth, { destination }) => {
      const last_ms = truth.last_echo_ms.get(destination);
      if (last_ms === undefined || truth.anew_ms >= last_ms) return undefined;
      const { interval_ms } = truth.branch;
      // User traffic makes a VPN that is down look at once.
      if (truth.inbound_ms > judge.now_ms - 3 * interval_ms) return undefined;
      const pause_ms = judge.now_ms - last_ms;
      const least_ms = 0.45 * interval_ms - judge.world.coarse_ms;
      return pause_ms < least_ms ? `${pause_ms} ms after the last one` : undefined;
    },
  },
  {
    name: "up-needs-answers",
    says:
      "'Up' only after `recover` answered rounds in a row on this SA: forged, duplicate and " +
      "stale replies never count.",
    up: (_, truth) => {
      const { optimized, recover } = truth.branch;
      if (optimized && truth.inbound_ms > truth.void_ms - 60_000) return undefined;
      return truth.successes < recover ? `${truth.successes} answered of ${recover}` : undefined;
    },
  },
  {
    name: "counts-are-true",
    says: "As many replies count as genuine ones came in, and the delay shown is the last one's.",
    sweep: (judge, truth) => {
      const shown = judge.shown(truth);
      if (shown === undefined) return undefined;
      if (shown.echoes_answered !== truth.answers) {
        return `${shown.echoes_answered} answers are shown, ${truth.answers} came`;
      }
      if (shown.delay_last_ms !== null && truth.last_delay_ms !== shown.delay_last_ms) {
        return `a delay of ${shown.delay_last_ms} ms is shown, it was ${truth.last_delay_ms}`;
      }
      return undefined;
    },
  },
  {
    name: "alternating",
    says: "Up and down alternate.",
    up: (_, truth) => (truth.said === "up" ? "up, and was" : undefined),
    down: (_, truth) => (truth.said === "down" ? "down, and was" : undefined),
  },
  {
    name: "state-is-said",
    says: "What is shown is what was said.",
    sweep: (judge, truth) => {
      const shown = judge.shown(truth);
      if (shown === undefined) return undefined;
      if (shown.state === "up" && truth.said !== "up") return `up, and '${truth.said}' was said`;
      if (shown.state === "down" && truth.said !== "down") {
        return `down, and '${truth.said}' was said`;
      }
      return undefined;
    },
  },
  {
    name: "rekeyed-once",
    says: "One message for each successful rekey, whose SA exists and was answered.",
    rekeyed: (judge, truth, spi) => {
      const { optimized, threshold, interval_ms } = truth.branch;
      const traffic = optimized && judge.now_ms - truth.inbound_ms < threshold * interval_ms;
      if (truth.verified_ms === -Infinity && !traffic)
        return `SPI ${spi}, on which nothing was answered`;
      if (truth.told.has(spi)) return `SPI ${spi} for the second time`;
      return judge.spis.has(spi) ? undefined : `SPI ${spi}, which never was`;
    },
    sweep: (judge, { branch, new_spi, verified_ms, told }) => {
      // The first SA that an engine sees is no rekey, nor is one that is in use again.
      if (!branch.rekey || new_spi === undefined || told.has(new_spi)) return undefined;
      const up = judge.shown(judge.truths.get(branch.name)!)?.state === "up";
      const answered = verified_ms > -Infinity && judge.now_ms > verified_ms;
      return up && answered ? `of SPI ${new_spi} nothing was told` : undefined;
    },
  },
  {
    name: "hands-off",
    says: "Without rekey nothing is asked of strongSwan but lists, and no rekey is told.",
    rekeyed: (_, { branch }) => (branch.rekey ? undefined : "a rekey was told"),
    request: (_, text, of) =>
      // Of an SA that is gone by now nobody knows whose it was.
      of.length === 0 || of.some(({ branch }) => branch.rekey)
        ? undefined
        : `'${text}' was asked for`,
  },
  {
    name: "one-negotiation",
    says: "At most one negotiation is in flight for a VPN.",
    request: (judge, text, of) => {
      if (!text.startsWith("initiate")) return undefined;
      const asking = of.find(({ branch }) => text.endsWith(`/${branch.child.name}`));
      if (asking === undefined || !asking.negotiating) return undefined;
      const count = judge.negotiations().get(asking.branch.connection.name) ?? 0;
      return count > 1 ? `'${text}' while another one is in flight` : undefined;
    },
  },
  {
    name: "few-negotiations",
    says: "No more negotiations are in flight than the cap allows.",
    sweepAll: (judge) => {
      const count = judge.attempts();
      return count > MAX_NEGOTIATIONS ? `${count} at once` : undefined;
    },
  },
  {
    name: "renewed-in-time",
    says: "Where the peer is reachable and rekey is on, no SA reaches its hard lifetime.",
    expired: (judge, truth) => {
      const { rekey, connection } = truth.branch;
      if (!rekey) return undefined;
      // The key is renewed in the last third of its life, at the earliest.
      const needed_ms = 1000 * (connection.lifetime_s! / 3) + 10_000;
      const calm_ms = judge.now_ms - Math.max(judge.calm_ms, truth.anew_ms - 1000);
      return judge.isCalm() && calm_ms > needed_ms ? "it was not renewed" : undefined;
    },
  },
  {
    name: "comes-back",
    says: `After the last fault every VPN with rekey is up within ${MAX_RECOVERY_MS / 1000} s.`,
    settled: (judge, truth) => {
      if (!truth.branch.rekey) return undefined;
      const shown = judge.shown(truth);
      return shown?.state === "up" ? undefined : `it is ${shown?.state}, ${shown?.negotiation}`;
    },
  },
  {
    name: "one-sa",
    says: "After settling there is exactly one CHILD_SA.",
    settled: (judge, truth) => {
      if (!truth.branch.rekey) return undefined;
      const count = judge.world.peers.children(truth.branch.child.name).length;
      return count === 1 ? undefined : `there are ${count}`;
    },
  },
  {
    name: "no-empty-ike",
    says: "After settling no IKE_SA is left without a CHILD_SA.",
    settled: (judge, { branch }) => {
      if (!branch.rekey) return undefined;
      const ikes = judge.world.peers.ikesOf(branch.connection.name);
      const empty = ikes.filter(({ children }) => children.length === 0).length;
      return empty === 0 ? undefined : `${empty} of ${ikes.length} have none`;
    },
  },
  {
    name: "idle",
    says: "After settling no negotiation is under way.",
    settled: (judge, truth) => {
      const shown = judge.shown(truth);
      return shown?.negotiation === "idle" ? undefined : `it is ${shown?.negotiation}`;
    },
  },
  {
    name: "well-is-left-alone",
    says: "While nothing is wrong nothing is 'down', and nothing is asked for but renewals.",
    down: (judge, { branch }) =>
      judge.isSettled() && isRenewed(branch) ? "although nothing is wrong" : undefined,
    request: (judge, text, of) =>
      judge.isSettled() && of.every(({ branch }) => isRenewed(branch)) && !text.startsWith("rekey")
        ? `'${text}' was asked for`
        : undefined,
  },
  {
    name: "no-sa-harmed",
    says: "No SA that charon has is removed from the kernel.",
    sweepAll: ({ world }) => {
      const [harmed] = world.xfrm.harmed;
      return harmed && `${harmed.config.name}'s with SPI ${harmed.spi_in.toString(16)} in was`;
    },
  },
  {
    name: "no-storm",
    says: "Lists and lines of the log come at a bounded rate.",
    sweepAll: (judge) => {
      const { lists, lines } = judge.rates();
      const vpns = judge.world.branches.length;
      if (lists > MAX_LISTS_PER_MINUTE * vpns) return `${lists} lists in a minute`;
      if (lines > MAX_LINES_PER_MINUTE * vpns) return `${lines} lines in a minute`;
      return undefined;
    },
  },
  {
    name: "one-hook",
    says: "A VPN has one hook at a time, and all together have no more than the bound.",
    hook: (judge, { branch }) => {
      const { running } = judge.world.hooks;
      const own = running.filter((vpn) => vpn === branch.name).length;
      if (own > 1) return `${own} hooks of it run`;
      return running.length > MAX_HOOKS ? `${running.length} hooks run` : undefined;
    },
  },
  {
    name: "hook-latest",
    says: "A hook is told the state that was said last, as soon as there is room for it.",
    hook: (_, truth, { variables }) => {
      const event = variables["REKEYD_EVENT"];
      if (event !== "up" && event !== "down") return undefined;
      return event === truth.said ? undefined : `told '${event}' when '${truth.said}' was said`;
    },
    sweep: (judge, { said, hook_told, branch }) => {
      const { running } = judge.world.hooks;
      if (running.includes(branch.name) || running.length >= MAX_HOOKS) return undefined;
      if (said === undefined || hook_told === said) return undefined;
      return `told '${hook_told}', and '${said}' was said`;
    },
  },
  {
    name: "hook-once",
    says: "No hook is told the same state twice in a row, a trap or not, unless one was skipped.",
    hook: (_, truth, { variables }) => {
      const { REKEYD_EVENT: event, REKEYD_SKIPPED: skipped } = variables;
      if (event !== "up" && event !== "down") return undefined;
      if (event !== truth.hook_told || skipped !== "0" || truth.hook_again) return undefined;
      return `'${event}' once more`;
    },
  },
  {
    name: "bounded-memory",
    says: "Once all has settled, memory grows from storm to storm no more.",
    settledAll: ({ memory, world }) => memory.look(world, world.branches.length),
    sweepAll: ({ memory, world }) => memory.grown(world),
  },
  ...TUNNEL_INVARIANTS,
];

/** What the run itself watches over, and ends with (simulate.ts, pool.ts). */
export const OF_THE_RUN = {
  TRAP: { name: "no-trap", says: "The engine never traps." },
  SPIN: { name: "no-spin", says: "A deadline that is met moves on." },
  HANG: { name: "no-hang", says: "Every call of the engine returns." },
} as const;
