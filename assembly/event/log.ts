import { act, Action, actionCount } from "../action";
import { writeDate } from "../bytes/date";
import { nameBytes, nameLength, setName } from "../bytes/slice";
import { makePrintable } from "../bytes/utf8";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { utc_offset_s, wall_ms } from "../clock";
import {
  MAX_ACTIONS,
  MAX_EVENT_BYTES,
  MAX_EVENTS,
  MAX_NAME_BYTES,
  RESERVED_ACTIONS,
} from "../limits";
import { takeForms, writeForms } from "./forms";
import { Event, EVENT_BYTES, LINE_BYTES } from "./record";
import { Severity, writeSeverity } from "./severity";

const ELLIPSIS_BYTES: i32 = 3;
/** Actions of one event: its line, its JSON, its fields. */
const ACTIONS_PER_EVENT: i32 = 3;

/** One more than are shown: an event that is dropped after all was written over none of them. */
const SLOTS: i32 = MAX_EVENTS + 1;
const ring: usize = memory.data(SLOTS * EVENT_BYTES, 8);
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));
/** Events ever stored: the ring has the last MAX_EVENTS of them. */
let stored: i64 = 0;
/** Events since the last stored one that found no room among the actions of their call. */
let lost: i32 = 0;
/** Likewise, since the engine began. */
let all_lost: i64 = 0;

/** Events that `eventAt` has. */
export function eventCount(): i32 {
  return <i32>min<i64>(stored, MAX_EVENTS);
}

/** Events that had to give way to newer ones. */
export function droppedEvents(): i64 {
  return max<i64>(stored - MAX_EVENTS, 0);
}

/** Events that were never stored. */
export function lostEvents(): i64 {
  return all_lost;
}

/** The event that is `age` older than the newest, which is 0. */
export function eventAt(age: i32): Event {
  assert(<u32>age < <u32>eventCount());
  return slot(stored - 1 - age);
}

/** Forgets all events. */
export function clearEvents(): void {
  stored = 0;
  lost = 0;
}

function slot(number: i64): Event {
  return changetype<Event>(ring + <i32>(number % SLOTS) * EVENT_BYTES);
}

/**
 * Begins an event about the VPN with name field `vpn` (0: none). The text goes to
 * the writer that is returned, at most MAX_EVENT_BYTES; then comes `endEvent`.
 */
export function beginEvent(severity: Severity, id: i32, vpn: usize): Writer {
  const event = slot(stored);
  event.wall_ms = wall_ms;
  event.id = <u16>id;
  event.severity = <u8>severity;
  if (vpn == 0) store<u8>(event.vpn, 0);
  else setName(event.vpn, MAX_NAME_BYTES, nameBytes(vpn), nameLength(vpn));

  writer.reset(event.line, LINE_BYTES).text("[Root]system-");
  writeSeverity(writer, severity).u8(0x2d).padded(id, 5).text(": ");
  event.text = writer.at;
  writer.limit = writer.at + MAX_EVENT_BYTES - ELLIPSIS_BYTES;
  return writer;
}

/**
 * Stores the event begun last and has the host log it. An event for which
 * the call has no room left is dropped and counted: the ring's lines must stay
 * as they are until the host has logged them, and other actions matter more.
 */
export function endEvent(): void {
  if (actionCount() + ACTIONS_PER_EVENT > MAX_ACTIONS - RESERVED_ACTIONS) {
    lost++;
    all_lost++;
    return;
  }
  const event = slot(stored);
  const cut = writer.truncated;
  writer.truncated = false;
  writer.limit = event.line + LINE_BYTES;
  if (cut) writer.text("...");
  event.text_length = <u16>(writer.at - event.text);
  makePrintable(event.text, event.text_length);
  writer.text(" (");
  writeDate(writer, event.wall_ms + 1000 * <i64>utc_offset_s, 0x20).u8(0x29);
  event.line_length = <u16>writer.length;
  if (!writeForms(event)) {
    lost++;
    return;
  }

  stored++;
  act(Action.LOG, event.severity, event.line, event.line_length);
  takeForms(event.severity);
  if (lost > 0) reportLost();
}

function reportLost(): void {
  const count = lost;
  lost = 0;
  const w = beginEvent(Severity.WARNING, 767, 0);
  w.counted(count, "earlier event").text(" not logged: too many came at the same time.");
  endEvent();
}
