/**
 * The engines of a run, one after the other. An instance has tens of MB of memory, which keep the
 * garbage collector at work: so the one that is there is put back to its beginning instead, but for
 * memory that it has grown by.
 */
import { Engine } from "../engine.ts";
import { mutableGlobals } from "../replay/state.ts";

/** Answers an engine that knows nothing, each time: the one before is not to be used any more. */
export function engines(path: string): () => Engine {
  const engine = new Engine(path);
  const blocks = writtenBlocks(engine.memory());
  const globals = mutableGlobals(engine.exports).map(
    ([, global]) => [global, global.value as unknown] as const,
  );
  // A module that was built without tools/export_globals.js keeps them to itself.
  if (globals.length === 0) return () => new Engine(path);
  let is_fresh = true;
  return () => {
    if (!is_fresh) {
      putBack(engine.memory(), blocks);
      for (const [global, value] of globals) global.value = value;
    }
    is_fresh = false;
    return engine;
  };
}

/** A page of WebAssembly's memory. */
const ZEROS = Buffer.alloc(65_536);

function writtenBlocks(memory: Buffer): Map<number, Buffer> {
  const blocks = new Map<number, Buffer>();
  for (let at = 0; at < memory.length; at += ZEROS.length) {
    if (isWritten(memory, at)) blocks.set(at, Buffer.from(memory.subarray(at, at + ZEROS.length)));
  }
  return blocks;
}

/** To read is faster than to write, and most of memory has never been written to. */
function putBack(memory: Buffer, blocks: Map<number, Buffer>): void {
  for (let at = 0; at < memory.length; at += ZEROS.length) {
    const block = blocks.get(at) ?? ZEROS;
    if (block !== ZEROS || isWritten(memory, at)) memory.set(block, at);
  }
}

function isWritten(memory: Buffer, at: number): boolean {
  return ZEROS.compare(memory, at, at + ZEROS.length) !== 0;
}

/** Where the last block ends that is not all zeros. */
export function writtenEnd(memory: Buffer): number {
  let end = memory.length;
  while (end > 0 && !isWritten(memory, end - ZEROS.length)) end -= ZEROS.length;
  return end;
}
