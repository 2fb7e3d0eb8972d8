import { ADDRESS_BYTES } from "../bytes/address";
import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_ALGORITHM_BYTES, MAX_PHASE1, MAX_VIRTUAL_IPS } from "../limits";

/** strongSwan's names of an IKE_SA's states (vici list-sas, `state`). */
export const enum IkeState {
  UNKNOWN = 0,
  CREATED,
  CONNECTING,
  ESTABLISHED,
  PASSIVE,
  REKEYING,
  REKEYED,
  DELETING,
  DESTROYING,
}

/** Bytes of a Phase1 record. */
export const PHASE1_BYTES: i32 = 256;
const LOCAL_HOST: i32 = 72;
const REMOTE_HOST: i32 = LOCAL_HOST + ADDRESS_BYTES;
const ALGORITHM: i32 = REMOTE_HOST + ADDRESS_BYTES;
const LOCAL_VIPS: i32 = ALGORITHM + MAX_ALGORITHM_BYTES + 1;
const REMOTE_VIPS: i32 = LOCAL_VIPS + MAX_VIRTUAL_IPS * ADDRESS_BYTES;

/** An IKE_SA as the last listing showed it. */
@unmanaged
export class Phase1 {
  /** vici's `uniqueid`. */
  id: u32;
  /** Index of its gateway. */
  gateway: i32;
  /** Next IKE_SA of the gateway, or -1. */
  next: i32;
  /** IkeState. */
  state: u8;
  /** Whether this end initiated it. */
  initiator: bool;
  /** 1 or 2. */
  version: u8;
  /** Whether a task that makes or rekeys a CHILD_SA is active or queued. */
  child_task: bool;
  remote_port: u16;
  /** Mark of the listing that is being read: what keeps an old mark at its end is gone. */
  mark: u16;
  /** Whether the peer has answered at all: it has given its SPI (RFC 7296, 3.1). */
  answered: bool;
  /** CHILD_SAs on it, those of no VPN included. */
  children: u8;
  /** Whether it was told to go by force. */
  forced: bool;
  /** Virtual IPs that the peer gave to this end, and this end to the peer. */
  local_vip_count: u8;
  remote_vip_count: u8;
  /** Monotonic; 0 unset. */
  established_at_ms: i64;
  /** When strongSwan itself rekeys it; 0: never. */
  rekey_at_ms: i64;
  /** When strongSwan itself reauthenticates it; 0: never. */
  reauth_at_ms: i64;
  /**
   * When the engine renews it because strongSwan would not; NEVER: it need not; 0: not worked out
   * yet.
   */
  soft_at_ms: i64;
  /** Since when it has stood beside another one without a CHILD_SA; 0: it does not. */
  spare_since_ms: i64;
  // Behind the scalars, by offset: 16 bytes each, and a name of MAX_ALGORITHM_BYTES.
  get local_host(): usize {
    return changetype<usize>(this) + LOCAL_HOST;
  }
  get remote_host(): usize {
    return changetype<usize>(this) + REMOTE_HOST;
  }
  /** As ScreenOS writes it: `aes128/sha256`. */
  get algorithm(): usize {
    return changetype<usize>(this) + ALGORITHM;
  }
  local_vip(i: i32): usize {
    return changetype<usize>(this) + LOCAL_VIPS + i * ADDRESS_BYTES;
  }
  remote_vip(i: i32): usize {
    return changetype<usize>(this) + REMOTE_VIPS + i * ADDRESS_BYTES;
  }
}

/** All IKE_SAs of all gateways. Unused records are chained by bytes/pool.ts. */
export const phase1s: Table = tableAt(memory.data(TABLE_BYTES));

/** The record at `index`. */
export function phase1At(index: i32): Phase1 {
  return changetype<Phase1>(phase1s.at(index));
}

/** Empties the table. */
export function initPhase1(): void {
  assert(<i32>offsetof<Phase1>() <= LOCAL_HOST);
  assert(REMOTE_VIPS + MAX_VIRTUAL_IPS * ADDRESS_BYTES <= PHASE1_BYTES);
  phase1s.init(PHASE1_BYTES, MAX_PHASE1);
}
