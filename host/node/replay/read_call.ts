/** The records that a segment is full of: calls, and what came of them. */
import { Action } from "../engine.ts";
import {
  ACTION_HEADER_BYTES,
  BATCH,
  CALLS,
  INPUT_HEADER_BYTES,
  inputBytes,
  MAX_ACTIONS,
  MAX_INPUT_BYTES,
  MAX_TRAP_BYTES,
  NUMBERS,
  SLOT_BYTES,
  SLOT_HEAD_BYTES,
  SLOT_LENGTH,
  type CallName,
} from "./format.ts";
import { BadRecording, type Call, type RecordedTrap, type RecordedAction } from "./recording.ts";

/** The payload of an INPUT record at `offset`. */
export function readInput(payload: Buffer, offset: number): Call {
  if (payload.length < INPUT_HEADER_BYTES) {
    throw bad(
      offset,
      `INPUT has ${payload.length} bytes; ${INPUT_HEADER_BYTES} at least are right`,
    );
  }
  const name = CALLS[payload.readUInt8(0) - 1];
  if (name === undefined) {
    throw bad(offset, `call ${payload.readUInt8(0)}; calls are numbered from 1 to ${CALLS.length}`);
  }
  if (payload.readUIntLE(1, 3) !== 0) throw bad(offset, "three bytes of zero follow on a call");
  const all = [0, 1, 2].map((i) => payload.readInt32LE(4 + 4 * i));
  const numbers = all.slice(0, NUMBERS[name]);
  if (all.slice(NUMBERS[name]).some((number) => number !== 0)) {
    throw bad(offset, `'${name}' has ${NUMBERS[name]} numbers; zeros stand for others`);
  }
  const bytes = payload.subarray(INPUT_HEADER_BYTES);
  checkBytes(name, numbers, bytes, offset);
  return {
    offset,
    name,
    numbers,
    seed: 0n,
    now_ms: payload.readBigInt64LE(16),
    wall_ms: payload.readBigInt64LE(24),
    bytes,
    actions: undefined,
    trap: undefined,
  };
}

/** Bytes are as many as the numbers say, or none where those are what the engine refuses. */
function checkBytes(name: CallName, numbers: number[], bytes: Buffer, offset: number): void {
  let right: number;
  if (name === "replies") {
    const count = numbers[1]! >>> 0;
    right = count > BATCH ? 0 : slots(bytes, count, offset);
  } else {
    right = inputBytes(name, numbers);
    if (right > MAX_INPUT_BYTES) right = 0;
  }
  if (bytes.length !== right) {
    throw bad(offset, `'${name}' has ${bytes.length} bytes; ${right} would be right`);
  }
}

/** Length of as many slots at the beginning of `bytes`. */
function slots(bytes: Buffer, count: number, offset: number): number {
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = slotLength(bytes.subarray(at));
    if (length === undefined) throw bad(offset, `no whole slot at its byte ${at}`);
    at += length;
  }
  return at;
}

/** Length of the slot at the beginning of `bytes`; undefined if there is no whole one. */
function slotLength(bytes: Buffer): number | undefined {
  if (bytes.length < SLOT_HEAD_BYTES) return undefined;
  const length = SLOT_HEAD_BYTES + bytes.readUInt32LE(SLOT_LENGTH);
  return length > SLOT_BYTES || length > bytes.length ? undefined : length;
}

/** Slots that were cut to what is in them, one by one. */
export function cutSlots(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = slotLength(bytes.subarray(at));
    if (length === undefined) break;
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

/** The payload of an ACTIONS record. */
export function readActions(payload: Buffer, offset: number): RecordedAction[] {
  const actions: RecordedAction[] = [];
  let at = 0;
  while (at < payload.length) {
    const where = `action ${actions.length + 1}`;
    const begin = at + ACTION_HEADER_BYTES;
    if (begin > payload.length) throw bad(offset, `${where} is cut within its header`);
    const length = payload.readUInt32LE(at + 8);
    const left = payload.length - begin;
    if (length > left) throw bad(offset, `${where} has ${length} bytes; ${left} at most are right`);
    if (actions.length === MAX_ACTIONS) throw bad(offset, `more than ${MAX_ACTIONS} actions`);
    const kind = payload.readUInt32LE(at);
    const bytes = payload.subarray(begin, begin + length);
    if (kind === Action.SEND_ECHOES) checkEchoes(bytes, where, offset);
    actions.push({ kind, argument: payload.readUInt32LE(at + 4), bytes });
    at = begin + length;
  }
  return actions;
}

function checkEchoes(bytes: Buffer, where: string, offset: number): void {
  const echoes = cutSlots(bytes);
  const whole_bytes = echoes.reduce((sum, { length }) => sum + length, 0);
  if (whole_bytes !== bytes.length) {
    throw bad(offset, `${where}: no whole slot at its byte ${whole_bytes}`);
  }
  if (echoes.length > BATCH)
    throw bad(offset, `${where}: ${echoes.length} echoes; ${BATCH} at most`);
}

/** The payload of a TRAP record. */
export function readTrap(payload: Buffer, offset: number): RecordedTrap {
  const length = payload.length - 4;
  if (length < 0 || length > MAX_TRAP_BYTES) {
    throw bad(offset, `TRAP has ${payload.length} bytes; 4 to ${4 + MAX_TRAP_BYTES} are right`);
  }
  const own = payload.readUInt8(0);
  if (own > 1 || payload.readUIntLE(1, 3) !== 0) {
    throw bad(offset, "TRAP begins with 0 or 1, and three zeros");
  }
  return { own_words: own === 1, text: payload.toString("utf8", 4) };
}

function bad(offset: number, says: string): BadRecording {
  return new BadRecording(offset, says);
}
