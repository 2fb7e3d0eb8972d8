import { ADDRESS_BYTES } from "../bytes/address";
import { setName } from "../bytes/slice";
import { Pool, POOL_BYTES, poolAt } from "../bytes/pool";
import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { VPN_CONFIG_BYTES, VpnConfig } from "../config/model";
import { MAX_VPNS } from "../limits";

/**
 * The state of a VPN, as design.md has it; `Sta` follows from it and from the SA (console/sta.ts).
 */
export const enum State {
  /** No SA, and nothing known of the path: I/I. */
  INACTIVE = 0,
  /** An SA, not (yet) verified: A/-. */
  READY = 1,
  /** Answers: A/U. */
  UP = 2,
  /** No answers: A/D with an SA; without one I/I. */
  DOWN = 3,
}

/** What runtime notes of a VPN, beside its configuration. */
export const enum Note {
  /** The record is in use. */
  USED = 1,
  /** An echo of it is out in this round. */
  PROBED = 2,
  /** It asked its gateway to negotiate. */
  RECOVERING = 4,
  /** Some echo was answered since it was configured. */
  ANSWERED = 8,
  /** Some echo was answered on the SA in use. */
  VERIFIED = 16,
  /** Its target never answered while user traffic came in. */
  SILENT = 32,
  /** The latest of its events 00040 and 00041 was 00040 ... */
  SAID_UP = 64,
  /** ... or 00041: they alternate. */
  SAID_DOWN = 128,
  /** That its selectors or addresses do not fit has been said. */
  SAID_UNCOVERED = 256,
  /** The SA in use has another SPI than the one that was last said to work. */
  NEW_KEY = 512,
  /** The round is due and waits for fresh packet counters. */
  COUNTING = 1024,
  /** An SA was in use at the last look. */
  HAS_SA = 2048,
  /** The configuration that is being applied names it. */
  KEPT = 4096,
  /** strongSwan's configuration has its child. */
  KNOWN = 8192,
  /** That strongSwan does not know its connection or child has been said. */
  SAID_UNKNOWN = 16384,
  /** Its gateway was listed since it was configured: what is known of its SAs is all there is. */
  LISTED = 32768,
}

/** What came of the last attempt to get a VPN's SA to work. */
export const enum Tried {
  /** There was none. */
  NOTHING = 0,
  /** No new Phase 2 key came about on the IKE_SA that is there. */
  REKEYED_IN_VAIN,
  /** The peer did not answer at all. */
  SILENCE,
  /** It answered, but there was no SA in time. */
  UNFINISHED,
  /** strongSwan or the peer refused. */
  REFUSED,
  /** There is a new SA: whether it works, answers tell. */
  NEW_SA,
}

/** Bytes of a Vpn record. */
export const VPN_BYTES: i32 = 1024;
const TARGETS = 320;
const CONFIG = 432;
const REASON = CONFIG + VPN_CONFIG_BYTES;
/** Bytes that are kept of the reason that strongSwan gave for a refusal. */
const MAX_REASON_BYTES: i32 = 120;

/** One target of a VPN: an address that is pinged. */
@unmanaged
class Target {
  // The address takes the first 16 bytes.
  private address0: u64;
  private address1: u64;
  /** Bit i: whether round `seq - i` of the VPN was answered. */
  answered: u64;

  get address(): usize {
    return changetype<usize>(this);
  }
}
const TARGET_BYTES: i32 = ADDRESS_BYTES + 8;

/** A monitored Phase 2. What every tick touches stands first, in one cache line. */
@unmanaged
export class Vpn {
  /** Note. */
  notes: u16;
  /** Targets with an address. */
  target_count: u16;
  state: State;
  /** Number of the round under way; the first is 1. */
  seq: u32;
  /** When the next round begins. */
  due_ms: i64;
  /** Bit i: whether round `seq - i` had its quorum of answers. */
  samples: u64;
  /** Rounds judged, at most 64: how many bits of `samples` count. */
  sample_count: i32;
  /** Rounds missed in a row. */
  misses: i32;
  /** Rounds answered in a row, while not up. */
  answers: i32;
  /** Timer of the wheel (timer/wheel.ts) for the next round. */
  timer: i32;
  /** -1: none yet. */
  delay_last_ms: i32;
  /** Rolling average in 1/16 ms; -1: none yet. */
  delay_avg_16: i32;
  /** CHILD_SA in use (phase2.ts), or -1. */
  current: i32;
  /** First CHILD_SA, chained by Phase2.next; -1 none. */
  first_phase2: i32;

  // The second line: what only answers, listings and people touch.
  /** Rounds in a row that the guard held back. */
  held: u16;
  /** errno of the last echo that could not be sent and has been said; 0: none. */
  said_errno: u16;
  /** Gateway (sa/gateway.ts). */
  gateway: i32;
  /** Changes when it becomes another tunnel: what is noted of the one before is not its. */
  path: u32;
  /** Next VPN of the gateway, or -1. */
  next_of_gateway: i32;
  /** Inbound SPI of the SA in use, or of the last one; 0: there was none. */
  spi_in: u32;
  /** The if_id that its packets leave by (Phase2.if_id); 0: none. */
  if_id: u32;
  /** Tunnel interface (route/tunnel.ts) that it is bound to; -1: none. */
  tunnel: i32;
  /** What it offers there (route/tunnel.ts, TunnelState), and its if_id as routes have it. */
  tunnel_state: u8;
  routed_if_id: u32;
  /** It is down because its target never answers, not its tunnel: user traffic comes in. */
  left_alone: bool;
  /** That its peer claims what another VPN has, has been said. */
  said_claim: bool;
  /** First of its routes (route/table.ts), and of its next hops that were learned; -1: none. */
  first_route: i32;
  first_next_hop: i32;
  /** The first of its next hops that are configured (monitor/way.ts); -1: none. */
  static_next_hop: i32;
  /** Successful rekeys. */
  rekeys: u32;
  echoes_sent: u32;
  echoes_answered: u32;
  /** Rounds that were missed. */
  rounds_missed: u32;
  /** How often it went down. */
  downs: u32;
  /** Negotiations that strongSwan was asked for on its behalf. */
  negotiations: u32;
  /**
   * Answers to this round and to earlier ones are too old to say 'up': a decision is not unmade.
   */
  stale_seq: u32;
  /** The last round of which an echo was sent. */
  sent_seq: u32;
  /** The first round of the SA in use: answers to earlier ones say nothing of it. */
  sa_seq: u32;
  /** Negotiations for it since it was last up. */
  recoveries: i32;
  /** Refusals in a row: the back-off's exponent. */
  refusals: i32;
  /** When an answer last came; 0 never. */
  answered_at_ms: i64;
  /** When user traffic last came in; 0 never. */
  inbound_at_ms: i64;
  /**
   * Packets of users, the monitor's own left out, that the SA in use had carried at the last look.
   */
  user_in: i64;
  user_out: i64;
  /** When what was looked at last had been listed. */
  looked_at_ms: i64;
  /** Our own packets that the SA in use has carried. */
  own_in: u32;
  own_out: u32;
  /** Of these, the ones that were counted when its gateway was listed last. */
  own_in_listed: u32;
  own_out_listed: u32;
  /** When the last of them came and left. */
  own_in_at_ms: i64;
  own_out_at_ms: i64;
  /** When its next negotiation may begin. */
  retry_at_ms: i64;
  /**
   * What its SA had received at the first listing in its gateway's step: if more comes in, the peer
   * has it.
   */
  step_packets_in: i64;
  /** When an operator asked for a new key; 0: nobody did, or it came, or it is overdue. */
  renewal_at_ms: i64;
  /** Inbound SPI of the SA that it is to replace. */
  renewal_spi_in: u32;
  /** What its hook is still to be told (monitor/hook.ts, Hook), and what it was told last. */
  hook_waiting: u8;
  hook_told: u8;
  /** `hook_told` is of the engine's instance before this one. */
  hook_recalled: bool;
  /** Events that passed before its hook could be told. */
  hook_skipped: u16;
  /** When the latest of what waits happened: milliseconds since 1970, UTC. */
  hook_at_ms: i64;
  /** What came of the last attempt to get a working SA, since it was last up. */
  tried: Tried;
  /** What made it leave READY or UP (monitor/decision.ts, Event). */
  down_by: u8;
  /** The child is in strongSwan's configuration, but not in tunnel mode. */
  not_tunnel: bool;
  /** The selectors that strongSwan has configured leave out its source (1), a destination (2). */
  outside: u8;
  /** The examination for which strongSwan last named the child. */
  examined: u32;
  /** Duplicates of its SA that were seen, and when the last. */
  duplicates: u32;
  duplicate_at_ms: i64;
  /** When the last attempt ended. */
  tried_at_ms: i64;
  /** When it went down. */
  down_at_ms: i64;

  target(i: i32): Target {
    return changetype<Target>(changetype<usize>(this) + TARGETS + i * TARGET_BYTES);
  }
  /** Source of its echoes, 16 bytes; unset while there is none. */
  get source(): usize {
    return changetype<usize>(this) + TARGETS + 4 * TARGET_BYTES;
  }
  /** A name field: why it was refused, in strongSwan's words. */
  get reason(): usize {
    return changetype<usize>(this) + REASON;
  }
  get config(): VpnConfig {
    return changetype<VpnConfig>(changetype<usize>(this) + CONFIG);
  }

  noted(note: Note): bool {
    return (this.notes & note) != 0;
  }

  note(note: Note): void {
    this.notes |= <u16>note;
  }

  /** An attempt to get a working SA has ended. */
  tell(tried: Tried, at_ms: i64, reason: usize = 0, reason_len: i32 = 0): void {
    this.tried = tried;
    this.tried_at_ms = at_ms;
    setName(this.reason, MAX_REASON_BYTES, reason, min(reason_len, MAX_REASON_BYTES));
  }

  unnote(note: Note): void {
    this.notes &= ~(<u16>note);
  }
}

const vpns: Table = tableAt(memory.data(TABLE_BYTES));
const pool: Pool = poolAt(memory.data(POOL_BYTES));

/** The record at `index`. */
export function vpnAt(index: i32): Vpn {
  return changetype<Vpn>(vpns.at(index));
}

/** ScreenOS's SA ID (`HEX ID`, tunnel ID) of the VPN with that index. */
export function tunnelId(index: i32): u32 {
  return index + 1;
}

/** Records to walk over; those without Note.USED are free. */
export function vpnCount(): i32 {
  return pool.used;
}

/** Empties the table. */
export function initVpns(): void {
  assert(<i32>offsetof<Vpn>() <= TARGETS && REASON + 1 + MAX_REASON_BYTES <= VPN_BYTES);
  pool.init(vpns.init(VPN_BYTES, MAX_VPNS));
}

/** Index of a zeroed record, on no interface, that is marked as used; -1 at the limit. */
export function takeVpn(): i32 {
  const index = pool.take();
  if (index < 0) return -1;
  const vpn = vpnAt(index);
  assert(!vpn.noted(Note.USED));
  vpn.note(Note.USED);
  vpn.tunnel = -1;
  vpn.first_route = -1;
  vpn.first_next_hop = -1;
  vpn.static_next_hop = -1;
  return index;
}

/** Frees the record. */
export function giveVpn(index: i32): void {
  assert(vpnAt(index).noted(Note.USED));
  vpnAt(index).notes = 0;
  pool.give(index);
}

/** `state`: what the monitor says. */
export function stateWord(vpn: Vpn): string {
  switch (<i32>vpn.state) {
    case State.READY:
      return "ready";
    case State.UP:
      return "up";
    case State.DOWN:
      return "down";
    default:
      return "inactive";
  }
}
