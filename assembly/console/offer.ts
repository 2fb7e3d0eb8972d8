/** What may stand at a place, told in the ways in which people ask for it. */
import { isPrefix } from "../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { spaces } from "./cell";
import { completeKeyword } from "./completion";
import { beginObject, beginText, endObject, key, stringValue } from "../bytes/json";
import {
  copyItem,
  endOfChoice,
  endOfItem,
  isInBrackets,
  isValueName,
  ITEM_BYTES,
  item_from,
  item_to,
  nextItem,
  openItems,
  Place,
  valueBefore,
} from "./notation";
import { completeValue, describe } from "./parameter";
import { json, replyWriter } from "./reply";

/** The ways. */
export const enum Offer {
  /** Finds how wide the left column must be. */
  MEASURE,
  /** A line for each, with an explanation; or an object. */
  EXPLAIN,
  /** The words alone (completion.ts). */
  COMPLETE,
}

/** What is longer has its explanation on a line of its own. */
const MAX_COLUMNS: i32 = 30;
const EXPLANATION_BYTES: i32 = 1024;

const item: usize = memory.data(1 + ITEM_BYTES);
const explanation: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const room: usize = memory.data(EXPLANATION_BYTES);

let way: Offer = Offer.MEASURE;
/** Only what begins so is told. */
let p: usize = 0;
let len: i32 = 0;
let columns: i32 = 0;
/** Values of several rows are one: it was told. */
let value_told: bool = false;

/** Begins to tell what begins with the `begin_len` bytes at `begin`. */
export function beginOffers(next: Offer, begin: usize, begin_len: i32): void {
  way = next;
  p = begin;
  len = begin_len;
  value_told = false;
  if (next == Offer.MEASURE) columns = 0;
}

/** Tells what may stand at the row's place. `help` says what the row does. */
export function offerItems(notation: string, help: string, place: Place): void {
  openItems(place);
  while (nextItem(notation, place)) {
    if (isValueName(notation)) offerValue(notation);
    else if (isPrefix(p, len, notation, item_from, item_to)) offerItem(notation, help, place);
  }
}

function offerValue(notation: string): void {
  if (value_told) return;
  value_told = true;
  copyItem(item, notation, item_from, item_to);
  if (way == Offer.COMPLETE) return completeValue(item, p, len);
  describe(explanation.reset(room, EXPLANATION_BYTES), item, p, len);
  tell(notation, item_to, item_to);
}

/** A keyword with what belongs to it, or the line's end. */
function offerItem(notation: string, help: string, place: Place): void {
  if (way == Offer.COMPLETE) {
    if (item_from == item_to) return;
    copyItem(item, notation, item_from, item_to);
    return completeKeyword(item);
  }
  const end = endOfItem(notation, place);
  const w = explanation.reset(room, EXPLANATION_BYTES);
  const value = isInBrackets(place) ? valueBefore(notation, end) : -1;
  if (value >= 0) {
    copyItem(item, notation, value, end);
    describe(w, item, 0, 0);
  } else if (!isInBrackets(place)) {
    w.text(help);
  }
  tell(notation, endOfChoice(notation), end);
}

/** The item, what stands from `rest` to `end`, and the explanation. */
function tell(notation: string, rest: i32, end: i32): void {
  const is_end = item_from == item_to;
  const width = is_end ? END.length : item_to - item_from + end - rest;
  if (way == Offer.MEASURE) {
    if (width <= MAX_COLUMNS) columns = max(columns, width);
    return;
  }
  const w = replyWriter();
  if (json) {
    beginText(key(beginObject(w), "word"));
    writeItem(w, notation, rest, end).u8(0x22);
    endObject(stringValue(key(w, "text"), explanation.start, explanation.length));
    return;
  }
  writeItem(w.text("  "), notation, rest, end);
  if (explanation.length > 0) {
    if (width > columns) spaces(w.u8(0x0a), columns + 4);
    else spaces(w, columns + 2 - width);
    w.bytes(explanation.start, explanation.length);
  }
  w.u8(0x0a);
}

/** As ScreenOS writes it: here the line may end. */
const END: string = "<return>";

function writeItem(w: Writer, notation: string, rest: i32, end: i32): Writer {
  if (item_from == item_to) return w.text(END);
  for (let i = item_from; i < item_to; i++) w.u8(notation.charCodeAt(i));
  for (let i = rest; i < end; i++) w.u8(notation.charCodeAt(i));
  return w;
}
