import { MAX_ACTIONS } from "./limits";

/**
 * What the engine asks of its host, carried out in order after the call has
 * returned (design: a trap leaves nothing half done). A record is four words:
 *
 *     u32 kind   u32 argument   u32 pointer   u32 length
 *
 * The bytes behind the pointer stay as they are until the next call.
 */
export const enum Action {
  /**
   * Send `length` echo slots at `pointer` (icmp/slot.ts); argument: IP version, 4 or 6, and
   * UNGUARDED for those that are meant to leave unencrypted.
   */
  SEND_ECHOES = 1,
  /** Connect the vici stream to the Unix socket at this path; viciOpened or viciClosed follows. */
  VICI_CONNECT = 2,
  /** Write the bytes to the vici stream, after those that wait. */
  VICI_SEND = 3,
  /** Close the vici stream and forget what waits. */
  VICI_CLOSE = 4,
  /** Log the text; argument: RFC 5424's severity (2 critical, 3 error, 5 notice, 6 information). */
  LOG = 5,
  /** Answer control client `argument` with the bytes, then close it. */
  REPLY = 6,
  /** One mistake in the configuration: a line of text, `FILE:LINE: ...`. */
  CONFIG_ERROR = 7,
  /** Write the bytes to the netlink (NETLINK_ROUTE) socket. */
  NETLINK_SEND = 8,
  /** The configuration is in force, which has no mistake; a text that sums it up. */
  CONFIG_TAKEN = 9,
  /** Begin (argument 1) or end (0) a recording (docs/recording.md); `recorder` follows. */
  RECORDER = 10,
  /** Answer control client `argument` with what was recorded, for the file with this path. */
  SAVE_RECORDING = 11,
  /** The event of the LOG just before as a line of JSON. */
  LOG_JSON = 12,
  /** The same as fields of systemd's journal, NAME=value each on a line. */
  LOG_FIELDS = 13,
  /**
   * Have the helper run a hook. The bytes are the helper's message (monitor/hook_message.ts); the
   * VPN's name, a length byte in front, begins them. Argument: what of it a fresh engine is to be
   * given back by `hookTold`.
   */
  RUN_HOOK = 14,
  /** Commands have changed the configuration: a fresh engine is to get this text. */
  CONFIG_CHANGED = 15,
  /** Write that text to its file; argument 1: whatever is there by now. `saved` follows. */
  SAVE_CONFIG = 16,
  /** Tell what the host alone can find out, by `facts` (monitor/facts.ts). */
  TELL_FACTS = 17,
  /** Write the bytes to the netlink (NETLINK_XFRM) socket, if there is one. */
  XFRM_SEND = 18,
}

/** In the argument of SEND_ECHOES: the guard lets them pass, and no refusal is told. */
export const UNGUARDED: u32 = 0x100;

const RECORD_BYTES: i32 = 16;
const buffer: usize = memory.data(MAX_ACTIONS * RECORD_BYTES);
let count: i32 = 0;
/** Changes with every call: what belongs to an earlier one may be written over. */
export let call_number: u32 = 0;

/** Forgets the records of the call before. */
export function resetActions(): void {
  count = 0;
  call_number++;
}

/**
 * Adds a record. What is past MAX_ACTIONS is dropped: requests to strongSwan are repeated by their
 * deadline, a lost echo is a miss, and events leave room for the rest (RESERVED_ACTIONS).
 */
export function act(kind: Action, argument: u32, pointer: usize, length: i32): bool {
  if (count == MAX_ACTIONS) return false;
  const record = buffer + count * RECORD_BYTES;
  store<u32>(record, kind);
  store<u32>(record, argument, 4);
  store<u32>(record, <u32>pointer, 8);
  store<u32>(record, length, 12);
  count++;
  return true;
}

/** Records since `resetActions`. */
export function actionCount(): i32 {
  return count;
}

/** The first of them. */
export function actionBuffer(): usize {
  return buffer;
}
