/** A place in the metrics, where one part of them ends and the next begins. */
import { indexOf, parseDecimal } from "../bytes/slice";
import { Writer } from "../bytes/writer";

const DOT: u8 = 0x2e;

/** When the configuration was loaded that it is a place of: milliseconds since 1970. */
export let loaded_at_ms: i64 = 0;
/** Number of the family. */
export let family: i32 = 0;
/** Index of the VPN. */
export let vpn: i32 = 0;

/** Moves there. */
export function setPlace(of_loaded_at_ms: i64, to_family: i32, to_vpn: i32): void {
  loaded_at_ms = of_loaded_at_ms;
  family = to_family;
  vpn = to_vpn;
}

/** Writes the place. */
export function writePlace(w: Writer): Writer {
  return w.decimal(loaded_at_ms).u8(DOT).decimal(family).u8(DOT).decimal(vpn);
}

/** Whether the bytes are a place, to which it moves: three numbers. */
export function isPlace(p: usize, len: i32): bool {
  const first = indexOf(p, len, DOT);
  if (first < 0) return false;
  const rest = p + first + 1;
  const rest_len = len - first - 1;
  const second = indexOf(rest, rest_len, DOT);
  if (second < 0) return false;
  const of_loaded_at_ms = parseDecimal(p, first);
  const to_family = parseDecimal(rest, second);
  const to_vpn = parseDecimal(rest + second + 1, rest_len - second - 1);
  if (of_loaded_at_ms < 0 || !isIndex(to_family) || !isIndex(to_vpn)) return false;
  setPlace(of_loaded_at_ms, <i32>to_family, <i32>to_vpn);
  return true;
}

function isIndex(value: i64): bool {
  return value >= 0 && value <= i32.MAX_VALUE;
}
