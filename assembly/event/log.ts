import { act, Action, actionCount } from "../action";
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
import { writeDate } from "./date";
import { Severity, writeSeverity } from "./severity";

const VPN = 16;
const LINE = VPN + 32;
/** `[Root]system-notification-00017: ` and ` (2026-11-23 14:20:01)`, with some to spare. */
const FRAME_BYTES: i32 = 80;
const LINE_BYTES: i32 = FRAME_BYTES + MAX_EVENT_BYTES;
const EVENT_BYTES: i32 = LINE + LINE_BYTES;
const ELLIPSIS_BYTES: i32 = 3;

/** One event, with the line that stands for it in the log. */
@unmanaged
export class Event {
  /** Milliseconds since 1970, UTC. */
  wall_ms: i64;
  /** ScreenOS's five-digit number. */
  id: u16;
  /** Severity. */
  severity: u8;
  /** Offset of the text in the line. */
  private text_offset: u8;
  text_length: u16;
  line_length: u16;

  /** Name of the VPN that it is about (bytes/slice.ts, `setName`); empty for none. */
  get vpn(): usize {
    return changetype<usize>(this) + VPN;
  }
  /** `[Root]system-critical-00040: VPN 'x' from 1.2.3.4 is up. (2026-11-23 14:20:01)` */
  get line(): usize {
    return changetype<usize>(this) + LINE;
  }
  get text(): usize {
    return this.line + this.text_offset;
  }
  set text(at: usize) {
    this.text_offset = <u8>(at - this.line);
  }
}

const ring: usize = memory.data(MAX_EVENTS * EVENT_BYTES, 8);
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));
/** Events ever stored: the ring has the last MAX_EVENTS of them. */
let stored: i64 = 0;
/** Events since the last stored one that found no room among the actions of their call. */
let lost: i32 = 0;

/** Events that `eventAt` has. */
export function eventCount(): i32 {
  return <i32>min<i64>(stored, MAX_EVENTS);
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
  return changetype<Event>(ring + <i32>(number % MAX_EVENTS) * EVENT_BYTES);
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
 * Stores the event begun last and has the host log its line. An event for which
 * the call has no action left is dropped and counted: the ring's lines must stay
 * as they are until the host has logged them, and other actions matter more.
 */
export function endEvent(): void {
  if (actionCount() >= MAX_ACTIONS - RESERVED_ACTIONS) {
    lost++;
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

  stored++;
  act(Action.LOG, event.severity, event.line, event.line_length);
  if (lost > 0) reportLost();
}

function reportLost(): void {
  const count = lost;
  lost = 0;
  const w = beginEvent(Severity.WARNING, 767, 0);
  w.counted(count, "earlier event").text(" not logged: too many came at the same time.");
  endEvent();
}
