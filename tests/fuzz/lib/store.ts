/**
 * Where inputs lie: in `tests/fuzz/corpus/TARGET`, those that together reach what is known to be
 * reached, in one file (zlib's format); and each that once showed something to be wrong, in a file
 * whose name says what it was.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import type { Found } from "./campaign.ts";

const CORPUS = "tests/fuzz/corpus";
/** The many small inputs that reach the code, in one file. */
const PACKED = "reached.z";
/** What a long run finds and keeps, beside the tree. */
const RESULTS = "build/fuzz";

/** The inputs of the tree, and of earlier runs on this machine. */
export function loadCorpus(target: string, everything = false): Buffer[] {
  const paths = [join(CORPUS, target, PACKED)];
  if (everything) paths.push(join(RESULTS, target, PACKED));
  return paths
    .filter((path) => existsSync(path))
    .flatMap((path) => unpack(inflateSync(readFileSync(path))));
}

/** Writes the corpus of the tree, or of this machine. */
export function saveCorpus(target: string, inputs: Buffer[], into_tree: boolean): void {
  const folder = join(into_tree ? CORPUS : RESULTS, target);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, PACKED), deflateSync(pack(inputs), { level: 9 }));
}

/** What was found before and is kept: each must be right now. */
export function loadFound(target: string): { name: string; input: Buffer }[] {
  const folder = join(CORPUS, target);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder)
    .filter((name) => name !== PACKED)
    .sort();
  return names.map((name) => ({ name, input: readFileSync(join(folder, name)) }));
}

/** Writes a finding; answers the path. */
export function saveFinding(target: string, { finding, input }: Found): string {
  const folder = join(RESULTS, target);
  mkdirSync(folder, { recursive: true });
  const words = finding.message.toLowerCase().match(/[a-z0-9+]+/g) ?? [];
  const path = join(folder, words.join("-").slice(0, 60));
  writeFileSync(path, input);
  return path;
}

/** Each input behind its length, two bytes. */
function pack(inputs: Buffer[]): Buffer {
  return Buffer.concat(
    inputs.flatMap((input) => [Buffer.from([input.length & 255, input.length >> 8]), input]),
  );
}

function unpack(bytes: Buffer): Buffer[] {
  const inputs: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    inputs.push(Buffer.from(bytes.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return inputs;
}
