/** The kernel's page: a write to it takes memory, a look does not. */
const PAGE_BYTES: i32 = 4096;

/** Clears the bytes, and leaves pages of zeros untouched: they may never have been used. */
export function wipe(p: usize, len: i32): void {
  const end = p + len;
  for (; p < end; p += PAGE_BYTES) {
    const size = min(PAGE_BYTES, <i32>(end - p));
    if (!isClear(p, size)) memory.fill(p, 0, size);
  }
}

function isClear(p: usize, len: i32): bool {
  const end = p + len;
  for (; p + 8 <= end; p += 8) if (load<u64>(p) != 0) return false;
  for (; p < end; p++) if (load<u8>(p) != 0) return false;
  return true;
}
