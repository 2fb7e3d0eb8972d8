/** An event as machines read it: one line of JSON, and the fields of systemd's journal. */
import { act, Action, call_number } from "../action";
import {
  beginObject,
  beginText,
  dateValue,
  endObject,
  key,
  nameValue,
  nullValue,
  numberValue,
  stringValue,
} from "../bytes/json";
import { nameLength } from "../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { MAX_EVENT_FORMS_BYTES } from "../limits";
import { Event } from "./record";
import { writeSeverity } from "./severity";

/** The forms of all events of one call, one behind the other: the host reads them after it. */
const room: usize = memory.data(MAX_EVENT_FORMS_BYTES);
let used: i32 = 0;
/** The call that `used` is of. */
let of_call: u32 = 0;
const json: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const fields: Writer = writerAt(memory.data(WRITER_BYTES, 8));

/** One event as an object. */
export function eventJson(w: Writer, event: Event): void {
  beginObject(w);
  numberValue(key(w, "id"), event.id);
  writeSeverity(beginText(key(w, "severity")), event.severity).u8(0x22);
  dateValue(key(w, "time"), event.wall_ms);
  key(w, "vpn");
  if (nameLength(event.vpn) == 0) nullValue(w);
  else nameValue(w, event.vpn);
  stringValue(key(w, "text"), event.text, event.text_length);
  endObject(w);
}

/** Writes both forms; false: there is no room for them in this call. */
export function writeForms(event: Event): bool {
  if (of_call != call_number) {
    of_call = call_number;
    used = 0;
  }
  eventJson(json.reset(room + used, MAX_EVENT_FORMS_BYTES - used), event);
  json.u8(0x0a);
  writeFields(fields.reset(json.at, MAX_EVENT_FORMS_BYTES - used - json.length), event);
  return !json.truncated && !fields.truncated;
}

/** Hands over what was written last. */
export function takeForms(severity: u32): void {
  used += json.length + fields.length;
  act(Action.LOG_JSON, severity, json.start, json.length);
  act(Action.LOG_FIELDS, severity, fields.start, fields.length);
}

/** Names and text hold no control character: no value can end its line. */
function writeFields(w: Writer, event: Event): void {
  w.text("MESSAGE=").bytes(event.text, event.text_length);
  w.text("\nPRIORITY=").decimal(event.severity);
  w.text("\nSYSLOG_IDENTIFIER=rekeyd\nREKEYD_EVENT=").padded(event.id, 5);
  if (nameLength(event.vpn) > 0) w.text("\nREKEYD_VPN=").name(event.vpn);
  w.u8(0x0a);
}
