/** The whole state of an engine: its memory, and its mutable globals, which it exports. */
import {
  BATCH,
  MAX_ACTIONS,
  MAX_PAYLOAD_BYTES,
  MEMORY_PAGE_BYTES,
  PAGE_BYTES,
  SLOT_BYTES,
  SLOT_HEAD_BYTES,
  SLOT_LENGTH,
} from "./format.ts";
import { Action, UNGUARDED } from "../engine.ts";
import type { Snapshot, RecordedAction } from "./recording.ts";

/** What an engine exports for recordings (the end of assembly/index.ts). */
export interface Recordable extends Record<string, unknown> {
  memory: WebAssembly.Memory;
  actions(): number;
  receiveSlots(): number;
  conceal(slots: number, version: number, count: number): void;
  reveal(slots: number, version: number, count: number): void;
  wipe(): void;
  secret(): number;
}

const KEY_BYTES = 16;
const ACTION_BYTES = 16;
const ZEROS = Buffer.alloc(PAGE_BYTES);

/** A view, good until memory grows. */
export function view(exports: Recordable, pointer: number, length: number): Buffer {
  return Buffer.from(exports.memory.buffer, pointer, length);
}

/** The state, as a recording has it. It clears what no later call reads. */
export function takeSnapshot(exports: Recordable, now_ms: bigint, wall_ms: bigint): Snapshot {
  exports.wipe();
  const { byteLength } = exports.memory.buffer;
  const secret = view(exports, exports.secret(), KEY_BYTES);
  const key = Buffer.from(secret);
  secret.fill(0);
  const pages = new Map<number, Buffer>();
  for (let address = 0; address < byteLength; address += PAGE_BYTES) {
    const page = view(exports, address, PAGE_BYTES);
    if (!page.equals(ZEROS)) pages.set(address, Buffer.from(page));
  }
  secret.set(key);
  const globals = new Map<string, bigint>();
  for (const [name, { value }] of mutableGlobals(exports)) {
    const bits = typeof value === "bigint" ? 64 : 32;
    globals.set(name, BigInt.asUintN(bits, BigInt(value as bigint | number)));
  }
  return { memory_pages: byteLength / MEMORY_PAGE_BYTES, pages, globals, now_ms, wall_ms };
}

/** Takes on a state, with a key of its own. */
export function restoreSnapshot(exports: Recordable, snapshot: Snapshot, key: Buffer): void {
  growTo(exports, snapshot.memory_pages);
  const all = view(exports, 0, exports.memory.buffer.byteLength).fill(0);
  for (const [address, page] of snapshot.pages) all.set(page, address);
  for (const [name, global] of mutableGlobals(exports)) {
    const value = snapshot.globals.get(name);
    if (value === undefined) throw new Error(`the snapshot has no GLOBAL '${name}'`);
    const is_wide = typeof global.value === "bigint";
    global.value = is_wide ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value));
  }
  view(exports, exports.secret(), KEY_BYTES).set(key);
}

/** Makes one instance equal to another of the same module. */
export function copyState(from: Recordable, to: Recordable): void {
  const { byteLength } = from.memory.buffer;
  growTo(to, byteLength / MEMORY_PAGE_BYTES);
  view(to, 0, byteLength).set(view(from, 0, byteLength));
  const globals = new Map(mutableGlobals(from));
  for (const [name, global] of mutableGlobals(to)) global.value = globals.get(name)!.value;
}

function growTo({ memory }: Recordable, pages: number): void {
  const missing = pages - memory.buffer.byteLength / MEMORY_PAGE_BYTES;
  if (missing > 0) memory.grow(missing);
}

/** By the names under which they are exported. */
export function mutableGlobals(exports: object): [string, WebAssembly.Global][] {
  return Object.entries(exports).filter((entry): entry is [string, WebAssembly.Global] => {
    return entry[1] instanceof WebAssembly.Global && isMutable(entry[1]);
  });
}

/** JavaScript tells it of a global only by letting it be set. */
function isMutable(global: WebAssembly.Global): boolean {
  try {
    global.value = global.value as unknown;
    return true;
  } catch {
    return false;
  }
}

/** A batch's slots as they are recorded: concealed, and cut to what is in them. */
export function copySlots(
  exports: Recordable,
  pointer: number,
  version: number,
  count: number,
): Buffer {
  if (count >>> 0 > BATCH) return Buffer.alloc(0);
  exports.conceal(pointer, version, count);
  const slots = Array.from({ length: count }, (_, i) => {
    const slot = view(exports, pointer + i * SLOT_BYTES, SLOT_BYTES);
    return slot.subarray(0, SLOT_HEAD_BYTES + slot.readUInt32LE(SLOT_LENGTH));
  });
  const copy = Buffer.concat(slots);
  exports.reveal(pointer, version, count);
  return copy;
}

/**
 * The actions that a call has left, as they are recorded. Throws where no engine leaves so many: a
 * recording whose memory somebody has made up may tell anything.
 */
export function actionsOf(exports: Recordable, count: number): RecordedAction[] {
  if (count >>> 0 > MAX_ACTIONS) throw new Error(`${count} actions; ${MAX_ACTIONS} are the most`);
  let left_bytes = MAX_PAYLOAD_BYTES;
  return Array.from({ length: count }, (_, i) => {
    const words = view(exports, exports.actions() + i * ACTION_BYTES, ACTION_BYTES);
    const kind = words.readUInt32LE(0);
    const argument = words.readUInt32LE(4);
    const pointer = words.readUInt32LE(8);
    const length = words.readUInt32LE(12);
    if (length > left_bytes) throw new Error(`actions of more than ${MAX_PAYLOAD_BYTES} bytes`);
    left_bytes -= length;
    // Of echoes the length counts slots.
    const bytes =
      kind === Action.SEND_ECHOES
        ? copySlots(exports, pointer, argument & ~UNGUARDED, length)
        : Buffer.from(view(exports, pointer, length));
    return { kind, argument, bytes };
  });
}
