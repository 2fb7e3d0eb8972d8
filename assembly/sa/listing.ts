/**
 * What strongSwan listed becomes the tables of SAs. A listing is begun, its items
 * are merged one by one, and what it did not name is gone when it ends. Only a
 * listing that came whole removes anything.
 */
import { POOL_BYTES, poolAt } from "../bytes/pool";
import { gatewayAt } from "./gateway";
import { initPhase1, PHASE1_BYTES, Phase1, phase1At, phase1s } from "./phase1";
import { initPhase2, PHASE2_BYTES, Phase2, phase2At, phase2s } from "./phase2";
import { enterSpis, initSpis, leaveSpis } from "./spi";
import { vpnAt } from "./vpn";

const phase1_pool = poolAt(memory.data(POOL_BYTES));
const phase2_pool = poolAt(memory.data(POOL_BYTES));
let mark: u16 = 0;

/**
 * Two listings may differ by this much in when an IKE_SA was established: strongSwan tells seconds.
 */
const SAME_AGE_MS: i64 = 2_000;

/** Empties the tables of SAs. */
export function initListing(): void {
  initPhase1();
  initPhase2();
  phase1_pool.init(phase1s);
  phase2_pool.init(phase2s);
  initSpis();
  mark = 0;
}

/** Begins a listing: of one gateway or of all. */
export function beginListing(): void {
  mark++;
}

/** The IKE_SA with vici's `uniqueid` under a gateway; -1: not there. */
export function findPhase1(gateway: i32, id: u32): i32 {
  for (let i = gatewayAt(gateway).first_phase1; i >= 0; i = phase1At(i).next) {
    if (phase1At(i).id == id) return i;
  }
  return -1;
}

/** The CHILD_SA with vici's `uniqueid` under a VPN; -1: not there. */
function findPhase2(vpn: i32, id: u32): i32 {
  for (let i = vpnAt(vpn).first_phase2; i >= 0; i = phase2At(i).next) {
    if (phase2At(i).id == id) return i;
  }
  return -1;
}

/** Takes the IKE_SA in `found` (ike/strongswan/list_sas.ts) into the table; -1 at the limit. */
export function mergePhase1(gateway: i32, found: Phase1): i32 {
  let index = findPhase1(gateway, found.id);
  if (index < 0) {
    index = phase1_pool.take();
    if (index < 0) return -1;
    const owner = gatewayAt(gateway);
    found.next = owner.first_phase1;
    owner.first_phase1 = index;
    found.soft_at_ms = 0;
    found.spare_since_ms = 0;
  } else {
    const known = phase1At(index);
    found.next = known.next;
    // While it is rekeyed or deleted strongSwan leaves the times out.
    if (found.established_at_ms == 0) {
      found.established_at_ms = known.established_at_ms;
      found.rekey_at_ms = known.rekey_at_ms;
      found.reauth_at_ms = known.reauth_at_ms;
    }
    // A restarted charon gives the same numbers to other SAs.
    const same = abs(found.established_at_ms - known.established_at_ms) <= SAME_AGE_MS;
    found.soft_at_ms = same ? known.soft_at_ms : 0;
    found.forced = same && known.forced;
    found.spare_since_ms = known.spare_since_ms;
  }
  found.gateway = gateway;
  found.mark = mark;
  memory.copy(changetype<usize>(phase1At(index)), changetype<usize>(found), PHASE1_BYTES);
  return index;
}

/** Takes the CHILD_SA in `found` into the table; -1 at the limit. */
export function mergePhase2(vpn: i32, found: Phase2): i32 {
  let index = findPhase2(vpn, found.id);
  if (index < 0) {
    index = phase2_pool.take();
    if (index < 0) return -1;
    const owner = vpnAt(vpn);
    found.next = owner.first_phase2;
    owner.first_phase2 = index;
    found.soft_at_ms = 0;
    found.duplicate_since_ms = 0;
  } else {
    const known = phase2At(index);
    leaveSpis(index);
    if (found.spi_in == 0) {
      // In passing states strongSwan leaves SPIs, counters and times out.
      const state = found.state;
      memory.copy(changetype<usize>(found), changetype<usize>(known), PHASE2_BYTES);
      found.state = state;
    }
    found.next = known.next;
    found.left = false;
    // A restarted charon gives the same numbers to other SAs.
    const same = found.spi_in == known.spi_in;
    found.soft_at_ms = same ? known.soft_at_ms : 0;
    found.key_told = same && known.key_told;
    // Found anew when the listing is whole; one that is cut short must not leave it open.
    found.covered = known.covered;
    found.duplicate_since_ms = known.duplicate_since_ms;
    found.duplicate_packets_in = known.duplicate_packets_in;
  }
  found.vpn = vpn;
  found.mark = mark;
  memory.copy(changetype<usize>(phase2At(index)), changetype<usize>(found), PHASE2_BYTES);
  enterSpis(index);
  return index;
}

/** Removes the gateway's SAs that the listing did not name: they are gone. */
export function endListing(gateway: i32): void {
  const owner = gatewayAt(gateway);
  let previous = -1;
  for (let i = owner.first_phase1; i >= 0;) {
    const sa = phase1At(i);
    const next = sa.next;
    if (sa.mark == mark) {
      previous = i;
    } else {
      if (previous < 0) owner.first_phase1 = next;
      else phase1At(previous).next = next;
      phase1_pool.give(i);
    }
    i = next;
  }
  for (let vpn = owner.first_vpn; vpn >= 0; vpn = vpnAt(vpn).next_of_gateway) removeOld(vpn);
}

function removeOld(vpn: i32): void {
  const owner = vpnAt(vpn);
  let previous = -1;
  for (let i = owner.first_phase2; i >= 0;) {
    const sa = phase2At(i);
    const next = sa.next;
    if (sa.mark == mark) {
      previous = i;
    } else {
      if (previous < 0) owner.first_phase2 = next;
      else phase2At(previous).next = next;
      if (owner.current == i) owner.current = -1;
      leaveSpis(i);
      phase2_pool.give(i);
    }
    i = next;
  }
}

/** Forgets a VPN's CHILD_SAs (not strongSwan's: only what is kept of them here). */
export function forgetPhase2(vpn: i32): void {
  const owner = vpnAt(vpn);
  for (let i = owner.first_phase2; i >= 0;) {
    const next = phase2At(i).next;
    leaveSpis(i);
    phase2_pool.give(i);
    i = next;
  }
  owner.first_phase2 = -1;
  owner.current = -1;
}

/** Forgets a gateway's IKE_SAs, likewise. */
export function forgetPhase1(gateway: i32): void {
  const owner = gatewayAt(gateway);
  for (let i = owner.first_phase1; i >= 0;) {
    const next = phase1At(i).next;
    phase1_pool.give(i);
    i = next;
  }
  owner.first_phase1 = -1;
}
