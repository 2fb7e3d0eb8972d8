/** What only the whole file can tell: names that stand twice, and names of what is not there. */
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { hash, nameBytes, nameLength, sameName } from "../bytes/slice";
import { endMistake, mistake } from "./mistakes";
import { stagedCount, stagedVpn, vpns } from "./staged";

const by_hash = hashIndexAt(memory.data(HASH_INDEX_BYTES));

/** Checks the sections against each other. */
export function checkAcross(): void {
  checkNames();
  checkChildren();
  by_hash.rebuild(0);
}

function checkNames(): void {
  by_hash.rebuild(stagedCount());
  for (let i = 0; i < stagedCount(); i++) {
    const vpn = stagedVpn(i);
    const h = hashName(vpn.name);
    for (let slot = by_hash.first(h); slot >= 0; slot = by_hash.after(h, slot)) {
      const other = by_hash.indexIn(slot);
      if (!sameName(stagedVpn(other).name, vpn.name)) continue;
      mistake(vpns.lineOf(i))
        .text("VPN '")
        .name(vpn.name)
        .text("' stands twice, first in line ")
        .decimal(vpns.lineOf(other))
        .text("; each needs a name of its own");
      endMistake();
      break;
    }
    by_hash.add(h, i);
  }
}

function checkChildren(): void {
  by_hash.rebuild(stagedCount());
  for (let i = 0; i < stagedCount(); i++) {
    const vpn = stagedVpn(i);
    if (nameLength(vpn.gateway) == 0 || nameLength(vpn.child) == 0) continue;
    const h = hashName(vpn.gateway) ^ (hashName(vpn.child) * 0x9e3779b1);
    for (let slot = by_hash.first(h); slot >= 0; slot = by_hash.after(h, slot)) {
      const other = stagedVpn(by_hash.indexIn(slot));
      if (!sameName(other.gateway, vpn.gateway) || !sameName(other.child, vpn.child)) continue;
      // The name alone twice is one mistake, not two.
      if (sameName(other.name, vpn.name)) break;
      mistake(vpns.lineOf(i))
        .text("VPN '")
        .name(vpn.name)
        .text("' has the same gateway '")
        .name(vpn.gateway)
        .text("' and child '")
        .name(vpn.child)
        .text("' as VPN '")
        .name(other.name)
        .text("' in line ")
        .decimal(vpns.lineOf(by_hash.indexIn(slot)))
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
