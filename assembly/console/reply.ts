import { act, Action } from "../action";
import { makePrintable } from "../bytes/utf8";
import { wipe } from "../bytes/wipe";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { MAX_REPLY_BYTES } from "../limits";
import { beginObject, boolValue, endObject, key, stringValue } from "../bytes/json";

/** Room that an answer leaves for the line that says that it was cut. */
const NOTICE_BYTES: i32 = 128;
/** Room in front of a part's body for the line that says how to go on. */
const MORE_BYTES: i32 = 128;
/** Bytes of a sentence. */
const MAX_SENTENCE_BYTES: i32 = 512;

const buffer: usize = memory.data(MAX_REPLY_BYTES);
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));
/** Where the body begins, behind `ok` or `error`. */
let body: usize = 0;

const sentence: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const sentence_room: usize = memory.data(MAX_SENTENCE_BYTES);

/** Who is answered. */
export let client: i32 = 0;
/** Whether the answer is to be a JSON document. */
export let json: bool = false;

/** The answers that follow are this client's. */
export function answerTo(asker: i32, as_json: bool): void {
  client = asker;
  json = as_json;
}

/** Begins an answer; its body goes to the writer. */
export function beginReply(): Writer {
  return begin("ok\n");
}

/** Begins an answer that tells of something found: rekeyctl's exit status says so. */
export function beginFound(): Writer {
  return begin("found\n");
}

/** Begins an answer to a command that was not carried out. */
export function beginFailure(): Writer {
  return begin("error\n");
}

/**
 * Begins an answer to `watch`: which of the VPNs is the first one shown, and how many are shown. A
 * `live` one asks for a terminal to go on as a live screen, or for JSON to go on document by
 * document; what it shows is for where there is neither.
 */
export function beginFrame(live: bool, first: i32, shown: i32): Writer {
  begin(live ? "live " : "frame ")
    .decimal(first)
    .u8(0x20)
    .decimal(shown)
    .u8(0x0a);
  body = writer.at;
  return writer;
}

function begin(head: string): Writer {
  writer.reset(buffer, MAX_REPLY_BYTES - NOTICE_BYTES).text(head);
  body = writer.at;
  return writer;
}

/** Begins an answer that may be one part of several. It ends with `endReply`, or with `endPart`. */
export function beginPart(): Writer {
  writer.reset(buffer + MORE_BYTES, MAX_REPLY_BYTES - MORE_BYTES - NOTICE_BYTES).text("ok\n");
  body = writer.at;
  return writer;
}

/** Begins the line that gets the next part. */
export function beginMore(): Writer {
  return sentence.reset(buffer, MORE_BYTES).text("more ");
}

/** Ends an answer that is not the last part. */
export function endPart(): void {
  sentence.u8(0x0a);
  assert(!sentence.truncated && !writer.truncated);
  // The line is as long as it is: it moves up to the body, in place of `ok`.
  const start = body - sentence.length;
  memory.copy(start, buffer, sentence.length);
  writer.start = start;
  makePrintable(body, <i32>(writer.at - body), true);
  send();
}

/** The writer of the answer that was begun. */
export function replyWriter(): Writer {
  return writer;
}

/** Ends the answer. Of one that is too long in text the last whole line and a notice end it. */
export function endReply(): void {
  if (writer.truncated) {
    // Half a document is none.
    if (json) return endTooLong();
    writer.truncated = false;
    writer.limit = buffer + MAX_REPLY_BYTES;
    while (writer.at > body && load<u8>(writer.at - 1) != 0x0a) writer.at--;
    writer
      .text("(cut: the answer is longer than ")
      .decimal(MAX_REPLY_BYTES)
      .text(" bytes; ask for one VPN: get vpn NAME)\n");
  } else if (json) {
    writer.u8(0x0a);
  }
  if (!json) makePrintable(body, <i32>(writer.at - body), true);
  send();
}

/** Ends an answer in text whose bytes are the user's own: they stay as they are. */
export function endVerbatim(): void {
  send();
}

function send(): void {
  act(Action.REPLY, client, writer.start, writer.length);
}

/** Clears the last answer, which the host has taken. */
export function wipeReply(): void {
  wipe(buffer, MAX_REPLY_BYTES);
}

function endTooLong(): void {
  beginError()
    .text("the answer is longer than ")
    .decimal(MAX_REPLY_BYTES)
    .text(" bytes; ask for one VPN: get vpn NAME");
  endError();
}

/** Begins a sentence that says why a command was not carried out. */
export function beginError(): Writer {
  return sentence.reset(sentence_room, MAX_SENTENCE_BYTES);
}

/** Answers with it: `{"error": SENTENCE}`. */
export function endError(): void {
  beginFailure();
  endSentence("error");
}

/** The same of a file that somebody else has changed: `{"error": SENTENCE, "conflict": true}`. */
export function endConflict(): void {
  beginFailure();
  endSentence("error", true);
}

/** Begins a sentence that says what a command has done. */
export function beginMessage(): Writer {
  return beginError();
}

/** Answers with it: `{"message": SENTENCE}`. */
export function endMessage(): void {
  beginReply();
  endSentence("message");
}

function endSentence(name: string, is_conflict: bool = false): void {
  if (json) {
    stringValue(key(beginObject(writer), name), sentence.start, sentence.length);
    if (is_conflict) boolValue(key(writer, "conflict"), true);
    endObject(writer);
  } else {
    errorText(writer).u8(0x0a);
  }
  endReply();
}

/** Writes the sentence, in one line. */
export function errorText(w: Writer): Writer {
  makePrintable(sentence.start, sentence.length);
  return w.bytes(sentence.start, sentence.length);
}
