import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_GATEWAYS } from "../limits";

/** Where a gateway's negotiation stands (ike/negotiation.ts has the steps). */
export const enum Negotiation {
  /** Nothing to do. */
  IDLE = 0,
  /** A VPN asked; waiting for a place under the cap. */
  QUEUED,
  /** `rekey child-id` is under way. */
  REKEYING_CHILD,
  /** `terminate ike-id force` is under way. */
  TERMINATING,
  /** `initiate` is under way. */
  INITIATING,
  /** Waiting for the next attempt. */
  BACKING_OFF,
}

/** Bytes of a Gateway record. */
export const GATEWAY_BYTES: i32 = 256;

/** An IKE peer: a strongSwan connection that at least one VPN names. */
@unmanaged
export class Gateway {
  /** First VPN, chained by Vpn.next_of_gateway; -1 none. */
  first_vpn: i32;
  /** First IKE_SA, chained by Phase1.next; -1 none. */
  first_phase1: i32;
  /** Negotiation. */
  step: u8;
  /** 1, 2, or 0 for any: from list-conns. */
  version: u8;
  /** Whether list-conns knows the connection. */
  known: bool;
  /** Whether it must be listed again. */
  dirty: bool;
  /** Seconds between DPD messages; 0: off. */
  dpd_delay_s: i32;
  /** The VPN that is being negotiated for, or -1. */
  vpn: i32;
  /** uniqueid of the SA that the step is about. */
  sa_id: u32;
  /** Attempts since the last success. */
  attempts: i32;
  /** Refusals in a row: the back-off's exponent. */
  refusals: i32;
  /** When the step ends. */
  deadline_ms: i64;
  /** Timer of the wheel (timer/wheel.ts) for it. */
  timer: i32;
  padding: i32;
  // By offset: a name of MAX_IKE_NAME_BYTES, and two addresses, unset for %any.
  get name(): usize {
    return changetype<usize>(this) + 96;
  }
  get local_ip(): usize {
    return changetype<usize>(this) + 160;
  }
  get peer_ip(): usize {
    return changetype<usize>(this) + 176;
  }
}

export const gateways: Table = tableAt(memory.data(TABLE_BYTES));

export function gatewayAt(index: i32): Gateway {
  return changetype<Gateway>(gateways.at(index));
}

export function initGateways(): void {
  gateways.init(GATEWAY_BYTES, MAX_GATEWAYS);
}
