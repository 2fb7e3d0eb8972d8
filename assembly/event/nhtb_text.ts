/** Events about next hops that are learned (docs/nhtb.md); names as in text.ts. */
import { writeAddress } from "../bytes/address";
import { beginEvent, endEvent } from "./log";
import { Severity } from "./severity";
import { Id } from "./text";

/** 00017: entries were learned; `announced`: the peer told them, else strongSwan lists them. */
export function nextHopsLearned(
  vpn: usize,
  tunnel: usize,
  next_hops: i32,
  networks: i32,
  announced: bool,
): void {
  beginEvent(Severity.NOTIFICATION, Id.CONFIGURATION, vpn)
    .text("NHTB of interface ")
    .name(tunnel)
    .text(": ")
    .decimal(next_hops)
    .text(next_hops == 1 ? " next hop and " : " next hops and ")
    .decimal(networks)
    .text(networks == 1 ? " network of VPN " : " networks of VPN ")
    .name(vpn)
    .text(announced ? " learned from its peer." : " learned from its SA.");
  endEvent();
}

/** 00017: what the peer announced lies outside `nhtb_accept`: this network, `count` in all. */
export function announcementRefused(vpn: usize, network: usize, prefix: i32, count: i32): void {
  const w = beginEvent(Severity.WARNING, Id.CONFIGURATION, vpn).text("The peer of VPN ").name(vpn);
  writeAddress(w.text(" announced "), network).u8(0x2f).decimal(prefix);
  if (count > 1)
    w.text(" and ")
      .decimal(count - 1)
      .text(" more");
  w.text(", which nhtb_accept does not allow.");
  endEvent();
}
