/** What a timer of the wheel stands for: a VPN's next round, or a gateway's next step. */

const GATEWAY_BIT: u32 = 1 << 31;

export function vpnOwner(index: i32): u32 {
  return index;
}

export function gatewayOwner(index: i32): u32 {
  return (<u32>index) | GATEWAY_BIT;
}

export function isGateway(owner: u32): bool {
  return (owner & GATEWAY_BIT) != 0;
}

export function ownerIndex(owner: u32): i32 {
  return <i32>(owner & ~GATEWAY_BIT);
}
