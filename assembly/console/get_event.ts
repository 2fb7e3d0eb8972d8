import { beginList, beginObject, endList, endObject, key, numberValue } from "../bytes/json";
import { sameName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { eventJson } from "../event/forms";
import { droppedEvents, eventAt, eventCount } from "../event/log";
import { Event } from "../event/record";
import { MAX_EVENTS } from "../limits";

/** What is shown: -1 for any. */
let level: i32 = -1;
/** A name field; 0: any. */
let vpn: usize = 0;
/** Age of the oldest event that is shown; -1: none is. */
let oldest: i32 = -1;

/**
 * Selects the last `last` events of a severity (-1: of any) about the VPN of a name (0: about
 * anything), which is there or was.
 */
export function selectEvents(of_level: i32, of_vpn: usize, last: i32): void {
  level = of_level;
  vpn = of_vpn;
  oldest = -1;
  let found = 0;
  for (let age = 0; age < eventCount() && found < last; age++) {
    if (!isSelected(eventAt(age))) continue;
    oldest = age;
    found++;
  }
}

function isSelected(event: Event): bool {
  if (level >= 0 && <i32>event.severity != level) return false;
  return vpn == 0 || sameName(event.vpn, vpn);
}

/** The selected events as ScreenOS writes them, the newest last. */
export function getEvent(w: Writer): void {
  const dropped = droppedEvents();
  if (dropped > 0) {
    w.text("(").counted(dropped, "older event").text(" dropped: the log keeps the last ");
    w.decimal(MAX_EVENTS).text(")\n");
  }
  for (let age = oldest; age >= 0; age--) {
    const event = eventAt(age);
    if (isSelected(event)) w.bytes(event.line, event.line_length).u8(0x0a);
  }
}

/** The same as JSON. */
export function getEventJson(w: Writer): void {
  numberValue(key(beginObject(w), "dropped"), droppedEvents());
  key(w, "events");
  beginList(w);
  for (let age = oldest; age >= 0; age--) {
    if (isSelected(eventAt(age))) eventJson(w, eventAt(age));
  }
  endList(w);
  endObject(w);
}
