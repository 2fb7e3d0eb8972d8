/** Actions in words, one by one. */
import { Action } from "../engine.ts";
import { CharonTeller } from "./charon.ts";
import { sentEcho } from "./echo.ts";
import { netlinkItems } from "./netlink.ts";
import { cutSlots } from "./read_call.ts";
import type { RecordedTrap, RecordedAction } from "./recording.ts";
import { ViciStream } from "./vici_message.ts";
import { xfrmTexts } from "./xfrm.ts";

const NAMES = Object.fromEntries(Object.entries(Action).map(([name, kind]) => [kind, name]));
const SEVERITIES = ["emergency", "alert", "critical", "error", "warning", "notification"];
const MAX_TEXT_CHARACTERS = 300;

/** An action with its kind, argument and bytes. */
export function actionText({ kind, argument, bytes }: RecordedAction): string {
  const name = `${NAMES[kind] ?? `action ${kind}`}(${argument})`;
  const text = bytesText(kind, bytes);
  return text === "" ? name : `${name} ${cutText(text)}`;
}

function bytesText(kind: number, bytes: Buffer): string {
  switch (kind) {
    case Action.SEND_ECHOES:
      return cutSlots(bytes).map(echoText).join("; ");
    case Action.VICI_SEND: {
      const { packets } = new ViciStream().take(bytes);
      const told = new CharonTeller().requests(packets).map(({ text }) => text);
      return told.join("; ") || bytes.toString("hex");
    }
    case Action.NETLINK_SEND:
      return netlinkItems(bytes, new Map())
        .map(({ text }) => text)
        .join("; ");
    case Action.XFRM_SEND:
      return xfrmTexts(bytes).join("; ");
    default:
      return printable(bytes.toString("utf8"));
  }
}

function echoText(slot: Buffer): string {
  const echo = sentEcho(slot);
  if (echo === undefined) return `${slot.length} bytes`;
  return `VPN ${echo.vpn}, round ${echo.round}, to ${echo.peer}`;
}

/** A trap, and whose words those are. */
export function trapText({ own_words, text }: RecordedTrap): string {
  return `the engine trapped: ${printable(text)}${own_words ? "" : " (the host's words)"}`;
}

/** RFC 5424's word for a severity. */
export function severityWord(severity: number): string {
  return SEVERITIES[severity] ?? "information";
}

/** A text whose characters a terminal shows and does not obey. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u00b7");
}

function cutText(text: string): string {
  if (text.length <= MAX_TEXT_CHARACTERS) return text;
  return `${text.slice(0, MAX_TEXT_CHARACTERS)}... (${text.length} characters)`;
}
