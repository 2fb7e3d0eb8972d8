/** The lists of networks that peers are told and may announce. */
import { ADDRESS_BYTES, sameAddress } from "../bytes/address";
import { nameBytes, nameLength, sameName, setName } from "../bytes/slice";
import { MAX_ANNOUNCED_NETWORKS, MAX_NAME_BYTES, MAX_PREFIXES } from "../limits";
import { endMistake } from "./mistakes";
import { Option } from "./option";
import { address, badValue, networkSetting, prefix } from "./setting";
import { prefixes, stagedPrefix, stagedPrefixCount } from "./staged";
import { PrefixConfig, PrefixKind } from "./tunnel_model";
import { statementLine } from "./uci";

/** Adds the statement's network to the list of its tunnel interface or VPN. */
export function addPrefix(option: Option, owner: usize, of_vpn: bool, kind: PrefixKind): void {
  if (!networkSetting(option)) return;
  let announced = 0;
  // A section's networks stand together: no other section's are looked at.
  for (let i = stagedPrefixCount() - 1; i >= 0; i--) {
    const other = stagedPrefix(i);
    if (other.of_vpn != of_vpn || !sameName(other.owner, owner)) break;
    if (other.kind == PrefixKind.ANNOUNCE) announced++;
    if (other.kind != kind || other.prefix != prefix) continue;
    if (!sameAddress(other.network, address)) continue;
    badValue(option).text(" stands twice; keep one of them");
    return endMistake();
  }
  if (kind == PrefixKind.ANNOUNCE && announced == MAX_ANNOUNCED_NETWORKS) {
    badValue(option)
      .text(" is one too many; at most ")
      .decimal(MAX_ANNOUNCED_NETWORKS)
      .text(" fit into an announcement: take wider ones");
    return endMistake();
  }
  const record = prefixes.add(statementLine());
  if (record == 0) {
    badValue(option)
      .text(" is one too many; at most ")
      .decimal(MAX_PREFIXES)
      .text(" are possible in all lists together");
    return endMistake();
  }
  const config = changetype<PrefixConfig>(record);
  setName(config.owner, MAX_NAME_BYTES, nameBytes(owner), nameLength(owner));
  memory.copy(config.network, address, ADDRESS_BYTES);
  config.prefix = prefix;
  config.kind = kind;
  config.of_vpn = of_vpn;
}
