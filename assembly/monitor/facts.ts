/**
 * What the host alone can find out, as text that it copies together: `# NAME` begins a part, whose
 * lines are `KEY VALUE`.
 *
 *     # host
 *     xfrm 1                 the kernel has IPsec (NETLINK_XFRM)
 *     ipv6 1                 there is a raw socket for ICMPv6
 *     # xfrm_stat            /proc/net/xfrm_stat, where there is one
 *     XfrmInNoStates 0
 *
 * Anything else is skipped.
 */
import { equalText, indexOf, parseDecimal } from "../bytes/slice";
import { MAX_FACT_LINES } from "../limits";

/** The counters that are looked at. */
export const DROPS: i32 = 8;

// prettier-ignore
/** The kernel's name of a counter of dropped packets. */
export function dropName(i: i32): string {
  switch (i) {
    case 0: return "XfrmInNoStates";
    case 1: return "XfrmInStateProtoError";
    case 2: return "XfrmInStateSeqError";
    case 3: return "XfrmInStateExpired";
    case 4: return "XfrmInTmplMismatch";
    case 5: return "XfrmInNoPols";
    case 6: return "XfrmOutNoStates";
    default: return "XfrmOutPolBlock";
  }
}

const enum Part {
  NONE = 0,
  HOST,
  DROPS,
}

const last: usize = memory.data(DROPS * 8, 8);
const risen: usize = memory.data(DROPS * 8, 8);
let has_drops: bool = false;
let has_told: bool = false;
let has_xfrm: bool = true;
let has_ipv6: bool = true;

/** Whether the kernel has IPsec of its own; true where it is not known. */
export function kernelHasIpsec(): bool {
  return has_xfrm;
}

/** Whether echoes of IPv6 can be sent; likewise. */
export function hostHasIpv6(): bool {
  return has_ipv6;
}

/** From here on `dropsRisen` counts. */
export function beginDrops(): void {
  memory.fill(risen, 0, DROPS * 8);
  has_told = false;
}

/** By how much a counter has risen between the first telling and the last. */
export function dropsRisen(i: i32): i64 {
  assert(<u32>i < <u32>DROPS);
  return load<i64>(risen + 8 * i);
}

/** Takes the host's text. */
export function takeFacts(p: usize, len: i32): void {
  let part = Part.NONE;
  has_drops = has_told;
  for (let lines = 0; len > 0 && lines < MAX_FACT_LINES; lines++) {
    let line = indexOf(p, len, 0x0a);
    if (line < 0) line = len;
    part = takeLine(part, p, line);
    const step = min(line + 1, len);
    p += step;
    len -= step;
  }
  has_told = true;
}

function takeLine(part: Part, p: usize, len: i32): Part {
  let key = 0;
  while (key < len && !isBlank(p + key)) key++;
  let value = key;
  while (value < len && isBlank(p + value)) value++;
  let end = len;
  while (end > value && isBlank(p + end - 1)) end--;
  if (equalText(p, key, "#")) {
    if (equalText(p + value, end - value, "host")) return Part.HOST;
    return equalText(p + value, end - value, "xfrm_stat") ? Part.DROPS : Part.NONE;
  }
  const number = parseDecimal(p + value, end - value);
  if (number < 0) return part;
  if (part == Part.HOST) {
    if (equalText(p, key, "xfrm")) has_xfrm = number != 0;
    else if (equalText(p, key, "ipv6")) has_ipv6 = number != 0;
  } else if (part == Part.DROPS) {
    takeDrops(p, key, number);
  }
  return part;
}

function takeDrops(p: usize, len: i32, count: i64): void {
  for (let i = 0; i < DROPS; i++) {
    if (!equalText(p, len, dropName(i))) continue;
    const at = last + 8 * i;
    if (has_drops && count > load<i64>(at)) {
      store<i64>(risen + 8 * i, load<i64>(risen + 8 * i) + count - load<i64>(at));
    }
    store<i64>(at, count);
  }
}

function isBlank(p: usize): bool {
  return load<u8>(p) <= 0x20;
}
