/** A row of the live screen. The narrower the screen is, the fewer columns the table has. */
import { nameLength } from "../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { NEVER, now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { SAMPLES } from "../limits";
import { availability } from "../monitor/samples";
import { findPhase1 } from "../sa/listing";
import { Phase1, phase1At } from "../sa/phase1";
import { Phase2, phase2At } from "../sa/phase2";
import { State, stateWord, Vpn, vpnAt } from "../sa/vpn";
import { newCell } from "./cell";
import { writeBriefly, writeSpan } from "./next";
import { Color, draw, endLine, paint, showAll, showLeft, showRight, skip } from "./screen";
import { vpnInRow } from "./watch_order";

const MIN_NAME_COLUMNS: i32 = 8;
const STATE_COLUMNS: i32 = 8;
const DELAY_COLUMNS: i32 = 7;
const AVAILABILITY_COLUMNS: i32 = 4;
/** `59m`, or `unlim` across the bar. */
const SPAN_COLUMNS: i32 = 4;
/** Samples in one column of the sparkline, where it is short. */
const GROUP: i32 = 3;

const FULL: i32 = 0x2588;
const SHADE: i32 = 0x2591;
const HASH: i32 = 0x23;
const DASH: i32 = 0x2d;
/** Sparkline: eighths of a block and their likes in ASCII, for 0 to GROUP thirds answered. */
const blocks: usize = memory.data<i32>([0x2581, 0x2583, 0x2585, 0x2587]);
const likes: usize = memory.data<i32>([0x5f, 0x2e, 0x3a, 0x7c]);

const NEXT_BYTES: i32 = 128;
const next: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const next_room: usize = memory.data(NEXT_BYTES);

/** Columns of what varies; 0: it is left out. */
let name_columns: i32 = 0;
let delay_columns: i32 = 0;
let spark_columns: i32 = 0;
let phase1_bar: i32 = 0;
let phase2_bar: i32 = 0;

/** Lays out the table for a screen of so many columns, and the rows that were selected. */
export function fitColumns(columns: i32, rows: i32): void {
  let longest = MIN_NAME_COLUMNS;
  for (let row = 0; row < rows; row++) {
    longest = max(longest, nameLength(vpnAt(vpnInRow(row)).config.name));
  }
  const most = columns < 100 ? min(12, columns - 1 - STATE_COLUMNS) : max(16, columns / 6);
  name_columns = min(longest, max(MIN_NAME_COLUMNS / 2, most));
  delay_columns = columns < 60 ? 0 : DELAY_COLUMNS;
  spark_columns = columns < 50 ? 0 : columns < 118 ? SAMPLES / GROUP : SAMPLES;
  phase2_bar = columns < 76 ? 0 : columns < 118 ? 4 : 6;
  phase1_bar = columns < 98 ? 0 : phase2_bar;
}

/** The table's head. */
export function writeHead(): void {
  paint(Color.BOLD);
  showLeft(newCell().text("Name"), name_columns);
  skip(1);
  showLeft(newCell().text("State"), STATE_COLUMNS);
  if (delay_columns > 0) showRight(newCell().text("Delay"), delay_columns);
  skip(1);
  if (spark_columns > 0) {
    showLeft(newCell().text("Availability"), spark_columns + 1 + AVAILABILITY_COLUMNS);
    skip(1);
  }
  headOfBar("Phase 1", phase1_bar);
  headOfBar("Phase 2", phase2_bar);
  showAll(newCell().text("Next"));
  paint(Color.NONE);
  endLine();
}

function headOfBar(name: string, bar: i32): void {
  if (bar == 0) return;
  showLeft(newCell().text(name), bar + SPAN_COLUMNS);
  skip(1);
}

/** The row of the VPN at an index. */
export function writeVpn(index: i32): void {
  const vpn = vpnAt(index);
  showLeft(newCell().name(vpn.config.name), name_columns);
  skip(1);
  paint(colorOf(vpn));
  showLeft(newCell().text(stateWord(vpn)), STATE_COLUMNS);
  paint(Color.NONE);
  if (delay_columns > 0) showRight(delayOf(vpn), delay_columns);
  skip(1);
  if (spark_columns > 0) {
    drawSamples(vpn);
    skip(1);
    showRight(availabilityOf(vpn), AVAILABILITY_COLUMNS);
    skip(1);
  }
  if (phase1_bar > 0) writePhase1(vpn);
  if (phase2_bar > 0) writePhase2(vpn);
  writeBriefly(next.reset(next_room, NEXT_BYTES), index);
  showAll(next);
  endLine();
}

function colorOf(vpn: Vpn): Color {
  if (vpn.state == State.UP) return Color.GREEN;
  if (vpn.state == State.DOWN) return Color.RED;
  return vpn.config.has(VpnFlag.MONITOR) ? Color.YELLOW : Color.DIM;
}

function delayOf(vpn: Vpn): Writer {
  const w = newCell();
  if (vpn.delay_last_ms < 0) return w.u8(DASH);
  if (vpn.delay_last_ms >= 100_000) return writeSpan(w, vpn.delay_last_ms / 1000);
  return w.decimal(vpn.delay_last_ms).text("ms");
}

function availabilityOf(vpn: Vpn): Writer {
  const percent = availability(vpn);
  if (percent < 0) return newCell().u8(DASH);
  return newCell().decimal(percent).u8(0x25);
}

/** The last samples, the newest at the right: a column for each, or for GROUP of them. */
function drawSamples(vpn: Vpn): void {
  const group = SAMPLES / spark_columns;
  let color = Color.NONE;
  for (let column = spark_columns - 1; column >= 0; column--) {
    const known = max(0, min(group, vpn.sample_count - column * group));
    if (known == 0) {
      skip(1);
      continue;
    }
    // The lowest bit is the round under way.
    const bits = (vpn.samples >> (1 + column * group)) & (((<u64>1) << known) - 1);
    const level = (<i32>popcnt(bits) * GROUP) / known;
    const wanted = level == GROUP ? Color.NONE : level == 0 ? Color.RED : Color.YELLOW;
    if (wanted != color) paint(wanted);
    color = wanted;
    draw(load<i32>(blocks + 4 * level), load<i32>(likes + 4 * level));
  }
  if (color != Color.NONE) paint(Color.NONE);
}

/** What is left of the IKE_SA until its key is renewed, or its peer authenticated again. */
function writePhase1(vpn: Vpn): void {
  const found = vpn.current < 0 ? -1 : findPhase1(vpn.gateway, phase2At(vpn.current).ike_id);
  if (found < 0) return writeNone(phase1_bar);
  writeBar(phase1_bar, phase1At(found).established_at_ms, endOf(phase1At(found)));
}

function endOf(sa: Phase1): i64 {
  let end_ms = sa.soft_at_ms == 0 ? NEVER : sa.soft_at_ms;
  if (sa.rekey_at_ms > 0) end_ms = min(end_ms, sa.rekey_at_ms);
  if (sa.reauth_at_ms > 0) end_ms = min(end_ms, sa.reauth_at_ms);
  return end_ms;
}

/** What is left of the CHILD_SA's lifetime. */
function writePhase2(vpn: Vpn): void {
  if (vpn.current < 0) return writeNone(phase2_bar);
  const sa = phase2At(vpn.current);
  writeBar(phase2_bar, sa.installed_at_ms, sa.expires_at_ms == 0 ? NEVER : sa.expires_at_ms);
}

/** There is no SA. */
function writeNone(bar: i32): void {
  showLeft(newCell().u8(DASH), bar + SPAN_COLUMNS);
  skip(1);
}

/** A bar that shrinks from `start_ms` to `end_ms`, and the time that is left. */
function writeBar(bar: i32, start_ms: i64, end_ms: i64): void {
  if (end_ms == NEVER) {
    showLeft(newCell().text("unlim"), bar + SPAN_COLUMNS);
  } else {
    const left_ms = max<i64>(end_ms - now_ms, 0);
    const whole_ms = max<i64>(end_ms - start_ms, 1);
    // Something is left as long as a column is.
    const full = min(<i64>bar, (left_ms * bar + whole_ms - 1) / whole_ms);
    for (let i = 0; i < bar; i++) draw(i < full ? FULL : SHADE, i < full ? HASH : DASH);
    showRight(writeSpan(newCell(), left_ms / 1000), SPAN_COLUMNS);
  }
  skip(1);
}
