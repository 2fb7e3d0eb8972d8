/** What the live screen says of all VPNs: how many are in which state, and what happened. */
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { utc_offset_s, wall_ms } from "../clock";
import { Event } from "../event/record";
import { eventAt, eventCount } from "../event/log";
import { writeDate } from "../bytes/date";
import { Severity } from "../event/severity";
import { isReady } from "../ike/vici/session";
import { MAX_EVENT_BYTES } from "../limits";
import { State } from "../sa/vpn";
import { Color, columnsLeft, endLine, paint, showAll, showRight } from "./screen";
import { countIn } from "./watch_order";

const DAY_MS: i64 = 86_400_000;
/** Offsets in `2026-11-23 14:20:01`. */
const MONTH: i32 = 5;
const CLOCK: i32 = 11;
const SECONDS: i32 = 16;

const TEXT_BYTES: i32 = MAX_EVENT_BYTES + 32;
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const room: usize = memory.data(TEXT_BYTES);

function text(): Writer {
  return writer.reset(room, TEXT_BYTES);
}

/** The first line: what there is, and what time it is. */
export function writeSummary(): void {
  if (!isReady()) {
    paint(Color.RED);
    showAll(text().text("strongSwan not connected; "));
    paint(Color.NONE);
  }
  const up = countIn(State.UP);
  const down = countIn(State.DOWN);
  const ready = countIn(State.READY);
  const inactive = countIn(State.INACTIVE);
  paint(Color.BOLD);
  showAll(text().counted(up + down + ready + inactive, "VPN"));
  paint(Color.NONE);
  let some = count(false, down, " down", Color.RED);
  some = count(some, inactive, " inactive", Color.YELLOW);
  some = count(some, ready, " ready", Color.YELLOW);
  count(some, up, " up", Color.GREEN);
  const clock = writeDate(text(), localTime(wall_ms), 0x20);
  if (clock.length < columnsLeft()) showRight(clock, columnsLeft());
  endLine();
}

/** How many are in a state, unless none is; `some`: whether others were told, and now are. */
function count(some: bool, number: i32, state: string, color: Color): bool {
  if (number == 0) return some;
  showAll(text().text(some ? ", " : ": "));
  paint(color);
  showAll(text().decimal(number).text(state));
  paint(Color.NONE);
  return true;
}

function localTime(since_1970_ms: i64): i64 {
  return since_1970_ms + 1000 * <i64>utc_offset_s;
}

/** In `rows` lines: which VPNs are shown, if not all of them, and the last events. */
export function writeLog(rows: i32, first: i32, shown: i32, total: i32): void {
  paint(Color.BOLD);
  showAll(text().text("Events"));
  if (shown < total) {
    const which = text()
      .text("VPNs ")
      .decimal(first + 1);
    which.u8(0x2d).decimal(first + shown);
    which.text(" of ").decimal(total).text(": arrows, PgUp, PgDn");
    if (which.length < columnsLeft()) showRight(which, columnsLeft());
  }
  paint(Color.NONE);
  endLine();
  for (let age = min(rows - 1, eventCount()) - 1; age >= 0; age--) writeEvent(eventAt(age));
}

/** When it was (of another day without the seconds), and what. */
function writeEvent(event: Event): void {
  const at_ms = localTime(event.wall_ms);
  const w = writeDate(text(), at_ms, 0x20);
  const today = at_ms / DAY_MS == localTime(wall_ms) / DAY_MS;
  const from = today ? CLOCK : MONTH;
  w.at = w.start + (today ? w.length : SECONDS);
  w.u8(0x20).bytes(event.text, event.text_length);
  w.start += from;
  const color = colorOf(event);
  if (color != Color.NONE) paint(color);
  showAll(w);
  if (color != Color.NONE) paint(Color.NONE);
  endLine();
}

function colorOf(event: Event): Color {
  switch (<i32>event.severity) {
    case Severity.CRITICAL:
      return Color.BOLD;
    case Severity.ERROR:
      return Color.RED;
    case Severity.WARNING:
      return Color.YELLOW;
    default:
      return Color.NONE;
  }
}
