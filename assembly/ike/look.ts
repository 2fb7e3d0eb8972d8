/**
 * What a gateway's SAs, as last listed, tell a negotiation. Questions only: nothing is changed but
 * a count.
 */
import { sameAddress } from "../bytes/address";
import { now_ms } from "../clock";
import { Gateway, Negotiation } from "../sa/gateway";
import { findPhase1 } from "../sa/listing";
import { IkeState, Phase1, phase1At } from "../sa/phase1";
import { phase2At } from "../sa/phase2";
import { Note, Vpn, vpnAt } from "../sa/vpn";

/** The gateway's VPN that asked and whose turn is soonest, or -1. */
export function nextAsking(gateway: Gateway): i32 {
  let found = -1;
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.RECOVERING)) continue;
    if (found < 0 || vpn.retry_at_ms < vpnAt(found).retry_at_ms) found = i;
  }
  return found;
}

/** Whether the IKE_SA with this uniqueid was to be forced away, and is still listed. */
export function isForcedAway(gateway_index: i32, ike_id: u32): bool {
  const phase1 = findPhase1(gateway_index, ike_id);
  return phase1 >= 0 && phase1At(phase1).forced;
}

/** Whether the gateway has an established IKE_SA. */
export function hasEstablished(gateway: Gateway): bool {
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    if (phase1At(i).state == IkeState.ESTABLISHED) return true;
  }
  return false;
}

/**
 * Whether strongSwan is still at it: an IKE_SA not yet established, or one with a task for a
 * CHILD_SA.
 */
export function hasUnfinished(gateway: Gateway): bool {
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (sa.state != IkeState.ESTABLISHED || sa.child_task) return true;
  }
  return false;
}

/** Whether an IKE_SA that is not yet established has heard from its peer. */
export function anyAnswered(gateway: Gateway): bool {
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (sa.state == IkeState.CONNECTING && sa.answered) return true;
  }
  return false;
}

/** Whether the IKE_SAs that were to be forced away are gone. */
export function oldPhase1Gone(gateway: Gateway): bool {
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    if (phase1At(i).forced) return false;
  }
  return true;
}

/**
 * Whether the IKE_SA is with the VPN's peer. A connection may have others, as with dial-up: their
 * IKE_SAs are not this VPN's to touch.
 */
export function isWithPeer(gateway: Gateway, vpn: Vpn, sa: Phase1): bool {
  if (sa.state != IkeState.ESTABLISHED) return sa.initiator;
  if (vpn.current < 0) return sameAddress(sa.remote_host, gateway.peer_ip);
  const own = findPhase1(vpn.gateway, phase2At(vpn.current).ike_id);
  return own < 0 || sameAddress(sa.remote_host, phase1At(own).remote_host);
}

/** Whether the IKE_SA of the VPN's SA carries CHILD_SAs besides, be they monitored or not. */
export function isShared(vpn: Vpn): bool {
  const ike_id = phase2At(vpn.current).ike_id;
  let own = 0;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    if (phase2At(i).ike_id == ike_id) own++;
  }
  const phase1 = findPhase1(vpn.gateway, ike_id);
  return phase1 >= 0 && <i32>phase1At(phase1).children > own;
}

/**
 * Whether another VPN, on the same IKE_SA where both have one, was answered since this one was, or
 * has received packets since the rekey began: then the fault is not the IKE_SA's.
 */
export function siblingLives(gateway: Gateway, vpn: Vpn): bool {
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    const other = vpnAt(i);
    const apart = vpn.current >= 0 && other.current >= 0 && ikeOf(vpn) != ikeOf(other);
    if (!apart && lives(gateway, vpn, other)) return true;
  }
  return false;
}

/** Whether such a VPN is on the IKE_SA: to force that away would cut a working tunnel. */
export function carriesLiving(gateway: Gateway, vpn: Vpn, sa: Phase1): bool {
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    const other = vpnAt(i);
    if (other.current >= 0 && ikeOf(other) == sa.id && lives(gateway, vpn, other)) return true;
  }
  return false;
}

/** uniqueid of the IKE_SA that carries the VPN's SA. */
function ikeOf(vpn: Vpn): u32 {
  return phase2At(vpn.current).ike_id;
}

function lives(gateway: Gateway, vpn: Vpn, other: Vpn): bool {
  if (changetype<usize>(other) == changetype<usize>(vpn)) return false;
  const counted = gateway.step == Negotiation.REKEYING_CHILD && gateway.counted;
  if (counted && packetsIn(other) > other.step_packets_in) return true;
  const since = max(
    vpn.answered_at_ms + vpn.config.interval_ms,
    now_ms - 2 * <i64>other.config.interval_ms,
  );
  return other.answered_at_ms > since;
}

/** Notes what each VPN of the gateway has received so far: `siblingLives` compares with it. */
export function countPackets(gateway: Gateway): void {
  gateway.counted = true;
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    vpnAt(i).step_packets_in = packetsIn(vpnAt(i));
  }
}

function packetsIn(vpn: Vpn): i64 {
  return vpn.current < 0 ? 0 : phase2At(vpn.current).packets_in;
}
