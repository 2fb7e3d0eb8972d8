/**
 * Commands of the control socket: one line, answered by one REPLY. The grammar (grammar.ts) says
 * what a line may be; in front of it may stand
 *
 *     json            the answer is a JSON document
 *     help            what may stand behind the line; likewise `?` at its end
 *     complete        the words that its last one can become
 *
 * `leave` alone answers with what somebody who ends the prompt should know.
 */
import { Writer } from "../bytes/writer";
import { MAX_COMMAND_BYTES } from "../limits";
import { loadedPath } from "../config/history";
import { isEdited } from "../config/running";
import { beginCaret, endCaret } from "./caret";
import { beginCompletion } from "./completion";
import { commands } from "./grammar";
import { beginList, beginObject, endList, endObject, key } from "../bytes/json";
import {
  asksForHelp,
  cutHelp,
  cutLine,
  lastWordOpen,
  splitLine,
  word,
  wordCount,
  wordIs,
  wordLength,
} from "./line";
import { beginLook, beginPass, endLook, Found, isWhole, meaning, Pass } from "./matcher";
import { beginOffers, Offer } from "./offer";
import { quoted, writeFault } from "./parameter";
import {
  answerTo,
  beginError,
  beginMessage,
  beginReply,
  endError,
  endMessage,
  endReply,
  json,
} from "./reply";

/** What the word that was looked at last was found to be. */
let last_found: Found = Found.GOOD;

/** Runs the command line of `len` bytes at `p` and answers client `asker`. */
export function runCommand(asker: i32, p: usize, len: i32): void {
  splitLine(p, min(len, MAX_COMMAND_BYTES));
  answerTo(asker, takePrefix("json"));
  if (len > MAX_COMMAND_BYTES) {
    beginError().text("the command is longer than ").decimal(MAX_COMMAND_BYTES).text(" bytes");
    return endError();
  }
  if (takePrefix("complete")) return complete();
  if (wordCount() == 1 && wordIs(0, "leave")) return leave();
  if (takePrefix("help")) return help(wordCount());
  if (asksForHelp()) {
    cutHelp();
    return help(wholeWords());
  }
  if (!understand(wordCount())) return;
  pass(Pass.END);
  if (isWhole()) pass(Pass.RUN);
  else fail(wordCount(), beginError().text("the command is incomplete"), 0, 0);
}

/** Whether the line begins with this word: then it is cut off. */
function takePrefix(text: string): bool {
  if (!wordIs(0, text)) return false;
  cutLine(1);
  return true;
}

function pass(next: Pass): void {
  beginPass(next);
  commands();
}

/** Finds what the first `count` words are; else answers which of them is wrong. */
function understand(count: i32): bool {
  const wrong = match(count);
  if (wrong == count) return true;
  const p = word(wrong);
  const len = wordLength(wrong);
  const w = beginError();
  switch (<i32>last_found) {
    case Found.UNFIT:
      writeFault(w, meaning, p, len);
      fail(wrong, w, 0, 0);
      break;
    case Found.AMBIGUOUS:
      fail(wrong, quoted(w, p, len).text(" is the beginning of several words"), p, len);
      break;
    default:
      fail(wrong, quoted(w.text("unknown word "), p, len), 0, 0);
  }
  return false;
}

/** Follows the words through the table; answers the first that does not fit, or `count`. */
function match(count: i32): i32 {
  pass(Pass.BEGIN);
  for (let i = 0; i < count; i++) {
    beginLook(i);
    commands();
    last_found = endLook(i);
    if (last_found != Found.GOOD) return i;
    pass(Pass.FOLLOW);
  }
  return count;
}

/** Words of the line that are whole: the last one is not, if something may be added to it. */
function wholeWords(): i32 {
  return lastWordOpen() ? wordCount() - 1 : wordCount();
}

/** Answers with what may stand behind the first `whole` words. */
function help(whole: i32): void {
  if (!understand(whole)) return;
  const p = whole < wordCount() ? word(whole) : 0;
  const len = whole < wordCount() ? wordLength(whole) : 0;
  const w = beginReply();
  if (json) key(beginObject(w), "help");
  offers(w, p, len);
  if (json) endObject(w);
  endReply();
}

/** Answers with the words that the last one can become: none, if one before it is wrong. */
function complete(): void {
  const whole = wholeWords();
  const w = beginReply();
  if (json) beginList(key(beginObject(w), "completions"));
  if (match(whole) == whole) {
    const open = whole < wordCount();
    beginCompletion();
    beginOffers(Offer.COMPLETE, open ? word(whole) : 0, open ? wordLength(whole) : 0);
    pass(Pass.OFFER);
  }
  if (json) endObject(endList(w));
  endReply();
}

/** Answers with what is lost if nobody saves it, or with nothing. */
function leave(): void {
  if (!isEdited() && !json) {
    beginReply();
    return endReply();
  }
  const w = beginMessage();
  if (isEdited()) w.text("not saved: save writes the changes to ").name(loadedPath());
  endMessage();
}

/** Explains what may stand where the rows are now and begins with the `len` bytes at `p`. */
function offers(w: Writer, p: usize, len: i32): void {
  if (json) beginList(w);
  beginOffers(Offer.MEASURE, p, len);
  pass(Pass.OFFER);
  beginOffers(Offer.EXPLAIN, p, len);
  pass(Pass.OFFER);
  if (json) endList(w);
}

/** The words alone that may stand there, on one line. */
function keywords(w: Writer, p: usize, len: i32): void {
  const start = w.at;
  beginCompletion();
  beginOffers(Offer.COMPLETE, p, len);
  pass(Pass.OFFER);
  for (let at = start; at + 1 < w.at; at++) if (load<u8>(at) == 0x0a) store<u8>(at, 0x20);
}

/**
 * Answers with the error's text, where in the line the wrong word is, and what may stand there: of
 * that only what begins with the `len` bytes at `p`.
 */
function fail(wrong: i32, text: Writer, p: usize, len: i32): void {
  const w = beginCaret(wrong, text);
  if (json) {
    offers(key(w, "expected"), p, len);
  } else if (wrong == 0) {
    // All commands would move the line with the caret off the screen.
    w.text("; here may stand, and ? alone tells more:\n  ");
    keywords(w, p, len);
  } else {
    w.text("; here may stand:\n");
    offers(w, p, len);
  }
  endCaret();
}
