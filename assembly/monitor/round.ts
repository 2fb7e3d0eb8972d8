/**
 * Rounds: each interval an echo to every target, and at its end a verdict. A
 * round whose quorum answered is a success, else a miss; `threshold` misses in a
 * row are an event for the decision table, and so is a success.
 */
import { sameAddress } from "../bytes/address";
import { VpnFlag } from "../config/model";
import { now_ms } from "../clock";
import { echoHeldBack, echoUnsendable } from "../event/text";
import { reply } from "../icmp/echo";
import { request, Request } from "../ike/vici/session";
import { Slot } from "../icmp/slot";
import { gatewayAt } from "../sa/gateway";
import { phase2At } from "../sa/phase2";
import { Note, State, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { schedule } from "../timer/wheel";
import { Event, Mode } from "./decision";
import { hasRoom } from "./echo_batch";
import { happen, modeOf } from "./effect";
import { closeRound, leaveRound, measure, REMEMBERED } from "./samples";
import { lookAtTraffic, Traffic } from "./traffic";
import { Way, wayInto } from "./way";

/**
 * Misses after which a new SA of a VPN that is down counts as not working, where the threshold is
 * higher.
 */
const VERIFY_ROUNDS: i32 = 3;
/** How long a round waits for fresh counters before it goes on without. */
const COUNTERS_LIMIT_MS: i64 = 200;

/** The VPN's timer: the round under way ends, the next one begins. */
export function roundDue(index: i32): void {
  const vpn = vpnAt(index);
  const interval_ms = <i64>vpn.config.interval_ms;
  const late_ms = now_ms - vpn.due_ms;
  // A call that comes an interval late (a suspend, a stalled machine) has had no chance to see the
  // answer: the round is repeated, not missed.
  if (late_ms >= interval_ms) vpn.unnote(Note.PROBED);
  const counting = vpn.noted(Note.COUNTING);
  if (late_ms >= interval_ms || (!counting && late_ms > interval_ms >> 2)) vpn.due_ms = now_ms;
  if (!counting && needsCounters(vpn) && listFor(vpn)) {
    vpn.note(Note.COUNTING);
    schedule(vpn.timer, now_ms + min(COUNTERS_LIMIT_MS, interval_ms >> 1));
  } else {
    turnRound(index);
  }
}

/** The VPN's gateway was listed: a round that waited for its counters goes on. */
export function countersCame(index: i32): void {
  const vpn = vpnAt(index);
  if (!vpn.noted(Note.COUNTING)) return;
  if (hasRoom()) turnRound(index);
  else schedule(vpn.timer, now_ms);
}

function turnRound(index: i32): void {
  const vpn = vpnAt(index);
  const counted = vpn.noted(Note.COUNTING) && vpn.current >= 0;
  const listed_at_ms = gatewayAt(vpn.gateway).listed_at_ms;
  const traffic = counted ? lookAtTraffic(vpn, listed_at_ms) : Traffic.NONE;
  vpn.unnote(Note.COUNTING);
  const optimized = vpn.config.has(VpnFlag.OPTIMIZED);
  const fed = optimized && (traffic & Traffic.IN) != 0;
  // A silent target is not verified again and again because its tunnel is in use.
  if (traffic & Traffic.IN && !vpn.noted(Note.SILENT)) happen(index, Event.INBOUND);

  vpn.due_ms += vpn.config.interval_ms;
  schedule(vpn.timer, vpn.due_ms);

  if (vpn.noted(Note.PROBED)) {
    endRound(index, fed);
  } else {
    // Called off when some of its echoes were out: answers to those are none to the next ones.
    leaveRound(vpn);
    if (fed) answered(index);
  }
  const event = dueEvent(vpn, optimized && traffic == Traffic.BOTH);
  if (event == Event.DUE) vpn.unnote(Note.SAID_UNCOVERED);
  happen(index, event);
}

function dueEvent(vpn: Vpn, busy: bool): Event {
  if (vpn.current < 0) return Event.DUE_NO_SA;
  if (!isCovered(vpn)) return Event.DUE_UNCOVERED;
  return busy ? Event.BUSY : Event.DUE;
}

/**
 * Whether enough of the VPN's echoes come into the SA in use, and are carried by it. Targets
 * outside it can never answer: a quorum that needs them is no verdict on the SA.
 */
export function isCovered(vpn: Vpn): bool {
  const sa = phase2At(vpn.current);
  if (wayInto(vpn, sa) != Way.OPEN) return false;
  return popcnt(<i32>sa.covered) >= max(1, quorumOf(vpn));
}

/** The verdict on the round that is out. */
function endRound(index: i32, fed: bool): void {
  const vpn = vpnAt(index);
  const missed = (vpn.samples & 1) == 0;
  closeRound(vpn);
  if (fed) {
    answered(index);
  } else if (missed) {
    vpn.misses++;
    vpn.rounds_missed++;
    vpn.answers = 0;
    if (reachedThreshold(vpn)) happen(index, isSilent(vpn) ? Event.SILENT : Event.THRESHOLD);
  }
}

/** While down a new SA is given no more than VERIFY_ROUNDS, again and again. */
function reachedThreshold(vpn: Vpn): bool {
  const threshold = vpn.config.threshold;
  if (vpn.state != State.DOWN) return vpn.misses >= threshold;
  return vpn.misses % min(threshold, VERIFY_ROUNDS) == 0;
}

/**
 * Whether the target, not the tunnel, is what is wrong: it has not answered on
 * this SA at all while user traffic comes in, and it never did before, or a new
 * key has already not helped.
 */
function isSilent(vpn: Vpn): bool {
  if (vpn.noted(Note.VERIFIED) || vpn.current < 0) return false;
  if (vpn.noted(Note.ANSWERED) && vpn.recoveries == 0) return false;
  const window_ms = <i64>vpn.config.interval_ms * vpn.config.threshold;
  return vpn.inbound_at_ms != 0 && now_ms - vpn.inbound_at_ms <= window_ms;
}

/** A reply that parseReply accepted; `slot` is where it came in. */
export function replyCame(slot: Slot): void {
  if (<u32>reply.vpn >= <u32>vpnCount()) return;
  const vpn = vpnAt(reply.vpn);
  if (!vpn.noted(Note.USED)) return;
  if (<u32>reply.target >= <u32>vpn.target_count) return;
  const target = vpn.target(reply.target);
  // The token vouches for the address; the VPN may have got another one since.
  if (!sameAddress(target.address, slot.peer)) return;
  // Also one that comes too late to say anything is no user's packet.
  vpn.own_in++;
  vpn.own_in_at_ms = now_ms;
  const age = vpn.seq - reply.seq;
  if (age >= <u32>REMEMBERED) return;
  const bit: u64 = (<u64>1) << age;
  if (target.answered & bit) return;
  target.answered |= bit;
  vpn.echoes_answered++;
  measure(vpn, <i32>min(max(now_ms - reply.sent_ms, 0), i32.MAX_VALUE >> 4));

  // A late answer heals its sample; it undoes no decision.
  if ((vpn.samples & bit) != 0 || !hasQuorum(vpn, bit)) return;
  vpn.samples |= bit;
  if (age >= vpn.seq - vpn.stale_seq) return;
  vpn.note(Note.ANSWERED);
  if (age > vpn.seq - vpn.sa_seq) {
    // The path works, but this is no answer on the SA in use.
    forgiveMisses(vpn);
  } else {
    vpn.note(Note.VERIFIED);
    answered(reply.vpn);
  }
}

function forgiveMisses(vpn: Vpn): void {
  vpn.misses = 0;
  vpn.held = 0;
  vpn.said_errno = 0;
  vpn.answered_at_ms = now_ms;
}

/** A round counts as answered. */
function answered(index: i32): void {
  const vpn = vpnAt(index);
  forgiveMisses(vpn);
  vpn.answers++;
  if (vpn.answers >= vpn.config.recover || vpn.state == State.UP) happen(index, Event.ANSWERED);
}

/** Whether enough targets answered the round of `bit`. */
function hasQuorum(vpn: Vpn, bit: u64): bool {
  const count = <i32>vpn.target_count;
  let answers = 0;
  for (let t = 0; t < count; t++) if (vpn.target(t).answered & bit) answers++;
  return answers >= quorumOf(vpn);
}

/** How many targets must answer. */
export function quorumOf(vpn: Vpn): i32 {
  const count = <i32>vpn.target_count;
  const quorum = vpn.config.quorum;
  return quorum == 0 ? count : min(quorum, count);
}

/** Whether the next verdict depends on user traffic. */
function needsCounters(vpn: Vpn): bool {
  if (vpn.current < 0 || modeOf(vpn) == Mode.OFF) return false;
  return vpn.config.has(VpnFlag.OPTIMIZED) || !vpn.noted(Note.VERIFIED) || vpn.state == State.DOWN;
}

function listFor(vpn: Vpn): bool {
  return request(Request.LIST_SAS, vpn.gateway, gatewayAt(vpn.gateway).name);
}

/** errno(3) on Linux. */
const EPERM: i32 = 1;
const ENXIO: i32 = 6;
const EAGAIN: i32 = 11;
const ENODEV: i32 = 19;
const ENETDOWN: i32 = 100;
const ENETUNREACH: i32 = 101;
const ENOBUFS: i32 = 105;
const EHOSTUNREACH: i32 = 113;

/** An echo of the VPN could not be sent. */
export function echoUnsent(index: i32, errno: i32): void {
  const vpn = vpnAt(index);
  if (errno == EPERM) {
    heldBack(vpn);
  } else if (errno == EAGAIN || errno == ENOBUFS) {
    // Our own machine is busy: that says nothing of the path.
    callOff(vpn);
  } else {
    if (vpn.tunnel >= 0 && isOfInterface(errno)) callOff(vpn);
    if (<i32>vpn.said_errno == errno) return;
    vpn.said_errno = <u16>errno;
    echoUnsendable(vpn.config.name, vpn.target(0).address, errno);
  }
}

/** The tunnel interface is not there, or nothing leads over it: no other SA would change that. */
function isOfInterface(errno: i32): bool {
  if (errno == ENODEV || errno == ENXIO || errno == ENETDOWN) return true;
  return errno == ENETUNREACH || errno == EHOSTUNREACH;
}

/** The round is not judged; where it has but one echo, nothing of it is out. */
function callOff(vpn: Vpn): void {
  vpn.unnote(Note.PROBED);
  if (vpn.target_count == 1) vpn.sent_seq = vpn.seq - 1;
}

/**
 * The kernel's guard kept an echo from leaving in the clear: no SA carries it, whatever the last
 * listing said. While strongSwan can be asked what became of the SA the round is no miss, once.
 */
function heldBack(vpn: Vpn): void {
  if (vpn.held < u16.MAX_VALUE) vpn.held++;
  if (vpn.held == 1 && listFor(vpn)) callOff(vpn);
  if (<i32>vpn.held == max(2, min(vpn.config.threshold, <i32>u16.MAX_VALUE))) {
    echoHeldBack(vpn.config.name, vpn.source, vpn.target(0).address);
  }
}
