/**
 * What a timer of the wheel stands for: a VPN's next round, a gateway's next step, or the next
 * announcement to a VPN's peer.
 */

const GATEWAY_BIT: u32 = 1 << 31;
const NEIGHBOUR_BIT: u32 = 1 << 30;

/** The owner word of a VPN's timer. */
export function vpnOwner(index: i32): u32 {
  return index;
}

/** The owner word of a gateway's timer. */
export function gatewayOwner(index: i32): u32 {
  return (<u32>index) | GATEWAY_BIT;
}

/** The owner word of the timer for announcements to a VPN's peer. */
export function neighbourOwner(index: i32): u32 {
  return (<u32>index) | NEIGHBOUR_BIT;
}

/** Whether the owner is a gateway, not a VPN. */
export function isGateway(owner: u32): bool {
  return (owner & GATEWAY_BIT) != 0;
}

/** Whether it is for announcements. */
export function isNeighbour(owner: u32): bool {
  return (owner & NEIGHBOUR_BIT) != 0;
}

/** Index of the VPN or gateway. */
export function ownerIndex(owner: u32): i32 {
  return <i32>(owner & ~(GATEWAY_BIT | NEIGHBOUR_BIT));
}
