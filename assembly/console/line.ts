/** The line that is being answered: its words, and what each of them was taken for. */
import { equalText, nameBytes, nameLength, setName } from "../bytes/slice";
import { ITEM_BYTES } from "./notation";

/** Words of the longest command, and some that are too many. */
const MAX_WORDS: i32 = 32;
const QUOTE: i32 = 0x22;
const HYPHEN: i32 = 0x2d;
const UNDERSCORE: i32 = 0x5f;

/** A word: where it is, and as which word of the grammar it was understood (a name field). */
@unmanaged
class Word {
  at: usize;
  length: i32;
  /** Where it begins in the line: at its quote, if it has one. */
  from: usize;
  quoted: bool;
  get meaning(): usize {
    return changetype<usize>(this) + MEANING;
  }
}
const MEANING = 16;
const WORD_BYTES: i32 = MEANING + ITEM_BYTES + 1;

const words: usize = memory.data(MAX_WORDS * WORD_BYTES, 8);
let line_at: usize = 0;
let line_length: i32 = 0;
let count: i32 = 0;
/** Whether the line ends behind a word, with nothing in between. */
let ends_in_word: bool = false;

/**
 * Cuts the line at white space and control characters. What stands in double quotes is one word, as
 * ScreenOS writes names; a quote that is not closed ends with the line. Words past MAX_WORDS are
 * left out: no command has so many.
 */
export function splitLine(p: usize, len: i32): void {
  line_at = p;
  line_length = len;
  count = 0;
  ends_in_word = false;
  let at = 0;
  while (count < MAX_WORDS) {
    while (at < len && isSpace(p + at)) at++;
    if (at == len) break;
    const word = wordAt(count++);
    word.from = p + at;
    word.quoted = load<u8>(p + at) == QUOTE;
    store<u8>(word.meaning, 0);
    if (word.quoted) at++;
    const start = at;
    while (at < len && (word.quoted ? load<u8>(p + at) != QUOTE : !isSpace(p + at))) at++;
    word.at = p + start;
    word.length = at - start;
    ends_in_word = at == len;
    if (word.quoted && at < len) at++;
  }
}

function isSpace(p: usize): bool {
  return load<u8>(p) <= 0x20;
}

/** The line from word `i` on becomes the line: what stands before is not the command's. */
export function cutLine(i: i32): void {
  const at = i < count ? wordAt(i).from : line_at + line_length;
  splitLine(at, <i32>(line_at + line_length - at));
}

/** Cuts the `?` off with which the line ends (`asksForHelp`). */
export function cutHelp(): void {
  const last = wordAt(count - 1);
  splitLine(line_at, <i32>(last.at + last.length - 1 - line_at));
}

/** Where the line begins. */
export function lineStart(): usize {
  return line_at;
}

/** Bytes of the line, without white space at its end. */
export function lineLength(): i32 {
  let len = line_length;
  while (len > 0 && isSpace(line_at + len - 1)) len--;
  return len;
}

/** Words of the line. */
export function wordCount(): i32 {
  return count;
}

function wordAt(i: i32): Word {
  return changetype<Word>(words + i * WORD_BYTES);
}

/** Where word `i` is. */
export function word(i: i32): usize {
  return wordAt(i).at;
}

/** How many bytes it has. */
export function wordLength(i: i32): i32 {
  return wordAt(i).length;
}

/** How many bytes of the line stand before it; behind the last word: all of them. */
export function wordOffset(i: i32): i32 {
  return i < count ? <i32>(wordAt(i).from - line_at) : lineLength();
}

/** Whether word `i` is `text`, unquoted. */
export function wordIs(i: i32, text: string): bool {
  return i < count && !wordAt(i).quoted && equalText(word(i), wordLength(i), text);
}

/** Whether the last word is not ended yet: what is typed next belongs to it. */
export function lastWordOpen(): bool {
  return ends_in_word;
}

/** Whether the line asks what may stand at its end: it ends with an unquoted `?`. */
export function asksForHelp(): bool {
  if (count == 0 || count == MAX_WORDS) return false;
  const last = wordAt(count - 1);
  return !last.quoted && load<u8>(last.at + last.length - 1) == 0x3f;
}

/** Word `i` was understood as this word of the grammar (bytes/slice.ts, `setName`). */
export function setMeaning(i: i32, meaning: usize): void {
  assert(setName(wordAt(i).meaning, ITEM_BYTES, nameBytes(meaning), nameLength(meaning)));
}

/** Which word was understood as `text`; -1: none. */
export function find(text: string): i32 {
  for (let i = 0; i < count; i++) if (means(i, text)) return i;
  return -1;
}

/** Whether word `i` was understood as `text`, in which `-` and `_` are the same. */
export function means(i: i32, text: string): bool {
  const meaning = wordAt(i).meaning;
  if (nameLength(meaning) != text.length) return false;
  for (let j = 0; j < text.length; j++) {
    const c = text.charCodeAt(j);
    const expected = c == UNDERSCORE ? HYPHEN : c;
    if (<i32>load<u8>(nameBytes(meaning) + j) != expected) return false;
  }
  return true;
}

/** Whether the command has this keyword. */
export function given(text: string): bool {
  return find(text) >= 0;
}
