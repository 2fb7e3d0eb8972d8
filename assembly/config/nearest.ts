/** How far a misspelt name may be from the one that is proposed. */
const MAX_DISTANCE: i32 = 2;
/** Longer words are no misspelling of ours. */
const MAX_WORD_BYTES: i32 = 31;

const row: usize = memory.data(MAX_WORD_BYTES + 1);

/**
 * Whether `text` may be what the author of the `len` bytes at `p` meant: at most
 * MAX_DISTANCE letters are missing, too many or wrong (Levenshtein's distance),
 * and at least half of the word is right.
 */
export function resembles(p: usize, len: i32, text: string): bool {
  if (len > MAX_WORD_BYTES) return false;
  return distance(p, len, text) <= min(MAX_DISTANCE, text.length / 2);
}

function distance(p: usize, len: i32, text: string): i32 {
  for (let i = 0; i <= len; i++) store<u8>(row + i, <u8>i);
  for (let j = 0; j < text.length; j++) {
    let diagonal = j;
    store<u8>(row, <u8>(j + 1));
    for (let i = 0; i < len; i++) {
      const above = <i32>load<u8>(row + i, 1);
      const replaced = diagonal + (lower(load<u8>(p + i)) == text.charCodeAt(j) ? 0 : 1);
      const cheapest = min(replaced, min(above, <i32>load<u8>(row + i)) + 1);
      store<u8>(row + i, <u8>cheapest, 1);
      diagonal = above;
    }
  }
  return <i32>load<u8>(row + len);
}

function lower(byte: u8): i32 {
  const c = <i32>byte;
  return c >= 0x41 && c <= 0x5a ? c | 0x20 : c == 0x2d ? 0x5f : c;
}
