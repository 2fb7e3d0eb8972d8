import { Writer } from "./writer";

const DAY_MS: i64 = 86_400_000;
/** Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar. */
const EPOCH_DAYS: i64 = 719_468;
/** Days in 400 years, after which the calendar repeats. */
const ERA_DAYS: i64 = 146_097;
/** 9999-12-31 23:59:59.999: what lies outside of four-digit years is shown as their end. */
const LAST_MS: i64 = 253_402_300_799_999;

/**
 * Writes `YYYY-MM-DD`, `separator` and `HH:MM:SS` for the milliseconds since
 * 1970. Years are counted from March, so that the leap day is a year's last.
 */
export function writeDate(w: Writer, since_1970_ms: i64, separator: u8): Writer {
  const ms: i64 = min(max(since_1970_ms, 0), LAST_MS);
  const days = ms / DAY_MS + EPOCH_DAYS;
  const era = days / ERA_DAYS;
  const day_of_era = days % ERA_DAYS;
  const year_of_era =
    (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
  const day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const month_from_march = (5 * day_of_year + 2) / 153;
  const day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  w.padded(year, 4).u8(0x2d).padded(month, 2).u8(0x2d).padded(day, 2).u8(separator);

  const seconds = (ms % DAY_MS) / 1000;
  w.padded(seconds / 3600, 2)
    .u8(0x3a)
    .padded((seconds / 60) % 60, 2)
    .u8(0x3a);
  return w.padded(seconds % 60, 2);
}
