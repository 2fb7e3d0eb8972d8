/**
 * Getting a gateway's VPNs a working SA again, in the order that strongswan.md
 * measured ("Which sequence recovers"): `rekey child-id` while both SAs are
 * there; else, or when that stays silent, the IKE_SA forced away and a fresh,
 * bounded `initiate`; again and again until it works. No answer of strongSwan is
 * believed: each step ends by what the next listing shows, or at its limit.
 *
 * One negotiation for each gateway, and at most MAX_NEGOTIATIONS at once.
 */
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { NEVER, now_ms } from "../clock";
import {
  negotiationRefused,
  phase1Deactivated,
  phase1Initiated,
  phase2Initiated,
  retransmissionLimit,
} from "../event/text";
import { Gateway, gatewayAt, gatewayCount, Negotiation, setDeadline } from "../sa/gateway";
import { phase1At } from "../sa/phase1";
import { ChildState, phase2At } from "../sa/phase2";
import { Note, Tried, Vpn, vpnAt } from "../sa/vpn";
import { jittered } from "../random";
import {
  ANSWERED_STEP_MS,
  backOff,
  initiateLimit,
  rekeyLimit,
  LIST_LIMIT_MS,
  SHORTEST_STEP_MS,
  TERMINATE_LIMIT_MS,
  TERMINATE_LOOK_MS,
  wakePause,
} from "./attempt";
import {
  anyAnswered,
  carriesLiving,
  countPackets,
  hasEstablished,
  hasUnfinished,
  isForcedAway,
  isShared,
  isWithPeer,
  nextAsking,
  oldPhase1Gone,
  siblingLives,
} from "./look";
import {
  anyQueued,
  enterQueue,
  freePlace,
  initPlaces,
  leaveQueue,
  offerPlace,
  takePlace,
} from "./places";
import { Refusal, writeAlert } from "./strongswan/alert";
import { request, Request, withdraw } from "./vici/session";

/** After so many silent attempts, a power of two, and then at its doubles, one attempt is long. */
const PATIENT_AFTER: i32 = 32;
/** An attempt shorter than strongSwan's first retransmission is a short one. */
const SHORT_ATTEMPT_MS: i64 = 4_000;

/** Why an attempt was refused, where an alert has told. */
const MAX_TOLD_BYTES: i32 = 80;
const told: usize = memory.data(MAX_TOLD_BYTES);
const w: Writer = writerAt(memory.data(WRITER_BYTES));

/** A VPN needs a new SA: its gateway negotiates until there is one. Idempotent. */
export function ask(vpn_index: i32): void {
  const vpn = vpnAt(vpn_index);
  vpn.note(Note.RECOVERING);
  const gateway = gatewayAt(vpn.gateway);
  // After a lost vici connection strongSwan may still be at what was asked before: look first.
  if (!gateway.listed) return;
  if (gateway.step == Negotiation.IDLE) {
    begin(vpn.gateway);
  } else if (gateway.step == Negotiation.BACKING_OFF && vpn.retry_at_ms < gateway.deadline_ms) {
    // The gateway waits for another VPN's turn: this one's comes sooner.
    setDeadline(vpn.gateway, max(vpn.retry_at_ms, now_ms));
  }
}

/** The VPN is content, or not to be helped: nothing further is begun for it. */
export function unask(vpn_index: i32): void {
  const vpn = vpnAt(vpn_index);
  vpn.unnote(Note.RECOVERING);
  vpn.refusals = 0;
  const gateway = gatewayAt(vpn.gateway);
  if (gateway.vpn == vpn_index && withdrawStep(gateway)) pause(vpn.gateway, now_ms);
  if (gateway.step != Negotiation.BACKING_OFF || nextAsking(gateway) >= 0) return;
  gateway.silences = 0;
  rest(vpn.gateway, Negotiation.IDLE, NEVER);
}

/** What waits for a slow strongSwan is asked no more; true if the step has not begun at all. */
function withdrawStep(gateway: Gateway): bool {
  if (gateway.step == Negotiation.REKEYING_CHILD) {
    return withdraw(Request.REKEY_CHILD, gateway.old_id);
  }
  // What the step before has asked for may wait still.
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (sa.forced && withdraw(Request.TERMINATE_IKE, sa.id)) sa.forced = false;
  }
  return gateway.step == Negotiation.INITIATING && withdraw(Request.INITIATE, gateway.vpn);
}

/**
 * An uplink or a route came back: what waits, or waits for a silent peer, is tried at once. Routes
 * come by the thousand when a network converges, and a peer that refuses does so whatever route
 * there is: each wake-up that does not help makes the next one possible only later.
 */
export function wake(index: i32): void {
  const gateway = gatewayAt(index);
  const waits = gateway.step == Negotiation.BACKING_OFF;
  const silent =
    gateway.step == Negotiation.INITIATING &&
    !anyAnswered(gateway) &&
    !gateway.judging &&
    now_ms - gateway.step_at_ms >= SHORTEST_STEP_MS;
  if (!waits && !silent) return;
  if (gateway.wakes > 0 && now_ms - gateway.woken_at_ms < wakePause(gateway.wakes)) return;
  gateway.wakes++;
  gateway.woken_at_ms = now_ms;
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) vpnAt(i).retry_at_ms = 0;
  setDeadline(index, now_ms);
}

/** strongSwan has learned of what the VPN needs: what was refused before counts no more. */
export function askAnew(vpn_index: i32): void {
  const vpn = vpnAt(vpn_index);
  vpn.refusals = 0;
  vpn.retry_at_ms = 0;
  ask(vpn_index);
}

/** The gateway's time has come (its timer): the limit of the step, or the end of a pause. */
export function stepDue(index: i32): void {
  const gateway = gatewayAt(index);
  switch (gateway.step) {
    case Negotiation.REKEYING_CHILD:
    case Negotiation.TERMINATING:
    case Negotiation.INITIATING:
      // What is known may be old: list again, and judge by that. Without an answer judge all the
      // same, but for an attempt: what is not listed yet must not look as if it had been refused.
      if (!gateway.judging && request(Request.LIST_SAS, index, gateway.name)) {
        gateway.judging = true;
        setDeadline(index, now_ms + LIST_LIMIT_MS);
      } else if (gateway.step == Negotiation.INITIATING) {
        lookAgain(index, LIST_LIMIT_MS);
      } else {
        judge(index);
      }
      break;
    case Negotiation.BACKING_OFF:
      gateway.step = Negotiation.IDLE;
      begin(index);
      break;
    default:
      setDeadline(index, NEVER);
  }
}

/** The gateway was listed: has the step reached what it is for? */
export function observe(index: i32): void {
  const gateway = gatewayAt(index);
  if (gateway.vpn < 0) {
    if (gateway.step == Negotiation.IDLE) begin(index);
    return;
  }
  if (!gateway.counted) countPackets(gateway);
  if (reached(gateway)) succeed(index);
  else if (gateway.step == Negotiation.TERMINATING && oldPhase1Gone(gateway)) tryAnew(index);
  else if (gateway.step == Negotiation.REKEYING_CHILD && vpnAt(gateway.vpn).current < 0)
    approach(index);
  else if (gateway.judging) judge(index);
}

/** strongSwan has taken an `initiate`: from now on listings show what becomes of it. */
export function initiateBegun(index: i32): void {
  gatewayAt(index).begun = true;
}

/** strongSwan answered `initiate` with an error of its own: it is not going to try. */
export function initiateRefused(index: i32, reason: usize, reason_len: i32): void {
  if (gatewayAt(index).step == Negotiation.INITIATING) refused(index, reason, reason_len);
}

/**
 * The vici connection is gone: nothing is under way any more. It begins anew when the VPNs ask
 * again.
 */
export function forgetSteps(): void {
  for (let i = 0; i < gatewayCount(); i++) {
    const gateway = gatewayAt(i);
    if (!gateway.used) continue;
    gateway.step = Negotiation.IDLE;
    gateway.vpn = -1;
    gateway.listed = false;
    setDeadline(i, NEVER);
  }
  initPlaces();
}

/** A VPN leaves the configuration, or changes its gateway. */
export function forgetVpn(vpn_index: i32): void {
  unask(vpn_index);
  const index = vpnAt(vpn_index).gateway;
  const gateway = gatewayAt(index);
  if (gateway.vpn != vpn_index) return;
  // strongSwan is still at what was asked for it: the others begin when that has been listed.
  rest(index, Negotiation.IDLE, NEVER);
  gateway.listed = false;
}

/** A gateway leaves the configuration. */
export function forgetGateway(index: i32): void {
  rest(index, Negotiation.IDLE, NEVER);
}

/** Takes up the next VPN that asked, if the cap allows. */
function begin(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn_index = nextAsking(gateway);
  if (vpn_index < 0) {
    setDeadline(index, NEVER);
    offerPlace();
    return;
  }
  const vpn = vpnAt(vpn_index);
  if (vpn.retry_at_ms > now_ms) {
    gateway.step = Negotiation.BACKING_OFF;
    setDeadline(index, vpn.retry_at_ms);
    offerPlace();
  } else if (!takePlace()) {
    enterQueue(index);
  } else {
    gateway.vpn = vpn_index;
    // Of VPNs that may all begin, the one whose last turn is longest ago comes first.
    vpn.retry_at_ms = now_ms;
    approach(index);
  }
}

/** The way is free for a fresh attempt: at a silent peer it waits behind gateways that queue. */
function tryAnew(index: i32): void {
  if (gatewayAt(index).silences == 0 || !anyQueued()) {
    approach(index);
  } else {
    rest(index, Negotiation.IDLE, NEVER);
    enterQueue(index);
  }
}

/** The step that fits what is there. */
function approach(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  const established = hasEstablished(gateway);
  if (!vpn.noted(Note.RECOVERING)) {
    pause(index, now_ms);
  } else if (vpn.current >= 0) {
    // When a new key does not help, Phase 1 is made anew, too: once, and not if other CHILD_SAs
    // are on it, for it has just shown that it is alive.
    if (established && (vpn.recoveries != 1 || isShared(vpn))) rekeyChild(index);
    else if (siblingLives(gateway, vpn)) postpone(index);
    else terminate(index);
  } else if (gateway.first_phase1 < 0 || (established && !hasUnfinished(gateway))) {
    initiate(index);
  } else {
    // Somebody's attempt, the peer's perhaps: it gets the time that ours would have.
    setStep(index, Negotiation.INITIATING, attemptLimit(gateway, vpn));
    gateway.foreign = true;
  }
}

function rekeyChild(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  gateway.old_id = phase2At(vpn.current).id;
  if (!command(index, Request.REKEY_CHILD, gateway.old_id)) return;
  vpn.negotiations++;
  setStep(index, Negotiation.REKEYING_CHILD, rekeyLimit(vpn.delay_avg_16));
  // What the siblings have received is to be known from now on, not from some time ago.
  request(Request.LIST_SAS, index, gateway.name);
  phase2Initiated(vpn.config.name, gateway.peer_ip);
}

/** Forces the IKE_SAs with the VPN's peer away: it has forgotten them, or does not hear us. */
function terminate(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  gateway.old_id = 0;
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (!isWithPeer(gateway, vpn, sa) || carriesLiving(gateway, vpn, sa)) continue;
    if (!command(index, Request.TERMINATE_IKE, sa.id)) return;
    sa.forced = true;
    gateway.old_id = max(gateway.old_id, sa.id);
  }
  request(Request.LIST_SAS, index, gateway.name);
  if (hasEstablished(gateway)) phase1Deactivated(vpn.config.name, gateway.peer_ip);
  setStep(index, Negotiation.TERMINATING, TERMINATE_LIMIT_MS);
  // No event tells when an unfinished IKE_SA is gone.
  setDeadline(index, now_ms + TERMINATE_LOOK_MS);
}

function initiate(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  const name = vpn.config.name;
  if (!command(index, Request.INITIATE, gateway.vpn, gateway.name, vpn.config.child)) return;
  vpn.negotiations++;
  gateway.refusal = <u8>Refusal.UNKNOWN;
  setStep(index, Negotiation.INITIATING, attemptLimit(gateway, vpn));
  if (hasEstablished(gateway)) phase2Initiated(name, gateway.peer_ip);
  else if (isTold(gateway.silences)) phase1Initiated(name, gateway.peer_ip);
}

/**
 * Of many silent attempts the first, second, fourth, eighth ... are told: an outage must not fill
 * the log.
 */
function isTold(count: i32): bool {
  return popcnt(count) <= 1;
}

/** Hands a command to strongSwan; where that cannot be done now, the gateway pauses. */
function command(index: i32, kind: Request, arg: u32, ike: usize = 0, child: usize = 0): bool {
  if (request(kind, arg, ike, child)) return true;
  pause(index, now_ms + LIST_LIMIT_MS);
  return false;
}

/** The step's time is over. */
function judge(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  if (!vpn.noted(Note.RECOVERING)) {
    // It came back by itself: nothing that would harm it is done any more.
    pause(index, now_ms);
    return;
  }
  switch (gateway.step) {
    case Negotiation.REKEYING_CHILD:
      vpn.tell(Tried.REKEYED_IN_VAIN, now_ms);
      // With a living sibling the fault is not the IKE_SA's: leave it, and try again.
      if (siblingLives(gateway, vpn)) postpone(index);
      else terminate(index);
      break;
    case Negotiation.TERMINATING:
      // What is still there at the limit will not go: try beside it.
      if (now_ms >= gateway.limit_ms) initiate(index);
      else lookAgain(index, TERMINATE_LOOK_MS);
      break;
    default:
      judgeInitiate(index);
  }
}

/** An `initiate` that brought no SA: was the peer slow, silent, or did it refuse? */
function judgeInitiate(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  if (!gateway.begun && !gateway.foreign) {
    lookAgain(index, LIST_LIMIT_MS);
  } else if (!hasUnfinished(gateway)) {
    // If it was somebody else's, ours has not been tried yet.
    if (gateway.foreign) approach(index);
    else refused(index, told, writeAlert(w.reset(told, MAX_TOLD_BYTES), gateway.refusal).length);
  } else if (anyAnswered(gateway) && !gateway.extended) {
    gateway.extended = true;
    lookAgain(index, ANSWERED_STEP_MS);
  } else {
    gateway.silences++;
    vpn.tell(gateway.extended ? Tried.UNFINISHED : Tried.SILENCE, now_ms);
    if (isTold(gateway.silences)) retransmissionLimit(vpn.config.name, gateway.peer_ip);
    if (siblingLives(gateway, vpn)) postpone(index);
    else terminate(index);
  }
}

function refused(index: i32, reason: usize, reason_len: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  const wait_ms = backOff(vpn.config.interval_ms, vpn.refusals);
  vpn.refusals++;
  vpn.tell(Tried.REFUSED, now_ms, reason, reason_len);
  vpn.retry_at_ms = now_ms + wait_ms;
  gateway.silences = 0;
  negotiationRefused(vpn.config.name, gateway.peer_ip, reason, reason_len, wait_ms);
  pause(index, now_ms);
}

/** The VPN has its next turn an interval later; the others of its gateway need not wait for it. */
function postpone(index: i32): void {
  const vpn = vpnAt(gatewayAt(index).vpn);
  vpn.retry_at_ms = now_ms + jittered(vpn.config.interval_ms);
  pause(index, now_ms);
}

/**
 * There is a new SA. Whether it works the monitor finds out; if not, the next one waits longer each
 * time.
 */
function succeed(index: i32): void {
  const gateway = gatewayAt(index);
  const vpn = vpnAt(gateway.vpn);
  gateway.silences = 0;
  gateway.wakes = 0;
  vpn.refusals = 0;
  // Unless its echoes have been answered already, before it was listed.
  if (vpn.noted(Note.RECOVERING)) {
    vpn.unnote(Note.RECOVERING);
    vpn.recoveries++;
    vpn.tell(Tried.NEW_SA, now_ms);
    const unverified = vpn.recoveries - 2;
    vpn.retry_at_ms = unverified < 0 ? 0 : now_ms + backOff(vpn.config.interval_ms, unverified);
  }
  pause(index, now_ms);
}

/**
 * With a short interval attempts are short, too, so that one of them begins soon after an outage
 * ends. A peer whose first answer takes longer would never be reached: at growing distances one
 * attempt is long.
 */
function attemptLimit(gateway: Gateway, vpn: Vpn): i64 {
  const limit_ms = initiateLimit(vpn.config.interval_ms, vpn.delay_avg_16);
  const silences = gateway.silences;
  const patient = silences >= PATIENT_AFTER && popcnt(silences) == 1;
  return patient && limit_ms < SHORT_ATTEMPT_MS ? ANSWERED_STEP_MS : limit_ms;
}

function setStep(index: i32, to: Negotiation, limit_ms: i64): void {
  const gateway = gatewayAt(index);
  gateway.step = to;
  gateway.judging = false;
  gateway.extended = false;
  gateway.foreign = false;
  gateway.begun = false;
  gateway.counted = false;
  gateway.step_at_ms = now_ms;
  gateway.limit_ms = now_ms + limit_ms;
  setDeadline(index, gateway.limit_ms);
}

/** The step goes on: the next look at it is later. */
function lookAgain(index: i32, after_ms: i64): void {
  gatewayAt(index).judging = false;
  setDeadline(index, now_ms + after_ms);
}

/** Ends the negotiation for now; the VPNs that still ask are taken up again at `until_ms`. */
function pause(index: i32, until_ms: i64): void {
  rest(index, Negotiation.BACKING_OFF, until_ms);
}

/** Leaves the steps that talk, and gives the place to a gateway that queues for it. */
function rest(index: i32, to: Negotiation, until_ms: i64): void {
  const gateway = gatewayAt(index);
  if (gateway.step == Negotiation.QUEUED) leaveQueue();
  if (gateway.vpn >= 0) freePlace();
  gateway.step = to;
  gateway.vpn = -1;
  setDeadline(index, until_ms);
  offerPlace();
}

/** Whether the new SA is there that the step is for. */
function reached(gateway: Gateway): bool {
  const vpn = vpnAt(gateway.vpn);
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (sa.state != ChildState.INSTALLED) continue;
    if (gateway.step == Negotiation.INITIATING) {
      // A late list may still show what was to be forced away.
      if (!isForcedAway(vpn.gateway, sa.ike_id)) return true;
      continue;
    }
    const id = gateway.step == Negotiation.TERMINATING ? sa.ike_id : sa.id;
    if (id > gateway.old_id) return true;
  }
  return false;
}
