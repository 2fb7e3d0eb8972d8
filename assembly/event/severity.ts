import { isPrefix } from "../bytes/slice";
import { Writer } from "../bytes/writer";

/** ScreenOS's severities, numbered as syslog's (RFC 5424, 6.2.1); those that rekeyd uses. */
export const enum Severity {
  CRITICAL = 2,
  ERROR = 3,
  WARNING = 4,
  NOTIFICATION = 5,
  INFORMATION = 6,
}

/** How many severities there are, from 0 on. */
export const SEVERITIES: i32 = 8;

/** The severity as it stands in a line of the event log. */
export function severityName(severity: i32): string {
  switch (severity) {
    case 0:
      return "emergency";
    case 1:
      return "alert";
    case Severity.CRITICAL:
      return "critical";
    case Severity.ERROR:
      return "error";
    case Severity.WARNING:
      return "warning";
    case Severity.NOTIFICATION:
      return "notification";
    case Severity.INFORMATION:
      return "information";
    default:
      return "debugging";
  }
}

/** Writes its name. */
export function writeSeverity(w: Writer, severity: i32): Writer {
  return w.text(severityName(severity));
}

/** The severity with this name, or with the only one that begins so; -1: there is none. */
export function severityOf(p: usize, len: i32): i32 {
  let found = -1;
  for (let i = 0; i < SEVERITIES; i++) {
    const name = severityName(i);
    if (len == 0 || !isPrefix(p, len, name, 0, name.length)) continue;
    if (found >= 0) return -1;
    found = i;
  }
  return found;
}
