/**
 * UCI's file syntax (OpenWrt, libuci's file.c), as statements of words:
 *
 *     config TYPE ['NAME']
 *         option NAME 'VALUE'
 *         list NAME 'VALUE'
 *
 * A word is any mixture of plain text, '...' and "..."; a backslash takes the next
 * character as it is, but not between single quotes; `#` begins a comment and `;`
 * ends a statement. Unlike libuci, a quoted string ends on its line: no value of
 * ours holds a line break, and a forgotten quote is found where it is.
 */

/** Words of a statement that are kept; one more than any statement has. */
const MAX_WORDS: i32 = 4;
/** Bytes of a word, without quotes: more than any value may have. */
const MAX_WORD_BYTES: i32 = 255;
const EXTENT_BYTES: i32 = 2 * <i32>sizeof<usize>();

/** What is wrong with a statement before its words are looked at. */
export const enum Syntax {
  GOOD = 0,
  /** A quote is not closed on its line. */
  OPEN_QUOTE,
  /** A word is longer than MAX_WORD_BYTES. */
  LONG_WORD,
  /** A control character inside a word, among them NUL. */
  CONTROL_CHARACTER,
}

const words: usize = memory.data(MAX_WORDS * MAX_WORD_BYTES);
const lengths: usize = memory.data(MAX_WORDS * sizeof<i32>(), 4);
/** For each word, where it begins and ends in the text, with its quotes. */
const extents: usize = memory.data(MAX_WORDS * EXTENT_BYTES, 8);
let count: i32 = 0;
let statement_line: i32 = 0;
let syntax: Syntax = Syntax.GOOD;

let at: usize = 0;
let end: usize = 0;
let line: i32 = 1;
/** Behind the statement's last word. */
let words_end: usize = 0;

/** Begins to read the file content of `len` bytes at `p`. */
export function openUci(p: usize, len: i32): void {
  at = p;
  end = p + len;
  line = 1;
  // Some editors put a byte order mark in front of UTF-8.
  if (peek() == 0xef && len >= 3 && load<u16>(p, 1) == 0xbfbb) at += 3;
}

/** Goes to the next statement that has words; false at the end of the file. */
export function nextStatement(): bool {
  while (at < end) {
    count = 0;
    syntax = Syntax.GOOD;
    statement_line = line;
    readStatement();
    if (count > 0 || syntax != Syntax.GOOD) return true;
  }
  return false;
}

/** Goes back to where a statement was found to begin: `nextStatement` finds it again. */
export function rewind(start: usize, its_line: i32): void {
  assert(start <= at);
  at = start;
  line = its_line;
}

/** The line in which the statement begins; the first is 1. */
export function statementLine(): i32 {
  return statement_line;
}

/** Whether the statement could be cut into words; if not, its words are worthless. */
export function statementSyntax(): Syntax {
  return syntax;
}

/** Words of the statement, at most MAX_WORDS: the rest is left out. */
export function wordCount(): i32 {
  return count;
}

/** Word `i`, without quotes. */
export function word(i: i32): usize {
  return words + i * MAX_WORD_BYTES;
}

/** Bytes of word `i`. */
export function wordLength(i: i32): i32 {
  return load<i32>(lengths + i * sizeof<i32>());
}

/** Where word `i` begins in the text, at its quote if it has one. */
export function wordStart(i: i32): usize {
  return load<usize>(extents + i * EXTENT_BYTES);
}

/** Where it ends, behind its quote. */
export function wordEnd(i: i32): usize {
  return load<usize>(extents + i * EXTENT_BYTES, sizeof<usize>());
}

/** Where the statement's last word ends. */
export function statementEnd(): usize {
  return words_end;
}

/** Where the next statement is looked for: behind a line break, a `;`, or at the end. */
export function nextStart(): usize {
  return at;
}

/** The byte that comes next, or -1 at the end. */
function peek(): i32 {
  return at < end ? <i32>load<u8>(at) : -1;
}

function isSpace(c: i32): bool {
  return c == 0x20 || c == 0x09 || (c >= 0x0b && c <= 0x0d);
}

/** Reads up to and with the end of the statement. */
function readStatement(): void {
  while (at < end) {
    const c = peek();
    if (isSpace(c)) {
      at++;
    } else if (c == 0x0a) {
      at++;
      line++;
      return;
    } else if (c == 0x3b) {
      at++;
      return;
    } else if (c == 0x23) {
      skipLine();
    } else {
      const from = at;
      readWord();
      noteExtent(from);
      if (syntax != Syntax.GOOD) return skipLine();
    }
  }
}

/** The word that was read began at `from`. */
function noteExtent(from: usize): void {
  const extent = extents + (count - 1) * EXTENT_BYTES;
  store<usize>(extent, from);
  store<usize>(extent, at, sizeof<usize>());
  words_end = at;
}

/** To the line break, which stays. */
function skipLine(): void {
  while (at < end && load<u8>(at) != 0x0a) at++;
}

function readWord(): void {
  const index = min(count, MAX_WORDS - 1);
  store<i32>(lengths + index * sizeof<i32>(), 0);
  count = index + 1;
  let quote = 0;
  while (at < end) {
    let c = peek();
    if (c == 0x0a || (c == 0x0d && at + 1 < end && load<u8>(at, 1) == 0x0a)) break;
    if (quote == 0 && (isSpace(c) || c == 0x3b || c == 0x23)) return;
    at++;
    if (c == quote) {
      quote = 0;
      continue;
    }
    if (quote == 0 && (c == 0x27 || c == 0x22)) {
      quote = c;
      continue;
    }
    if (c == 0x5c && quote != 0x27) {
      c = peek();
      if (c < 0) break;
      at++;
      if (c == 0x0a) {
        line++;
        continue;
      }
    }
    append(index, c);
    if (syntax != Syntax.GOOD) return;
  }
  if (quote != 0) syntax = Syntax.OPEN_QUOTE;
}

function append(index: i32, c: i32): void {
  const len = wordLength(index);
  if (c < 0x20 || c == 0x7f) syntax = Syntax.CONTROL_CHARACTER;
  else if (len == MAX_WORD_BYTES) syntax = Syntax.LONG_WORD;
  else {
    store<u8>(word(index) + len, <u8>c);
    store<i32>(lengths + index * sizeof<i32>(), len + 1);
  }
}
