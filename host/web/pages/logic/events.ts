/** The event log, as it grows, and what of it is shown. */
import type { LogEvent } from "./model.ts";

/** As many as the engine keeps. */
const MAX_EVENTS = 1024;

/** From the gravest; the engine uses these of ScreenOS's severities. */
export const LEVELS = ["critical", "error", "warning", "notification", "information"] as const;

export interface Filter {
  /** Empty: any. */
  level: string;
  vpn: string;
  text: string;
}

/** Of what was told, what the log has not: the last events are told again and again. */
export function newIn(told: readonly LogEvent[], log: readonly LogEvent[]): LogEvent[] {
  const known = new Set(log.map(keyOf));
  return told.filter((event) => !known.has(keyOf(event)));
}

/** The log with what is new. */
export function joined(log: readonly LogEvent[], told: readonly LogEvent[]): LogEvent[] {
  const all = [...log, ...newIn(told, log)];
  // Equal times keep their order.
  all.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return all.slice(-MAX_EVENTS);
}

const keyOf = ({ time, id, vpn, text }: LogEvent): string => `${time} ${id} ${vpn} ${text}`;

/** What fits the filter, the newest first. */
export function filtered(log: readonly LogEvent[], { level, vpn, text }: Filter): LogEvent[] {
  const wanted = text.trim().toLowerCase();
  return log
    .filter(
      (event) =>
        (level === "" || event.severity === level) &&
        (vpn === "" || event.vpn === vpn) &&
        event.text.toLowerCase().includes(wanted),
    )
    .reverse();
}
