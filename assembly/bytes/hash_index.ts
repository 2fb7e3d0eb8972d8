/**
 * Open addressing from hashes to record indices. The caller compares: it walks
 * the candidates of a hash with `first` and `after` until one is the right one.
 */
@unmanaged
export class HashIndex {
  /** Pairs of u32: hash, record index + 1 (0: free). */
  private slots: usize;
  private mask: u32;

  /** Empties it and makes room for `count` entries. Cold: takes memory. */
  rebuild(count: i32): this {
    if (this.slots != 0) heap.free(this.slots);
    let size = 16;
    while (size < 2 * count) size <<= 1;
    this.mask = size - 1;
    this.slots = heap.alloc(size << 3);
    memory.fill(this.slots, 0, size << 3);
    return this;
  }

  add(hash: u32, index: i32): void {
    let slot = hash & this.mask;
    while (load<u32>(this.slots + (slot << 3), 4) != 0) slot = (slot + 1) & this.mask;
    store<u32>(this.slots + (slot << 3), hash);
    store<u32>(this.slots + (slot << 3), index + 1, 4);
  }

  /** The first slot that may hold `hash`, or -1. */
  first(hash: u32): i32 {
    return this.slots == 0 ? -1 : this.seek(hash, hash & this.mask);
  }

  /** The next one after `slot`, or -1. */
  after(hash: u32, slot: i32): i32 {
    return this.seek(hash, (slot + 1) & this.mask);
  }

  /** The record index in `slot`. */
  indexIn(slot: i32): i32 {
    return load<i32>(this.slots + (slot << 3), 4) - 1;
  }

  private seek(hash: u32, from: u32): i32 {
    // At most half of the slots are in use: a free one always ends the walk.
    let slot = from;
    while (load<u32>(this.slots + (slot << 3), 4) != 0) {
      if (load<u32>(this.slots + (slot << 3)) == hash) return slot;
      slot = (slot + 1) & this.mask;
    }
    return -1;
  }
}

/** Bytes of a HashIndex, for `memory.data`. */
export const HASH_INDEX_BYTES: i32 = 8;

/** Makes an index over static memory: for module-level constants. */
export function hashIndexAt(memory: usize): HashIndex {
  return changetype<HashIndex>(memory);
}
