import { align, HEADER_BYTES, Message, Type } from "./message";

/** Bytes of an attribute's length and type (rtattr). */
const ATTRIBUTE_HEADER_BYTES: i32 = 4;
/** In the type of an attribute that holds others (NLA_F_NESTED), where the kernel wants it. */
export const NESTED: i32 = 0x8000;

/**
 * Builds requests to rtnetlink, one behind the other. A message that has no room is left out whole,
 * and `end` says so.
 */
@unmanaged
export class Builder {
  start: usize;
  private at: usize;
  private limit: usize;
  /** The message under construction. */
  private message: usize;
  private full: bool;

  /** Begins anew on `size` bytes at `buffer`. */
  reset(buffer: usize, size: i32): this {
    this.start = buffer;
    this.at = buffer;
    this.limit = buffer + size;
    return this;
  }

  /** Bytes of the messages that are ready. */
  get length(): i32 {
    return <i32>(this.at - this.start);
  }

  /** Begins a message; `flags` are Flag's. */
  begin(type: Type, flags: i32, seq: u32): void {
    this.message = this.at;
    this.full = false;
    const message = changetype<Message>(this.fixed(HEADER_BYTES));
    if (this.full) return;
    message.type = <u16>type;
    message.flags = <u16>flags;
    message.seq = seq;
  }

  /** Adds the fixed part's bytes, zeroed: the caller fills them in. */
  fixed(bytes: i32): usize {
    if (this.full || <usize>align(bytes) > this.limit - this.at) {
      this.full = true;
      return spare;
    }
    const at = this.at;
    memory.fill(at, 0, align(bytes));
    this.at = at + align(bytes);
    return at;
  }

  /** Adds an attribute. */
  attribute(type: i32, payload: usize, bytes: i32): void {
    memory.copy(this.room(type, bytes), payload, bytes);
  }

  /** Adds a text, with the zero that ends it. */
  text(type: i32, p: usize, len: i32): void {
    memory.copy(this.room(type, len + 1), p, len);
  }

  /** Adds an ASCII literal, without a zero. */
  literal(type: i32, text: string): void {
    const p = this.room(type, text.length);
    for (let i = 0; i < text.length; i++) store<u8>(p + i, <u8>text.charCodeAt(i));
  }

  /** Adds an attribute that says something by being there. */
  flag(type: i32): void {
    this.room(type, 0);
  }

  byte(type: i32, value: u8): void {
    store<u8>(this.room(type, 1), value);
  }

  short(type: i32, value: u16): void {
    store<u16>(this.room(type, 2), value);
  }

  number(type: i32, value: u32): void {
    store<u32>(this.room(type, 4), value);
  }

  /** Begins an attribute that holds others; what it answers is for `endNest`. */
  beginNest(type: i32): usize {
    const nest = this.at;
    this.room(type, 0);
    return nest;
  }

  endNest(nest: usize): void {
    if (!this.full) store<u16>(nest, <u16>(this.at - nest));
  }

  /** Ends the message; false: there was no room for it. */
  end(): bool {
    if (this.full) {
      this.at = this.message;
      return false;
    }
    changetype<Message>(this.message).length = <u32>(this.at - this.message);
    return true;
  }

  /** Room for an attribute's payload. */
  private room(type: i32, bytes: i32): usize {
    assert(bytes <= MAX_PAYLOAD_BYTES);
    const at = this.fixed(ATTRIBUTE_HEADER_BYTES + bytes);
    store<u16>(at, <u16>(ATTRIBUTE_HEADER_BYTES + bytes));
    store<u16>(at, <u16>type, 2);
    return at + ATTRIBUTE_HEADER_BYTES;
  }
}

/** What an attribute of ours has at most. */
const MAX_PAYLOAD_BYTES: i32 = 64;
/** Where the parts of a message go that has no room. */
const spare: usize = memory.data(ATTRIBUTE_HEADER_BYTES + MAX_PAYLOAD_BYTES, 8);

/** Bytes of a Builder, for `memory.data`. */
export const BUILDER_BYTES: i32 = 20;

/** Makes a builder over static memory: for module-level constants. */
export function builderAt(memory: usize): Builder {
  return changetype<Builder>(memory);
}
