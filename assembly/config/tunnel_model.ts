/** What the sections say that belong to tunnel interfaces: bytes, comparable as such. */
import { ADDRESS_BYTES } from "../bytes/address";
import { MAX_TUNNEL_ADDRESSES } from "../limits";

/** Bytes of an interface's and of a VPN's name (bytes/slice.ts, `setName`). */
const INTERFACE_FIELD = 16;
const VPN_FIELD = 32;

const TUNNEL_ADDRESS = INTERFACE_FIELD;
const TUNNEL_SCALARS = TUNNEL_ADDRESS + MAX_TUNNEL_ADDRESSES * ADDRESS_BYTES;

/** Bytes of a TunnelConfig. */
export const TUNNEL_CONFIG_BYTES: i32 = TUNNEL_SCALARS + 20;

/** `down_metric`: routes over the interface are withdrawn while it is DOWN. */
export const WITHDRAW: i32 = -1;

/** What a `config tunnel` section says. */
@unmanaged
export class TunnelConfig {
  private at(offset: usize): usize {
    return changetype<usize>(this) + offset;
  }

  /** The interface's and the section's name, at most MAX_INTERFACE_BYTES. */
  get name(): usize {
    return this.at(0);
  }
  /** An address of the interface, 16 bytes. */
  address(i: i32): usize {
    return this.at(TUNNEL_ADDRESS + i * ADDRESS_BYTES);
  }
  /** Bits of its network's prefix, as its family counts them. */
  address_prefix(i: i32): i32 {
    return load<u8>(this.at(TUNNEL_SCALARS) + i, 16);
  }
  set_address_prefix(i: i32, value: i32): void {
    store<u8>(this.at(TUNNEL_SCALARS) + i, <u8>value, 16);
  }

  /** Its XFRM interface ID, that of its one VPN; 0: it is in `external` mode, for several. */
  get if_id(): u32 {
    return load<u32>(this.at(TUNNEL_SCALARS));
  }
  set if_id(value: u32) {
    store<u32>(this.at(TUNNEL_SCALARS), value);
  }
  /** 0: the kernel's default. */
  get mtu(): i32 {
    return load<i32>(this.at(TUNNEL_SCALARS), 4);
  }
  set mtu(value: i32) {
    store<i32>(this.at(TUNNEL_SCALARS), value, 4);
  }
  /** What routes over it have as metric while it is DOWN, or WITHDRAW. */
  get down_metric(): i32 {
    return load<i32>(this.at(TUNNEL_SCALARS), 8);
  }
  set down_metric(value: i32) {
    store<i32>(this.at(TUNNEL_SCALARS), value, 8);
  }
  get address_count(): i32 {
    return load<u8>(this.at(TUNNEL_SCALARS), 12);
  }
  set address_count(value: i32) {
    store<u8>(this.at(TUNNEL_SCALARS), <u8>value, 12);
  }
  /** Whether rekeyd makes it; else somebody else does. */
  get create(): bool {
    return load<u8>(this.at(TUNNEL_SCALARS), 13) != 0;
  }
  set create(value: bool) {
    store<u8>(this.at(TUNNEL_SCALARS), <u8>value, 13);
  }
}

const ROUTE_TARGET = INTERFACE_FIELD;
const ROUTE_GATEWAY = ROUTE_TARGET + ADDRESS_BYTES;
const ROUTE_SCALARS = ROUTE_GATEWAY + ADDRESS_BYTES;

/** Bytes of a RouteConfig. */
export const ROUTE_CONFIG_BYTES: i32 = ROUTE_SCALARS + 8;

/** `prefix` of a target that is a mistake: no configuration in force has it. */
export const NO_TARGET: i32 = 255;

/** What a `config route` section says. */
@unmanaged
export class RouteConfig {
  private at(offset: usize): usize {
    return changetype<usize>(this) + offset;
  }

  /** The tunnel interface's name. */
  get tunnel(): usize {
    return this.at(0);
  }
  /** The network, 16 bytes; behind its prefix there are zeroes. */
  get target(): usize {
    return this.at(ROUTE_TARGET);
  }
  /** The next hop; unset where none is given. */
  get gateway(): usize {
    return this.at(ROUTE_GATEWAY);
  }
  /** Bits of the target's prefix, as its family counts them. */
  get prefix(): i32 {
    return load<u8>(this.at(ROUTE_SCALARS), 4);
  }
  set prefix(value: i32) {
    store<u8>(this.at(ROUTE_SCALARS), <u8>value, 4);
  }
  get metric(): i32 {
    return load<i32>(this.at(ROUTE_SCALARS));
  }
  set metric(value: i32) {
    store<i32>(this.at(ROUTE_SCALARS), value);
  }
}

const NHTB_NEXT_HOP = INTERFACE_FIELD;
const NHTB_VPN = NHTB_NEXT_HOP + ADDRESS_BYTES;

/** Bytes of an NhtbConfig. */
export const NHTB_CONFIG_BYTES: i32 = NHTB_VPN + VPN_FIELD;

/** What a `config nhtb` section says: an entry of the next-hop tunnel binding table. */
@unmanaged
export class NhtbConfig {
  private at(offset: usize): usize {
    return changetype<usize>(this) + offset;
  }

  /** The tunnel interface's name. */
  get tunnel(): usize {
    return this.at(0);
  }
  /** 16 bytes. */
  get next_hop(): usize {
    return this.at(NHTB_NEXT_HOP);
  }
  /** The name of the VPN that leads to it. */
  get vpn(): usize {
    return this.at(NHTB_VPN);
  }
}

/** What a network in a list is for. */
export const enum PrefixKind {
  /** What peers may announce. */
  ACCEPT,
  /** What peers are told. */
  ANNOUNCE,
}

const PREFIX_NETWORK = VPN_FIELD;
const PREFIX_SCALARS = PREFIX_NETWORK + ADDRESS_BYTES;

/** Bytes of a PrefixConfig. */
export const PREFIX_CONFIG_BYTES: i32 = PREFIX_SCALARS + 4;

/** One network of a `list nhtb_announce` or `list nhtb_accept`. */
@unmanaged
export class PrefixConfig {
  private at(offset: usize): usize {
    return changetype<usize>(this) + offset;
  }

  /** The name of the tunnel interface or, if `of_vpn`, of the VPN. */
  get owner(): usize {
    return this.at(0);
  }
  /** 16 bytes; behind its prefix there are zeroes. */
  get network(): usize {
    return this.at(PREFIX_NETWORK);
  }
  /** Bits of its prefix, as its family counts them. */
  get prefix(): i32 {
    return load<u8>(this.at(PREFIX_SCALARS));
  }
  set prefix(value: i32) {
    store<u8>(this.at(PREFIX_SCALARS), <u8>value);
  }
  /** PrefixKind. */
  get kind(): i32 {
    return load<u8>(this.at(PREFIX_SCALARS), 1);
  }
  set kind(value: i32) {
    store<u8>(this.at(PREFIX_SCALARS), <u8>value, 1);
  }
  get of_vpn(): bool {
    return load<u8>(this.at(PREFIX_SCALARS), 2) != 0;
  }
  set of_vpn(value: bool) {
    store<u8>(this.at(PREFIX_SCALARS), <u8>value, 2);
  }
}
