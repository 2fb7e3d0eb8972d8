/** The VPNs and tunnel interfaces of the configuration that is being read, by name. */
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { hash, nameBytes, nameLength, sameName } from "../bytes/slice";
import { endMistake, mistake } from "./mistakes";
import { stagedCount, stagedTunnel, stagedTunnelCount, stagedVpn, tunnels, vpns } from "./staged";

const vpn_names = hashIndexAt(memory.data(HASH_INDEX_BYTES));
const tunnel_names = hashIndexAt(memory.data(HASH_INDEX_BYTES));

/** Finds the names; one that stands twice is a mistake, and the first one's. */
export function indexNames(): void {
  vpn_names.rebuild(stagedCount());
  for (let i = 0; i < stagedCount(); i++) {
    const name = stagedVpn(i).name;
    const other = findStagedVpn(name);
    if (other < 0) vpn_names.add(hashName(name), i);
    else twice("VPN '", name, vpns.lineOf(i), vpns.lineOf(other));
  }
  tunnel_names.rebuild(stagedTunnelCount());
  for (let i = 0; i < stagedTunnelCount(); i++) {
    const name = stagedTunnel(i).name;
    const other = findStagedTunnel(name);
    if (other < 0) tunnel_names.add(hashName(name), i);
    else twice("tunnel interface '", name, tunnels.lineOf(i), tunnels.lineOf(other));
  }
}

/** Gives the memory back. */
export function forgetNames(): void {
  vpn_names.rebuild(0);
  tunnel_names.rebuild(0);
}

function twice(subject: string, name: usize, line: i32, first: i32): void {
  mistake(line)
    .text(subject)
    .name(name)
    .text("' stands twice, first in line ")
    .decimal(first)
    .text("; each needs a name of its own");
  endMistake();
}

/** Which of the staged VPNs has the name (bytes/slice.ts, `setName`); -1: none. */
export function findStagedVpn(name: usize): i32 {
  const h = hashName(name);
  for (let slot = vpn_names.first(h); slot >= 0; slot = vpn_names.after(h, slot)) {
    if (sameName(stagedVpn(vpn_names.indexIn(slot)).name, name)) return vpn_names.indexIn(slot);
  }
  return -1;
}

/** Which of the staged tunnel interfaces has the name; -1: none. */
export function findStagedTunnel(name: usize): i32 {
  const h = hashName(name);
  for (let slot = tunnel_names.first(h); slot >= 0; slot = tunnel_names.after(h, slot)) {
    const i = tunnel_names.indexIn(slot);
    if (sameName(stagedTunnel(i).name, name)) return i;
  }
  return -1;
}

/** A name's hash. */
export function hashName(field: usize): u32 {
  return hash(nameBytes(field), nameLength(field));
}
