/**
 * The Internet checksum (RFC 1071). Words are summed in memory order and the
 * byte order is mended once, at the end: the sum does not mind (RFC 1071, 2(B)).
 * A sum of 32-bit words in 64 bits needs no thought of carries (2(C)).
 */

/** Protocol number of ICMPv6, the pseudo-header's "next header" (RFC 4443, 2.3). */
const NEXT_HEADER_ICMPV6: u32 = 58;

/**
 * Checksum of `len` bytes, as the number that goes into the header in network
 * order; 0 over bytes that hold their right checksum. `seed` is the sum of
 * what stands in no buffer (`pseudoHeader`).
 */
export function checksum(p: usize, len: i32, seed: u64 = 0): u32 {
  let sum = seed;
  const end = p + len;
  for (; p + 8 <= end; p += 8) {
    const words = load<u64>(p);
    sum += (words & 0xffff_ffff) + (words >> 32);
  }
  if (p + 4 <= end) {
    sum += load<u32>(p);
    p += 4;
  }
  if (p + 2 <= end) {
    sum += load<u16>(p);
    p += 2;
  }
  // An odd byte counts as if a zero followed it.
  if (p < end) sum += load<u8>(p);
  return ~swapBytes(fold(sum)) & 0xffff;
}

/** Sum of the IPv6 pseudo-header of an ICMPv6 message of `len` bytes (RFC 8200, 8.1). */
export function pseudoHeader(source: usize, destination: usize, len: u32): u64 {
  return sumAddress(source) + sumAddress(destination) + bswap(len) + bswap(NEXT_HEADER_ICMPV6);
}

function sumAddress(p: usize): u64 {
  return <u64>load<u32>(p) + load<u32>(p, 4) + load<u32>(p, 8) + load<u32>(p, 12);
}

/** The sum of all 16-bit words of `sum`, in 16 bits. */
function fold(sum: u64): u32 {
  sum = (sum & 0xffff_ffff) + (sum >> 32);
  sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return <u32>((sum & 0xffff) + (sum >> 16));
}

function swapBytes(word: u32): u32 {
  return ((word & 0xff) << 8) | (word >> 8);
}
