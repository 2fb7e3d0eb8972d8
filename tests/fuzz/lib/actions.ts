/** What each action must be, whatever the input was (assembly/action.ts). */
import { Action, UNGUARDED, type ActionRecord } from "../../../host/node/engine.ts";
import { hold } from "./finding.ts";

const MAX_ECHO_BYTES = 1350;
const MIN_ECHO_BYTES = 64;
const BATCH = 64;
const MAX_PATH_BYTES = 107;
const FAMILY: Record<number, number> = { 4: 2, 6: 10 };
const SEVERITIES = [2, 3, 4, 5, 6];
const utf8 = new TextDecoder("utf8", { fatal: true, ignoreBOM: true });
/** Control characters of ASCII and of ISO 8859-1 (C1), and separators that break a line. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const CONTROL_BUT_LINE_BREAK = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/;

/** Complains of an action that no host should be given. */
export function checkAction(call: string, action: ActionRecord, slot_bytes: number): void {
  const { kind, argument, bytes } = action;
  switch (kind) {
    case Action.SEND_ECHOES:
      return checkEchoes(call, action, slot_bytes);
    case Action.VICI_CONNECT:
      hold(bytes.length > 0 && bytes.length <= MAX_PATH_BYTES, "path", () => quote(bytes));
      return;
    case Action.VICI_SEND:
      return checkFrames(call, bytes);
    case Action.VICI_CLOSE:
      return;
    case Action.LOG:
      hold(SEVERITIES.includes(argument), "severity", () => `${call}: ${argument}`);
      line(call, "log", bytes);
      return;
    case Action.REPLY:
      return checkReply(call, bytes);
    case Action.CONFIG_ERROR:
    case Action.CONFIG_TAKEN:
      line(call, "config", bytes);
      return;
    case Action.LOG_JSON:
      return checkJson(call, bytes);
    case Action.LOG_FIELDS:
      return checkFields(call, bytes);
    case Action.RUN_HOOK:
      return checkHook(call, bytes);
    case Action.NETLINK_SEND:
    case Action.XFRM_SEND:
      return checkNetlink(bytes);
    case Action.TELL_FACTS:
      hold(bytes.length === 0, "facts", () => quote(bytes));
      return;
    default:
      hold(Object.values<number>(Action).includes(kind), "kind", () => `${call}: ${kind}`);
  }
}

/** Whole messages, one behind the other. */
function checkNetlink(bytes: Buffer): void {
  let at = 0;
  while (at + 16 <= bytes.length && bytes.readUInt32LE(at) >= 16) at += bytes.readUInt32LE(at);
  hold(at === bytes.length && at > 0, "netlink", () => quote(bytes));
}

function checkEchoes(call: string, action: ActionRecord, slot_bytes: number): void {
  const { bytes } = action;
  const argument = action.argument & ~UNGUARDED;
  const count = bytes.length / slot_bytes;
  hold(argument in FAMILY, "echo", () => `${call}: IP version ${argument}`);
  hold(count >= 1 && count <= BATCH, "echo", () => `${call}: ${count} echoes`);
  for (let at = 0; at < bytes.length; at += slot_bytes) {
    const length = bytes.readUInt32LE(at + 4);
    const right = length >= MIN_ECHO_BYTES && length <= MAX_ECHO_BYTES;
    hold(right, "echo", () => `${call}: ${length} bytes`);
    const family = bytes.readUInt16LE(at);
    hold(family === FAMILY[argument], "echo", () => `${call}: family ${family}`);
  }
}

/** Whole packets, each behind its length. */
function checkFrames(call: string, bytes: Buffer): void {
  let at = 0;
  while (at + 4 < bytes.length) at += 4 + bytes.readUInt32BE(at);
  hold(at === bytes.length && at > 0, "vici", () => `${call}: ${quote(bytes)}`);
}

/** What stands above an answer: what became of the command, or which line gets the next part. */
export const REPLY = /^(ok|found|error|(live|frame) \d+ \d+|more [^\n]+)\n([^]*)$/;
const FRAME = /^(live|frame) /;
const COLOUR = /\x1b\[[0-9;]*m/g;

function checkReply(call: string, bytes: Buffer): void {
  const text = decode(call, "reply", bytes);
  hold(REPLY.test(text), "reply", () => `${call}: ${quote(bytes)}`);
  // A frame of the live screen may be in colour.
  const shown = FRAME.test(text) ? text.replaceAll(COLOUR, "") : text;
  hold(!CONTROL_BUT_LINE_BREAK.test(shown), "reply holds a control character", () =>
    clue(call, shown, CONTROL_BUT_LINE_BREAK),
  );
}

function checkJson(call: string, bytes: Buffer): void {
  const text = decode(call, "event", bytes);
  hold(/^[^\n]*\n$/.test(text), "event is one line", () => quote(bytes));
  line(call, "event", bytes.subarray(0, -1));
  try {
    JSON.parse(text);
  } catch {
    hold(false, "event is JSON", () => quote(bytes));
  }
}

/** Fields of systemd's journal, each on a line. */
function checkFields(call: string, bytes: Buffer): void {
  const text = decode(call, "fields", bytes);
  hold(/^([A-Z_]+=[^\n]*\n)+$/.test(text), "fields", () => quote(bytes));
  for (const field of text.slice(0, -1).split("\n")) line(call, "field", Buffer.from(field));
}

/** What docs/hooks.md promises to a hook, as the helper takes it apart. */
function checkHook(call: string, bytes: Buffer): void {
  const rest = bytes.subarray(1 + (bytes[0] ?? 0) + 4);
  const [path = "", ...variables] = decode(call, "hook", rest).split("\0");
  hold(bytes[0]! > 0 && path.startsWith("/"), "hook", () => quote(bytes));
  hold(variables.pop() === "", "hook's last variable ends", () => quote(bytes));
  for (const variable of variables) {
    hold(/^REKEYD_[A-Z_]+=/.test(variable), "hook's variable", () => quote(bytes));
    line(call, "hook's variable", Buffer.from(variable));
  }
}

function line(call: string, what: string, bytes: Buffer): void {
  const text = decode(call, what, bytes);
  hold(!CONTROL.test(text), `${what} holds a control character`, () => clue(call, text, CONTROL));
}

function decode(call: string, what: string, bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    // The text up to the first quote tells one message from the others.
    const start = /^[^'"(0-9]*/.exec(bytes.toString("latin1").replace(/^.*?: /, ""))![0];
    hold(false, `${what} is not UTF-8`, () => `${call}: ${JSON.stringify(start)}`);
  }
}

function clue(call: string, text: string, what: RegExp): string {
  return `${call}: U+${what.exec(text)![0].charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.toString("latin1", 0, 80));
}
