/**
 * Writes the running text anew with a change in it (change.ts). Only the statements that the change
 * names become others: a value that is another one now, a line that comes or goes. Every other byte
 * stays: comments, empty lines, order, indentation, quotes, line ends.
 *
 * The line of an option that goes takes the comment behind it along; lines of comments stay.
 */
import { equalText, startsWith } from "../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { MAX_CONFIG_BYTES } from "../limits";
import {
  is_removal,
  is_wanted,
  isDecided,
  isList,
  name_at,
  name_length,
  nextValue,
  section,
  Value,
  valueAt,
  valueCount,
} from "./change";
import { isMeant, saysThat } from "./meant";
import { findOption, Option, optionName, Section, sectionName } from "./option";
import { draftRoom, runningText, runningTextLength } from "./running";
import {
  nextStart,
  nextStatement,
  openUci,
  statementEnd,
  word,
  wordCount,
  wordEnd,
  wordLength,
  wordStart,
} from "./uci";

const NEWLINE: i32 = 0x0a;
const RETURN: i32 = 0x0d;
const SINGLE: i32 = 0x27;
const DOUBLE: i32 = 0x22;
const SEMICOLON: i32 = 0x3b;

const draft: Writer = writerAt(memory.data(WRITER_BYTES, 8));
let text: usize = 0;
let text_end: usize = 0;
/** Up to here the text is in the draft, or left out. */
let taken: usize = 0;
/** Whether the section is there, and whether the last statement was in it. */
let is_there: bool = false;
let is_inside: bool = false;
/** Behind its last statement. */
let inside_end: usize = 0;
/** What its last option is indented with. */
let indent: usize = 0;
let indent_length: i32 = 0;
/** Where the draft has the head of the section, if it is new. */
let head_at: usize = 0;

/** Writes the draft (running.ts, `draftRoom`); false: it would be too long. */
export function writeDraft(): bool {
  draft.reset(draftRoom(), MAX_CONFIG_BYTES);
  text = runningText();
  text_end = text + runningTextLength();
  taken = text;
  is_there = false;
  is_inside = false;
  indent_length = 0;
  head_at = 0;
  openUci(text, runningTextLength());
  while (nextStatement()) {
    if (equalText(word(0), wordLength(0), "config")) {
      leaveSection(wordStart(0));
      enterSection();
    } else if (is_inside) {
      visitOption();
    }
    if (is_inside) inside_end = nextStart();
  }
  leaveSection(text_end);
  take(text_end);
  if (!is_there && (is_wanted || valueCount() > 0)) appendSection();
  return !draft.truncated;
}

/** Whether the section that the change is about was there. */
export function wasThere(): bool {
  return is_there;
}

/** Bytes of the draft. */
export function draftLength(): i32 {
  return draft.length;
}

/**
 * The command's word that has brought what the text at `p` says is wrong in the draft's line, or
 * -1; `name` brings a new section.
 */
export function wordOfMistake(line: i32, p: usize, len: i32, name: i32): i32 {
  let found = -1;
  for (let i = 0; i < valueCount(); i++) {
    const value = valueAt(i);
    if (value.line_at == 0 || lineOf(value.line_at) != line) continue;
    // Several options may share the line.
    if (startsWith(p, len, optionName(value.option))) return value.word;
    if (found < 0) found = value.word;
  }
  return head_at != 0 && lineOf(head_at) == line ? name : found;
}

function lineOf(p: usize): i32 {
  let line = 1;
  for (let at = draft.start; at < p; at++) if (load<u8>(at) == NEWLINE) line++;
  return line;
}

/** Copies the text up to `p`. */
function take(p: usize): void {
  assert(p >= taken);
  draft.bytes(taken, <i32>(p - taken));
  taken = p;
}

/** The statement is the head of a section. */
function enterSection(): void {
  is_inside = isMeant();
  if (!is_inside) return;
  is_there = true;
  if (is_removal) drop();
}

/** The statement stands in the section. */
function visitOption(): void {
  // What is in force has no unknown option; `package` is none.
  if (wordCount() != 3 || equalText(word(0), wordLength(0), "package")) return;
  if (is_removal) return drop();
  noteIndent();
  const option = findOption(section, word(1), wordLength(1));
  if (option == Option.COUNT || !isDecided(option)) return;
  const value = nextValue(option);
  if (value == null) drop();
  else replace(option, value);
}

function noteIndent(): void {
  const from = lineStart(wordStart(0));
  if (!isBlank(from, wordStart(0))) return;
  indent = from;
  indent_length = <i32>(wordStart(0) - from);
}

/** The statement gets another value, in quotes such as it has. */
function replace(option: Option, value: Value): void {
  take(wordStart(0));
  value.line_at = draft.at;
  if (isList(option) && equalText(word(0), wordLength(0), "option")) {
    draft.text("list");
    taken = wordEnd(0);
  }
  if (saysThat(value)) return;
  take(wordStart(2));
  writeQuoted(value.at, value.length, load<u8>(wordStart(2)));
  taken = wordEnd(2);
}

/** The statement goes; if nothing else is in its lines but a comment, so do they. */
function drop(): void {
  const start = wordStart(0);
  const from = lineStart(start);
  // What stood before it in its line may have gone.
  const is_open = from < taken;
  const open = lineStartIn(draft.start, draft.at);
  const is_first = isBlank(max(from, taken), start) && (!is_open || isBlank(open, draft.at));
  const rest = pastLine(statementEnd());
  if (is_first && rest != 0) {
    if (is_open) draft.at = open;
    else take(from);
    taken = rest;
  } else {
    take(start);
    taken = is_first ? pastBlanks(nextStart()) : statementEnd();
  }
}

/** The section ends before `next`: a head, or the end of the text. */
function leaveSection(next: usize): void {
  if (!is_inside) return;
  is_inside = false;
  if (is_removal) return tidy();
  if (pendingCount() == 0) return;
  const at = endOfLine(inside_end, next);
  take(at);
  if (at == next && next < text_end && load<u8>(at - 1) != NEWLINE) return insertInLine();
  endLine();
  for (let i = 0; i < valueCount(); i++) {
    const value = valueAt(i);
    if (value.line_at != 0) continue;
    if (indent_length > 0) draft.bytes(indent, indent_length);
    else draft.u8(0x09);
    writeOption(value);
    newLine();
  }
}

function pendingCount(): i32 {
  let pending = 0;
  for (let i = 0; i < valueCount(); i++) if (valueAt(i).line_at == 0) pending++;
  return pending;
}

/** The next section begins in the same line. */
function insertInLine(): void {
  for (let i = 0; i < valueCount(); i++) {
    const value = valueAt(i);
    if (value.line_at != 0) continue;
    writeOption(value);
    draft.text("; ");
  }
}

/** A new section stands at the end. */
function appendSection(): void {
  if (draft.length > 0) {
    endLine();
    newLine();
  }
  head_at = draft.at;
  draft.text("config ").text(sectionName(section));
  if (section == Section.GLOBAL) draft.text(" 'global'");
  if (name_length > 0) writeName();
  newLine();
  for (let i = 0; i < valueCount(); i++) {
    draft.u8(0x09);
    writeOption(valueAt(i));
    newLine();
  }
}

function writeName(): void {
  draft.u8(0x20);
  writeQuoted(name_at, name_length, SINGLE);
}

function writeOption(value: Value): void {
  value.line_at = draft.at;
  draft
    .text(isList(value.option) ? "list " : "option ")
    .text(optionName(value.option))
    .u8(0x20);
  writeQuoted(value.at, value.length, SINGLE);
}

/** Writes a value in such quotes, as far as they can hold it; in none if `quote` is no quote. */
function writeQuoted(p: usize, len: i32, quote: i32): void {
  let is_plain = len > 0;
  let has_single = false;
  for (let i: usize = 0; i < <usize>len; i++) {
    const c = <i32>load<u8>(p + i);
    if (c <= 0x20 || c == SINGLE || c == DOUBLE || c == SEMICOLON || c == 0x23 || c == 0x5c) {
      is_plain = false;
    }
    if (c == SINGLE) has_single = true;
  }
  if (quote != SINGLE && quote != DOUBLE && is_plain) {
    draft.bytes(p, len);
  } else if (quote != DOUBLE && !has_single) {
    draft.u8(SINGLE).bytes(p, len).u8(SINGLE);
  } else {
    draft.u8(DOUBLE);
    for (let i: usize = 0; i < <usize>len; i++) {
      const c = <i32>load<u8>(p + i);
      if (c == DOUBLE || c == 0x5c) draft.u8(0x5c);
      draft.u8(c);
    }
    draft.u8(DOUBLE);
  }
}

/** Where a section went, two empty lines do not stay next to each other. */
function tidy(): void {
  if (draft.length > 0 && !endsEmpty(draft.start, draft.at)) return;
  const rest = pastLine(taken);
  const is_empty = rest != 0 && rest > taken && isBlank(taken, rest - 1);
  if (is_empty) taken = rest;
  else if (taken == text_end && draft.length > 0) draft.at = lineStartIn(draft.start, draft.at - 1);
}

/** Whether the bytes end with an empty line. */
function endsEmpty(from: usize, to: usize): bool {
  if (to == from || load<u8>(to - 1) != NEWLINE) return false;
  const start = lineStartIn(from, to - 1);
  return isBlank(start, to - 1);
}

/** The line that is open in the draft ends. */
function endLine(): void {
  if (draft.length > 0 && load<u8>(draft.at - 1) != NEWLINE) newLine();
}

/** A line end such as the text's first one. */
function newLine(): void {
  let at = text;
  while (at < text_end && load<u8>(at) != NEWLINE) at++;
  if (at < text_end && at > text && load<u8>(at - 1) == RETURN) draft.u8(RETURN);
  draft.u8(NEWLINE);
}

/** Where the line begins in which `p` is. */
function lineStart(p: usize): usize {
  return lineStartIn(text, p);
}

function lineStartIn(from: usize, p: usize): usize {
  while (p > from && load<u8>(p - 1) != NEWLINE) p--;
  return p;
}

/** Behind the line break that comes first from `p` on, unless one was just before it. */
function endOfLine(p: usize, limit: usize): usize {
  if (load<u8>(p - 1) == NEWLINE) return p;
  while (p < limit) if (load<u8>(p++) == NEWLINE) return p;
  return limit;
}

/** Behind the line in which `p` is, if there is only a comment in its rest; else 0. */
function pastLine(p: usize): usize {
  while (p < text_end && (isSpace(p) || load<u8>(p) == SEMICOLON)) p++;
  if (p < text_end && load<u8>(p) == 0x23) while (p < text_end && load<u8>(p) != NEWLINE) p++;
  if (p == text_end) return p;
  return load<u8>(p) == NEWLINE ? p + 1 : 0;
}

function pastBlanks(p: usize): usize {
  while (p < text_end && isSpace(p)) p++;
  return p;
}

function isBlank(from: usize, to: usize): bool {
  for (; from < to; from++) if (!isSpace(from)) return false;
  return true;
}

/** As UCI has it: no line break. */
function isSpace(p: usize): bool {
  const c = <i32>load<u8>(p);
  return c == 0x20 || c == 0x09 || (c >= 0x0b && c <= 0x0d);
}
