/**
 * Removes orphans (sa/orphan.ts): SAs that a charon has left in the kernel when it was killed. One
 * is removed only when everything says that nobody needs it (docs/decisions.md): its VPN works on
 * another SA between the same hosts, charon has just listed all that it has, and for a while the
 * kernel has shown the very SA, and no packet more.
 */
import { sameAddress } from "../bytes/address";
import { NEVER, now_ms, wall_ms } from "../clock";
import { orphanKept, orphanRemoved, orphansUnseen } from "../event/kernel";
import { request, Request } from "../ike/vici/session";
import { MAX_SA_QUESTIONS } from "../limits";
import {
  askForSa,
  beginSaRequests,
  nextSaAnswer,
  openSaAnswers,
  removeSa,
  sa_answer,
  sendSaRequests,
} from "../netlink/xfrm";
import { gatewayAt } from "../sa/gateway";
import { findPhase1 } from "../sa/listing";
import {
  dropOrphan,
  hashSelectors,
  IN,
  noteOrphan,
  Orphan,
  orphanAt,
  orphanCount,
  orphanRecords,
  OUT,
  Sight,
} from "../sa/orphan";
import { phase1At } from "../sa/phase1";
import { phase2At } from "../sa/phase2";
import { Note, State, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { Mode } from "./decision";
import { modeOf } from "./effect";

/** Pause between two looks; it doubles while nothing comes of them. */
const LOOK_MS: i64 = 10_000;
const MAX_LOOK_MS: i64 = 60_000;
/** An orphan is removed when no packet has come or gone through it for so long. */
const GRACE_MS: i64 = 30_000;
/** How long charon may take to list all SAs, and the kernel to answer. */
const LISTING_LIMIT_MS: i64 = 30_000;
const ANSWER_LIMIT_MS: i64 = 1_000;

/** Orphans that the kernel is asked for at the same time. */
const BATCH: i32 = MAX_SA_QUESTIONS / 2;
const ESRCH: i32 = 3;

const enum Step {
  IDLE = 0,
  /** charon lists all SAs. */
  LISTING,
  /** The kernel is asked for the orphans of a batch ... */
  ASKING,
  /** ... and has some of them removed. */
  REMOVING,
}

let step: Step = Step.IDLE;
/** When the next look, or the time of the step, is due. */
let due_ms: i64 = NEVER;
let pause_ms: i64 = LOOK_MS;
let begun_ms: i64 = 0;
/** Something came of this look, or is about to. */
let progress: bool = false;

const batch: usize = memory.data(BATCH * 4);
let batch_count: i32 = 0;
/** The next record that is to be asked for. */
let cursor: i32 = 0;
/** Number of the batch's first question; how many have no answer yet. */
let first_seq: u32 = 0;
let open: i32 = 0;
/** Why the kernel did not do what it was asked for; 0: it did. */
let refused_errno: i32 = 0;

let can_look: bool = false;
/** Why not, until it has been said. */
let unsaid_errno: i32 = 0;

/** The socket for SAs is there, or `errno` says why not. */
export function xfrmOpened(errno: i32): void {
  can_look = errno == 0;
  unsaid_errno = errno;
}

/** When `orphansDue` is to be called. */
export function orphanDeadline(): i64 {
  return due_ms;
}

/** The connection to charon is lost: if charon was killed, what it had are orphans. */
export function charonGone(): void {
  step = Step.IDLE;
  batch_count = 0;
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED) && modeOf(vpnAt(i)) == Mode.REKEY) noteOrphans(i);
  }
  pause_ms = LOOK_MS;
  due_ms = orphanCount() > 0 ? now_ms + pause_ms : NEVER;
}

function noteOrphans(index: i32): void {
  const vpn = vpnAt(index);
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    const ike = findPhase1(vpn.gateway, sa.ike_id);
    if (sa.left || sa.spi_in == 0 || sa.spi_out == 0 || sa.protocol == 0 || ike < 0) continue;
    if (can_look) {
      sa.left = true;
      noteOrphan(index, vpn, sa, phase1At(ike), wall_ms / 1000);
    } else if (unsaid_errno != 0) {
      orphansUnseen(unsaid_errno);
      unsaid_errno = 0;
    }
  }
}

/** The look that is due, or the end of what is waited for. */
export function orphansDue(): void {
  if (step == Step.IDLE) beginLook();
  else if (step == Step.LISTING) endLook();
  else endBatch();
}

function beginLook(): void {
  progress = false;
  let any = false;
  for (let i = 0; i < orphanRecords(); i++) {
    const orphan = orphanAt(i);
    if (!orphan.used) continue;
    if (!isTheirs(orphan)) dropOrphan(i);
    else if (isReplaced(orphan)) any = true;
  }
  if (any && request(Request.LIST_SAS, -1)) {
    step = Step.LISTING;
    begun_ms = now_ms;
    due_ms = now_ms + LISTING_LIMIT_MS;
  } else {
    endLook();
  }
}

function endLook(): void {
  step = Step.IDLE;
  batch_count = 0;
  pause_ms = progress ? LOOK_MS : min(2 * pause_ms, MAX_LOOK_MS);
  due_ms = orphanCount() > 0 ? now_ms + pause_ms : NEVER;
}

/** charon has listed all its SAs, as asked for then. What it has is no orphan. */
export function allListed(asked_at_ms: i64): void {
  for (let i = 0; i < orphanRecords(); i++) {
    if (orphanAt(i).used && isListed(orphanAt(i))) dropOrphan(i);
  }
  if (step != Step.LISTING || asked_at_ms < begun_ms) return;
  cursor = 0;
  askBatch();
}

/** Whether its VPN is still the tunnel that it was. */
function isTheirs(orphan: Orphan): bool {
  const vpn = vpnAt(orphan.vpn);
  return vpn.noted(Note.USED) && vpn.path == orphan.path && modeOf(vpn) == Mode.REKEY;
}

function isListed(orphan: Orphan): bool {
  if (!isTheirs(orphan)) return false;
  for (let i = vpnAt(orphan.vpn).first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (sa.spi_in == orphan.way(IN).spi || sa.spi_out == orphan.way(OUT).spi) return true;
  }
  return false;
}

/** Whether the VPN has an SA that was seen to work, between the same hosts, in its place. */
function isReplaced(orphan: Orphan): bool {
  const vpn = vpnAt(orphan.vpn);
  if (vpn.state != State.UP || !vpn.noted(Note.VERIFIED) || vpn.current < 0) return false;
  const sa = phase2At(vpn.current);
  if (sa.left || !sa.forwards || sa.protocol != orphan.protocol) return false;
  if (hashSelectors(sa) != orphan.selectors_hash || !isClear(vpn)) return false;
  const index = findPhase1(vpn.gateway, sa.ike_id);
  if (index < 0 || gatewayAt(vpn.gateway).said_shared) return false;
  const ike = phase1At(index);
  return sameAddress(ike.local_host, orphan.local) && sameAddress(ike.remote_host, orphan.remote);
}

/** Whether charon told the SPIs of all that it has: in some passing states it does not. */
function isClear(vpn: Vpn): bool {
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    if (phase2At(i).spi_in == 0) return false;
  }
  return true;
}

function inBatch(i: i32): i32 {
  return load<i32>(batch + 4 * i);
}

/** Asks for the next ones that were replaced; if there are none the look is over. */
function askBatch(): void {
  batch_count = 0;
  beginQuestions();
  for (; cursor < orphanRecords() && batch_count < BATCH; cursor++) {
    const orphan = orphanAt(cursor);
    if (!orphan.used || !isTheirs(orphan) || !isReplaced(orphan)) continue;
    for (let d = IN; d <= OUT; d++) {
      const way = orphan.way(d);
      way.sight = Sight.NONE;
      way.asked = true;
      askForSa(nextSeq(batch_count, d), orphan.destination(d), way.spi, orphan.protocol);
    }
    store<i32>(batch + 4 * batch_count++, cursor);
  }
  if (open == 0) endLook();
  else waitFor(Step.ASKING);
}

function beginQuestions(): void {
  refused_errno = 0;
  first_seq += MAX_SA_QUESTIONS;
  open = 0;
  beginSaRequests();
}

/** Number of one more question, about one direction of the orphan at `i` of the batch. */
function nextSeq(i: i32, direction: i32): u32 {
  open++;
  return first_seq + 2 * i + direction;
}

function waitFor(next: Step): void {
  step = next;
  due_ms = now_ms + ANSWER_LIMIT_MS;
  sendSaRequests();
}

/** Takes what the kernel answers. */
export function xfrmCame(p: usize, len: i32): void {
  openSaAnswers(p, len);
  while (nextSaAnswer()) {
    const i = sa_answer.seq - first_seq;
    if (i >= <u32>(2 * batch_count)) continue;
    const orphan = orphanAt(inBatch(i >> 1));
    const way = orphan.way(i & 1);
    if (!way.asked) continue;
    way.asked = false;
    open--;
    const is_gone = sa_answer.errno == ESRCH;
    if (is_gone || (step == Step.REMOVING && sa_answer.errno == 0)) way.sight = Sight.GONE;
    else if (sa_answer.errno != 0) refused_errno = sa_answer.errno;
    else if (sa_answer.told) way.sight = isTheVery(orphan, i & 1) ? Sight.THERE : Sight.GONE;
  }
  if (open == 0 && (step == Step.ASKING || step == Step.REMOVING)) endBatch();
}

/** Whether the kernel tells of the SA that is meant, and not of a later one with its SPI. */
function isTheVery(orphan: Orphan, direction: i32): bool {
  const way = orphan.way(direction);
  if (sa_answer.spi != way.spi || sa_answer.if_id != way.if_id) return false;
  if (!sameAddress(sa_answer.source, orphan.source(direction))) return false;
  if (sa_answer.added_s > orphan.lost_s) return false;
  const is_first = orphan.idle_since_ms == 0;
  if (!is_first && sa_answer.added_s != way.added_s) return false;
  if (is_first || sa_answer.packets != way.packets) way.moved = true;
  way.packets = sa_answer.packets;
  way.added_s = sa_answer.added_s;
  return true;
}

/** All answers are there, or their time is over. */
function endBatch(): void {
  if (step == Step.REMOVING) {
    for (let i = 0; i < batch_count; i++) removed(inBatch(i));
    askBatch();
    return;
  }
  if (refused_errno != 0) return giveUp();
  beginQuestions();
  let kept = 0;
  for (let i = 0; i < batch_count; i++) {
    const index = inBatch(i);
    if (!isDue(index)) continue;
    store<i32>(batch + 4 * kept, index);
    const orphan = orphanAt(index);
    for (let d = IN; d <= OUT; d++) {
      const way = orphan.way(d);
      if (way.sight != Sight.THERE) continue;
      way.asked = true;
      removeSa(nextSeq(kept, d), orphan.destination(d), way.spi, orphan.protocol);
    }
    kept++;
  }
  batch_count = kept;
  if (open > 0) waitFor(Step.REMOVING);
  else askBatch();
}

/** Looks at what the kernel has said of it: forgets what is gone, and waits while it is used. */
function isDue(index: i32): bool {
  const orphan = orphanAt(index);
  const a = orphan.way(IN);
  const b = orphan.way(OUT);
  const is_told = !a.asked && !b.asked && a.sight != Sight.NONE && b.sight != Sight.NONE;
  a.asked = false;
  b.asked = false;
  if (!is_told) return false;
  if (a.sight == Sight.GONE && b.sight == Sight.GONE) {
    dropOrphan(index);
    progress = true;
    return false;
  }
  const is_first = orphan.idle_since_ms == 0;
  const has_moved = a.moved || b.moved;
  a.moved = false;
  b.moved = false;
  if (has_moved) orphan.idle_since_ms = now_ms;
  if (is_first || !has_moved) progress = true;
  return !has_moved && now_ms - orphan.idle_since_ms >= GRACE_MS;
}

function removed(index: i32): void {
  const orphan = orphanAt(index);
  const a = orphan.way(IN);
  const b = orphan.way(OUT);
  a.asked = false;
  b.asked = false;
  const is_removed = a.sight == Sight.GONE && b.sight == Sight.GONE;
  // What was not answered is asked for again.
  if (!is_removed && refused_errno == 0) return;
  const vpn = vpnAt(orphan.vpn);
  const peer = gatewayAt(vpn.gateway).peer_ip;
  if (is_removed) orphanRemoved(vpn.config.name, peer, a.spi, b.spi);
  else orphanKept(vpn.config.name, peer, a.spi, b.spi, refused_errno);
  dropOrphan(index);
}

/** The kernel does not let us ask. */
function giveUp(): void {
  can_look = false;
  orphansUnseen(refused_errno);
  for (let i = 0; i < orphanRecords(); i++) if (orphanAt(i).used) dropOrphan(i);
  endLook();
}
