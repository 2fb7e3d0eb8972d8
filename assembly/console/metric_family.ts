/**
 * OpenMetrics (version 1.0): families of metrics, and their samples. The table of the families
 * (metric_table.ts) is gone through once for each head and for each VPN; a row is asked whether it
 * is the one whose turn it is.
 *
 * Prometheus' older text format, which node_exporter's textfile collector reads, has the same
 * samples and other heads: it knows neither info nor stateset, and calls a counter by its sample.
 */
import { nameBytes, nameLength } from "../bytes/slice";
import { controlCharacter, sequenceLength } from "../bytes/utf8";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";

const MAX_METRIC_NAME_BYTES: i32 = 64;

/** The types that are used here. */
const enum Kind {
  GAUGE,
  COUNTER,
  INFO,
  STATESET,
}

let w: Writer = writerAt(0);
let textfile: bool = false;
/** The family whose turn it is, and whether that is to write its head. */
let wanted: i32 = 0;
let heading: bool = false;
/** Families that were asked in this pass. */
let asked: i32 = 0;
const name: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const name_room: usize = memory.data(MAX_METRIC_NAME_BYTES);
let kind: Kind = Kind.GAUGE;

/** All that follows goes there, in the older format if `older`. */
export function writeFamiliesTo(writer: Writer, older: bool): void {
  w = writer;
  textfile = older;
}

/** Begins a pass in which family `index` writes its head, or else its samples. */
export function beginFamilies(index: i32, head: bool): void {
  wanted = index;
  heading = head;
  asked = 0;
}

/** Whether the last pass had the family that was wanted. */
export function hadFamily(): bool {
  return wanted < asked;
}

/**
 * A family whose values go up and down. Of it and of all others: the name is without the suffix
 * that the type gives the samples; a unit is its end. True when the family is to write its samples.
 */
export function gauge(family_name: string, help: string): bool {
  return family(family_name, Kind.GAUGE, help, "");
}

/** Likewise, in seconds. */
export function seconds(family_name: string, help: string): bool {
  return family(family_name, Kind.GAUGE, help, "seconds");
}

/** Likewise, from 0 to 1. */
export function ratio(family_name: string, help: string): bool {
  return family(family_name, Kind.GAUGE, help, "ratio");
}

/** A family that counts. */
export function counter(family_name: string, help: string): bool {
  return family(family_name, Kind.COUNTER, help, "");
}

/** Likewise, bytes. */
export function bytesCounter(family_name: string, help: string): bool {
  return family(family_name, Kind.COUNTER, help, "bytes");
}

/** A family whose labels are what it tells. */
export function info(family_name: string, help: string): bool {
  return family(family_name, Kind.INFO, help, "");
}

/** A family with a sample for each state, of which one is 1. */
export function stateset(family_name: string, help: string): bool {
  return family(family_name, Kind.STATESET, help, "");
}

function family(family_name: string, type: Kind, help: string, unit: string): bool {
  if (asked++ != wanted) return false;
  assert(!name.reset(name_room, MAX_METRIC_NAME_BYTES).text(family_name).truncated);
  kind = type;
  if (heading) writeHead(unit, help);
  return !heading;
}

function writeHead(unit: string, help: string): void {
  headName(w.text("# TYPE ")).u8(0x20).text(typeWord()).u8(0x0a);
  if (unit.length > 0 && !textfile) {
    headName(w.text("# UNIT ")).u8(0x20).text(unit).u8(0x0a);
  }
  headName(w.text("# HELP ")).u8(0x20).text(help).u8(0x0a);
}

function headName(to: Writer): Writer {
  to.bytes(name.start, name.length);
  return textfile ? to.text(suffix()) : to;
}

function suffix(): string {
  return kind == Kind.COUNTER ? "_total" : kind == Kind.INFO ? "_info" : "";
}

function typeWord(): string {
  if (kind == Kind.COUNTER) return "counter";
  if (textfile || kind == Kind.GAUGE) return "gauge";
  return kind == Kind.INFO ? "info" : "stateset";
}

/** Begins a sample without labels; its value follows. */
export function sample(): Writer {
  return w.bytes(name.start, name.length).text(suffix()).u8(0x20);
}

/** Begins a sample, and its first label, whose value is a name field (bytes/slice.ts). */
export function labeled(label: string, field: usize): Writer {
  return labelValue(w.bytes(name.start, name.length).text(suffix()).u8(0x7b).text(label), field);
}

/** Likewise, with a literal for its value. */
export function labeledText(label: string, value: string): Writer {
  return literalValue(w.bytes(name.start, name.length).text(suffix()).u8(0x7b).text(label), value);
}

/** One more label. */
export function also(label: string, field: usize): Writer {
  return labelValue(w.u8(0x2c).text(label), field);
}

/** Likewise, with a literal for its value. */
export function alsoText(label: string, value: string): Writer {
  return literalValue(w.u8(0x2c).text(label), value);
}

/** The labels end; the sample's value follows. */
export function endLabels(): Writer {
  return w.text("} ");
}

/** A sample's value: a whole number. */
export function whole(to: Writer, value: i64): void {
  to.decimal(value).u8(0x0a);
}

/** A sample's value: 1 or 0. */
export function flag(to: Writer, value: bool): void {
  to.u8(value ? 0x31 : 0x30).u8(0x0a);
}

/** One more label, which tells the state of a stateset: it has the family's name. */
export function alsoState(state: string): Writer {
  return literalValue(w.u8(0x2c).bytes(name.start, name.length), state);
}

function labelValue(to: Writer, field: usize): Writer {
  return escaped(to.text('="'), nameBytes(field), nameLength(field)).u8(0x22);
}

function literalValue(to: Writer, value: string): Writer {
  return to.text('="').text(value).u8(0x22);
}

/**
 * A label's value is any UTF-8. What is not, and control characters, are written as `\xNN`, byte
 * for byte: so two names stay two.
 */
function escaped(to: Writer, p: usize, len: i32): Writer {
  for (let i = 0; i < len;) {
    const c = <i32>load<u8>(p + i);
    const size = c < 0x80 ? 1 : sequenceLength(p + i, len - i);
    const control = c < 0x80 ? c < 0x20 || c == 0x7f : size == 0 || controlCharacter(p + i) != 0;
    const end = i + max(size, 1);
    for (; i < end; i++) {
      const byte = <i32>load<u8>(p + i);
      if (control) to.text("\\\\x").hex(byte, 2);
      else if (byte == 0x22 || byte == 0x5c) to.u8(0x5c).u8(byte);
      else to.u8(byte);
    }
  }
  return to;
}
