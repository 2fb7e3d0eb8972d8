/** How wide characters are on a terminal (Unicode's East Asian Width, and general category Mn). */

/** First and last of the ranges that take two columns. */
const wide: usize = memory.data<i32>([
  0x1100, 0x115f, 0x2e80, 0x303e, 0x3041, 0xa4cf, 0xa960, 0xa97c, 0xac00, 0xd7a3, 0xf900, 0xfaff,
  0xfe30, 0xfe6f, 0xff00, 0xff60, 0xffe0, 0xffe6, 0x1f300, 0x1f64f, 0x1f680, 0x1f6ff, 0x1f900,
  0x1f9ff, 0x20000, 0x3fffd,
]);
const WIDE: i32 = 13;

/** Of those that take none, or change the direction of what follows. */
const none: usize = memory.data<i32>([
  0x0300, 0x036f, 0x0483, 0x0489, 0x0591, 0x05bd, 0x0610, 0x061c, 0x064b, 0x065f, 0x200b, 0x200f,
  0x202a, 0x202e, 0x2060, 0x206f, 0x20d0, 0x20ff, 0xfe00, 0xfe0f, 0xfe20, 0xfe2f, 0xfeff, 0xfeff,
]);
const NONE: i32 = 12;

/** Columns that the character takes: 0, 1 or 2. */
export function columnsOf(code: i32): i32 {
  if (code < 0x300) return 1;
  if (isIn(none, NONE, code)) return 0;
  return isIn(wide, WIDE, code) ? 2 : 1;
}

function isIn(ranges: usize, count: i32, code: i32): bool {
  for (let i = 0; i < count; i++) {
    const range = ranges + i * 8;
    if (code >= load<i32>(range) && code <= load<i32>(range, 4)) return true;
  }
  return false;
}

/** The character of the well-formed sequence of `size` bytes at `p`. */
export function decode(p: usize, size: i32): i32 {
  const lead = <i32>load<u8>(p);
  let code = size == 1 ? lead : lead & (0x7f >> size);
  for (let i = 1; i < size; i++) code = (code << 6) | ((<i32>load<u8>(p + i)) & 0x3f);
  return code;
}
