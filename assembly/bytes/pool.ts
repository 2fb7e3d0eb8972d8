import { Table } from "./table";

/**
 * Where a free record holds the index of the next free one. Whoever walks over records must pass
 * the free ones by, and above all not write to them.
 */
const NEXT_FREE = 4;

/** A Table whose records come and go. */
@unmanaged
export class Pool {
  private table: Table;
  private free: i32;
  /** Records ever taken: all indices are below it. */
  used: i32;

  init(table: Table): this {
    this.table = table;
    this.free = -1;
    this.used = 0;
    return this;
  }

  /** Index of a zeroed record; -1 at the limit. */
  take(): i32 {
    const table = this.table;
    const index = this.free;
    if (index >= 0) {
      const record = table.at(index);
      this.free = load<i32>(record, NEXT_FREE);
      assert(this.free >= -1 && this.free < this.used);
      memory.fill(record, 0, 1 << table.shift);
      return index;
    }
    if (!table.ensure(this.used + 1)) return -1;
    return this.used++;
  }

  give(index: i32): void {
    store<i32>(this.table.at(index), this.free, NEXT_FREE);
    this.free = index;
  }
}

/** Bytes of a Pool, for `memory.data`. */
export const POOL_BYTES: i32 = 12;

/** Makes a pool over static memory: for module-level constants. */
export function poolAt(memory: usize): Pool {
  return changetype<Pool>(memory);
}
