import { makePrintable } from "../bytes/utf8";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { MAX_CONFIG_ERRORS } from "../limits";

/** Room for a path, a line number and a sentence. */
const LINE_BYTES: i32 = 768;
const ENTRY_BYTES: i32 = 8;
const MAX_SHOWN_PATH_BYTES: i32 = 255;
/** Bytes of a value that a message repeats. */
const MAX_SHOWN_VALUE_BYTES: i32 = 48;

/** The lines in the order in which they were found, and one that counts the rest. */
const lines: usize = memory.data((MAX_CONFIG_ERRORS + 1) * LINE_BYTES);
/** For each line, in the order of the file: its place in `lines` and its number in the file. */
const order: usize = memory.data((MAX_CONFIG_ERRORS + 1) * ENTRY_BYTES, 4);
/** Bytes of each line, by its place in `lines`. */
const lengths: usize = memory.data((MAX_CONFIG_ERRORS + 1) * sizeof<u16>(), 2);

const path: usize = memory.data(MAX_SHOWN_PATH_BYTES);
let path_length: i32 = 0;
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));
let found: i32 = 0;
let line_number: i32 = 0;

/** Forgets all mistakes; those to come are in the file `p`. */
export function resetMistakes(p: usize, len: i32): void {
  found = 0;
  path_length = min(len, MAX_SHOWN_PATH_BYTES);
  memory.copy(path, p, path_length);
}

/** Mistakes found, also those past MAX_CONFIG_ERRORS. */
export function mistakeCount(): i32 {
  return found;
}

/**
 * Begins the mistake at `line` (0: the file as a whole); `endMistake` ends it. The
 * text says what is wrong, then, behind a semicolon, what would be right.
 */
export function mistake(line: i32): Writer {
  line_number = line;
  // What is past the limit is written where the count of the rest will stand.
  writer.reset(lines + min(found, MAX_CONFIG_ERRORS) * LINE_BYTES, LINE_BYTES);
  return head(line);
}

/** Keeps the mistake, or only counts it. */
export function endMistake(): void {
  if (found < MAX_CONFIG_ERRORS) {
    makePrintable(writer.start, writer.length);
    insert(found, line_number, writer.length);
  }
  found++;
}

/** Keeps the order of the file; mistakes of one line stay in the order in which they were found. */
function insert(place: i32, line: i32, length: i32): void {
  let entry = order + place * ENTRY_BYTES;
  while (entry > order && load<i32>(entry - ENTRY_BYTES, 4) > line) {
    store<u64>(entry, load<u64>(entry - ENTRY_BYTES));
    entry -= ENTRY_BYTES;
  }
  store<i32>(entry, place);
  store<i32>(entry, line, 4);
  store<u16>(lengths + (place << 1), <u16>length);
}

/** Lines to show: one for each mistake, and at the limit one that counts the rest. */
export function mistakeLines(): i32 {
  if (found <= MAX_CONFIG_ERRORS) return found;
  writer.reset(lines + MAX_CONFIG_ERRORS * LINE_BYTES, LINE_BYTES);
  const rest = found - MAX_CONFIG_ERRORS;
  head(0).text("and ").counted(rest, "more mistake");
  makePrintable(writer.start, writer.length);
  insert(MAX_CONFIG_ERRORS, i32.MAX_VALUE, writer.length);
  return MAX_CONFIG_ERRORS + 1;
}

/** Line `i`, in the order of the file. */
export function mistakeLine(i: i32): usize {
  return lines + load<i32>(order + i * ENTRY_BYTES) * LINE_BYTES;
}

/** Bytes of line `i`. */
export function mistakeLineLength(i: i32): i32 {
  return <i32>load<u16>(lengths + (load<i32>(order + i * ENTRY_BYTES) << 1));
}

/** The number of the line that it is about; 0: the file as a whole. */
export function mistakeLineNumber(i: i32): i32 {
  return load<i32>(order + i * ENTRY_BYTES, 4);
}

/** How many bytes of line `i` name the file and the line, before the text. */
export function mistakeHeadLength(i: i32): i32 {
  const line = mistakeLineNumber(i);
  let digits = 0;
  for (let rest = line; rest > 0; rest /= 10) digits++;
  return path_length + (line > 0 ? 1 + digits : 0) + 2;
}

/** Writes a word of the file between quotes, cut where it is long. */
export function quoted(w: Writer, p: usize, len: i32): Writer {
  w.u8(0x27).bytes(p, min(len, MAX_SHOWN_VALUE_BYTES));
  if (len > MAX_SHOWN_VALUE_BYTES) w.text("...");
  return w.u8(0x27);
}

function head(line: i32): Writer {
  writer.bytes(path, path_length);
  if (line > 0) writer.u8(0x3a).decimal(line);
  return writer.text(": ");
}
