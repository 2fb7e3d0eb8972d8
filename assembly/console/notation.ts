/**
 * ScreenOS's notation of a command, read from a string:
 *
 *     set|unset vpn NAME monitor [source-interface IF] [optimized] [rekey]
 *
 * Small letters are keywords, capitals values (parameter.ts). `a|b`: one of them. Brackets may be
 * left out; those that stand side by side come in any order, each at most once, and hold
 * alternatives of one or more words: `[active|inactive|id ID]`. Nothing nests. Brackets that end
 * with dots, `[destination-ip IP ...]`, may stand several times.
 */

/** A place in a notation: what comes next. */
@unmanaged
export class Place {
  /** Offset of a word, of the first of some brackets, or of the end; -1: the row is out. */
  at: i32;
  /** Inside brackets: offset of the first of them. */
  brackets: i32;
  /** Bit i: whether bracket i of those was used. */
  used: u32;
  /** Whether `at` is a further word inside brackets. */
  inside: bool;
}

/** Bytes of a word of a notation. */
export const ITEM_BYTES: i32 = 31;

/** Bytes of a Place, for `memory.data`. */
export const PLACE_BYTES: i32 = 16;

const SPACE: i32 = 0x20;
const BAR: i32 = 0x7c;
const DOT: i32 = 0x2e;
const OPEN: i32 = 0x5b;
const CLOSE: i32 = 0x5d;

/** The word that `nextItem` found; both are the notation's length where the line may end. */
export let item_from: i32 = 0;
export let item_to: i32 = 0;
/** Whether it is the first word of an alternative in brackets, and in which of them. */
let item_bracket: i32 = -1;

let scan: i32 = 0;
let bracket: i32 = 0;
/** Whether `scan` is at an alternative in brackets. */
let in_brackets: bool = false;
let over: bool = false;

/** The beginning of a notation. */
export function initPlace(place: Place): void {
  place.at = 0;
  place.brackets = 0;
  place.used = 0;
  place.inside = false;
}

/** Begins to name what may stand at the place. */
export function openItems(place: Place): void {
  scan = place.at;
  bracket = 0;
  in_brackets = false;
  over = false;
}

/** Finds the next thing that may stand there: `item_from`, `item_to`. False: there is no more. */
export function nextItem(text: string, place: Place): bool {
  if (over) return false;
  item_bracket = -1;
  while (!place.inside && !in_brackets && charAt(text, scan) == OPEN) {
    if ((place.used & (1 << bracket)) == 0) {
      in_brackets = true;
      scan++;
    } else {
      scan = pastBracket(text, scan);
      bracket++;
    }
  }
  item_from = scan;
  item_to = endOfWord(text, scan);
  if (place.inside) {
    over = true;
  } else if (in_brackets) {
    item_bracket = bracket;
    scan = endOfAlternative(text, item_to);
    if (charAt(text, scan) == BAR) {
      scan++;
    } else {
      scan = pastBracket(text, scan);
      bracket++;
      in_brackets = false;
    }
  } else if (charAt(text, item_to) == BAR) {
    scan = item_to + 1;
  } else {
    over = true;
  }
  return true;
}

/** Moves the place behind the item that was found last. */
export function followItem(text: string, place: Place): void {
  if (item_bracket >= 0) {
    place.brackets = place.at;
    const end = endOfAlternative(text, item_to);
    if (charAt(text, end) != SPACE) place.used |= 1 << item_bracket;
  }
  if (place.inside || item_bracket >= 0) {
    place.inside = item_to < endOfAlternative(text, item_to);
    place.at = place.inside ? item_to + 1 : place.brackets;
  } else {
    let end = item_to;
    while (charAt(text, end) == BAR) end = endOfWord(text, end + 1);
    place.at = charAt(text, end) == SPACE ? end + 1 : end;
    place.used = 0;
  }
}

/** Where what is read as one with the item ends: its alternative in brackets, else the notation. */
export function endOfItem(text: string, place: Place): i32 {
  return place.inside || item_bracket >= 0 ? endOfAlternative(text, item_to) : text.length;
}

/** Where the words of which the item is one end: `unset` in `set|unset vpn`. */
export function endOfChoice(text: string): i32 {
  let end = item_to;
  while (item_bracket < 0 && charAt(text, end) == BAR) end = endOfWord(text, end + 1);
  return end;
}

/** Whether the item stands in brackets. */
export function isInBrackets(place: Place): bool {
  return place.inside || item_bracket >= 0;
}

/** Whether the item is the name of a value: in capitals. */
export function isValueName(text: string): bool {
  return item_from < item_to && isCapital(text, item_from);
}

/** Where the last word before `end` begins, if it is the name of a value; -1 otherwise. */
export function valueBefore(text: string, end: i32): i32 {
  let from = end;
  while (from > 0 && charAt(text, from - 1) > SPACE && charAt(text, from - 1) != BAR) from--;
  return isCapital(text, from) ? from : -1;
}

function isCapital(text: string, i: i32): bool {
  const c = charAt(text, i);
  return c >= 0x41 && c <= 0x5a;
}

/** Copies a word of the notation to a name field (bytes/slice.ts) of ITEM_BYTES. */
export function copyItem(field: usize, text: string, from: i32, to: i32): void {
  assert(to - from <= ITEM_BYTES);
  store<u8>(field, <u8>(to - from));
  for (let i = from; i < to; i++) store<u8>(field + 1 + i - from, <u8>text.charCodeAt(i));
}

/** -1 behind the end. */
function charAt(text: string, i: i32): i32 {
  return i < text.length ? text.charCodeAt(i) : -1;
}

function endOfWord(text: string, from: i32): i32 {
  let at = from;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c == SPACE || c == BAR || c == CLOSE) break;
  }
  return at;
}

function endOfAlternative(text: string, from: i32): i32 {
  let at = from;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c == BAR || c == CLOSE || (c == SPACE && charAt(text, at + 1) == DOT)) break;
  }
  return at;
}

/** Behind the bracket that closes next, and the space after it. */
function pastBracket(text: string, from: i32): i32 {
  let at = from;
  while (charAt(text, at) != CLOSE) at++;
  return charAt(text, at + 1) == SPACE ? at + 2 : at + 1;
}
