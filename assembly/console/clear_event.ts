import { clearEvents, eventCount } from "../event/log";
import { beginMessage, endMessage } from "./reply";

/** `clear event` */
export function clearEvent(): void {
  beginMessage().counted(eventCount(), "event").text(" forgotten");
  clearEvents();
  endMessage();
}
