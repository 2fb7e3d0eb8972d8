import { ADDRESS_BYTES, compareAddress, isV4, parseAddress, writeAddress } from "./address";
import { equalText, indexOf, parseDecimal } from "./slice";
import { Writer } from "./writer";

/**
 * A traffic selector (RFC 7296, 3.13.1): a range of addresses, and whether
 * ICMP of any type may pass.
 */
@unmanaged
export class Selector {
  // Two addresses of 16 bytes, first and last.
  private first0: u64;
  private first1: u64;
  private last0: u64;
  private last1: u64;
  /** Bits of the prefix, or -1 for a range that is none. */
  prefix: i32;
  /** Whether an ICMP echo and its reply match the protocol and port part. */
  icmp: bool;

  get first(): usize {
    return changetype<usize>(this);
  }

  get last(): usize {
    return changetype<usize>(this) + ADDRESS_BYTES;
  }

  /** Whether an echo with `address` on this side is covered. */
  covers(address: usize): bool {
    return (
      this.icmp &&
      isV4(address) == isV4(this.first) &&
      compareAddress(address, this.first) >= 0 &&
      compareAddress(address, this.last) <= 0
    );
  }

  write(w: Writer): Writer {
    writeAddress(w, this.first);
    if (this.prefix >= 0) {
      w.u8(0x2f).decimal(this.prefix);
    } else {
      w.text("..");
      writeAddress(w, this.last);
    }
    if (!this.icmp) w.text("[not ICMP]");
    return w;
  }
}

/** Bytes of a Selector in a record. */
export const SELECTOR_BYTES: i32 = 40;

/**
 * Parses strongSwan's text: `10.1.0.0/16`, `10.1.0.1..10.1.0.9`, either with
 * `[proto]` or `[proto/port]` behind it. False for anything else, among it
 * `dynamic`, which names no address.
 */
export function parseSelector(p: usize, len: i32, out: Selector): bool {
  out.icmp = true;
  const bracket = indexOf(p, len, 0x5b);
  if (bracket >= 0) {
    if (load<u8>(p + len - 1) != 0x5d) return false;
    out.icmp = protocolPassesEcho(p + bracket + 1, len - bracket - 2);
    len = bracket;
  }
  const slash = indexOf(p, len, 0x2f);
  if (slash >= 0) {
    const bits = parseDecimal(p + slash + 1, len - slash - 1);
    return parseAddress(p, slash, out.first) && setPrefix(out, bits);
  }
  for (let i = 0; i + 1 < len; i++) {
    if (load<u8>(p + i) == 0x2e && load<u8>(p + i, 1) == 0x2e) {
      out.prefix = -1;
      return (
        parseAddress(p, i, out.first) &&
        parseAddress(p + i + 2, len - i - 2, out.last) &&
        isV4(out.first) == isV4(out.last)
      );
    }
  }
  return parseAddress(p, len, out.first) && setPrefix(out, isV4(out.first) ? 32 : 128);
}

function setPrefix(out: Selector, bits: i64): bool {
  const v4 = isV4(out.first);
  if (bits < 0 || bits > (v4 ? 32 : 128)) return false;
  out.prefix = <i32>bits;
  const fixed = <i32>bits + (v4 ? 96 : 0);
  memory.copy(out.last, out.first, ADDRESS_BYTES);
  for (let bit = fixed; bit < 128;) {
    const mask = 0xff >> (bit & 7);
    const byte = bit >> 3;
    store<u8>(out.first + byte, <u8>((<i32>load<u8>(out.first + byte)) & ~mask));
    store<u8>(out.last + byte, <u8>((<i32>load<u8>(out.last + byte)) | mask));
    bit = (byte + 1) << 3;
  }
  return true;
}

/** ICMP without a type, or any protocol: with a type the echo or its reply would not pass. */
function protocolPassesEcho(p: usize, len: i32): bool {
  if (indexOf(p, len, 0x2f) >= 0) return false;
  const number = parseDecimal(p, len);
  if (number >= 0) return number == 0 || number == 1 || number == 58;
  return equalText(p, len, "icmp") || equalText(p, len, "ipv6-icmp");
}
