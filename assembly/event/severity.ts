import { Writer } from "../bytes/writer";

/** ScreenOS's severities, numbered as syslog's (RFC 5424, 6.2.1). */
export const enum Severity {
  CRITICAL = 2,
  ERROR = 3,
  WARNING = 4,
  NOTIFICATION = 5,
  INFORMATION = 6,
}

/** Writes the severity as it stands in a line of the event log. */
export function writeSeverity(w: Writer, severity: i32): Writer {
  switch (severity) {
    case Severity.CRITICAL:
      return w.text("critical");
    case Severity.ERROR:
      return w.text("error");
    case Severity.WARNING:
      return w.text("warning");
    case Severity.NOTIFICATION:
      return w.text("notification");
    default:
      return w.text("information");
  }
}
