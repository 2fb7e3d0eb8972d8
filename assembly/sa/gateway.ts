import { ADDRESS_BYTES } from "../bytes/address";
import { Pool, POOL_BYTES, poolAt } from "../bytes/pool";
import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { NEVER } from "../clock";
import { MAX_GATEWAYS, MAX_IKE_NAME_BYTES } from "../limits";
import { cancel, schedule } from "../timer/wheel";

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
const GATEWAY_BYTES: i32 = 256;
const NAME: i32 = 128;
const LOCAL_IP: i32 = NAME + MAX_IKE_NAME_BYTES + 1;
const PEER_IP: i32 = LOCAL_IP + ADDRESS_BYTES;
const RARE: i32 = PEER_IP + ADDRESS_BYTES;

/** What examinations alone look at. */
@unmanaged
class RareGateway {
  /** Seconds after which strongSwan makes the IKE_SA anew by authenticating again; 0: never. */
  reauth_time_s: i32;
  /** The examination (monitor/exam.ts) for which strongSwan last named the connection ... */
  examined: u32;
  /** ... the one for which the peer was pinged in the clear, and which saw it answer. */
  pinged: u32;
  ping_answered: u32;
}

/** An IKE peer: a strongSwan connection that at least one VPN names. */
@unmanaged
export class Gateway {
  /** First VPN, chained by Vpn.next_of_gateway; -1 none. */
  first_vpn: i32;
  /** uniqueid of the newest IKE_SA that was established; 0: none yet. */
  phase1_id: u32;
  /** First IKE_SA, chained by Phase1.next; -1 none. */
  first_phase1: i32;
  step: Negotiation;
  /** 1, 2, or 0 for any: from list-conns. */
  version: u8;
  /** Whether strongSwan knows the connection (list-conns). */
  known: bool;
  /** Whether it was listed since the vici connection was made. */
  listed: bool;
  /** Whether its IKE_SAs are with several peers, and that has been said. */
  said_shared: bool;
  /** Whether the record is in use. */
  used: bool;
  /** Whether the step's limit was reached and it is listed once more before that counts. */
  judging: bool;
  /** Seconds between DPD messages; 0: off. */
  dpd_delay_s: i32;
  /** The VPN that is being negotiated for, or -1. */
  vpn: i32;
  /**
   * The highest uniqueid of what the step is to replace: a CHILD_SA's or an IKE_SA's. They only
   * grow.
   */
  old_id: u32;
  /** Whether the attempt under way got more time because the peer had answered. */
  extended: bool;
  /** Whether the attempt under way is not ours: somebody else's, or left from before. */
  foreign: bool;
  /** Whether strongSwan has taken the attempt: a listing from before that does not show it. */
  begun: bool;
  /** Whether the siblings' packets were counted at the step's first listing. */
  counted: bool;
  /** Why the attempt under way fails, by an alert (ike/strongswan/alert.ts); 0: unknown. */
  refusal: u8;
  /** Wake-ups by links and routes since the last success. */
  wakes: i32;
  /** Attempts in a row that the peer did not answer. */
  silences: i32;
  /** Timer of the wheel (timer/wheel.ts): the earliest of the times below. */
  timer: i32;
  /** When the negotiation's step is looked at next, or the pause ends. */
  deadline_ms: i64;
  /** When it was listed last. */
  listed_at_ms: i64;
  /** When the step began. */
  step_at_ms: i64;
  /** When a link or route last woke it. */
  woken_at_ms: i64;
  /** When the step is given up. */
  limit_ms: i64;
  /** When it is listed again because that could not be asked for at once; NEVER: no need. */
  list_at_ms: i64;
  /** When duplicates are settled; NEVER: there are none. */
  settle_at_ms: i64;
  /** When the engine renews the Phase 1 key because strongSwan would not; NEVER: it need not. */
  soft_at_ms: i64;
  // By offset: a name of MAX_IKE_NAME_BYTES, and two addresses, unset for %any.
  get name(): usize {
    return changetype<usize>(this) + NAME;
  }
  get local_ip(): usize {
    return changetype<usize>(this) + LOCAL_IP;
  }
  get peer_ip(): usize {
    return changetype<usize>(this) + PEER_IP;
  }
  get rare(): RareGateway {
    return changetype<RareGateway>(changetype<usize>(this) + RARE);
  }
}

const gateways: Table = tableAt(memory.data(TABLE_BYTES));
const pool: Pool = poolAt(memory.data(POOL_BYTES));

/** The record at `index`. */
export function gatewayAt(index: i32): Gateway {
  return changetype<Gateway>(gateways.at(index));
}

/** Records to walk over; those without `used` are free. */
export function gatewayCount(): i32 {
  return pool.used;
}

/** Empties the table. */
export function initGateways(): void {
  assert(<i32>offsetof<Gateway>() <= NAME && RARE + <i32>offsetof<RareGateway>() <= GATEWAY_BYTES);
  pool.init(gateways.init(GATEWAY_BYTES, MAX_GATEWAYS));
}

/** Index of a zeroed record that is marked as used; -1 at the limit. */
export function takeGateway(): i32 {
  const index = pool.take();
  if (index < 0) return -1;
  assert(!gatewayAt(index).used);
  gatewayAt(index).used = true;
  return index;
}

/** Sets the gateway's timer to the earliest of its times: after each change of one. */
export function reschedule(index: i32): void {
  const gateway = gatewayAt(index);
  const soonest = min(
    min(gateway.deadline_ms, gateway.list_at_ms),
    min(gateway.settle_at_ms, gateway.soft_at_ms),
  );
  if (soonest == NEVER) cancel(gateway.timer);
  else schedule(gateway.timer, soonest);
}

/** Sets when the negotiation's step is looked at next, or the pause ends. */
export function setDeadline(index: i32, at_ms: i64): void {
  gatewayAt(index).deadline_ms = at_ms;
  reschedule(index);
}

/** Frees the record. */
export function giveGateway(index: i32): void {
  assert(gatewayAt(index).used);
  gatewayAt(index).used = false;
  pool.give(index);
}
