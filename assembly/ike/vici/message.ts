import { equalText, loadU16be, parseDecimal } from "../../bytes/slice";
import { Writer } from "../../bytes/writer";
import { MAX_VICI_DEPTH } from "../../limits";

/** Packet types (strongSwan, plugins/vici/README.md, "Packet layer"). */
export const enum Packet {
  CMD_REQUEST = 0,
  CMD_RESPONSE,
  CMD_UNKNOWN,
  EVENT_REGISTER,
  EVENT_UNREGISTER,
  EVENT_CONFIRM,
  EVENT_UNKNOWN,
  EVENT,
}

/** Elements of a message, numbered as on the wire, and its two ends. */
export const enum Element {
  /** The message is over and was well formed. */
  END = 0,
  SECTION_START,
  SECTION_END,
  KEY_VALUE,
  LIST_START,
  LIST_ITEM,
  LIST_END,
  /** Not a vici message from here on; nothing more comes. */
  BAD,
}

/**
 * A reader over the elements of one message, in order. It is total: whatever
 * the bytes are, it stays inside them and ends with END or BAD.
 */
@unmanaged
export class Message {
  private at: usize;
  private end: usize;
  /** Sections that are open. */
  depth: i32;
  private in_list: bool;
  private bad: bool;
  /** Of SECTION_START, KEY_VALUE and LIST_START. */
  name: usize;
  name_length: i32;
  /** Of KEY_VALUE and LIST_ITEM. */
  value: usize;
  value_length: i32;

  open(p: usize, length: i32): this {
    this.at = p;
    this.end = p + length;
    this.depth = 0;
    this.in_list = false;
    this.bad = false;
    return this;
  }

  /** Goes on where `other` stands, which is not moved by it. */
  follow(other: Message): void {
    memory.copy(changetype<usize>(this), changetype<usize>(other), MESSAGE_BYTES);
  }

  next(): Element {
    if (this.bad) return Element.BAD;
    if (this.at == this.end) {
      return this.depth == 0 && !this.in_list ? Element.END : this.refuse();
    }
    const element = <Element>load<u8>(this.at++);
    switch (element) {
      case Element.SECTION_START: {
        if (this.in_list || this.depth == MAX_VICI_DEPTH || !this.readName()) return this.refuse();
        this.depth++;
        return element;
      }
      case Element.SECTION_END: {
        if (this.in_list || this.depth == 0) return this.refuse();
        this.depth--;
        return element;
      }
      case Element.KEY_VALUE: {
        if (this.in_list || !this.readName() || !this.readValue()) return this.refuse();
        return element;
      }
      case Element.LIST_START: {
        if (this.in_list || !this.readName()) return this.refuse();
        this.in_list = true;
        return element;
      }
      case Element.LIST_ITEM: {
        if (!this.in_list || !this.readValue()) return this.refuse();
        return element;
      }
      case Element.LIST_END: {
        if (!this.in_list) return this.refuse();
        this.in_list = false;
        return element;
      }
      default:
        return this.refuse();
    }
  }

  /** Behind a SECTION_START or LIST_START: goes on behind its end. */
  skip(): void {
    if (this.in_list) {
      while (this.next() == Element.LIST_ITEM) {}
      return;
    }
    const outside = this.depth - 1;
    while (this.depth > outside) {
      const element = this.next();
      if (element == Element.END || element == Element.BAD) return;
    }
  }

  /**
   * Inside a section, or outside all: goes into the next section there, past everything else; false
   * behind its end.
   */
  nextSection(): bool {
    while (true) {
      const element = this.next();
      if (element == Element.SECTION_START) return true;
      if (element == Element.LIST_START) this.skip();
      else if (element != Element.KEY_VALUE) return false;
    }
  }

  nameIs(text: string): bool {
    return equalText(this.name, this.name_length, text);
  }

  valueIs(text: string): bool {
    return equalText(this.value, this.value_length, text);
  }

  /** The value as a number; -1 for anything else. */
  decimal(): i64 {
    return parseDecimal(this.value, this.value_length);
  }

  private readName(): bool {
    if (this.end - this.at < 1) return false;
    const length = <i32>load<u8>(this.at);
    if (<i32>(this.end - this.at) - 1 < length) return false;
    this.name = this.at + 1;
    this.name_length = length;
    this.at += 1 + length;
    return true;
  }

  private readValue(): bool {
    if (this.end - this.at < 2) return false;
    const length = <i32>loadU16be(this.at);
    if (<i32>(this.end - this.at) - 2 < length) return false;
    this.value = this.at + 2;
    this.value_length = length;
    this.at += 2 + length;
    return true;
  }

  private refuse(): Element {
    this.bad = true;
    return Element.BAD;
  }
}

/** Bytes of a Message, for `memory.data`. */
export const MESSAGE_BYTES: i32 = offsetof<Message>();

/** Makes a reader over static memory: for module-level constants. */
export function messageAt(memory: usize): Message {
  return changetype<Message>(memory);
}

const checked: Message = messageAt(memory.data(MESSAGE_BYTES));

/** Whether the bytes are a vici message from beginning to end. */
export function isWellFormed(p: usize, length: i32): bool {
  checked.open(p, length);
  while (true) {
    const element = checked.next();
    if (element == Element.END) return true;
    if (element == Element.BAD) return false;
  }
}

/** Begins a packet that carries a name: its length is filled in by `endPacket`. */
export function beginPacket(w: Writer, type: Packet, name: string): usize {
  const start = w.at;
  w.u32be(0).u8(type).u8(name.length).text(name);
  return start;
}

/** Adds `key = value`. */
export function addValue(w: Writer, key: string, value: usize, length: i32): void {
  w.u8(Element.KEY_VALUE).u8(key.length).text(key).u16be(length).bytes(value, length);
}

/** Adds `key = text` of ASCII. */
export function addText(w: Writer, key: string, text: string): void {
  w.u8(Element.KEY_VALUE).u8(key.length).text(key).u16be(text.length).text(text);
}

/** Adds `key = number`. */
export function addNumber(w: Writer, key: string, value: u32): void {
  let digits = 1;
  for (let rest = value / 10; rest > 0; rest /= 10) digits++;
  w.u8(Element.KEY_VALUE).u8(key.length).text(key).u16be(digits).decimal(value);
}

/** Ends the packet that `beginPacket` began at `start`. */
export function endPacket(w: Writer, start: usize): void {
  store<u32>(start, bswap<u32>(<u32>(w.at - start) - 4));
}
