/**
 * Memory of the engine that was ever written to. What a configuration needs is taken until all has
 * settled for the first time; later storms find room in that, but for tables of SAs that grow.
 */
import type { Engine } from "../engine.ts";
import { writtenEnd } from "./engines.ts";

const PAGE_BYTES = 65_536;
/** The tables of IKE_SAs and CHILD_SAs grow by so much each (assembly/bytes/table.ts). */
const CHUNK_BYTES = 65_536;
const SA_TABLES = 2;
/** Of SAs a VPN has now more, now fewer. */
const VPN_BYTES = 2_048;
/** So far above what was used it is looked for more: what leaks goes through there. */
const WINDOW_BYTES = 4 * CHUNK_BYTES;
/** The allocator's own mark at the end of memory. */
const END_BYTES = 64;

/** An engine, and which one of the run it is. */
interface Running {
  engine: Engine;
  instance: number;
}

export class MemoryWatch {
  private instance: number | undefined;
  private pages = 0;
  private limit_bytes = 0;

  /** Looks at it when all has settled; answers what is wrong. */
  look({ engine, instance }: Running, vpns: number): string | undefined {
    const words = engine.words();
    if (this.instance !== instance) {
      this.instance = instance;
      this.pages = engine.pages();
      this.limit_bytes = usedBytes(words) + SA_TABLES * CHUNK_BYTES + vpns * VPN_BYTES;
      return undefined;
    }
    const end = Math.min(this.limit_bytes + WINDOW_BYTES, this.pages * PAGE_BYTES - END_BYTES);
    for (let at = this.limit_bytes; at < end; at += 4) {
      if (words[at >> 2] !== 0) return `more than ${this.limit_bytes} bytes are in use`;
    }
    return this.grown({ engine, instance });
  }

  /** At any time: whether this instance has grown since it settled. */
  grown({ engine, instance }: Running): string | undefined {
    if (this.instance !== instance || engine.pages() <= this.pages) return undefined;
    return `${engine.pages()} pages, there were ${this.pages}`;
  }
}

function usedBytes(words: Int32Array): number {
  const last_block = words.length - PAGE_BYTES / 4;
  let end = words.length - END_BYTES / 4;
  while (end > 0 && words[end - 1] === 0) {
    end--;
    // Most blocks are all zeros, which is seen faster at once.
    if (end === last_block) end = writtenEnd(Buffer.from(words.buffer, 0, 4 * end)) >> 2;
  }
  return 4 * end;
}
