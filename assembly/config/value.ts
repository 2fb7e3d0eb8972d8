import { isUnset, isV4, parseAddress } from "../bytes/address";
import { equalText, indexOf, parseDecimal } from "../bytes/slice";

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

/** An address that one host can have: not the unspecified one, no multicast, no broadcast. */
export function parseHost(p: usize, len: i32, out: usize): bool {
  if (!parseAddress(p, len, out) || isUnset(out)) return false;
  if (!isV4(out)) return load<u8>(out) != 0xff;
  const first = <i32>load<u8>(out + 12);
  return first != 0 && first < 224;
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
