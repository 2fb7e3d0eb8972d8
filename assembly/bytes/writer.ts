import { nameBytes, nameLength } from "./slice";

/**
 * Writes into a fixed buffer. What does not fit is left out and `truncated` says
 * so: nothing is written past `limit`, and no call fails half way.
 */
@unmanaged
export class Writer {
  start: usize;
  at: usize;
  limit: usize;
  truncated: bool;

  /** Begins anew on `size` bytes at `buffer`. */
  reset(buffer: usize, size: i32): this {
    this.start = buffer;
    this.at = buffer;
    this.limit = buffer + size;
    this.truncated = false;
    return this;
  }

  get length(): i32 {
    return <i32>(this.at - this.start);
  }

  /** Room for `n` more bytes; marks the text as truncated where there is none. */
  private room(n: i32): bool {
    if (this.truncated || <usize>n > this.limit - this.at) {
      this.truncated = true;
      return false;
    }
    return true;
  }

  u8(value: i32): this {
    if (this.room(1)) {
      store<u8>(this.at, <u8>value);
      this.at++;
    }
    return this;
  }

  u16be(value: u32): this {
    return this.u8(value >> 8).u8(value);
  }

  u32be(value: u32): this {
    return this.u16be(value >> 16).u16be(value);
  }

  bytes(p: usize, len: i32): this {
    if (this.room(len)) {
      memory.copy(this.at, p, len);
      this.at += len;
    }
    return this;
  }

  /** An ASCII literal. */
  text(s: string): this {
    const len = s.length;
    if (this.room(len)) {
      for (let i = 0; i < len; i++) store<u8>(this.at + i, <u8>s.charCodeAt(i));
      this.at += len;
    }
    return this;
  }

  /** A name field of a record (slice.ts, `setName`). */
  name(field: usize): this {
    return this.bytes(nameBytes(field), nameLength(field));
  }

  /** A decimal number. */
  decimal(value: i64): this {
    if (value < 0) {
      this.u8(0x2d);
      // The smallest i64 has no positive twin, but as u64 it reads right.
      return this.unsigned(<u64>-value);
    }
    return this.unsigned(<u64>value);
  }

  private unsigned(value: u64): this {
    let digits = 1;
    for (let rest = value / 10; rest > 0; rest /= 10) digits++;
    if (this.room(digits)) {
      for (let i = digits - 1; i >= 0; i--) {
        store<u8>(this.at + i, <u8>(0x30 + (value % 10)));
        value /= 10;
      }
      this.at += digits;
    }
    return this;
  }

  /** A number of things: `1 packet`, `2 packets`. */
  counted(value: i64, thing: string): this {
    this.decimal(value).u8(0x20).text(thing);
    return value == 1 ? this : this.u8(0x73);
  }

  /** A decimal number with at least `width` digits, padded with zeros. */
  padded(value: i64, width: i32): this {
    let bound: i64 = 10;
    for (let i = 1; i < width; i++) {
      if (value < bound) {
        for (let j = i; j < width; j++) this.u8(0x30);
        break;
      }
      bound *= 10;
    }
    return this.decimal(value);
  }

  /** Eight (or `digits`) lower-case hexadecimal digits. */
  hex(value: u32, digits: i32 = 8): this {
    for (let i = digits - 1; i >= 0; i--) {
      const d = (value >> (4 * i)) & 15;
      this.u8(d < 10 ? 0x30 + d : 0x61 + d - 10);
    }
    return this;
  }

  /** Milliseconds as seconds, with as many of the three decimals as are needed. */
  seconds(ms: i64): this {
    if (ms < 0) {
      this.u8(0x2d);
      ms = -ms;
    }
    this.decimal(ms / 1000);
    const rest = <i32>(ms % 1000);
    if (rest != 0) {
      this.u8(0x2e).u8(0x30 + rest / 100);
      if (rest % 100 != 0) {
        this.u8(0x30 + ((rest / 10) % 10));
        if (rest % 10 != 0) this.u8(0x30 + (rest % 10));
      }
    }
    return this;
  }

  /** Spaces up to column `column`, counted from `from`; at least one. */
  column(from: i32, column: i32): this {
    do this.u8(0x20);
    while (!this.truncated && this.length - from < column);
    return this;
  }
}

/** Makes a writer over static memory: for module-level constants. */
export function writerAt(memory: usize): Writer {
  return changetype<Writer>(memory);
}

/** Bytes of a Writer, for `memory.data`. */
export const WRITER_BYTES: i32 = 16;
