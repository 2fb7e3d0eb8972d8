/** SNMP object identifiers (RFC 2578, 3.5), as net-snmp writes them: `.1.3.6.1`. */
import { Writer } from "../bytes/writer";
import { MAX_OID_NUMBERS } from "../limits";

const DOT: u8 = 0x2e;
const numbers: usize = memory.data(4 * MAX_OID_NUMBERS, 4);

/**
 * Reads the bytes as an identifier, with or without a dot in front. Answers how many numbers it
 * has; -1: it is none, or one with too many numbers, or too great ones.
 */
export function parseOid(p: usize, len: i32): i32 {
  let count = 0;
  let at = len > 0 && load<u8>(p) == DOT ? 1 : 0;
  while (at < len) {
    if (count == MAX_OID_NUMBERS) return -1;
    let value: u64 = 0;
    const begin = at;
    for (; at < len && load<u8>(p + at) != DOT; at++) {
      const digit = <u32>load<u8>(p + at) - 0x30;
      value = value * 10 + digit;
      if (digit > 9 || value > u32.MAX_VALUE) return -1;
    }
    if (at == begin) return -1;
    store<u32>(numbers + 4 * count++, <u32>value);
    // A dot stands between two numbers.
    if (at < len && ++at == len) return -1;
  }
  return count > 0 ? count : -1;
}

/** Number `i` of the identifier that was read last. */
export function oidNumber(i: i32): u32 {
  return load<u32>(numbers + 4 * i);
}

/** Writes the literal, and two more numbers, as an identifier. */
export function writeOid(w: Writer, base: string, column: i32, index: u32): Writer {
  return w.text(base).u8(DOT).decimal(column).u8(DOT).decimal(index);
}
