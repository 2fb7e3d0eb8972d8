import { Selector, SELECTOR_BYTES } from "../bytes/selector";
import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_ALGORITHM_BYTES, MAX_PHASE2, MAX_SELECTORS } from "../limits";

/** strongSwan's names of a CHILD_SA's states (vici list-sas, `state`). */
export const enum ChildState {
  UNKNOWN = 0,
  CREATED,
  ROUTED,
  INSTALLING,
  INSTALLED,
  UPDATING,
  REKEYING,
  REKEYED,
  RETRYING,
  DELETING,
  DELETED,
  DESTROYING,
}

/** Bytes of a Phase2 record. */
export const PHASE2_BYTES: i32 = 1024;
const ALGORITHM: i32 = 136;
const LOCAL_SELECTORS = ALGORITHM + MAX_ALGORITHM_BYTES + 1;
const REMOTE_SELECTORS = LOCAL_SELECTORS + MAX_SELECTORS * SELECTOR_BYTES;

/** A CHILD_SA as the last listing showed it. */
@unmanaged
export class Phase2 {
  /** vici's `uniqueid`. */
  id: u32;
  /** `uniqueid` of its IKE_SA. */
  ike_id: u32;
  /** Index of its VPN. */
  vpn: i32;
  /** Next CHILD_SA of the VPN, or -1. */
  next: i32;
  spi_in: u32;
  spi_out: u32;
  /** The XFRM interface that its packets are routed into, by if_id; 0: none. */
  if_id: u32;
  /** Likewise, the one that they come out of. */
  if_id_in: u32;
  /** ChildState. */
  state: u8;
  local_selectors: u8;
  remote_selectors: u8;
  /** Bit i: whether it carries the echoes to target i of its VPN (set by monitor/resolve.ts). */
  covered: u8;
  /** Mark of the listing that is being read. */
  mark: u16;
  /** Its key is no news: it was said to work, or it is the first one that was seen. */
  key_told: bool;
  /** Whether it has more selectors than are kept. */
  more_selectors: bool;
  /** RFC 4301's protocol, 50 (ESP) or 51 (AH); 0: it is not known. */
  protocol: u8;
  /** It was listed by a charon that is gone, and is noted as such (sa/orphan.ts). */
  left: bool;
  packets_in: i64;
  packets_out: i64;
  bytes_in: i64;
  bytes_out: i64;
  installed_at_ms: i64;
  /** When strongSwan itself rekeys it; 0: never. */
  rekey_at_ms: i64;
  /** Hard lifetime's end; 0: none. */
  expires_at_ms: i64;
  /**
   * When the engine renews it because strongSwan would not; NEVER: it need not; 0: not worked out
   * yet.
   */
  soft_at_ms: i64;
  /** Since when it has been one of several with its selectors (monitor/settle.ts); 0: it is not. */
  duplicate_since_ms: i64;
  /** What it had received by then. */
  duplicate_packets_in: i64;
  /** The next CHILD_SA in the same bucket of spi.ts, or -1. */
  next_of_spi: i32;
  /** As ScreenOS writes it: `esp:aes128/sha256`; a name of MAX_ALGORITHM_BYTES. */
  get algorithm(): usize {
    return changetype<usize>(this) + ALGORITHM;
  }
  local_selector(i: i32): Selector {
    return changetype<Selector>(changetype<usize>(this) + LOCAL_SELECTORS + i * SELECTOR_BYTES);
  }
  remote_selector(i: i32): Selector {
    return changetype<Selector>(changetype<usize>(this) + REMOTE_SELECTORS + i * SELECTOR_BYTES);
  }

  /** Whether both sides' selectors are those of `other`. */
  hasSelectorsOf(other: Phase2): bool {
    if (this.local_selectors != other.local_selectors) return false;
    if (this.remote_selectors != other.remote_selectors) return false;
    const mine = changetype<usize>(this) + LOCAL_SELECTORS;
    const theirs = changetype<usize>(other) + LOCAL_SELECTORS;
    return memory.compare(mine, theirs, 2 * MAX_SELECTORS * SELECTOR_BYTES) == 0;
  }

  /** Whether it forwards: INSTALLED, and also while it is rekeyed or deleted (strongswan.md). */
  get forwards(): bool {
    return (
      this.state == ChildState.INSTALLED ||
      this.state == ChildState.UPDATING ||
      this.state == ChildState.REKEYING
    );
  }
}

/** All CHILD_SAs of all VPNs. Unused records are chained by bytes/pool.ts. */
export const phase2s: Table = tableAt(memory.data(TABLE_BYTES));

/** The record at `index`. */
export function phase2At(index: i32): Phase2 {
  return changetype<Phase2>(phase2s.at(index));
}

/** Empties the table. */
export function initPhase2(): void {
  assert(<i32>offsetof<Phase2>() <= ALGORITHM);
  assert(REMOTE_SELECTORS + MAX_SELECTORS * SELECTOR_BYTES <= PHASE2_BYTES);
  phase2s.init(PHASE2_BYTES, MAX_PHASE2);
}
