/*
 * vici's messages (strongSwan, src/libcharon/plugins/vici/README.md), for the model of charon and
 * for the lab. Written apart from the engine's on purpose: what judges rekeyd should not share its
 * mistakes.
 */

export type Value = string | string[] | Section;
export interface Section {
  [key: string]: Value;
}

// prettier-ignore
export enum Packet {
  CMD_REQUEST, CMD_RESPONSE, CMD_UNKNOWN, EVENT_REGISTER, EVENT_UNREGISTER, EVENT_CONFIRM,
  EVENT_UNKNOWN, EVENT,
}
// prettier-ignore
enum Element { SECTION_START = 1, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END }

/** Where messages are encoded; it grows. */
let scratch = Buffer.alloc(4096);

/** The message, behind so many bytes that are left to the caller. */
export function encode(section: Section, head_bytes = 0): Buffer {
  const end = putSection(section, head_bytes);
  const bytes = Buffer.allocUnsafe(end);
  bytes.set(scratch.subarray(0, end));
  return bytes;
}

/** Each of these writes at `at`, and answers where it ended. */
function putSection(section: Section, at: number): number {
  let end = at;
  for (const key in section) {
    const value = section[key]!;
    if (typeof value === "string") {
      end = putValue(value, putName(Element.KEY_VALUE, key, end));
    } else if (Array.isArray(value)) {
      end = putName(Element.LIST_START, key, end);
      for (const item of value) end = putValue(item, putByte(Element.LIST_ITEM, end));
      end = putByte(Element.LIST_END, end);
    } else {
      end = putSection(value, putName(Element.SECTION_START, key, end));
      end = putByte(Element.SECTION_END, end);
    }
  }
  return end;
}

function putByte(byte: number, at: number): number {
  reserve(at, 1);
  scratch[at] = byte;
  return at + 1;
}

function putName(element: Element, name: string, at: number): number {
  reserve(at, 2 + 3 * name.length);
  const length = putText(name, at + 2);
  scratch[at] = element;
  scratch[at + 1] = length;
  return at + 2 + length;
}

function putValue(value: string, at: number): number {
  reserve(at, 2 + 3 * value.length);
  const length = putText(value, at + 2);
  scratch[at] = length >> 8;
  scratch[at + 1] = length & 0xff;
  return at + 2 + length;
}

/** Answers its length in bytes. Short texts are written by hand: that is much faster. */
function putText(text: string, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return scratch.write(text, at);
    scratch[at + i] = code;
  }
  return text.length;
}

function reserve(at: number, bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const before = scratch;
  scratch = Buffer.alloc(2 * (at + bytes));
  scratch.set(before);
}

export function decode(bytes: Buffer): Section {
  let at = 0;
  const name = (): string => {
    const length = bytes.readUInt8(at);
    at += 1 + length;
    return bytes.toString("utf8", at - length, at);
  };
  const value = (): string => {
    const length = bytes.readUInt16BE(at);
    at += 2 + length;
    return bytes.toString("utf8", at - length, at);
  };
  const stack: Section[] = [{}];
  let list: string[] = [];
  while (at < bytes.length) {
    const section = stack[stack.length - 1]!;
    switch (bytes.readUInt8(at++)) {
      case Element.SECTION_START: {
        const inner: Section = {};
        section[name()] = inner;
        stack.push(inner);
        break;
      }
      case Element.SECTION_END:
        stack.pop();
        break;
      case Element.KEY_VALUE: {
        const key = name();
        section[key] = value();
        break;
      }
      case Element.LIST_START:
        list = [];
        section[name()] = list;
        break;
      case Element.LIST_ITEM:
        list.push(value());
        break;
      case Element.LIST_END:
        break;
      default:
        throw new Error("vici: element of an unknown type");
    }
  }
  return stack[0]!;
}
