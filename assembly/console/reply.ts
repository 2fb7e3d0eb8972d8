import { act, Action } from "../action";
import { makePrintable } from "../bytes/utf8";
import { wipe } from "../bytes/wipe";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { MAX_REPLY_BYTES } from "../limits";
import { beginObject, endObject, key, stringValue } from "./json";

/** Room that an answer leaves for the line that says that it was cut. */
const NOTICE_BYTES: i32 = 128;

const buffer: usize = memory.data(MAX_REPLY_BYTES);
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));
/** Where the body begins, behind `ok` or `error`. */
let body: usize = 0;

/** Begins an answer; its body goes to the writer. */
export function beginReply(): Writer {
  writer.reset(buffer, MAX_REPLY_BYTES - NOTICE_BYTES).text("ok\n");
  body = writer.at;
  return writer;
}

/** Ends an answer in text. One that is too long ends with its last whole line and a notice. */
export function endTextReply(client: i32): void {
  if (writer.truncated) {
    reopen();
    while (writer.at > body && load<u8>(writer.at - 1) != 0x0a) writer.at--;
    writer
      .text("(cut: the answer is longer than ")
      .decimal(MAX_REPLY_BYTES)
      .text(" bytes; ask for one VPN: get vpn NAME)\n");
  }
  makePrintable(body, <i32>(writer.at - body), true);
  send(client);
}

/** Ends an answer in JSON. One that is too long becomes an error: half a document is none. */
export function endJsonReply(client: i32): void {
  if (writer.truncated) {
    beginError()
      .text("the answer is longer than ")
      .decimal(MAX_REPLY_BYTES)
      .text(" bytes; ask for one VPN: get vpn NAME");
    return endError(client, true);
  }
  writer.u8(0x0a);
  send(client);
}

/** Bytes of an error's text. */
const MAX_ERROR_BYTES: i32 = 512;
const error: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const error_text: usize = memory.data(MAX_ERROR_BYTES);

/** Begins an error instead of an answer; its text goes to the writer. */
export function beginError(): Writer {
  return error.reset(error_text, MAX_ERROR_BYTES);
}

/** Ends the error and answers with it. */
export function endError(client: i32, json: bool): void {
  writer.reset(buffer, MAX_REPLY_BYTES).text("error\n");
  body = writer.at;
  if (json) {
    key(beginObject(writer), "error");
    endObject(stringValue(writer, error.start, error.length)).u8(0x0a);
  } else {
    makePrintable(error.start, error.length);
    writer.bytes(error.start, error.length).u8(0x0a);
  }
  send(client);
}

function reopen(): void {
  writer.truncated = false;
  writer.limit = buffer + MAX_REPLY_BYTES;
}

function send(client: i32): void {
  act(Action.REPLY, client, writer.start, writer.length);
}

/** Clears the last answer, which the host has taken. */
export function wipeReply(): void {
  wipe(buffer, MAX_REPLY_BYTES);
}
