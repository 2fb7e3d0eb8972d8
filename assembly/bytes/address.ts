import { hexDigit, loadU16be, loadU32be, storeU16be } from "./slice";
import { Writer } from "./writer";

/**
 * IP addresses as 16 bytes in network order; IPv4 in the mapped form
 * ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so one comparison serves both families.
 */
export const ADDRESS_BYTES: i32 = 16;

/** Whether the address is IPv4. */
export function isV4(address: usize): bool {
  return load<u64>(address) == 0 && load<u32>(address, 8) == 0xffff0000;
}

/** Whether nothing was set: the unspecified address `::`. */
export function isUnset(address: usize): bool {
  return load<u64>(address) == 0 && load<u64>(address, 8) == 0;
}

/** Makes it unset. */
export function clear(address: usize): void {
  memory.fill(address, 0, ADDRESS_BYTES);
}

/** Whether the two are one address, of one family. */
export function sameAddress(a: usize, b: usize): bool {
  return load<u64>(a) == load<u64>(b) && load<u64>(a, 8) == load<u64>(b, 8);
}

/** Puts the IPv4 address of four bytes at `v4` into the mapped form at `out`. */
export function fromV4(v4: usize, out: usize): void {
  const bytes = load<u32>(v4);
  store<u64>(out, 0);
  store<u32>(out, 0xffff0000, 8);
  store<u32>(out, bytes, 12);
}

/** Parses dotted IPv4 or RFC 4291 IPv6 text, without zone; false leaves `out` undefined. */
export function parseAddress(p: usize, len: i32, out: usize): bool {
  for (let i = 0; i < len; i++) {
    if (load<u8>(p + i) == 0x3a) return parseV6(p, len, out);
  }
  store<u64>(out, 0);
  store<u32>(out, 0xffff0000, 8);
  return parseV4(p, len, out + 12);
}

function parseV4(p: usize, len: i32, out: usize): bool {
  let at = 0;
  for (let part = 0; part < 4; part++) {
    let value = 0;
    let digits = 0;
    while (at < len && digits < 4) {
      const d = <i32>load<u8>(p + at) - 0x30;
      if (d < 0 || d > 9) break;
      value = value * 10 + d;
      digits++;
      at++;
    }
    if (digits == 0 || digits > 3 || value > 255) return false;
    // "010" is eight to some readers and ten to others (RFC 6943, 3.1.1).
    if (digits > 1 && load<u8>(p + at - digits) == 0x30) return false;
    store<u8>(out + part, <u8>value);
    if (part < 3) {
      if (at >= len || load<u8>(p + at) != 0x2e) return false;
      at++;
    }
  }
  return at == len;
}

function parseV6(p: usize, len: i32, out: usize): bool {
  clear(out);
  let groups = 0;
  let gap = -1;
  let at = 0;
  if (len >= 2 && load<u8>(p) == 0x3a && load<u8>(p, 1) == 0x3a) {
    gap = 0;
    at = 2;
  }
  while (at < len) {
    if (groups == 8) return false;
    const from = at;
    let value = 0;
    while (at < len && at - from < 5) {
      const d = hexDigit(load<u8>(p + at));
      if (d < 0) break;
      value = (value << 4) | d;
      at++;
    }
    const digits = at - from;
    if (at < len && load<u8>(p + at) == 0x2e) {
      if (groups > 6 || !parseV4(p + from, len - from, out + 2 * groups)) return false;
      groups += 2;
      at = len;
      break;
    }
    if (digits == 0 || digits > 4) return false;
    storeU16be(out + 2 * groups, value);
    groups++;
    if (at == len) break;
    if (load<u8>(p + at) != 0x3a) return false;
    at++;
    if (at == len) return false;
    if (load<u8>(p + at) == 0x3a) {
      if (gap >= 0) return false;
      gap = groups;
      at++;
    }
  }
  if (gap < 0) return groups == 8;
  if (groups == 8) return false;
  const tail = 2 * (groups - gap);
  memory.copy(out + 16 - tail, out + 2 * gap, tail);
  memory.fill(out + 2 * gap, 0, 16 - tail - 2 * gap);
  return true;
}

/** Writes the address as RFC 5952 recommends. */
export function writeAddress(w: Writer, address: usize): Writer {
  if (isV4(address)) {
    for (let i = 12; i < 16; i++) {
      if (i > 12) w.u8(0x2e);
      w.decimal(load<u8>(address + i));
    }
    return w;
  }
  let gap = -1;
  let gap_len = 1;
  for (let i = 0; i < 8;) {
    let run = 0;
    while (i + run < 8 && loadU16be(address + 2 * (i + run)) == 0) run++;
    if (run > gap_len) {
      gap = i;
      gap_len = run;
    }
    i += run + 1;
  }
  for (let i = 0; i < 8; i++) {
    if (i == gap) {
      w.text("::");
      i += gap_len - 1;
      continue;
    }
    if (i > 0 && !(gap >= 0 && i == gap + gap_len)) w.u8(0x3a);
    const group = loadU16be(address + 2 * i);
    w.hex(group, group > 0xfff ? 4 : group > 0xff ? 3 : group > 0xf ? 2 : 1);
  }
  return w;
}

/** -1, 0 or 1: order of two addresses as numbers. */
export function compareAddress(a: usize, b: usize): i32 {
  for (let i = 0; i < ADDRESS_BYTES; i += 4) {
    const x = loadU32be(a + i);
    const y = loadU32be(b + i);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}
