import type { JSX } from "preact";
import type { LogEvent } from "../logic/model.ts";
import { clockText, dayText } from "../logic/time.ts";

export function EventTable({ events }: { events: readonly LogEvent[] }): JSX.Element {
  if (events.length === 0) return <p class="none">none</p>;
  return (
    <table class="events">
      <caption class="hidden">Events, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col" class="wide">
            Level
          </th>
          <th scope="col">Description</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event, i) => (
          <tr key={i}>
            <td class="time">
              <time dateTime={event.time}>
                <span class="day">{dayText(event.time)} </span>
                {clockText(event.time)}
              </time>
              <span class={`narrow level ${toneOf(event)}`}>{event.severity}</span>
            </td>
            <td class={`wide level ${toneOf(event)}`}>{event.severity}</td>
            <td>{event.text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** ScreenOS's `is up` is as critical as its `is down`. */
const UP_EVENT = 40;

function toneOf({ id, severity }: LogEvent): string {
  if (id === UP_EVENT) return "good";
  if (severity === "critical" || severity === "error") return "bad";
  return severity === "warning" ? "warn" : "";
}
