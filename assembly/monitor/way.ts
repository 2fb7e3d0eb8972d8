/**
 * How the echoes of a VPN that is bound to a tunnel interface come into its SA: through that
 * interface, like its users' packets, and there by the SA's if_id.
 */
import { nextHopAt, nextHopCount } from "../route/nhtb";
import { tunnelAt } from "../route/tunnel";
import { Phase2 } from "../sa/phase2";
import { Note, Vpn, vpnAt, vpnCount } from "../sa/vpn";

/** What is in the way. */
export const enum Way {
  OPEN = 0,
  /** The interface is not there, or down; it is told of for all its VPNs at once. */
  NO_INTERFACE,
  /** The SA is not the interface's: it has no if_id, or another. */
  OTHER_IF_ID,
}

/** Whether the VPN's echoes come into this SA. */
export function wayInto(vpn: Vpn, sa: Phase2): Way {
  if (vpn.tunnel < 0) return Way.OPEN;
  const tunnel = tunnelAt(vpn.tunnel);
  const if_id = tunnel.config.if_id;
  const fits = if_id == 0 ? sa.if_id != 0 : sa.if_id == if_id && sa.if_id_in == if_id;
  if (!fits) return Way.OTHER_IF_ID;
  return tunnel.ifindex == 0 || !tunnel.up ? Way.NO_INTERFACE : Way.OPEN;
}

/** Whether rekeyd is still making that interface: the VPN's source may come with it. */
export function interfaceComes(vpn: Vpn): bool {
  if (vpn.tunnel < 0) return false;
  const tunnel = tunnelAt(vpn.tunnel);
  return tunnel.config.create && <i32>popcnt(tunnel.addresses) < tunnel.config.address_count;
}

/** The kernel's number of the interface that the VPN's echoes leave by; 0: any that leads there. */
export function interfaceOf(vpn: Vpn): u32 {
  return vpn.tunnel < 0 ? 0 : tunnelAt(vpn.tunnel).ifindex;
}

/** Name field of that interface, or 0. */
export function interfaceNameOf(vpn: Vpn): usize {
  return vpn.tunnel < 0 ? 0 : tunnelAt(vpn.tunnel).config.name;
}

/** Notes for each VPN the first next hop that the configuration says is behind it. */
export function noteNextHops(): void {
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED)) vpnAt(i).static_next_hop = -1;
  }
  for (let i = nextHopCount() - 1; i >= 0; i--) {
    const entry = nextHopAt(i);
    if (entry.used && !entry.automatic) vpnAt(entry.vpn).static_next_hop = i;
  }
}

/** That next hop, 16 bytes; 0: none. It answers if its VPN works. */
export function nextHopOf(vpn: Vpn): usize {
  const index = vpn.static_next_hop;
  return vpn.tunnel < 0 || index < 0 ? 0 : nextHopAt(index).next_hop;
}
