import { nameLength } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { Event, eventAt, eventCount } from "../event/log";
import { writeSeverity } from "../event/severity";
import {
  beginList,
  beginObject,
  beginText,
  dateValue,
  endList,
  endObject,
  key,
  nameValue,
  nullValue,
  numberValue,
  stringValue,
} from "./json";

/** The event log as ScreenOS writes it, the newest last. */
export function getEvent(w: Writer): void {
  for (let age = eventCount() - 1; age >= 0; age--) {
    const event = eventAt(age);
    w.bytes(event.line, event.line_length).u8(0x0a);
  }
}

/** The event log as JSON, the newest last. */
export function getEventJson(w: Writer): void {
  key(beginObject(w), "events");
  beginList(w);
  for (let age = eventCount() - 1; age >= 0; age--) eventJson(w, eventAt(age));
  endList(w);
  endObject(w);
}

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
