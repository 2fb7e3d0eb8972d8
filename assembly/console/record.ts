/** `record start|stop|save`, and the line that tells whether inputs are recorded. */
import { act, Action } from "../action";
import { Writer } from "../bytes/writer";
import { utc_offset_s } from "../clock";
import { writeDate } from "../bytes/date";
import { writeRecordingError } from "../event/recording";
import { askRecorder, isRecording, recorderError, recorderSince } from "../monitor/recorder";
import {
  beginObject,
  beginText,
  boolValue,
  dateValue,
  endObject,
  key,
  nullValue,
} from "../bytes/json";
import { find, given, word, wordLength } from "./line";
import { answerTo, beginError, beginReply, client, endError, endReply, json } from "./reply";

/** The client that waits to hear what became of its command, if one does. */
let asker: i32 = 0;
let is_asked: bool = false;
let in_json: bool = false;

/** `record start|stop`. The client is answered when the host has done so. */
export function record(): void {
  const on = given("start");
  asker = client;
  in_json = json;
  is_asked = on != isRecording();
  if (is_asked) askRecorder(on);
  else answer();
}

/** `record save FILE`: the host answers, with what was recorded. */
export function saveRecord(): void {
  const file = find("FILE");
  act(Action.SAVE_RECORDING, client, word(file), wordLength(file));
}

/** The host has told what it does: whoever waits for that is answered. */
export function answerRecord(): void {
  if (!is_asked) return;
  is_asked = false;
  answerTo(asker, in_json);
  if (recorderError() == 0) return answer();
  writeRecordingError(beginError().text("recording is not possible: "), recorderError());
  endError();
}

function answer(): void {
  const w = beginReply();
  if (json) {
    writeRecorderJson(key(beginObject(w), "recorder"));
    endObject(w);
  } else {
    writeRecorder(w);
  }
  endReply();
}

/** `Recorder: on since 2026-11-23 14:20:01` */
export function writeRecorder(w: Writer): void {
  w.text("Recorder: ").text(isRecording() ? "on" : "off");
  if (recorderSince() != 0) {
    writeDate(w.text(" since "), recorderSince() + 1000 * <i64>utc_offset_s, 0x20);
  }
  if (recorderError() != 0) writeRecordingError(w.text(": "), recorderError());
  w.u8(0x0a);
}

/** The same as JSON. */
export function writeRecorderJson(w: Writer): void {
  boolValue(key(beginObject(w), "on"), isRecording());
  key(w, "since");
  if (recorderSince() != 0) dateValue(w, recorderSince());
  else nullValue(w);
  key(w, "error");
  if (recorderError() != 0) writeRecordingError(beginText(w), recorderError()).u8(0x22);
  else nullValue(w);
  endObject(w);
}
