/** What the rounds of a VPN leave behind: bitmaps, availability, delay. */
import { SAMPLES } from "../limits";
import { Note, Vpn } from "../sa/vpn";

/** Rounds that the bitmaps remember: an answer that comes later than that is stale. */
export const REMEMBERED: i32 = 64;

/** The round that is out has had its time: it becomes a sample, and the next number is taken. */
export function closeRound(vpn: Vpn): void {
  vpn.unnote(Note.PROBED);
  if (vpn.sample_count < REMEMBERED) vpn.sample_count++;
  vpn.seq++;
  vpn.samples <<= 1;
  const count = <i32>vpn.target_count;
  for (let t = 0; t < count; t++) vpn.target(t).answered <<= 1;
}

/** What is sent from now on has another number than what is out, be that judged still or not. */
export function leaveRound(vpn: Vpn): void {
  if (vpn.sent_seq == vpn.seq) closeRound(vpn);
}

/** From now on no answer to an echo that is already out says 'up'. */
export function disownRounds(vpn: Vpn): void {
  leaveRound(vpn);
  vpn.stale_seq = vpn.seq - 1;
}

/** Starts the measurements anew: the targets are others. */
export function forgetSamples(vpn: Vpn): void {
  disownRounds(vpn);
  vpn.samples = 0;
  vpn.sample_count = 0;
  vpn.misses = 0;
  vpn.answers = 0;
  vpn.delay_last_ms = -1;
  vpn.delay_avg_16 = -1;
  vpn.unnote(Note.ANSWERED);
  vpn.unnote(Note.VERIFIED);
}

/** How many of the last SAMPLES rounds have been judged. */
export function judgedRounds(vpn: Vpn): i32 {
  return min(vpn.sample_count, SAMPLES);
}

/** Whether the round was answered; age 0 is the one that was judged last. */
export function isAnswered(vpn: Vpn, age: i32): bool {
  // The lowest bit is the round under way.
  return ((vpn.samples >> (age + 1)) & 1) != 0;
}

/** Percent of the last SAMPLES judged rounds that were answered (nsVpnMonAvail); -1: none yet. */
export function availability(vpn: Vpn): i32 {
  const count = judgedRounds(vpn);
  if (count == 0) return -1;
  // The lowest bit is the round under way.
  const window = (vpn.samples >> 1) & (((<u64>1) << count) - 1);
  return <i32>((popcnt(window) * 100) / count);
}

/** A delay was measured: the last one, and a rolling average (with RFC 6298's gain of 1/8). */
export function measure(vpn: Vpn, delay_ms: i32): void {
  vpn.delay_last_ms = delay_ms;
  const sample_16 = delay_ms << 4;
  if (vpn.delay_avg_16 < 0) vpn.delay_avg_16 = sample_16;
  else vpn.delay_avg_16 += (sample_16 - vpn.delay_avg_16) >> 3;
}
