/**
 * What is so, whatever the engine believes: kept for each VPN from what the world did and what the
 * engine said, and never from the engine's memory.
 */
import { quorumOf, type Branch } from "./branch.ts";
import type { SentEcho } from "./world.ts";

const NEVER_MS = -Infinity;
/** Rounds after which an answer is stale (assembly/monitor/samples.ts). */
export const REMEMBERED = 64;

/** An echo round that is out, or was. */
interface Round {
  sent_ms: number;
  /** How many SAs had come into use by then: within a millisecond one may. */
  uses: number;
  answered: string[];
  counted: boolean;
}

export class Truth {
  /** What was said last. */
  said: "up" | "down" | undefined;
  said_ms = NEVER_MS;
  /** The state that its hook was told last: 'up' or 'down'. */
  hook_told: string | undefined;
  /** It is in the configuration again: it may be told the same once more. */
  hook_again = false;
  /** A round got the answers that it needs, and nothing since had made it void. */
  success_ms = NEVER_MS;
  /** That was before the round's interval was over. */
  prompt = true;
  /** Such rounds in a row since the VPN was last down or on another SA. */
  successes = 0;
  /** User packets came in. */
  inbound_ms = NEVER_MS;
  /** When the latest of them did on the SA in use, and the latest genuine replies. */
  readonly user_packets_ms: number[] = [];
  readonly replies_ms: number[] = [];
  /** Replies to echoes from before the SA in use: which SA they came on the engine cannot know. */
  strays = 0;
  /** When the engine began to wait for an answer that did not come yet. */
  waiting_ms = NEVER_MS;
  /** Answers from before this are void: the SA was another, or the VPN was down. */
  void_ms = NEVER_MS;
  /** The engine took another SA into use, or all began anew. */
  anew_ms = NEVER_MS;
  /** There is no CHILD_SA since. */
  no_sa_ms = NEVER_MS;
  has_sa = false;
  /** There was none before then. */
  sa_ms = NEVER_MS;
  no_sa_told = true;
  /** An SA was asked for, and neither came nor was given up. */
  negotiating = false;
  /** An echo or a request, or a reason why there is none. */
  active_ms = NEVER_MS;
  /** When an echo was first answered that was sent since the SA in use came. */
  verified_ms = NEVER_MS;
  /** When the SA in use came. */
  used_ms = NEVER_MS;
  /** How many SAs have come into use. */
  private uses = 0;
  /** SAs that this instance of the engine has used, as far as it said so. */
  used = 0;
  /** Their SPIs; and of the last one, if it is in use for the first time. */
  readonly spis = new Set<string>();
  new_spi: string | undefined;
  /** How many lists charon had given when this instance of the engine began with the VPN. */
  unlisted_at = -1;
  last_delay_ms: number | undefined;
  /** Distinct genuine answers that this instance of the engine was given. */
  answers = 0;
  /** SPIs whose rekey was told, and those that the engine said it has. */
  readonly told = new Set<string>();
  /** The SPI in use since the instance started, before any rekey. */
  readonly rounds = new Map<number, Round>();
  readonly last_echo_ms = new Map<string, number>();

  /** Intervals that were in force, and until when; and the one that is. */
  private readonly before: { interval_ms: number; until_ms: number }[] = [];
  private known_ms: number;

  constructor(readonly branch: Branch) {
    this.known_ms = branch.interval_ms;
  }

  echo({ round, at_ms, destination }: SentEcho): void {
    this.active_ms = at_ms;
    this.last_echo_ms.set(destination, at_ms);
    const known = this.rounds.get(round);
    // A round may be repeated, under the same number.
    const { uses } = this;
    if (known !== undefined) Object.assign(known, { sent_ms: at_ms, uses });
    else this.rounds.set(round, { sent_ms: at_ms, uses, answered: [], counted: false });
    this.rounds.delete(round - REMEMBERED);
  }

  /** A packet of a user's, or a reply, came in: what packet counters tell apart. */
  counted(user: boolean, in_use: boolean, now_ms: number): void {
    if (user && !in_use) return;
    const times_ms = user ? this.user_packets_ms : this.replies_ms;
    times_ms.push(now_ms);
    if (times_ms.length > REMEMBERED) times_ms.shift();
  }

  /** The engine took another SA into use. */
  useAnother(spi: string, now_ms: number): void {
    this.new_spi = this.used > 0 && !this.spis.has(spi) ? spi : undefined;
    this.spis.add(spi);
    this.anew_ms = now_ms;
    this.waiting_ms = now_ms;
    this.used_ms = now_ms;
    this.uses++;
    this.user_packets_ms.length = 0;
    this.strays = 0;
    this.verified_ms = NEVER_MS;
    this.used++;
    // While it is up nothing that is out becomes void.
    if (this.said !== "up") this.makeVoid(now_ms);
  }

  /** Whether the reply is the first one to its echo, and in time. */
  reply({ round, destination, at_ms }: SentEcho, now_ms: number): boolean {
    if (at_ms < this.used_ms) this.strays++;
    const known = this.rounds.get(round);
    if (known === undefined || known.answered.includes(destination)) return false;
    known.answered.push(destination);
    this.answers++;
    this.last_delay_ms = now_ms - at_ms;
    if (known.counted || known.answered.length < quorumOf(this.branch)) return true;
    known.counted = true;
    if (known.uses === this.uses && this.verified_ms === NEVER_MS) this.verified_ms = now_ms;
    if (known.sent_ms < this.void_ms) return true;
    this.success_ms = now_ms;
    // A round that another configuration or SA cut short is over when an answer to it comes.
    this.prompt =
      known.sent_ms >= this.anew_ms &&
      now_ms - known.sent_ms < Math.min(...this.intervals_ms(now_ms));
    this.waiting_ms = now_ms;
    this.successes++;
    return true;
  }

  /** Answers to what is out now say nothing of what comes. */
  makeVoid(now_ms: number): void {
    this.void_ms = now_ms;
    this.successes = 0;
    this.success_ms = NEVER_MS;
  }

  /** The engine knows nothing of what was before: `instance`; or only starts to look again. */
  beginAnew(now_ms: number, instance: boolean): void {
    this.anew_ms = now_ms;
    this.waiting_ms = now_ms;
    this.active_ms = now_ms;
    const { interval_ms } = this.branch;
    if (interval_ms !== this.known_ms) {
      this.before.push({ interval_ms: this.known_ms, until_ms: now_ms });
      this.known_ms = interval_ms;
    }
    if (!instance) return;
    this.makeVoid(now_ms);
    this.said = undefined;
    this.used = 0;
    this.spis.clear();
    this.new_spi = undefined;
    this.answers = 0;
    this.last_delay_ms = undefined;
    this.inbound_ms = NEVER_MS;
    this.strays = 0;
    this.rounds.clear();
    this.last_echo_ms.clear();
    this.told.clear();
  }

  /** The shortest time in which threshold rounds can be missed. */
  window_ms(now_ms: number, coarse_ms: number): number {
    const { threshold, optimized } = this.branch;
    const rounds = this.prompt ? threshold : threshold - 1;
    const shortest_ms = Math.min(...this.intervals_ms(now_ms));
    // The round under way when a late reply comes ends within an interval, or a little sooner.
    // Or it was late itself, having waited for packet counters, and the next one was not.
    const late_ms = coarse_ms + (optimized ? 200 : 0);
    return rounds * shortest_ms - 250 - late_ms;
  }

  /** How long it may take until threshold misses are seen. */
  patience_ms(now_ms: number, coarse_ms: number): number {
    const { threshold, optimized } = this.branch;
    // In the interval in which user traffic ends there may be no echo out that could be missed.
    const rounds = threshold + (optimized ? 2 : 1);
    const longest_ms = Math.max(...this.intervals_ms(now_ms));
    return rounds * (longest_ms + coarse_ms) + 500;
  }

  /** The interval, and those that were in force lately. */
  private intervals_ms(now_ms: number): number[] {
    const { threshold, interval_ms } = this.branch;
    const lately = this.before.filter(
      (then) => now_ms - then.until_ms < (threshold + 2) * Math.max(interval_ms, then.interval_ms),
    );
    this.before.splice(0, this.before.length, ...lately);
    return [interval_ms, ...lately.map((then) => then.interval_ms)];
  }
}
