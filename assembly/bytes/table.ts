/**
 * Records of one size in chunks of 64 KiB, found through a directory: a record
 * never moves, growing copies nothing, and memory is taken only as it is used.
 */
@unmanaged
export class Table {
  /** Pointers to the chunks. */
  directory: usize;
  /** log2 of a record's size. */
  shift: i32;
  /** Records that have memory. */
  capacity: i32;
  /** Records that may ever have memory. */
  max: i32;

  /** `record_bytes` must be a power of two of at most 64 KiB. */
  init(record_bytes: i32, max: i32): this {
    assert(popcnt(record_bytes) == 1 && record_bytes <= CHUNK_BYTES);
    this.shift = ctz(record_bytes);
    this.capacity = 0;
    this.max = max;
    const per_chunk = CHUNK_BYTES >> this.shift;
    this.directory = heap.alloc(((max + per_chunk - 1) / per_chunk) * sizeof<usize>());
    return this;
  }

  /** Makes room for `count` records (zeroed); false if that is past the limit. */
  ensure(count: i32): bool {
    if (count > this.max) return false;
    const per_chunk = CHUNK_BYTES >> this.shift;
    while (this.capacity < count) {
      const chunk = heap.alloc(CHUNK_BYTES);
      memory.fill(chunk, 0, CHUNK_BYTES);
      store<usize>(this.directory + (this.capacity / per_chunk) * sizeof<usize>(), chunk);
      this.capacity += per_chunk;
    }
    return true;
  }

  /** Address of record `index`. */
  at(index: i32): usize {
    assert(<u32>index < <u32>this.capacity);
    const in_chunk = CHUNK_SHIFT - this.shift;
    const chunk = load<usize>(this.directory + ((index >> in_chunk) << 2));
    return chunk + ((index & ((1 << in_chunk) - 1)) << this.shift);
  }
}

const CHUNK_SHIFT: i32 = 16;
const CHUNK_BYTES: i32 = 1 << CHUNK_SHIFT;

/** Bytes of a Table, for `memory.data`. */
export const TABLE_BYTES: i32 = 16;

/** Makes a table over static memory: for module-level constants. */
export function tableAt(memory: usize): Table {
  return changetype<Table>(memory);
}
