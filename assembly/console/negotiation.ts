/** What a VPN's gateway is doing for it, in words. */
import { NEVER } from "../clock";
import { gatewayAt, Negotiation } from "../sa/gateway";
import { Note, Vpn, vpnAt } from "../sa/vpn";

/**
 * What the gateway is doing for this VPN: the step, if it is this one's turn; one that asked waits
 * while it is another's.
 */
export function negotiation(index: i32): Negotiation {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  if (gateway.vpn == index) return gateway.step;
  if (!vpn.noted(Note.RECOVERING)) return Negotiation.IDLE;
  return gateway.step == Negotiation.QUEUED ? Negotiation.QUEUED : Negotiation.BACKING_OFF;
}

/** When the VPN's turn is, of one that waits at a gateway where no other has its turn. */
export function attemptAt(vpn: Vpn): i64 {
  const gateway = gatewayAt(vpn.gateway);
  // Where the gateway does not wait, the next round has it begin.
  const soonest_ms = gateway.deadline_ms == NEVER ? vpn.due_ms : gateway.deadline_ms;
  return max(soonest_ms, vpn.retry_at_ms);
}

/** What the gateway is doing, for people. */
export function negotiationWord(step: Negotiation): string {
  switch (<i32>step) {
    case Negotiation.QUEUED:
      return "queued";
    case Negotiation.REKEYING_CHILD:
      return "rekeying Phase 2";
    case Negotiation.TERMINATING:
      return "removing Phase 1";
    case Negotiation.INITIATING:
      return "initiating";
    case Negotiation.BACKING_OFF:
      return "waiting";
    default:
      return "idle";
  }
}
