import { ADDRESS_BYTES, isUnset, isV4, parseAddress } from "../bytes/address";
import {
  equalText,
  indexOf,
  loadU16be,
  loadU32be,
  parseDecimal,
  parseHex,
  startsWith,
} from "../bytes/slice";

/** Values of the configuration: each function reads one; its caller says what is wrong. */

/** UCI's truth values: 1 or 0; -1 for anything else. */
export function parseBool(p: usize, len: i32): i32 {
  if (
    equalText(p, len, "1") ||
    equalText(p, len, "on") ||
    equalText(p, len, "yes") ||
    equalText(p, len, "true") ||
    equalText(p, len, "enabled")
  ) {
    return 1;
  }
  if (
    equalText(p, len, "0") ||
    equalText(p, len, "off") ||
    equalText(p, len, "no") ||
    equalText(p, len, "false") ||
    equalText(p, len, "disabled")
  ) {
    return 0;
  }
  return -1;
}

/** Seconds with at most three decimals, as milliseconds; -1 for anything else. */
export function parseSeconds(p: usize, len: i32): i64 {
  const point = indexOf(p, len, 0x2e);
  if (point < 0) return thousandfold(parseDecimal(p, len));
  const decimals = len - point - 1;
  if (decimals < 1 || decimals > 3) return -1;
  let fraction = parseDecimal(p + point + 1, decimals);
  if (fraction < 0) return -1;
  for (let i = decimals; i < 3; i++) fraction *= 10;
  // `.5` is as clear as `0.5`.
  const whole = point == 0 ? 0 : thousandfold(parseDecimal(p, point));
  return whole < 0 ? -1 : whole + fraction;
}

function thousandfold(seconds: i64): i64 {
  return seconds < 0 ? -1 : seconds > i32.MAX_VALUE ? i64.MAX_VALUE / 2 : seconds * 1000;
}

/** A decimal number from `from` to `to`, or -1. */
export function parseNumber(p: usize, len: i32, from: i32, to: i32): i32 {
  const value = parseDecimal(p, len);
  return value >= from && value <= to ? <i32>value : -1;
}

/** An XFRM interface ID, decimal or as `ip xfrm` shows it, 0x1f; 0 or -1 for anything else. */
export function parseIfId(p: usize, len: i32): i64 {
  if (startsWith(p, len, "0x")) return parseHex(p + 2, len - 2);
  const id = parseDecimal(p, len);
  return id <= <i64>u32.MAX_VALUE ? id : -1;
}

/** What an address is good for as one end of a tunnel's echoes. */
export const enum Host {
  GOOD,
  /** No address at all. */
  MALFORMED,
  UNSPECIFIED,
  LOOPBACK,
  LINK_LOCAL,
  MULTICAST,
  /** IPv4's class E, with the broadcast address. */
  RESERVED,
}

/**
 * Reads the address of a host that a tunnel may lead to (RFC 6890, RFC 4291 2.4). Of the link-local
 * ones only IPv6's are refused, which need a zone: providers' gateways use IPv4's inside tunnels.
 */
export function parseHost(p: usize, len: i32, out: usize): Host {
  if (!parseAddress(p, len, out)) return Host.MALFORMED;
  if (isV4(out)) return judgeV4(load<u8>(out + 12));
  if (isUnset(out)) return Host.UNSPECIFIED;
  if (load<u64>(out) == 0 && loadU32be(out + 8) == 0 && loadU32be(out + 12) == 1) {
    return Host.LOOPBACK;
  }
  const first = loadU16be(out);
  if (first >> 8 == 0xff) return Host.MULTICAST;
  return (first & 0xffc0) == 0xfe80 ? Host.LINK_LOCAL : Host.GOOD;
}

function judgeV4(first: i32): Host {
  if (first == 0) return Host.UNSPECIFIED;
  if (first == 127) return Host.LOOPBACK;
  if (first < 224) return Host.GOOD;
  return first < 240 ? Host.MULTICAST : Host.RESERVED;
}

/** What is wrong with a network; what is right is the length of its prefix. */
export const enum Network {
  /** No address, no prefix, or a prefix that its family does not have. */
  MALFORMED = -1,
  /** It is more than a network: bits behind the prefix are set. */
  HOST_BITS = -2,
  /** No route to it leads to a host. */
  MULTICAST = -3,
}

/**
 * Reads `ADDRESS/BITS`, or an address alone, which is a network of one. Answers the bits of the
 * prefix as the address's family counts them, or Network.
 */
export function parseNetwork(p: usize, len: i32, out: usize): i32 {
  const slash = indexOf(p, len, 0x2f);
  if (!parseAddress(p, slash < 0 ? len : slash, out)) return Network.MALFORMED;
  const bits = slash < 0 ? addressBits(out) : parsePrefix(p + slash + 1, len - slash - 1, out);
  if (bits < 0) return Network.MALFORMED;
  if (hasHostBits(out, bits)) return Network.HOST_BITS;
  const first = load<u8>(out + (isV4(out) ? 12 : 0));
  const is_multicast = isV4(out) ? first >> 4 == 0xe : first == 0xff;
  return is_multicast ? Network.MULTICAST : bits;
}

/** Bits of an address of this one's family. */
export function addressBits(address: usize): i32 {
  return isV4(address) ? 32 : 128;
}

/** Bits of a prefix, at most as many as the address has; else -1. */
export function parsePrefix(p: usize, len: i32, address: usize): i32 {
  return len > 3 ? -1 : parseNumber(p, len, 0, addressBits(address));
}

/** Whether a bit behind the prefix is set. */
function hasHostBits(address: usize, bits: i32): bool {
  const from = 8 * ADDRESS_BYTES - addressBits(address) + bits;
  for (let i = from >> 3; i < ADDRESS_BYTES; i++) {
    const mask = i == from >> 3 ? 0xff >> (from & 7) : 0xff;
    if ((load<u8>(address + i) & mask) != 0) return true;
  }
  return false;
}

/** A network interface's name, as Linux's dev_valid_name() has it. */
export function isInterfaceName(p: usize, len: i32): bool {
  if (equalText(p, len, ".") || equalText(p, len, "..")) return false;
  for (let i = 0; i < len; i++) {
    const c = <i32>load<u8>(p + i);
    if (c <= 0x20 || c == 0x2f || c == 0x3a || c >= 0x7f) return false;
  }
  return true;
}

/** A VPN's name: visible ASCII, but no quotes or backslash. It is logged in quotes and typed. */
export function isVpnName(p: usize, len: i32): bool {
  for (let i = 0; i < len; i++) {
    const c = <i32>load<u8>(p + i);
    if (c <= 0x20 || c >= 0x7f || c == 0x22 || c == 0x27 || c == 0x5c) return false;
  }
  return len > 0;
}

/** `none`: no hook is to run. */
export function isNoHook(p: usize, len: i32): bool {
  return equalText(p, len, "none");
}
