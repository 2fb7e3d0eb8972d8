/** What a timer of the wheel stands for: a VPN's next round, or a gateway's next step. */

const GATEWAY_BIT: u32 = 1 << 31;

/** The owner word of a VPN's timer. */
export function vpnOwner(index: i32): u32 {
  return index;
}

/** The owner word of a gateway's timer. */
export function gatewayOwner(index: i32): u32 {
  return (<u32>index) | GATEWAY_BIT;
}

/** Whether the owner is a gateway, not a VPN. */
export function isGateway(owner: u32): bool {
  return (owner & GATEWAY_BIT) != 0;
}

/** Index of the VPN or gateway. */
export function ownerIndex(owner: u32): i32 {
  return <i32>(owner & ~GATEWAY_BIT);
}
