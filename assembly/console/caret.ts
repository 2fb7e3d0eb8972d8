/** An error that shows the line, and in it with a caret the word that is wrong. */
import { makePrintable } from "../bytes/utf8";
import { Writer } from "../bytes/writer";
import { spaces } from "./cell";
import { beginObject, endObject, key, numberValue, stringValue } from "../bytes/json";
import { lineLength, lineStart, wordCount, wordOffset } from "./line";
import { beginFailure, endReply, errorText, json, replyWriter } from "./reply";

/** Answers with the sentence `text` (reply.ts, `beginError`) about word `wrong`. */
export function failAt(wrong: i32, text: Writer): void {
  const w = beginCaret(wrong, text);
  if (!json) w.u8(0x0a);
  endCaret();
}

/** The same, with more to follow: further members of the object, or the rest of the line. */
export function beginCaret(wrong: i32, text: Writer): Writer {
  const offset = wordOffset(wrong);
  // What is missing would stand behind a space.
  const space = wrong == wordCount() && offset > 0 ? 1 : 0;
  const w = beginFailure();
  if (json) {
    stringValue(key(beginObject(w), "error"), text.start, text.length);
    numberValue(key(w, "column"), columnsOf(lineStart(), offset) + space + 1);
  } else {
    const line = w.at;
    writeLine(w);
    spaces(w, columnsOf(line, offset) + space).text("^--- ");
    errorText(w);
  }
  return w;
}

/** Ends the answer. */
export function endCaret(): void {
  if (json) endObject(replyWriter());
  endReply();
}

/** The line as it came, in one line. */
function writeLine(w: Writer): void {
  const line = w.at;
  w.bytes(lineStart(), lineLength());
  for (let p = line; p < w.at; p++) if (load<u8>(p) == 0x09) store<u8>(p, 0x20);
  makePrintable(line, <i32>(w.at - line));
  w.u8(0x0a);
}

/** Columns that the bytes take on a screen: one for each character of UTF-8. */
function columnsOf(p: usize, len: i32): i32 {
  let columns = 0;
  for (let i = 0; i < len; i++) {
    if (((<i32>load<u8>(p + i)) & 0xc0) != 0x80) columns++;
  }
  return columns;
}
