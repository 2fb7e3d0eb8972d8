/**
 * Seeds that are new for each new engine, and the same whenever that one is tested: a change is
 * tried in other ways than the last one, and a test that has passed passes again.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export function freshSeeds(count: number): number[] {
  const hash = createHash("sha256").update(readFileSync("build/engine.wasm")).digest();
  return Array.from({ length: count }, (_, i) => hash.readUInt32BE(4 * i) % 1_000_000_000);
}
