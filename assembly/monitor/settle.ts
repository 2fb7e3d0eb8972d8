/**
 * Exactly one CHILD_SA stays. Of duplicates the one whose smaller SPI is the
 * smallest goes: both ends see the same SPIs, so both name the same one (design.md,
 * rule 8). Not so where one's IKE_SA was made long after the other's: then the peer
 * has most likely forgotten the old one, and it is the relic that goes. The
 * initiator of its IKE_SA deletes it after a while, the other end only if it is
 * still there much later. Without rekey no SA is ever touched.
 */
import { NEVER, now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { duplicateRemoved } from "../event/text";
import { request, Request } from "../ike/vici/session";
import { MAX_PHASE2_PER_VPN } from "../limits";
import { randomBelow } from "../random";
import { gatewayAt, reschedule } from "../sa/gateway";
import { findPhase1 } from "../sa/listing";
import { IkeState, Phase1, phase1At } from "../sa/phase1";
import { ChildState, Phase2, phase2At } from "../sa/phase2";
import { Vpn, vpnAt } from "../sa/vpn";

/** How long a duplicate is left alone: it may be a rekey, or settle by itself. */
const INITIATOR_WAIT_MS: i64 = 1_500;
const RESPONDER_WAIT_MS: i64 = 6_000;
const JITTER_MS: i64 = 1_000;
/** IKE_SAs of both ends' initiating at once are not this far apart in age. */
const RELIC_MS: i64 = 10_000;

/** The gateway was listed: deletes the duplicates whose time is over, and plans for the others. */
export function settle(gateway_index: i32): void {
  const gateway = gatewayAt(gateway_index);
  let soonest = NEVER;
  let any = false;
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    if (!vpnAt(i).config.has(VpnFlag.REKEY)) continue;
    any = true;
    soonest = min(soonest, settleVpn(gateway_index, i));
  }
  if (any) soonest = min(soonest, settlePhase1(gateway_index));
  gateway.settle_at_ms = soonest;
  reschedule(gateway_index);
}

/** The smaller SPI of the pair: the same number at both ends. */
function rank(sa: Phase2): u32 {
  return min(sa.spi_in, sa.spi_out);
}

/** When the IKE_SA of the CHILD_SA was established; 0: it is not known. */
function establishedAt(gateway_index: i32, sa: Phase2): i64 {
  const phase1_index = findPhase1(gateway_index, sa.ike_id);
  return phase1_index < 0 ? 0 : phase1At(phase1_index).established_at_ms;
}

/** Of the CHILD_SAs with the selectors of `like` the one that stays. */
function keeper(gateway_index: i32, vpn_index: i32, like: Phase2): i32 {
  let youngest_ms: i64 = 0;
  for (let i = vpnAt(vpn_index).first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (sa.state != ChildState.INSTALLED || !sa.hasSelectorsOf(like)) continue;
    youngest_ms = max(youngest_ms, establishedAt(gateway_index, sa));
  }
  let kept = -1;
  for (let i = vpnAt(vpn_index).first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (sa.state != ChildState.INSTALLED || !sa.hasSelectorsOf(like)) continue;
    if (youngest_ms - establishedAt(gateway_index, sa) >= RELIC_MS) continue;
    if (kept < 0 || rank(sa) > rank(phase2At(kept))) kept = i;
  }
  return kept;
}

/** Installed CHILD_SAs of the VPN; with `like` only those with its selectors. */
function countInstalled(vpn: Vpn, like: Phase2 | null = null): i32 {
  let count = 0;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (sa.state != ChildState.INSTALLED) continue;
    if (!like || sa.hasSelectorsOf(like)) count++;
  }
  return count;
}

function settleVpn(gateway_index: i32, vpn_index: i32): i64 {
  const vpn = vpnAt(vpn_index);
  let soonest = NEVER;
  if (countInstalled(vpn) > MAX_PHASE2_PER_VPN) return soonest;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (sa.state != ChildState.INSTALLED || countInstalled(vpn, sa) == 1) {
      sa.duplicate_since_ms = 0;
      continue;
    }
    if (sa.duplicate_since_ms == 0) {
      vpn.duplicates++;
      vpn.duplicate_at_ms = now_ms;
      sa.duplicate_since_ms = now_ms;
      sa.duplicate_packets_in = sa.packets_in;
    }
    const kept = keeper(gateway_index, vpn_index, sa);
    const phase1 = findPhase1(gateway_index, sa.ike_id);
    if (i == kept || phase1 < 0) continue;
    const ours = phase1At(phase1).initiator;
    const due_ms = dueAt(gateway_index, sa.duplicate_since_ms, ours);
    if (due_ms > now_ms) soonest = min(soonest, due_ms);
    else remove(gateway_index, vpn, !ours && onlyHears(sa, phase2At(kept)) ? kept : i);
  }
  return soonest;
}

/**
 * The other end has had its time to delete the loser, and still sends on it alone: most likely it
 * has only that one.
 */
function onlyHears(loser: Phase2, kept: Phase2): bool {
  return (
    loser.packets_in > loser.duplicate_packets_in && kept.packets_in == kept.duplicate_packets_in
  );
}

function remove(gateway_index: i32, vpn: Vpn, phase2_index: i32): void {
  const sa = phase2At(phase2_index);
  const phase1 = findPhase1(gateway_index, sa.ike_id);
  // The last CHILD_SA goes with its IKE_SA, or an empty one would be left.
  if (phase1 >= 0 && phase1At(phase1).children == 1) request(Request.TERMINATE_IKE, sa.ike_id);
  else request(Request.TERMINATE_CHILD, sa.id);
  sa.duplicate_since_ms = 0;
  duplicateRemoved(vpn.config.name, gatewayAt(gateway_index).peer_ip, sa.spi_in, sa.spi_out);
}

/** An established IKE_SA without any CHILD_SA, beside another one, is a duplicate too. */
function settlePhase1(gateway_index: i32): i64 {
  let soonest = NEVER;
  for (let i = gatewayAt(gateway_index).first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (!isSpare(sa) || !hasBetter(gateway_index, sa)) {
      sa.spare_since_ms = 0;
      continue;
    }
    if (sa.spare_since_ms == 0) sa.spare_since_ms = now_ms;
    const due_ms = dueAt(gateway_index, sa.spare_since_ms, sa.initiator);
    if (due_ms > now_ms) {
      soonest = min(soonest, due_ms);
    } else {
      sa.spare_since_ms = 0;
      request(Request.TERMINATE_IKE, sa.id);
    }
  }
  return soonest;
}

function isSpare(sa: Phase1): bool {
  return sa.state == IkeState.ESTABLISHED && sa.children == 0 && !sa.child_task;
}

function hasBetter(gateway_index: i32, spare: Phase1): bool {
  for (let i = gatewayAt(gateway_index).first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (sa.state == IkeState.ESTABLISHED && sa.children > 0 && sa.id != spare.id) return true;
  }
  return false;
}

/** When a duplicate may be deleted by us; never while the gateway negotiates. */
function dueAt(gateway_index: i32, since_ms: i64, initiator: bool): i64 {
  const due_ms = since_ms + (initiator ? INITIATOR_WAIT_MS : RESPONDER_WAIT_MS);
  const busy = gatewayAt(gateway_index).vpn >= 0;
  const soonest_ms = busy ? now_ms + INITIATOR_WAIT_MS : now_ms;
  return due_ms <= soonest_ms && !busy ? due_ms : max(due_ms, soonest_ms) + randomBelow(JITTER_MS);
}
