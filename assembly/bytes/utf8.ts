/** UTF-8 (RFC 3629) for the eyes of people: what a stranger wrote must not break their screen. */

/** Bytes of the well-formed sequence of at least two at `p` (Unicode, table 3-7), or 0. */
export function sequenceLength(p: usize, len: i32): i32 {
  const lead = <i32>load<u8>(p);
  const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || size > len) return 0;
  const second = <i32>load<u8>(p, 1);
  const from = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const to = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < from || second > to) return 0;
  for (let i = 2; i < size; i++) {
    if (((<i32>load<u8>(p + i)) & 0xc0) != 0x80) return 0;
  }
  return size;
}

/**
 * The control character that the well-formed sequence at `p` stands for: one of C1 (U+0080 to
 * U+009F), or the line and paragraph separators U+2028 and U+2029; 0 for any other character.
 */
export function controlCharacter(p: usize): i32 {
  const lead = <i32>load<u8>(p);
  const second = <i32>load<u8>(p, 1);
  if (lead == 0xc2 && second < 0xa0) return second;
  if (lead != 0xe2 || second != 0x80) return 0;
  const third = <i32>load<u8>(p, 2);
  return third == 0xa8 || third == 0xa9 ? 0x2000 | (third & 0x3f) : 0;
}

/**
 * Replaces control characters, and bytes that are not UTF-8, by `?`, byte for byte: a line for
 * people stays one line, and moves no cursor. Of several lines, `lines`, the breaks stay.
 */
export function makePrintable(p: usize, len: i32, lines: bool = false): void {
  for (let i = 0; i < len;) {
    const c = <i32>load<u8>(p + i);
    if (c < 0x80) {
      if ((c < 0x20 || c == 0x7f) && !(lines && c == 0x0a)) store<u8>(p + i, 0x3f);
      i++;
      continue;
    }
    const size = sequenceLength(p + i, len - i);
    const bad = size == 0 || controlCharacter(p + i) != 0;
    if (bad) memory.fill(p + i, 0x3f, max(size, 1));
    i += max(size, 1);
  }
}
