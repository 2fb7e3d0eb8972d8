/** Tunnel interfaces: what is configured of each, and what the kernel shows of it. */
import { POOL_BYTES, poolAt } from "../bytes/pool";
import { equal, nameBytes, nameLength } from "../bytes/slice";
import { TABLE_BYTES, tableAt } from "../bytes/table";
import { TUNNEL_CONFIG_BYTES, TunnelConfig } from "../config/tunnel_model";
import { MAX_TUNNELS } from "../limits";

/** The state of a tunnel interface, and likewise of what one VPN offers on it (screenos.md). */
export const enum TunnelState {
  /** Routes over it are usable; nothing is known of the path. */
  READY = 0,
  UP = 1,
  /** Routes over it are withdrawn. */
  DOWN = 2,
}
export const TUNNEL_STATES: i32 = 3;

/** What keeps an interface from being as configured; each is said once. */
export const enum Trouble {
  NONE = 0,
  /** It is not there, and somebody else is to make it. */
  MISSING = 1,
  /** Its name is another kind of interface's, or it has another if_id. */
  ANOTHER = 2,
}

/** Bytes of a Tunnel record. */
const TUNNEL_BYTES: i32 = 512;
const CONFIG: i32 = 128;
const DROPPED: i32 = CONFIG + 128;

/** A tunnel interface. */
@unmanaged
export class Tunnel {
  /** Whether it is configured. */
  used: bool;
  /** The configuration that is being applied names it. */
  kept: bool;
  /** It is configured no longer, and what rekeyd made of it is being removed. */
  leaving: bool;
  /** Between: where a free record holds the next one. */
  private free: i32;
  state: TunnelState;
  /** The kernel's number of it; 0: it is not there, or is not what was configured. */
  ifindex: u32;
  /** The same, whatever it is. */
  named_index: u32;
  /** What the kernel shows: kind and if_id; administratively up; Oper; MTU. */
  is_xfrm: bool;
  is_external: bool;
  up: bool;
  oper: u8;
  if_id: u32;
  mtu: u32;
  /** It is rekeyd's, to change and to remove. */
  made: bool;
  /** It is, and it was made for a section that has another kind now. */
  outdated: bool;
  /** Its reverse path filter was set since it was made. */
  filtered: bool;
  /** The Oper that the kernel was asked for last; 0: none since it told of another one. */
  asked_oper: u8;
  /** It was there, and is gone. */
  lost: bool;
  /** Trouble that was said last. */
  said: u8;
  /** Bit i: the interface has address i of its section. */
  addresses: u32;
  /** Addresses of `dropped` that are still to be removed. */
  dropped_count: i32;
  /** Rules that the kernel shows: bits of rule.ts. */
  rules: u32;
  /** The first VPN on it; -1: none. */
  vpn: i32;
  vpn_count: i32;
  /** Of these, those that are READY, UP and DOWN. */
  private ready_count: i32;
  private up_count: i32;
  private down_count: i32;
  /** Probe routes of each family. */
  probes_v4: i32;
  probes_v6: i32;
  /** What the kernel refuses (request.ts, Ask), how often in a row, and why. */
  failing: u8;
  failures: i32;
  errno: i32;
  /** When it is asked again. */
  retry_at_ms: i64;

  get config(): TunnelConfig {
    return changetype<TunnelConfig>(changetype<usize>(this) + CONFIG);
  }
  /** Its address list: addresses that are configured no longer. */
  get dropped(): TunnelConfig {
    return changetype<TunnelConfig>(changetype<usize>(this) + DROPPED);
  }
  /** Whether several VPNs share it, told apart by the if_id of their SAs. */
  get external(): bool {
    return this.config.if_id == 0;
  }
  /** Works out whether the interface is what its section says. */
  fit(): void {
    const config = this.config;
    const right_id = this.external ? this.is_external : !this.is_external;
    const fits = this.is_xfrm && right_id && (this.external || this.if_id == config.if_id);
    this.ifindex = fits ? this.named_index : 0;
    if (config.create && fits) this.made = true;
  }
  /** Forgets what the kernel showed of it. */
  gone(): void {
    this.named_index = 0;
    this.ifindex = 0;
    this.is_xfrm = false;
    this.up = false;
    this.oper = 0;
    this.asked_oper = 0;
    this.mtu = 0;
    this.made = false;
    this.outdated = false;
    this.filtered = false;
    this.addresses = 0;
    this.dropped_count = 0;
  }
  /** Counts a VPN in, or with -1 out. */
  count(state: i32, by: i32): void {
    assert(<u32>state < <u32>TUNNEL_STATES);
    const at = changetype<usize>(this) + offsetof<Tunnel>("ready_count") + 4 * state;
    store<i32>(at, load<i32>(at) + by);
  }
  /** VPNs on it that are in this state. */
  counted(state: i32): i32 {
    assert(<u32>state < <u32>TUNNEL_STATES);
    return load<i32>(changetype<usize>(this) + offsetof<Tunnel>("ready_count") + 4 * state);
  }
}

const table = tableAt(memory.data(TABLE_BYTES));
const pool = poolAt(memory.data(POOL_BYTES));
/** Records that are configured or leaving. */
let held: i32 = 0;

/** Empties the table. */
export function initTunnels(): void {
  assert(<i32>offsetof<Tunnel>() <= CONFIG && TUNNEL_CONFIG_BYTES <= DROPPED - CONFIG);
  pool.init(table.init(TUNNEL_BYTES, MAX_TUNNELS));
  held = 0;
}

/** Records to walk over; those without `used` are none. */
export function tunnelCount(): i32 {
  return pool.used;
}

/** The record at `index`. */
export function tunnelAt(index: i32): Tunnel {
  return changetype<Tunnel>(table.at(index));
}

/** Whether there is any: without one nothing of routes is asked for or sent. */
export function hasTunnels(): bool {
  return held > 0;
}

/** The tunnel interface of this name, or -1. */
export function findTunnel(name: usize, len: i32): i32 {
  for (let i = 0; i < pool.used; i++) {
    const tunnel = tunnelAt(i);
    const known = tunnel.config.name;
    if (tunnel.used && equal(nameBytes(known), nameLength(known), name, len)) return i;
  }
  return -1;
}

/** The one with this number of the kernel, or -1; also one that is leaving. */
export function findIndex(ifindex: u32): i32 {
  for (let i = 0; i < pool.used && ifindex != 0; i++) {
    const tunnel = tunnelAt(i);
    if ((tunnel.used || tunnel.leaving) && tunnel.named_index == ifindex) return i;
  }
  return -1;
}

/** Index of a new one; the reader has refused what is past MAX_TUNNELS. */
export function takeTunnel(): i32 {
  const index = pool.take();
  assert(index >= 0);
  tunnelAt(index).used = true;
  tunnelAt(index).vpn = -1;
  held++;
  return index;
}

/** Frees the record. */
export function giveTunnel(index: i32): void {
  const tunnel = tunnelAt(index);
  assert(tunnel.used || tunnel.leaving);
  tunnel.used = false;
  tunnel.leaving = false;
  held--;
  pool.give(index);
}

/** ScreenOS's word for a state. */
export function tunnelStateWord(state: i32): string {
  if (state == TunnelState.UP) return "Up";
  return state == TunnelState.DOWN ? "Down" : "Ready";
}
