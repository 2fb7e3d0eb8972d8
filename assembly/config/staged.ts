import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { hash, nameBytes, nameLength, sameName, setName } from "../bytes/slice";
import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { MAX_PATH_BYTES, MAX_VPNS } from "../limits";
import { endMistake, mistake } from "./mistakes";
import {
  GLOBAL_CONFIG_BYTES,
  GlobalConfig,
  setGlobalDefaults,
  VPN_CONFIG_BYTES,
  VpnConfig,
} from "./model";
import { isNoHook } from "./value";

/** A VpnConfig, and behind it the line of its section. */
const STAGED_BYTES: i32 = 512;
const LINE: usize = VPN_CONFIG_BYTES;

const table: Table = tableAt(memory.data(TABLE_BYTES));
const scratch: usize = memory.data(STAGED_BYTES, 8);
const global: GlobalConfig = changetype<GlobalConfig>(memory.data(GLOBAL_CONFIG_BYTES, 8));
const by_hash = hashIndexAt(memory.data(HASH_INDEX_BYTES));
let count: i32 = 0;

/** Once, before the first configuration is read. */
export function initConfig(): void {
  assert(VPN_CONFIG_BYTES + sizeof<i32>() <= STAGED_BYTES);
  table.init(STAGED_BYTES, MAX_VPNS);
  clearStaged();
}

/** Begins a new configuration. */
export function clearStaged(): void {
  count = 0;
  setGlobalDefaults(global);
}

/** VPNs of the configuration that was read last. */
export function stagedCount(): i32 {
  return count;
}

/** VPN `i`, in the order of the file. */
export function stagedVpn(i: i32): VpnConfig {
  return changetype<VpnConfig>(table.at(i));
}

/** What holds for all VPNs. */
export function stagedGlobal(): GlobalConfig {
  return global;
}

/** A zeroed VPN, whose section begins in `line`; null at the limit. */
export function addStaged(line: i32): VpnConfig | null {
  if (!table.ensure(count + 1)) return null;
  const record = table.at(count++);
  memory.fill(record, 0, STAGED_BYTES);
  store<i32>(record + LINE, line);
  return changetype<VpnConfig>(record);
}

/**
 * A zeroed VPN that is no part of the configuration: the head of its section is
 * wrong, but its options are checked all the same.
 */
export function scratchVpn(): VpnConfig {
  memory.fill(scratch, 0, STAGED_BYTES);
  return changetype<VpnConfig>(scratch);
}

/** What needs the whole file: the global section's values for the VPNs, and duplicates. */
export function checkStaged(): void {
  for (let i = 0; i < count; i++) {
    const vpn = stagedVpn(i);
    if (vpn.interval_ms == 0) vpn.interval_ms = global.interval_ms;
    if (vpn.threshold == 0) vpn.threshold = global.threshold;
    settleHook(vpn.hook);
  }
  checkNames();
  checkChildren();
  by_hash.rebuild(0);
}

/** A VPN's own hook, else the global one; `none` in either place is no hook. */
function settleHook(field: usize): void {
  if (nameLength(field) == 0) memory.copy(field, global.hook, 1 + MAX_PATH_BYTES);
  if (isNoHook(nameBytes(field), nameLength(field))) setName(field, MAX_PATH_BYTES, 0, 0);
}

function checkNames(): void {
  by_hash.rebuild(count);
  for (let i = 0; i < count; i++) {
    const vpn = stagedVpn(i);
    const h = hashName(vpn.name);
    for (let slot = by_hash.first(h); slot >= 0; slot = by_hash.after(h, slot)) {
      const other = by_hash.indexIn(slot);
      if (!sameName(stagedVpn(other).name, vpn.name)) continue;
      mistake(lineOf(i))
        .text("VPN '")
        .name(vpn.name)
        .text("' stands twice, first in line ")
        .decimal(lineOf(other))
        .text("; each needs a name of its own");
      endMistake();
      break;
    }
    by_hash.add(h, i);
  }
}

function checkChildren(): void {
  by_hash.rebuild(count);
  for (let i = 0; i < count; i++) {
    const vpn = stagedVpn(i);
    if (nameLength(vpn.gateway) == 0 || nameLength(vpn.child) == 0) continue;
    const h = hashName(vpn.gateway) ^ (hashName(vpn.child) * 0x9e3779b1);
    for (let slot = by_hash.first(h); slot >= 0; slot = by_hash.after(h, slot)) {
      const other = stagedVpn(by_hash.indexIn(slot));
      if (!sameName(other.gateway, vpn.gateway) || !sameName(other.child, vpn.child)) continue;
      // The name alone twice is one mistake, not two.
      if (sameName(other.name, vpn.name)) break;
      mistake(lineOf(i))
        .text("VPN '")
        .name(vpn.name)
        .text("' has the same gateway '")
        .name(vpn.gateway)
        .text("' and child '")
        .name(vpn.child)
        .text("' as VPN '")
        .name(other.name)
        .text("' in line ")
        .decimal(lineOf(by_hash.indexIn(slot)))
        .text("; one VPN monitors one child");
      endMistake();
      break;
    }
    by_hash.add(h, i);
  }
}

function hashName(field: usize): u32 {
  return hash(nameBytes(field), nameLength(field));
}

function lineOf(i: i32): i32 {
  return load<i32>(table.at(i) + LINE);
}
