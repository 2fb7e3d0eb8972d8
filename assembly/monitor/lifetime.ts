/**
 * Soft lifetimes: a key is renewed before its hard lifetime ends, even on an idle
 * tunnel (screenos.md, "The Rekey option", 2). Where strongSwan has a rekey of its
 * own scheduled in time, that is left to it; ours is the one that comes after.
 */
import { NEVER, now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { request, Request, withdraw } from "../ike/vici/session";
import { jittered, randomBelow } from "../random";
import { gatewayAt, reschedule } from "../sa/gateway";
import { IkeState, Phase1, phase1At } from "../sa/phase1";
import { ChildState, Phase2, phase2At } from "../sa/phase2";
import { Vpn, vpnAt } from "../sa/vpn";

/**
 * The soft lifetime ends a tenth before the hard one, and for short ones at least this much before
 * ...
 */
const MARGIN_MS: i64 = 10_000;
/** ... but never earlier than after two thirds of it. */
const MAX_MARGIN_DIVISOR: i64 = 3;
/** How late strongSwan may be with the rekey that it has scheduled. */
const GRACE_MS: i64 = 5_000;
/** A renewal that has not shown is asked for again after this, or sooner when time runs out. */
const RETRY_MS: i64 = 10_000;
const MIN_RETRY_MS: i64 = 500;

/** When the SA, new or changed, must be renewed by us. */
export function phase2SoftAt(sa: Phase2): i64 {
  if (sa.expires_at_ms == 0) return NEVER;
  const lifetime_ms = max(sa.expires_at_ms - sa.installed_at_ms, 1);
  const margin_ms = min(max(lifetime_ms / 10, MARGIN_MS), lifetime_ms / MAX_MARGIN_DIVISOR);
  const soft_at_ms = sa.expires_at_ms - jittered(margin_ms);
  const theirs = sa.rekey_at_ms;
  if (theirs == 0 || theirs + GRACE_MS >= sa.expires_at_ms) return soft_at_ms;
  return max(soft_at_ms, theirs + GRACE_MS);
}

/** When the IKE_SA, new, must be renewed by us: if strongSwan renews it never. */
function phase1SoftAt(sa: Phase1, lifetime_s: i32): i64 {
  if (sa.rekey_at_ms != 0 || sa.reauth_at_ms != 0 || lifetime_s == 0) return NEVER;
  const lifetime_ms = <i64>lifetime_s * 1000;
  const margin_ms = lifetime_ms / 10;
  const soft_at_ms = sa.established_at_ms + lifetime_ms - jittered(margin_ms);
  // Long over: found so at the start, and others with it. They take their turns.
  return soft_at_ms > now_ms ? soft_at_ms : now_ms + randomBelow(margin_ms);
}

/** The shortest Phase 1 lifetime that the gateway's VPNs ask for, 0: none does. */
function phase1Lifetime(gateway_index: i32): i32 {
  let shortest = 0;
  for (let i = gatewayAt(gateway_index).first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    const config = vpnAt(i).config;
    if (!config.has(VpnFlag.REKEY) || config.phase1_lifetime_s == 0) continue;
    if (shortest == 0 || config.phase1_lifetime_s < shortest) shortest = config.phase1_lifetime_s;
  }
  return shortest;
}

/** The gateway's newest established IKE_SA: the one that lives on. */
function newestPhase1(gateway_index: i32): i32 {
  let newest = -1;
  for (let i = gatewayAt(gateway_index).first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (sa.state != IkeState.ESTABLISHED) continue;
    if (newest < 0 || sa.id > phase1At(newest).id) newest = i;
  }
  return newest;
}

/** The configuration may want another lifetime: it is worked out anew at the next listing. */
export function forgetRenewals(gateway_index: i32): void {
  for (let i = gatewayAt(gateway_index).first_phase1; i >= 0; i = phase1At(i).next) {
    phase1At(i).soft_at_ms = 0;
  }
}

/**
 * The gateway was listed: works out when its next key must be renewed, Phase 1's or that of a VPN's
 * SA.
 */
export function planRenewals(gateway_index: i32): void {
  const gateway = gatewayAt(gateway_index);
  let soonest = NEVER;
  const newest = newestPhase1(gateway_index);
  if (newest >= 0) {
    const sa = phase1At(newest);
    if (sa.soft_at_ms == 0) sa.soft_at_ms = phase1SoftAt(sa, phase1Lifetime(gateway_index));
    soonest = sa.soft_at_ms;
  }
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    const vpn = vpnAt(i);
    if (vpn.current < 0 || !vpn.config.has(VpnFlag.REKEY)) continue;
    const sa = phase2At(vpn.current);
    if (sa.soft_at_ms == 0) sa.soft_at_ms = phase2SoftAt(sa);
    soonest = min(soonest, sa.soft_at_ms);
  }
  gateway.soft_at_ms = soonest;
  reschedule(gateway_index);
}

/**
 * The IKE_SA's soft lifetime ended (the gateway's timer): asks strongSwan for a new Phase 1 key.
 */
export function renewPhase1(gateway_index: i32): void {
  const newest = newestPhase1(gateway_index);
  if (newest < 0 || phase1At(newest).soft_at_ms > now_ms) return;
  const sa = phase1At(newest);
  sa.soft_at_ms = now_ms + RETRY_MS;
  request(Request.REKEY_IKE, sa.id);
}

/**
 * Whether the soft lifetime of the VPN's SA has ended; if so it is put off, for the case that this
 * attempt fails.
 */
export function softLifetimeEnded(vpn: Vpn): bool {
  if (vpn.current < 0 || !vpn.config.has(VpnFlag.REKEY)) return false;
  const sa = phase2At(vpn.current);
  if (sa.soft_at_ms > now_ms) return false;
  const left_ms = sa.expires_at_ms - now_ms;
  sa.soft_at_ms = now_ms + min(max(left_ms / 4, MIN_RETRY_MS), RETRY_MS);
  return true;
}

/** Nobody asks for that any more, nor for what waits for a slow strongSwan. */
export function withdrawRenewal(vpn: Vpn): void {
  if (vpn.current >= 0) withdraw(Request.REKEY_CHILD, phase2At(vpn.current).id);
}

/** Asks strongSwan for a new key of a healthy SA; the old one serves until the new one does. */
export function renewPhase2(vpn_index: i32): void {
  const sa = phase2At(vpnAt(vpn_index).current);
  // In any other state strongSwan is at it already.
  if (sa.state == ChildState.INSTALLED) request(Request.REKEY_CHILD, sa.id);
}
