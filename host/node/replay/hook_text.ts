/** Hooks in words. */
import { printable } from "./action_text.ts";

/** As in assembly/event/hook.ts. */
const OUTCOMES = ["exited", "signal", "ran too long", "not started: errno", "unsafe"];
const LIMIT_BYTES = 4;

/** What a RUN_HOOK asks for (assembly/monitor/hook_message.ts). */
export function hookText(message: Buffer): string {
  const name_length = message[0] ?? 0;
  const name = message.toString("utf8", 1, 1 + name_length);
  const strings = message.toString("utf8", 1 + name_length + LIMIT_BYTES).split("\0");
  const event = strings.find((text) => text.startsWith("REKEYD_EVENT=")) ?? "";
  return printable(`${name}: ${strings[0] ?? ""} ${event.replace(/.*=/, "")}`);
}

/** The numbers of a `hookEnded`. */
export function hookOutcome([outcome = 0, detail = 0]: number[]): string {
  return `${OUTCOMES[outcome] ?? "the helper has ended"} ${detail}`;
}
