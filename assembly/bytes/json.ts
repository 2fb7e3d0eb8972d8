import { writeDate } from "./date";
import { nameBytes, nameLength } from "./slice";
import { controlCharacter, sequenceLength } from "./utf8";
import { Writer } from "./writer";

/**
 * JSON (RFC 8259) over a Writer. A comma goes in front of whatever is not the
 * first in its object or list, which the byte before tells: no state is kept.
 * A document begins a line.
 */

const QUOTE: i32 = 0x22;

function separate(w: Writer): Writer {
  if (w.length == 0) return w;
  const last = <i32>load<u8>(w.at - 1);
  const first = last == 0x7b || last == 0x5b || last == 0x3a || last == 0x0a;
  return first ? w : w.u8(0x2c);
}

/** Begins an object, as a value or as the document. */
export function beginObject(w: Writer): Writer {
  return separate(w).u8(0x7b);
}

/** Ends the object begun last. */
export function endObject(w: Writer): Writer {
  return w.u8(0x7d);
}

/** Begins a list. */
export function beginList(w: Writer): Writer {
  return separate(w).u8(0x5b);
}

/** Ends the list begun last. */
export function endList(w: Writer): Writer {
  return w.u8(0x5d);
}

/** A member's name; its value follows. */
export function key(w: Writer, name: string): Writer {
  return separate(w).u8(QUOTE).text(name).u8(QUOTE).u8(0x3a);
}

/** A whole number. */
export function numberValue(w: Writer, value: i64): Writer {
  return separate(w).decimal(value);
}

/** Thousandths as a number with at most three decimals. */
export function thousandthsValue(w: Writer, value: i64): Writer {
  return separate(w).seconds(value);
}

/** `true` or `false`. */
export function boolValue(w: Writer, value: bool): Writer {
  return separate(w).text(value ? "true" : "false");
}

/** `null`: there is no value. */
export function nullValue(w: Writer): Writer {
  return separate(w).text("null");
}

/** An ASCII literal without quotes or backslashes. */
export function textValue(w: Writer, text: string): Writer {
  return separate(w).u8(QUOTE).text(text).u8(QUOTE);
}

/** Opens a string: its text (no quotes or backslashes) and the closing quote are the caller's. */
export function beginText(w: Writer): Writer {
  return separate(w).u8(QUOTE);
}

/** Eight hexadecimal digits, as SPIs are written. */
export function hexValue(w: Writer, value: u32): Writer {
  return separate(w).u8(QUOTE).hex(value).u8(QUOTE);
}

/** A time in UTC (RFC 3339). */
export function dateValue(w: Writer, since_1970_ms: i64): Writer {
  writeDate(beginText(w), since_1970_ms, 0x54).u8(0x2e);
  return w.padded(since_1970_ms % 1000, 3).text('Z"');
}

/** Any bytes: what is not UTF-8 (RFC 3629) becomes U+FFFD, so the document always is. */
export function stringValue(w: Writer, p: usize, len: i32): Writer {
  separate(w).u8(QUOTE);
  for (let i = 0; i < len;) {
    const c = <i32>load<u8>(p + i);
    if (c >= 0x80) {
      const sequence = sequenceLength(p + i, len - i);
      const control = sequence > 0 ? controlCharacter(p + i) : 0xfffd;
      if (control != 0) w.text("\\u").hex(control, 4);
      else w.bytes(p + i, sequence);
      i += max(sequence, 1);
      continue;
    }
    if (c == QUOTE || c == 0x5c) w.u8(0x5c).u8(c);
    else if (c < 0x20 || c == 0x7f) w.text("\\u").hex(c, 4);
    else w.u8(c);
    i++;
  }
  return w.u8(QUOTE);
}

/** A name field (bytes/slice.ts, `setName`). */
export function nameValue(w: Writer, field: usize): Writer {
  return stringValue(w, nameBytes(field), nameLength(field));
}
