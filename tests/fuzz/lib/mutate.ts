/** Changes to an input that know nothing of its format, as in AFL's havoc stage. */
import type { Random } from "../../../host/node/sim/random.ts";

/** Numbers at which code decides. */
const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 19, 20, 31, 32, 63, 64, 65, 100, 127, 128, 254, 255, 256, 511, 512,
  1023, 1024, 1350, 1351, 1472, 4095, 4096, 32767, 32768, 65535, 65536, 0x7ffffffe, 0x7fffffff,
  0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff,
];
const NUMBERS = ["0", "1", "-1", "255", "4294967295", "999999999999999999", "18446744073709551616"];
const MAX_CHANGES_LOG2 = 4;

/** An input made from `input`, and of parts of `other`; at most `max_bytes` long. */
export function mutate(
  random: Random,
  input: Buffer,
  other: Buffer,
  dictionary: readonly Buffer[],
  max_bytes: number,
): Buffer {
  let bytes = Buffer.from(input);
  for (let n = 1 << random.below(MAX_CHANGES_LOG2); n > 0; n--) {
    bytes = change(random, bytes, other, dictionary);
  }
  return bytes.subarray(0, max_bytes);
}

function change(
  random: Random,
  bytes: Buffer,
  other: Buffer,
  dictionary: readonly Buffer[],
): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + length(random));
  switch (random.below(14)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
      return Buffer.from(bytes);
    case 1:
      if (at < bytes.length) bytes[at] = random.below(256);
      return Buffer.from(bytes);
    case 2:
      if (at < bytes.length) bytes[at]! += random.between(-16, 16);
      return Buffer.from(bytes);
    case 3:
    case 4:
      return replace(bytes, at, number(random));
    case 5:
      return splice(bytes, at, end, Buffer.alloc(0));
    case 6:
      return splice(bytes, at, at, bytes.subarray(at, end));
    case 7:
      return splice(bytes, at, at, Buffer.alloc(length(random), random.below(256)));
    case 8: {
      const from = random.below(other.length + 1);
      return splice(bytes, at, random.percent(50) ? at : end, part(random, other, from));
    }
    case 9:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    case 10: {
      // From somewhere else in the same input, over what stands here.
      const from = random.below(bytes.length + 1);
      return replace(bytes, at, part(random, bytes, from));
    }
    case 11:
      return splice(bytes, at, end, Buffer.from(random.one(NUMBERS)));
    default: {
      const token = dictionary.length > 0 ? random.one(dictionary) : number(random);
      return random.percent(50) ? replace(bytes, at, token) : splice(bytes, at, at, token);
    }
  }
}

/** Short ones are frequent, long ones are there. */
function length(random: Random): number {
  return 1 + random.below(1 << random.between(1, 9));
}

function part(random: Random, bytes: Buffer, from: number): Buffer {
  return bytes.subarray(from, from + length(random));
}

function number(random: Random): Buffer {
  const value = random.one(INTERESTING);
  const bytes = Buffer.alloc(4);
  const size = random.one([1, 2, 4]);
  if (random.percent(50)) {
    bytes.writeUInt32LE(value);
    return bytes.subarray(0, size);
  }
  bytes.writeUInt32BE(value);
  return bytes.subarray(4 - size);
}

function replace(bytes: Buffer, at: number, by: Buffer): Buffer<ArrayBuffer> {
  return splice(bytes, at, Math.min(bytes.length, at + by.length), by);
}

function splice(bytes: Buffer, from: number, to: number, by: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}
