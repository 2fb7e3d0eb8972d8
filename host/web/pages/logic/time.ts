/** Times and amounts as people read them. */

/** A span of time, with at most two units: `2 h 5 min`. */
export function spanText(span_s: number): string {
  const s = Math.max(0, Math.round(span_s));
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(s, 60, "min", 1, "s");
  if (s < 86_400) return two(s, 3600, "h", 60, "min");
  return two(s, 86_400, "d", 3600, "h");
}

function two(s: number, large: number, large_unit: string, small: number, unit: string): string {
  const rest = Math.floor((s % large) / small);
  const whole = `${Math.floor(s / large)} ${large_unit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${unit}`;
}

const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** The time of day, in the browser's zone. */
export function clockText(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => pad(part)).join(":");
}

/** Its day. */
export function dayText(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** A delay: `0.4`, `12`, `130`. */
export function delayText(delay_ms: number): string {
  if (delay_ms > 0 && delay_ms < 10) return delay_ms.toFixed(1).replace(/\.0$/, "");
  return String(Math.round(delay_ms));
}

const SIZES = ["bytes", "kB", "MB", "GB", "TB"];

/** An amount of bytes, in steps of 1000. */
export function bytesText(bytes: number): string {
  let size = 0;
  let amount = bytes;
  while (amount >= 999.5 && size < SIZES.length - 1) {
    amount /= 1000;
    size++;
  }
  const digits = size === 0 || amount >= 99.95 ? 0 : 1;
  return `${amount.toFixed(digits)} ${SIZES[size]}`;
}

/** What is left of a time, as a share of it all; null: it has no end. */
export function shareLeft(left_s: number | null, since_s: number | null): number | null {
  if (left_s === null || since_s === null) return null;
  const all_s = left_s + since_s;
  return all_s <= 0 ? 0 : left_s / all_s;
}
