/** VPNs that one name, or one child, is given to twice. */
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { nameLength, sameName } from "../bytes/slice";
import { hashName } from "./by_name";
import { endMistake, mistake } from "./mistakes";
import { stagedCount, stagedVpn, vpns } from "./staged";

const by_child = hashIndexAt(memory.data(HASH_INDEX_BYTES));

/** Checks the VPNs against each other. */
export function checkChildren(): void {
  by_child.rebuild(stagedCount());
  for (let i = 0; i < stagedCount(); i++) {
    const vpn = stagedVpn(i);
    if (nameLength(vpn.gateway) == 0 || nameLength(vpn.child) == 0) continue;
    const h = hashName(vpn.gateway) ^ (hashName(vpn.child) * 0x9e3779b1);
    for (let slot = by_child.first(h); slot >= 0; slot = by_child.after(h, slot)) {
      const other = stagedVpn(by_child.indexIn(slot));
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
        .decimal(vpns.lineOf(by_child.indexIn(slot)))
        .text("; one VPN monitors one child");
      endMistake();
      break;
    }
    by_child.add(h, i);
  }
  by_child.rebuild(0);
}
