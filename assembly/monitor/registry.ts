/** Finds VPNs and gateways by what the configuration and strongSwan call them. */
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { hash, nameBytes, nameLength, sameName } from "../bytes/slice";
import { gatewayAt, gatewayCount } from "../sa/gateway";
import { Note, vpnAt, vpnCount } from "../sa/vpn";

const gateways_by_name = hashIndexAt(memory.data(HASH_INDEX_BYTES));
const vpns_by_name = hashIndexAt(memory.data(HASH_INDEX_BYTES));
const vpns_by_child = hashIndexAt(memory.data(HASH_INDEX_BYTES));

function hashName(field: usize): u32 {
  return hash(nameBytes(field), nameLength(field));
}

function hashChild(gateway: i32, child: usize): u32 {
  return hashName(child) ^ (<u32>gateway * 0x9e3779b1);
}

/**
 * Builds the indices anew, after a change of the configuration. `more`: room for gateways still to
 * come.
 */
export function rebuildRegistry(more: i32): void {
  gateways_by_name.rebuild(gatewayCount() + more);
  for (let i = 0; i < gatewayCount(); i++) {
    if (gatewayAt(i).used) gateways_by_name.add(hashName(gatewayAt(i).name), i);
  }
  vpns_by_name.rebuild(vpnCount());
  vpns_by_child.rebuild(vpnCount());
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED)) continue;
    vpns_by_name.add(hashName(vpn.config.name), i);
    vpns_by_child.add(hashChild(vpn.gateway, vpn.config.child), i);
  }
}

/** Adds a gateway made since the last rebuild (within its `more`). */
export function registerGateway(index: i32): void {
  gateways_by_name.add(hashName(gatewayAt(index).name), index);
}

/** The gateway with this name (a name field), or -1. */
export function findGateway(name: usize): i32 {
  const h = hashName(name);
  for (let slot = gateways_by_name.first(h); slot >= 0; slot = gateways_by_name.after(h, slot)) {
    const index = gateways_by_name.indexIn(slot);
    if (sameName(gatewayAt(index).name, name)) return index;
  }
  return -1;
}

/** The VPN with this name (a name field), or -1. */
export function findVpn(name: usize): i32 {
  const h = hashName(name);
  for (let slot = vpns_by_name.first(h); slot >= 0; slot = vpns_by_name.after(h, slot)) {
    const index = vpns_by_name.indexIn(slot);
    if (sameName(vpnAt(index).config.name, name)) return index;
  }
  return -1;
}

/** The VPN of this child (a name field) of a gateway, or -1. */
export function findVpnOfChild(gateway: i32, child: usize): i32 {
  const h = hashChild(gateway, child);
  for (let slot = vpns_by_child.first(h); slot >= 0; slot = vpns_by_child.after(h, slot)) {
    const index = vpns_by_child.indexIn(slot);
    const vpn = vpnAt(index);
    if (vpn.gateway == gateway && sameName(vpn.config.child, child)) return index;
  }
  return -1;
}
