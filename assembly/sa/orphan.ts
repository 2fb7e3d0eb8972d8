/**
 * CHILD_SAs that a charon had when it was lost. If it was killed, the kernel still has them, and
 * whichever charon comes next does not know them: they are orphans.
 */
import { ADDRESS_BYTES } from "../bytes/address";
import { POOL_BYTES, poolAt } from "../bytes/pool";
import { hash } from "../bytes/slice";
import { TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_ORPHANS, MAX_SELECTORS } from "../limits";
import { SELECTOR_BYTES } from "../bytes/selector";
import { Phase1 } from "./phase1";
import { Phase2 } from "./phase2";
import { Vpn } from "./vpn";

/** Bytes of an Orphan record. */
const ORPHAN_BYTES: i32 = 256;
const WAYS: i32 = 64;
const WAY_BYTES: i32 = 32;
const LOCAL: i32 = WAYS + 2 * WAY_BYTES;
const REMOTE: i32 = LOCAL + ADDRESS_BYTES;

/** The two SAs of the kernel's that a CHILD_SA is: 0 in, 1 out. */
export const IN: i32 = 0;
export const OUT: i32 = 1;

/** What the kernel says of one of them. */
export const enum Sight {
  /** Nothing yet. */
  NONE = 0,
  /** It is there, and the one that is meant. */
  THERE,
  /** It is not there; or what is there is another. */
  GONE,
}

/** An SA of one direction. */
@unmanaged
class OrphanWay {
  spi: u32;
  if_id: u32;
  sight: Sight;
  /** A question about it is open. */
  asked: bool;
  /** The last answer showed it for the first time, or other packets than the one before. */
  moved: bool;
  /** Packets, and when it was added, as last seen. */
  packets: i64;
  added_s: i64;
}

/** A CHILD_SA that may be an orphan. */
@unmanaged
export class Orphan {
  /** Whether the record is in use. */
  used: bool;
  /** 50 ESP, 51 AH. */
  protocol: u8;
  private free: i32;
  /** Its VPN, and that one's path then: if it has another now, this is nobody's. */
  vpn: i32;
  path: u32;
  /** Of its selectors. */
  selectors_hash: u32;
  /** When its charon was lost, in seconds since 1970. */
  lost_s: i64;
  /** Since when the kernel has shown no packet more; 0: it has not shown it. */
  idle_since_ms: i64;

  way(direction: i32): OrphanWay {
    return changetype<OrphanWay>(changetype<usize>(this) + WAYS + direction * WAY_BYTES);
  }
  get local(): usize {
    return changetype<usize>(this) + LOCAL;
  }
  get remote(): usize {
    return changetype<usize>(this) + REMOTE;
  }
  /** Where packets of one direction go. */
  destination(direction: i32): usize {
    return direction == IN ? this.local : this.remote;
  }
  /** Where they come from. */
  source(direction: i32): usize {
    return direction == IN ? this.remote : this.local;
  }
}

const table = tableAt(memory.data(TABLE_BYTES));
const pool = poolAt(memory.data(POOL_BYTES));
let in_use: i32 = 0;

/** Empties the table. */
export function initOrphans(): void {
  assert(<i32>offsetof<Orphan>() <= WAYS && <i32>offsetof<OrphanWay>() <= WAY_BYTES);
  assert(REMOTE + ADDRESS_BYTES <= ORPHAN_BYTES);
  pool.init(table.init(ORPHAN_BYTES, MAX_ORPHANS));
  in_use = 0;
}

/** Records to walk over; those without `used` are free. */
export function orphanRecords(): i32 {
  return pool.used;
}

/** Those in use. */
export function orphanCount(): i32 {
  return in_use;
}

/** The record at `index`. */
export function orphanAt(index: i32): Orphan {
  return changetype<Orphan>(table.at(index));
}

/** Notes a CHILD_SA whose charon is lost; past the limit it is left to its lifetime. */
export function noteOrphan(index: i32, vpn: Vpn, sa: Phase2, ike: Phase1, lost_s: i64): void {
  const at = pool.take();
  if (at < 0) return;
  in_use++;
  const orphan = orphanAt(at);
  orphan.used = true;
  orphan.protocol = sa.protocol;
  orphan.vpn = index;
  orphan.path = vpn.path;
  orphan.selectors_hash = hashSelectors(sa);
  orphan.lost_s = lost_s;
  orphan.way(IN).spi = sa.spi_in;
  orphan.way(IN).if_id = sa.if_id_in;
  orphan.way(OUT).spi = sa.spi_out;
  orphan.way(OUT).if_id = sa.if_id;
  memory.copy(orphan.local, ike.local_host, ADDRESS_BYTES);
  memory.copy(orphan.remote, ike.remote_host, ADDRESS_BYTES);
}

/** Forgets it. */
export function dropOrphan(index: i32): void {
  assert(orphanAt(index).used);
  orphanAt(index).used = false;
  in_use--;
  pool.give(index);
}

/** Of two SAs with the same selectors it is the same. */
export function hashSelectors(sa: Phase2): u32 {
  const counts = ((<u32>sa.local_selectors) << 8) | (<u32>sa.remote_selectors);
  const bytes = 2 * MAX_SELECTORS * SELECTOR_BYTES;
  return hash(changetype<usize>(sa.local_selector(0)), bytes) ^ counts;
}
