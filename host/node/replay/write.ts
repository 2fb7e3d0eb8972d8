/** Writes recordings from Node: what rekeyd writes on a device (docs/recording.md). */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  ACTION_HEADER_BYTES,
  CALLS,
  ENGINE_BYTES,
  HEADER_BYTES,
  INPUT_HEADER_BYTES,
  Kind,
  MAGIC,
  PAGE_BYTES,
  READY_BYTES,
  SHA256_BYTES,
  START_BYTES,
} from "./format.ts";
import type {
  Call,
  EngineId,
  RecordedTrap,
  Recording,
  Snapshot,
  RecordedAction,
} from "./recording.ts";

/** One record. */
export function record(kind: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length + 4);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32LE(payload.length, 4);
  bytes.set(payload, HEADER_BYTES);
  const end = HEADER_BYTES + payload.length;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

/** SHA-256 of a module. */
export function sha256(module: Buffer): string {
  return createHash("sha256").update(module).digest("hex");
}

/** The bytes of a recording. */
export function writeRecording({ segments }: Recording): Buffer {
  return Buffer.concat(
    segments.flatMap(({ engine, snapshot, calls }) => [
      ...beginSegment(engine),
      ...(snapshot === undefined ? [] : writeSnapshot(snapshot)),
      ...calls.flatMap(writeCall),
    ]),
  );
}

/** The beginning of a segment. */
export function beginSegment(engine: EngineId): Buffer[] {
  const version = Buffer.from(engine.version);
  const payload = Buffer.alloc(ENGINE_BYTES + version.length);
  payload.write(engine.sha256, 0, "hex");
  payload.writeBigInt64LE(engine.begun_ms, SHA256_BYTES);
  payload.writeUInt32LE(engine.number, SHA256_BYTES + 8);
  payload.set(version, ENGINE_BYTES);
  return [MAGIC, record(Kind.ENGINE, payload)];
}

/** A running engine. */
export function writeSnapshot({
  memory_pages,
  pages,
  globals,
  now_ms,
  wall_ms,
}: Snapshot): Buffer[] {
  const memory = Buffer.alloc(4);
  memory.writeUInt32LE(memory_pages);
  const records = [record(Kind.MEMORY, memory)];
  for (const [address, page] of pages) {
    const payload = Buffer.alloc(4 + PAGE_BYTES);
    payload.writeUInt32LE(address);
    payload.set(page, 4);
    records.push(record(Kind.PAGE, payload));
  }
  for (const [name, value] of globals) {
    const payload = Buffer.alloc(8 + Buffer.byteLength(name));
    payload.writeBigUInt64LE(value);
    payload.write(name, 8);
    records.push(record(Kind.GLOBAL, payload));
  }
  const ready = Buffer.alloc(READY_BYTES);
  ready.writeBigInt64LE(now_ms, 0);
  ready.writeBigInt64LE(wall_ms, 8);
  ready.writeUInt32LE(pages.size, 16);
  ready.writeUInt32LE(globals.size, 20);
  return [...records, record(Kind.READY, ready)];
}

/** A call and what came of it. */
export function writeCall(call: Call): Buffer[] {
  const records = [call.name === "start" ? writeStart(call) : writeInput(call)];
  if (call.actions !== undefined) records.push(writeActions(call.actions));
  if (call.trap !== undefined) records.push(writeTrap(call.trap));
  return records;
}

function writeStart({ seed, numbers, now_ms, wall_ms }: Call): Buffer {
  const payload = Buffer.alloc(START_BYTES);
  payload.writeBigInt64LE(seed, 0);
  numbers.forEach((number, i) => payload.writeInt32LE(number, 8 + 4 * i));
  payload.writeBigInt64LE(now_ms, 16);
  payload.writeBigInt64LE(wall_ms, 24);
  return record(Kind.START, payload);
}

function writeInput({ name, numbers, now_ms, wall_ms, bytes }: Call): Buffer {
  const payload = Buffer.alloc(INPUT_HEADER_BYTES + bytes.length);
  payload.writeUInt8(1 + (CALLS as readonly string[]).indexOf(name), 0);
  numbers.forEach((number, i) => payload.writeInt32LE(number, 4 + 4 * i));
  payload.writeBigInt64LE(now_ms, 16);
  payload.writeBigInt64LE(wall_ms, 24);
  payload.set(bytes, INPUT_HEADER_BYTES);
  return record(Kind.INPUT, payload);
}

function writeActions(actions: RecordedAction[]): Buffer {
  const parts = actions.map(({ kind, argument, bytes }) => {
    const header = Buffer.alloc(ACTION_HEADER_BYTES);
    header.writeUInt32LE(kind, 0);
    header.writeUInt32LE(argument, 4);
    header.writeUInt32LE(bytes.length, 8);
    return Buffer.concat([header, bytes]);
  });
  return record(Kind.ACTIONS, Buffer.concat(parts));
}

function writeTrap({ own_words, text }: RecordedTrap): Buffer {
  return record(
    Kind.TRAP,
    Buffer.concat([Buffer.from([own_words ? 1 : 0, 0, 0, 0]), Buffer.from(text)]),
  );
}
