/**
 * Finds which row of the grammar the line is. The table (grammar.ts) is gone through once for each
 * word and purpose; each row then does what `pass` says, on its own place in its notation.
 */
import { isPrefix, nameBytes, nameLength } from "../bytes/slice";
import { MAX_COMMANDS } from "../limits";
import { setMeaning, word, wordLength } from "./line";
import {
  copyItem,
  followItem,
  initPlace,
  isValueName,
  ITEM_BYTES,
  item_from,
  item_to,
  nextItem,
  openItems,
  Place,
  PLACE_BYTES,
} from "./notation";
import { offerItems } from "./offer";
import { isValue } from "./parameter";

/** What `row` does. */
export const enum Pass {
  /** Puts every row at its beginning. */
  BEGIN,
  /** Looks for what the word may be. */
  LOOK,
  /** Lets those rows go on that have what the word was found to be. */
  FOLLOW,
  /** Finds the row that may end here. */
  END,
  /** Tells what may stand here. */
  OFFER,
  /** Says yes to the row that was found. */
  RUN,
}

/** What a word was found to be. */
export const enum Found {
  /** A keyword or a value: `meaning` says which. */
  GOOD,
  /** No keyword, and no value is expected. */
  UNKNOWN,
  /** The beginning of several keywords. */
  AMBIGUOUS,
  /** A value is expected, whose name is in `meaning`, and it cannot be this one. */
  UNFIT,
}

/** A name field (bytes/slice.ts): the keyword, or the value's name. */
export const meaning: usize = memory.data(1 + ITEM_BYTES);
const value: usize = memory.data(1 + ITEM_BYTES);

const places: usize = memory.data(MAX_COMMANDS * PLACE_BYTES, 4);
let pass: Pass = Pass.BEGIN;
/** Rows that had their turn. */
let rows: i32 = 0;
let chosen: i32 = -1;

/** The word that is looked for, and what has been found so far. */
let p: usize = 0;
let len: i32 = 0;
let is_exact: bool = false;
let beginnings: i32 = 0;

/** Begins a pass over the table. */
export function beginPass(next: Pass): void {
  pass = next;
  rows = 0;
  if (next == Pass.END) chosen = -1;
}

/** Begins a pass that looks for what word `i` may be. */
export function beginLook(i: i32): void {
  beginPass(Pass.LOOK);
  p = word(i);
  len = wordLength(i);
  is_exact = false;
  beginnings = 0;
  store<u8>(value, 0);
}

/** What it was found to be in that pass: a whole keyword, else a value, else an abbreviation. */
export function endLook(i: i32): Found {
  if (!is_exact && nameLength(value) > 0) {
    memory.copy(meaning, value, 1 + ITEM_BYTES);
    if (!isValue(meaning, p, len)) return Found.UNFIT;
  } else if (!is_exact && beginnings != 1) {
    return beginnings == 0 ? Found.UNKNOWN : Found.AMBIGUOUS;
  }
  setMeaning(i, meaning);
  return Found.GOOD;
}

/** Whether a row was found that may end here. */
export function isWhole(): bool {
  return chosen >= 0;
}

/**
 * A row of the table: its notation, and what the command does, for people. True when it is to be
 * run.
 */
export function row(notation: string, help: string): bool {
  assert(rows < MAX_COMMANDS);
  const place = changetype<Place>(places + rows * PLACE_BYTES);
  const index = rows++;
  if (pass == Pass.RUN) return index == chosen;
  if (pass == Pass.BEGIN) initPlace(place);
  if (place.at < 0) return false;
  if (pass == Pass.LOOK) look(notation, place);
  else if (pass == Pass.FOLLOW) follow(notation, place);
  else if (pass == Pass.END) end(notation, place, index);
  else if (pass == Pass.OFFER) offerItems(notation, help, place);
  return false;
}

function look(notation: string, place: Place): void {
  openItems(place);
  while (!is_exact && nextItem(notation, place)) {
    if (isValueName(notation)) {
      copyItem(value, notation, item_from, item_to);
    } else if (len > 0 && isPrefix(p, len, notation, item_from, item_to)) {
      is_exact = len == item_to - item_from;
      if (beginnings == 0 || !isMeant(notation)) beginnings++;
      copyItem(meaning, notation, item_from, item_to);
    }
  }
}

function follow(notation: string, place: Place): void {
  openItems(place);
  while (nextItem(notation, place)) {
    if (isMeant(notation)) return followItem(notation, place);
  }
  place.at = -1;
}

function end(notation: string, place: Place, index: i32): void {
  openItems(place);
  while (nextItem(notation, place)) {
    if (item_from < item_to) continue;
    // Two rows for one line would be a mistake in the table.
    assert(chosen < 0);
    chosen = index;
  }
}

/** Whether the item is what the word means. */
function isMeant(notation: string): bool {
  const length = nameLength(meaning);
  const same = length == item_to - item_from;
  return same && isPrefix(nameBytes(meaning), length, notation, item_from, item_to);
}
