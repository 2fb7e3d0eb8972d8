import { ADDRESS_BYTES } from "../bytes/address";
import { DEFAULT_HOOK_TIMEOUT_S, DEFAULT_INTERVAL_MS, DEFAULT_THRESHOLD } from "../limits";

/** Options of a VPN that are on or off. */
export const enum VpnFlag {
  MONITOR = 1,
  REKEY = 2,
  OPTIMIZED = 4,
}

/** Offsets of the byte strings in a VpnConfig (bytes/slice.ts, `setName`) and of its addresses. */
const NAME = 0;
const GATEWAY = NAME + 32;
const CHILD = GATEWAY + 64;
const SOURCE_INTERFACE = CHILD + 64;
const SOURCE_IP = SOURCE_INTERFACE + 16;
const DESTINATION_IP = SOURCE_IP + 16;
const HOOK = DESTINATION_IP + 64;
const TUNNEL = HOOK + 108;
const SCALARS = TUNNEL + 16;

/** Bytes of a VpnConfig. */
export const VPN_CONFIG_BYTES: i32 = SCALARS + 32;

/** What a `config vpn` section says, with the defaults filled in: bytes, comparable as such. */
@unmanaged
export class VpnConfig {
  private at(offset: usize): usize {
    return changetype<usize>(this) + offset;
  }

  /** The section's name, at most MAX_NAME_BYTES. */
  get name(): usize {
    return this.at(NAME);
  }
  /** strongSwan's connection, at most MAX_IKE_NAME_BYTES. */
  get gateway(): usize {
    return this.at(GATEWAY);
  }
  /** strongSwan's child in that connection. */
  get child(): usize {
    return this.at(CHILD);
  }
  /** Interface whose address is the source; empty where not given. */
  get source_interface(): usize {
    return this.at(SOURCE_INTERFACE);
  }
  /** 16 bytes; unset (bytes/address.ts, `isUnset`) where not given. */
  get source_ip(): usize {
    return this.at(SOURCE_IP);
  }
  /** 16 bytes each. */
  destination_ip(i: i32): usize {
    return this.at(DESTINATION_IP + i * ADDRESS_BYTES);
  }
  /** Path of the program that is run when something happens; empty: none. */
  get hook(): usize {
    return this.at(HOOK);
  }

  /** The tunnel interface that it is bound to, at most MAX_INTERFACE_BYTES; empty: none. */
  get tunnel(): usize {
    return this.at(TUNNEL);
  }

  get interval_ms(): i32 {
    return load<i32>(this.at(SCALARS));
  }
  set interval_ms(value: i32) {
    store<i32>(this.at(SCALARS), value);
  }
  /** Consecutive misses until 'down'. */
  get threshold(): i32 {
    return load<i32>(this.at(SCALARS), 4);
  }
  set threshold(value: i32) {
    store<i32>(this.at(SCALARS), value, 4);
  }
  /** Seconds until a Phase 1 key is renewed where strongSwan has no time for it; 0 never. */
  get phase1_lifetime_s(): i32 {
    return load<i32>(this.at(SCALARS), 8);
  }
  set phase1_lifetime_s(value: i32) {
    store<i32>(this.at(SCALARS), value, 8);
  }
  /** Consecutive answered rounds until 'up'. */
  get recover(): i32 {
    return load<u8>(this.at(SCALARS), 12);
  }
  set recover(value: i32) {
    store<u8>(this.at(SCALARS), <u8>value, 12);
  }
  /** Destinations that must answer in a round; 0: all of them. */
  get quorum(): i32 {
    return load<u8>(this.at(SCALARS), 13);
  }
  set quorum(value: i32) {
    store<u8>(this.at(SCALARS), <u8>value, 13);
  }
  /** VpnFlag. */
  get flags(): i32 {
    return load<u8>(this.at(SCALARS), 14);
  }
  set flags(value: i32) {
    store<u8>(this.at(SCALARS), <u8>value, 14);
  }
  get destination_count(): i32 {
    return load<u8>(this.at(SCALARS), 15);
  }
  set destination_count(value: i32) {
    store<u8>(this.at(SCALARS), <u8>value, 15);
  }
  /** Bytes of an echo, ICMP header included. */
  get size(): i32 {
    return load<u16>(this.at(SCALARS), 16);
  }
  set size(value: i32) {
    store<u16>(this.at(SCALARS), <u16>value, 16);
  }

  has(flag: VpnFlag): bool {
    return (this.flags & flag) != 0;
  }
}

const VICI = 0;
const GLOBAL_HOOK = 112;
const GLOBAL_SCALARS = 224;

/** Bytes of a GlobalConfig. */
export const GLOBAL_CONFIG_BYTES: i32 = GLOBAL_SCALARS + 16;

/** What `config vpnmonitor 'global'` says. */
@unmanaged
export class GlobalConfig {
  /** Path of charon's vici socket: a length byte, then at most MAX_PATH_BYTES. */
  get vici(): usize {
    return changetype<usize>(this) + VICI;
  }
  /** The hook of VPNs that name none of their own; empty: there is none. */
  get hook(): usize {
    return changetype<usize>(this) + GLOBAL_HOOK;
  }
  get interval_ms(): i32 {
    return load<i32>(changetype<usize>(this) + GLOBAL_SCALARS);
  }
  set interval_ms(value: i32) {
    store<i32>(changetype<usize>(this) + GLOBAL_SCALARS, value);
  }
  get threshold(): i32 {
    return load<i32>(changetype<usize>(this) + GLOBAL_SCALARS, 4);
  }
  set threshold(value: i32) {
    store<i32>(changetype<usize>(this) + GLOBAL_SCALARS, value, 4);
  }
  /** Whether all inputs are recorded. */
  get recorder(): bool {
    return load<u8>(changetype<usize>(this) + GLOBAL_SCALARS, 8) != 0;
  }
  set recorder(value: bool) {
    store<u8>(changetype<usize>(this) + GLOBAL_SCALARS, <u8>value, 8);
  }
  /** How long a hook may run. */
  get hook_timeout_ms(): i32 {
    return load<i32>(changetype<usize>(this) + GLOBAL_SCALARS, 12);
  }
  set hook_timeout_ms(value: i32) {
    store<i32>(changetype<usize>(this) + GLOBAL_SCALARS, value, 12);
  }
}

/** The global settings in force. */
export const running: GlobalConfig = changetype<GlobalConfig>(memory.data(GLOBAL_CONFIG_BYTES, 8));

/** What holds where `config vpnmonitor 'global'` says nothing. */
export function setGlobalDefaults(config: GlobalConfig): void {
  memory.fill(changetype<usize>(config), 0, GLOBAL_CONFIG_BYTES);
  config.interval_ms = DEFAULT_INTERVAL_MS;
  config.threshold = DEFAULT_THRESHOLD;
  config.hook_timeout_ms = 1000 * DEFAULT_HOOK_TIMEOUT_S;
  writeDefaultVici(config.vici);
}

/** strongSwan's own default: `unix://${piddir}/charon.vici`. */
function writeDefaultVici(field: usize): void {
  const path = "/var/run/charon.vici";
  store<u8>(field, <u8>path.length);
  for (let i = 0; i < path.length; i++) store<u8>(field + 1 + i, <u8>path.charCodeAt(i));
}
