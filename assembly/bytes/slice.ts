/** Bytes in linear memory, given as pointer and length: what every parser here works on. */

/** Whether the two slices hold the same bytes. */
export function equal(a: usize, a_len: i32, b: usize, b_len: i32): bool {
  return a_len == b_len && memory.compare(a, b, a_len) == 0;
}

/** Whether the bytes are the ASCII literal `text`. */
export function equalText(p: usize, len: i32, text: string): bool {
  if (len != text.length) return false;
  for (let i = 0; i < len; i++) {
    if (<i32>load<u8>(p + i) != text.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether the bytes begin with the ASCII literal `text`. */
export function startsWith(p: usize, len: i32, text: string): bool {
  return len >= text.length && equalText(p, text.length, text);
}

/** Whether the ASCII literal's part from `from` to `to` begins with the bytes. */
export function isPrefix(p: usize, len: i32, text: string, from: i32, to: i32): bool {
  if (len > to - from) return false;
  for (let i = 0; i < len; i++) {
    if (<i32>load<u8>(p + i) != text.charCodeAt(from + i)) return false;
  }
  return true;
}

/** Offset of the first `byte`, or -1. */
export function indexOf(p: usize, len: i32, byte: u8): i32 {
  for (let i = 0; i < len; i++) if (load<u8>(p + i) == byte) return i;
  return -1;
}

/**
 * A decimal number without sign, at most 18 digits.
 * Returns -1 for anything else (empty, other characters, too long).
 */
export function parseDecimal(p: usize, len: i32): i64 {
  if (len < 1 || len > 18) return -1;
  let value: i64 = 0;
  for (let i = 0; i < len; i++) {
    const digit = <i32>load<u8>(p + i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** A hexadecimal number of 1 to 8 digits without prefix; -1 for anything else. */
export function parseHex(p: usize, len: i32): i64 {
  if (len < 1 || len > 8) return -1;
  let value: i64 = 0;
  for (let i = 0; i < len; i++) {
    const digit = hexDigit(load<u8>(p + i));
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

/** The value of one hexadecimal digit, or -1. */
export function hexDigit(byte: u8): i32 {
  const c = <i32>byte;
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  if (lower >= 0x61 && lower <= 0x66) return lower - 0x61 + 10;
  return -1;
}

/** A number of two bytes in network byte order (RFC 791, appendix B). */
export function loadU16be(p: usize): u32 {
  return ((<u32>load<u8>(p)) << 8) | (<u32>load<u8>(p, 1));
}

/** A number of four bytes in network byte order. */
export function loadU32be(p: usize): u32 {
  return bswap<u32>(load<u32>(p));
}

/** Writes the two low bytes in network byte order. */
export function storeU16be(p: usize, value: u32): void {
  store<u8>(p, <u8>(value >> 8));
  store<u8>(p, <u8>value, 1);
}

/** Likewise all four. */
export function storeU32be(p: usize, value: u32): void {
  store<u32>(p, bswap<u32>(value));
}

/**
 * A bounded byte string inside a record: one length byte, then room for `max`
 * bytes. Copies and answers true, or leaves it alone and answers false.
 */
export function setName(field: usize, max: i32, p: usize, len: i32): bool {
  if (<u32>len > <u32>max) return false;
  store<u8>(field, <u8>len);
  memory.copy(field + 1, p, len);
  memory.fill(field + 1 + len, 0, max - len);
  return true;
}

/** How many bytes a name (see `setName`) has. */
export function nameLength(field: usize): i32 {
  return <i32>load<u8>(field);
}

/** Where they begin. */
export function nameBytes(field: usize): usize {
  return field + 1;
}

/** Whether the two names (see `setName`) are the same. */
export function sameName(a: usize, b: usize): bool {
  return equal(nameBytes(a), nameLength(a), nameBytes(b), nameLength(b));
}

/** FNV-1a, for the hash tables over names (not keyed: names come from the administrator). */
export function hash(p: usize, len: i32): u32 {
  let h: u32 = 0x811c9dc5;
  for (let i = 0; i < len; i++) h = (h ^ load<u8>(p + i)) * 0x01000193;
  return h;
}
