/**
 * What is so, whatever the engine believes: kept for each VPN from what the world did and what the
 * engine said, and never from the engine's memory.
 */
import type { Branch } from "./branch.ts";
import type { SentEcho } from "./world.ts";

const NEVER_MS = -Infinity;
/** Rounds after which an answer is stale (assembly/monitor/samples.ts). */
export const REMEMBERED = 64;

/** An echo round that is out, or was. */
interface Round {
  sent_ms: number;
  answered: string[];
  counted: boolean;
}

export class Truth {
  /** What was said last. */
  said: "up" | "down" | undefined;
  said_ms = NEVER_MS;
  /** A round got the answers that it needs, and nothing since had made it void. */
  success_ms = NEVER_MS;
  /** Such rounds in a row since the VPN was last down or on another SA. */
  successes = 0;
  /** User packets came in. */
  inbound_ms = NEVER_MS;
  /** When the engine began to wait for an answer that did not come yet. */
  waiting_ms = NEVER_MS;
  /** Answers from before this are void: the SA was another, or the VPN was down. */
  void_ms = NEVER_MS;
  /** The engine took another SA into use, or all began anew. */
  anew_ms = NEVER_MS;
  /** There is no CHILD_SA since. */
  no_sa_ms = NEVER_MS;
  has_sa = false;
  no_sa_told = true;
  /** An SA was asked for, and neither came nor was given up. */
  negotiating = false;
  /** An echo or a request, or a reason why there is none. */
  active_ms = NEVER_MS;
  /** The last fault that could reach it. */
  fault_ms = NEVER_MS;
  last_delay_ms: number | undefined;
  /** Distinct genuine answers that this instance of the engine was given. */
  answers = 0;
  /** SPIs whose rekey was told, and those that the engine said it has. */
  readonly told = new Set<string>();
  /** The SPI in use since the instance started, before any rekey. */
  readonly rounds = new Map<number, Round>();
  readonly last_echo_ms = new Map<string, number>();

  /** What the interval was before it changed, and when that was. */
  private before_ms = 0;
  private known_ms: number;
  private changed_ms = NEVER_MS;

  constructor(readonly branch: Branch) {
    this.known_ms = branch.interval_ms;
  }

  echo({ round, at_ms, destination }: SentEcho): void {
    this.active_ms = at_ms;
    this.last_echo_ms.set(destination, at_ms);
    const known = this.rounds.get(round);
    // A round may be repeated, under the same number.
    if (known !== undefined) known.sent_ms = at_ms;
    else this.rounds.set(round, { sent_ms: at_ms, answered: [], counted: false });
    this.rounds.delete(round - REMEMBERED);
  }

  /** Whether the reply is the first one to its echo, and in time. */
  reply({ round, destination, at_ms }: SentEcho, now_ms: number): boolean {
    const known = this.rounds.get(round);
    if (known === undefined || known.answered.includes(destination)) return false;
    known.answered.push(destination);
    this.answers++;
    this.last_delay_ms = now_ms - at_ms;
    // Any one of several targets is enough.
    if (known.counted) return true;
    known.counted = true;
    if (known.sent_ms < this.void_ms) return true;
    this.success_ms = now_ms;
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
      this.before_ms = this.known_ms;
      this.known_ms = interval_ms;
      this.changed_ms = now_ms;
    }
    if (!instance) return;
    this.makeVoid(now_ms);
    this.said = undefined;
    this.answers = 0;
    this.last_delay_ms = undefined;
    this.inbound_ms = NEVER_MS;
    this.rounds.clear();
    this.last_echo_ms.clear();
    this.told.clear();
  }

  /** The shortest time in which threshold rounds can be missed. */
  window_ms(now_ms: number): number {
    const { threshold, interval_ms } = this.branch;
    const shortest_ms = Math.min(interval_ms, this.intervalBefore_ms(now_ms));
    // The round that a reply is for ends within an interval, or a little sooner.
    return (threshold - 1) * shortest_ms - 250;
  }

  /** How long it may take until threshold misses are seen. */
  patience_ms(now_ms: number, coarse_ms: number): number {
    const { threshold, interval_ms } = this.branch;
    const longest_ms = Math.max(interval_ms, this.intervalBefore_ms(now_ms));
    return (threshold + 2) * (longest_ms + coarse_ms) + 500;
  }

  /** The interval that was in force, if it was another one lately. */
  private intervalBefore_ms(now_ms: number): number {
    const { threshold, interval_ms } = this.branch;
    const lately = now_ms - this.changed_ms < (threshold + 2) * interval_ms;
    return lately ? this.before_ms : interval_ms;
  }
}
