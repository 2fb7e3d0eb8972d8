/**
 * A frame of the live screen, line by line: no line is wider than the screen, and nothing in it
 * moves a cursor. Without colours, or in ASCII, it says the same.
 */
import { columnsOf, decode } from "../bytes/columns";
import { controlCharacter, sequenceLength } from "../bytes/utf8";
import { Writer } from "../bytes/writer";
import { spaces } from "./cell";

/** Colours of ECMA-48, 8.3.117 (SGR). */
export const enum Color {
  NONE = 0,
  BOLD = 1,
  DIM = 2,
  RED = 31,
  GREEN = 32,
  YELLOW = 33,
}

const ESCAPE: i32 = 0x1b;
const QUESTION: i32 = 0x3f;
const ELLIPSIS: i32 = 0x2026;
const TILDE: i32 = 0x7e;

let w: Writer = changetype<Writer>(0);
let columns: i32 = 0;
let ascii: bool = false;
let colored: bool = false;
/** Columns that the line has left. */
let left: i32 = 0;

/** The lines go to the writer; `as_ascii`, `in_color`: how. */
export function beginScreen(to: Writer, width: i32, as_ascii: bool, in_color: bool): void {
  w = to;
  columns = width;
  left = width;
  ascii = as_ascii;
  colored = in_color;
}

/** Ends the line. */
export function endLine(): void {
  w.u8(0x0a);
  left = columns;
}

/** Columns that the line has left. */
export function columnsLeft(): i32 {
  return left;
}

/** What follows has this colour. */
export function paint(color: Color): void {
  if (colored) w.u8(ESCAPE).u8(0x5b).decimal(color).u8(0x6d);
}

/** Leaves columns empty. */
export function skip(count: i32): void {
  const some = max(0, min(count, left));
  spaces(w, some);
  left -= some;
}

/** One character of one column, and what stands for it in ASCII. */
export function draw(code: i32, plain: i32): void {
  if (left < 1) return;
  left--;
  if (ascii || code < 0x80) w.u8(ascii ? plain : code);
  else
    w.u8(0xe0 | (code >> 12))
      .u8(0x80 | ((code >> 6) & 0x3f))
      .u8(0x80 | (code & 0x3f));
}

/** What was written aside, at the left of `width` columns: a mark ends what is cut. */
export function showLeft(text: Writer, width: i32): void {
  const room = max(0, min(width, left));
  const wanted = measure(text);
  if (wanted <= room) {
    show(text, room);
    skip(room - wanted);
  } else if (room > 0) {
    const after = left - room;
    show(text, room - 1);
    draw(ELLIPSIS, TILDE);
    skip(left - after);
  }
}

/** As much as the line has room for, and nothing behind it. */
export function showAll(text: Writer): void {
  showLeft(text, min(measure(text), left));
}

/** At the right of them. */
export function showRight(text: Writer, width: i32): void {
  const wanted = measure(text);
  skip(width - wanted);
  showLeft(text, min(width, wanted));
}

/** Columns that the text takes. */
function measure(text: Writer): i32 {
  let total = 0;
  for (let p = text.start; p < text.at;) {
    const size = sizeAt(p, text.at);
    total += widthAt(p, size);
    p += max(size, 1);
  }
  return total;
}

/** As much of it as fits. */
function show(text: Writer, room: i32): void {
  for (let p = text.start; p < text.at;) {
    const size = sizeAt(p, text.at);
    const width = widthAt(p, size);
    if (width > room) return;
    room -= width;
    left -= width;
    if (isPlain(p, size)) w.bytes(p, size);
    else w.u8(QUESTION);
    p += max(size, 1);
  }
}

/** Bytes of the character at `p`; 0: it is none. */
function sizeAt(p: usize, end: usize): i32 {
  return load<u8>(p) < 0x80 ? 1 : sequenceLength(p, <i32>(end - p));
}

/** Columns of what stands for the character. */
function widthAt(p: usize, size: i32): i32 {
  return isPlain(p, size) ? columnsOf(decode(p, size)) : 1;
}

/** Whether the character is shown as it is; else a question mark stands for it. */
function isPlain(p: usize, size: i32): bool {
  const c = <i32>load<u8>(p);
  if (size == 1) return c >= 0x20 && c != 0x7f;
  if (size == 0 || ascii || controlCharacter(p) != 0) return false;
  // What takes no column of its own could turn around what follows.
  return columnsOf(decode(p, size)) > 0;
}
