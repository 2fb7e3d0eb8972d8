/**
 * Reads recordings, whatever their bytes are: it answers with what is whole, or says where the
 * file is wrong and what would be right. It takes no more than its input is long, several times.
 */
import { readFileSync, statSync } from "node:fs";
import { crc32, gunzipSync } from "node:zlib";
import {
  CRC_BYTES,
  ENGINE_BYTES,
  HEADER_BYTES,
  Kind,
  MAGIC,
  MAX_GLOBAL_NAME_BYTES,
  MAX_GLOBALS,
  MAX_MEMORY_PAGES,
  MAX_PAYLOAD_BYTES,
  MAX_VERSION_BYTES,
  MEMORY_PAGE_BYTES,
  PAGE_BYTES,
  READY_BYTES,
  SHA256_BYTES,
  START_BYTES,
} from "./format.ts";
import { printable } from "./action_text.ts";
import { readActions, readInput, readTrap } from "./read_call.ts";
import { BadRecording, type Call, type Recording, type Segment } from "./recording.ts";

/** Two segments, each with a snapshot of the largest memory and twice as much behind it. */
const MAX_FILE_BYTES = 2 * 3 * MAX_MEMORY_PAGES * MEMORY_PAGE_BYTES;
/** Places that are told where a recording is cut off; the rest is counted. */
const MAX_CUTS = 4;
const GZIP = Buffer.from([0x1f, 0x8b]);

interface RawRecord {
  offset: number;
  kind: number;
  payload: Buffer;
}

/** Reads a file; gzip is taken, too. */
export function readRecordingFile(path: string): Recording {
  if (statSync(path).size > MAX_FILE_BYTES) {
    throw new BadRecording(MAX_FILE_BYTES, "too long: no recording has as many bytes");
  }
  const bytes = readFileSync(path);
  if (!bytes.subarray(0, GZIP.length).equals(GZIP)) return readRecording(bytes);
  return readRecording(gunzipSync(bytes, { maxOutputLength: MAX_FILE_BYTES }));
}

/** Reads a recording; throws BadRecording. */
export function readRecording(bytes: Buffer): Recording {
  const segments: Segment[] = [];
  const cuts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const reader = new SegmentReader(at);
    const magic = bytes.subarray(at, at + MAGIC.length);
    if (!magic.equals(MAGIC.subarray(0, magic.length))) {
      throw new BadRecording(at, 'no segment begins here: it would with "rekeyd-record-1"');
    }
    at += MAGIC.length;
    let cut: string | undefined;
    // No record begins as a segment does.
    while (at < bytes.length && bytes[at] !== MAGIC[0] && cut === undefined) {
      const record = recordAt(bytes, at);
      if (typeof record === "string") cut = record;
      else {
        reader.take(record);
        at += HEADER_BYTES + record.payload.length + CRC_BYTES;
      }
    }
    const segment = reader.segment(cut !== undefined);
    if (segment !== undefined) segments.push(segment);
    else cut ??= `offset ${Math.min(at, bytes.length)}: a segment ends before its first call`;
    if (cut === undefined) continue;
    cuts.push(cut);
    // What a crash has left goes before what the next daemon recorded.
    const next = bytes.indexOf(MAGIC, at);
    at = next < 0 ? bytes.length : next;
  }
  const more = cuts.length > MAX_CUTS ? [`${cuts.length - MAX_CUTS} more like these`] : [];
  const told = [...cuts.slice(0, MAX_CUTS), ...more];
  const cut = told.length === 0 ? undefined : told.join("; then ");
  if (segments.length === 0) {
    throw new BadRecording(0, `no call is in it: ${cut ?? "the file is empty"}`);
  }
  return { segments, cut };
}

/** The record there; a text: why the file is good up to here only. */
function recordAt(bytes: Buffer, at: number): RawRecord | string {
  const left = bytes.length - at;
  const says = (what: string): string => `offset ${at}: ${what}; what is before it is good`;
  if (left < HEADER_BYTES) return says(`cut off within a record's header, after ${left} bytes`);
  const length = bytes.readUInt32LE(at + 4);
  if (length > MAX_PAYLOAD_BYTES) {
    return says(`damaged: a record of ${length} bytes; ${MAX_PAYLOAD_BYTES} are the most`);
  }
  const end = HEADER_BYTES + length;
  if (left < end + CRC_BYTES) {
    return says(`cut off within a record, after ${left} of ${end + CRC_BYTES} bytes`);
  }
  const sum = bytes.readUInt32LE(at + end);
  const right = crc32(bytes.subarray(at, at + end));
  if (sum !== right) {
    return says(`damaged: a record whose checksum is ${hex(sum)}; ${hex(right)} would be right`);
  }
  if (bytes.readUIntLE(at + 1, 3) !== 0) {
    throw new BadRecording(at + 1, "not zero: three bytes of zero follow on a record's kind");
  }
  const payload = bytes.subarray(at + HEADER_BYTES, at + end);
  return { offset: at, kind: bytes.readUInt8(at), payload };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

const NAMES = Object.fromEntries(Object.entries(Kind).map(([name, kind]) => [kind, name]));

/** Takes a segment's records in their order. */
class SegmentReader {
  private readonly taken: Partial<Segment> & { offset: number; calls: Call[] };
  /** Kinds that may come next. */
  private expected: number[] = [Kind.ENGINE];
  private last_page = -1;

  constructor(offset: number) {
    this.taken = { offset, calls: [] };
  }

  take(record: RawRecord): void {
    const { kind, offset } = record;
    if (!this.expected.includes(kind)) {
      const right = this.expected.map((kind) => NAMES[kind]).join(" or ");
      const found = NAMES[kind] ?? `kind ${kind}`;
      throw new BadRecording(offset, `${found} where ${right || "no further record"} belongs`);
    }
    switch (kind) {
      case Kind.ENGINE:
        return this.takeEngine(record);
      case Kind.START:
        return this.takeStart(record);
      case Kind.MEMORY:
        return this.takeMemory(record);
      case Kind.PAGE:
        return this.takePage(record);
      case Kind.GLOBAL:
        return this.takeGlobal(record);
      case Kind.READY:
        return this.takeReady(record);
      case Kind.INPUT:
        this.taken.calls.push(readInput(record.payload, offset));
        this.expected = [Kind.ACTIONS, Kind.TRAP];
        return;
      case Kind.ACTIONS:
        this.taken.calls.at(-1)!.actions = readActions(record.payload, offset);
        this.expected = [Kind.INPUT];
        return;
      default:
        this.taken.calls.at(-1)!.trap = readTrap(record.payload, offset);
        this.expected = [];
    }
  }

  /** The segment; undefined if there is nothing to replay in it yet. */
  segment(is_cut: boolean): Segment | undefined {
    const { engine, snapshot, calls, offset } = this.taken;
    const can_begin = this.expected.includes(Kind.INPUT) || calls.length > 0;
    if (engine === undefined || !can_begin) return undefined;
    return { engine, snapshot, calls, offset, is_cut };
  }

  private takeEngine({ payload, offset }: RawRecord): void {
    const version_bytes = payload.length - ENGINE_BYTES;
    if (version_bytes < 1 || version_bytes > MAX_VERSION_BYTES) {
      throw sized(offset, "ENGINE", payload, `${ENGINE_BYTES} and 1 to ${MAX_VERSION_BYTES}`);
    }
    this.taken.engine = {
      sha256: payload.toString("hex", 0, SHA256_BYTES),
      begun_ms: payload.readBigInt64LE(SHA256_BYTES),
      number: payload.readUInt32LE(SHA256_BYTES + 8),
      version: payload.toString("utf8", ENGINE_BYTES),
    };
    this.expected = [Kind.START, Kind.MEMORY];
  }

  private takeStart({ payload, offset }: RawRecord): void {
    if (payload.length !== START_BYTES) throw sized(offset, "START", payload, `${START_BYTES}`);
    this.taken.calls.push({
      offset,
      name: "start",
      seed: payload.readBigInt64LE(0),
      numbers: [payload.readInt32LE(8), payload.readInt32LE(12)],
      now_ms: payload.readBigInt64LE(16),
      wall_ms: payload.readBigInt64LE(24),
      bytes: Buffer.alloc(0),
      actions: undefined,
      trap: undefined,
    });
    this.expected = [Kind.ACTIONS, Kind.TRAP];
  }

  private takeMemory({ payload, offset }: RawRecord): void {
    if (payload.length !== 4) throw sized(offset, "MEMORY", payload, "4");
    const memory_pages = payload.readUInt32LE(0);
    if (memory_pages > MAX_MEMORY_PAGES) {
      throw new BadRecording(
        offset,
        `${memory_pages} pages of memory; ${MAX_MEMORY_PAGES} at most`,
      );
    }
    this.taken.snapshot = {
      memory_pages,
      pages: new Map(),
      globals: new Map(),
      now_ms: 0n,
      wall_ms: 0n,
    };
    this.expected = [Kind.PAGE, Kind.GLOBAL, Kind.READY];
  }

  private takePage({ payload, offset }: RawRecord): void {
    if (payload.length !== 4 + PAGE_BYTES)
      throw sized(offset, "PAGE", payload, `${4 + PAGE_BYTES}`);
    const { memory_pages, pages } = this.taken.snapshot!;
    const address = payload.readUInt32LE(0);
    const end = memory_pages * MEMORY_PAGE_BYTES;
    if (address % PAGE_BYTES !== 0 || address >= end || address <= this.last_page) {
      const right = `a multiple of ${PAGE_BYTES} below ${end} that rises`;
      throw new BadRecording(offset, `PAGE at address ${address}; ${right} would be right`);
    }
    this.last_page = address;
    pages.set(address, payload.subarray(4));
  }

  private takeGlobal({ payload, offset }: RawRecord): void {
    const name_bytes = payload.length - 8;
    if (name_bytes < 1 || name_bytes > MAX_GLOBAL_NAME_BYTES) {
      throw sized(offset, "GLOBAL", payload, `8 and 1 to ${MAX_GLOBAL_NAME_BYTES}`);
    }
    const { globals } = this.taken.snapshot!;
    const name = payload.toString("utf8", 8);
    if (globals.has(name))
      throw new BadRecording(offset, `a second GLOBAL '${printable(name)}'; one is right`);
    if (globals.size === MAX_GLOBALS) {
      throw new BadRecording(offset, `more than ${MAX_GLOBALS} GLOBALs`);
    }
    globals.set(name, payload.readBigUInt64LE(0));
    this.expected = [Kind.GLOBAL, Kind.READY];
  }

  private takeReady({ payload, offset }: RawRecord): void {
    if (payload.length !== READY_BYTES) throw sized(offset, "READY", payload, `${READY_BYTES}`);
    const snapshot = this.taken.snapshot!;
    snapshot.now_ms = payload.readBigInt64LE(0);
    snapshot.wall_ms = payload.readBigInt64LE(8);
    const counted = [payload.readUInt32LE(16), payload.readUInt32LE(20)];
    if (counted[0] !== snapshot.pages.size || counted[1] !== snapshot.globals.size) {
      const there = `${snapshot.pages.size} PAGEs and ${snapshot.globals.size} GLOBALs`;
      const says = `READY counts ${counted[0]} PAGEs and ${counted[1]} GLOBALs; there are ${there}`;
      throw new BadRecording(offset, says);
    }
    this.expected = [Kind.INPUT];
  }
}

function sized(offset: number, name: string, payload: Buffer, right: string): BadRecording {
  return new BadRecording(offset, `${name} has ${payload.length} bytes; ${right} would be right`);
}
