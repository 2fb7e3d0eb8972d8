/**
 * The conversation with charon over one vici connection, without the socket:
 * bytes go in, actions and indications come out.
 *
 *     connect -> opened -> events registered -> READY -> request, response, ...
 *        ^                                                  |
 *        +--- pause <--- CLOSED: time-out, broken stream, charon gone
 *
 * vici answers one request at a time, so further ones wait in a queue. Every
 * request is made such that charon answers at once (timeout = -1); whether it
 * did what was asked is seen by listing again, never from the answer alone.
 */
import { act, Action } from "../../action";
import { equalText, nameBytes, nameLength } from "../../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../../bytes/writer";
import { NEVER, now_ms } from "../../clock";
import {
  MAX_IKE_NAME_BYTES,
  MAX_PATH_BYTES,
  MAX_VICI_QUEUE,
  MAX_VICI_REQUEST_BYTES,
  VICI_RETRY_MS,
  VICI_TIMEOUT_MS,
} from "../../limits";
import { feed, Frame, nextFrame, packet, packet_length, resetFrames } from "./frame";
import {
  addNumber,
  addText,
  addValue,
  beginPacket,
  Element,
  endPacket,
  isWellFormed,
  Message,
  MESSAGE_BYTES,
  messageAt,
  Packet,
} from "./message";

/** What can be asked of charon. */
export const enum Request {
  NONE = 0,
  /** All connections, or the one named `ike`. */
  LIST_CONNS,
  /** All IKE_SAs, or those of the connection `ike`. */
  LIST_SAS,
  /** The child `child` of the connection `ike`. */
  INITIATE,
  /** The IKE_SA with the uniqueid `arg`, by force, with all its children. */
  TERMINATE_IKE,
  /** The CHILD_SA with the uniqueid `arg`. */
  TERMINATE_CHILD,
  REKEY_CHILD,
  REKEY_IKE,
}

/** What `poll` tells; the details are in `indicated`. */
export const enum Indication {
  NONE = 0,
  /** Connected, and the events are registered. */
  READY,
  /** The connection is gone, or did not come about; requests are forgotten without an answer. */
  CLOSED,
  /** charon says that something happened. */
  EVENT,
  /** One IKE_SA of the LIST_SAS under way. */
  LIST_SA,
  /** One connection of the LIST_CONNS under way. */
  LIST_CONN,
  /** The answer to a request. */
  RESPONSE,
}

/** The details of the last indication. Slices are good until the next `poll`. */
@unmanaged
class Indicated {
  /** LIST_SA, LIST_CONN, RESPONSE: the Request it belongs to. */
  kind: Request;
  arg: i32;
  /** RESPONSE: whether charon accepted the request. */
  success: bool;
  /** LIST_SA, LIST_CONN, RESPONSE: when that was asked for: charon made it no sooner. */
  asked_at_ms: i64;
  /** CLOSED: whether it had been READY. */
  lost: bool;
  /** CLOSED: as in errno(3). */
  errno: i32;
  /** RESPONSE without success: why, in charon's words. */
  errmsg: usize;
  errmsg_length: i32;
  /** EVENT: its name. */
  event: usize;
  event_length: i32;
  /** EVENT, LIST_SA, LIST_CONN: the message, well formed, for the readers in ike/strongswan/. */
  message: usize;
  message_length: i32;
}

export const indicated: Indicated = changetype<Indicated>(memory.data(offsetof<Indicated>()));

const enum Stage {
  /** No path is known. */
  IDLE = 0,
  CONNECTING,
  REGISTERING,
  READY,
  /** Waiting to connect again. */
  PAUSED,
}

/** errno(3) on Linux. */
const EPROTO: i32 = 71;
const ETIMEDOUT: i32 = 110;

/** A request that waits: kind, arg, and two name fields. */
const ARG = 4;
const IKE = 8;
const CHILD = IKE + MAX_IKE_NAME_BYTES + 1;
const ENTRY_BYTES: i32 = CHILD + MAX_IKE_NAME_BYTES + 1;

/** A LIST_SAS of all gateways. */
const ALL: i32 = -1;
/** With more lists of single gateways waiting, one of all is cheaper for charon. */
const MAX_SINGLE_LISTS: i32 = 8;

const queue: usize = memory.data(MAX_VICI_QUEUE * ENTRY_BYTES);
const path: usize = memory.data(MAX_PATH_BYTES);
const send_buffer: usize = memory.data(MAX_VICI_REQUEST_BYTES);
const w: Writer = writerAt(memory.data(WRITER_BYTES));
const response: Message = messageAt(memory.data(MESSAGE_BYTES));

let stage: Stage = Stage.IDLE;
let path_length: i32 = 0;
let deadline_ms: i64 = NEVER;
let queue_length: i32 = 0;
/** The request that charon has not answered yet. */
let in_flight: Request = Request.NONE;
let in_flight_arg: i32 = 0;
/** Events that charon confirmed or refused so far. */
let registered: i32 = 0;
/** Whether `poll` has bytes to work on: a request then waits for their end. */
let draining: bool = false;
let closed_untold: bool = false;

/** Events in the order of registration; the lists' own first, for without them nothing works. */
const EVENTS: i32 = 7;
const REQUIRED_EVENTS: i32 = 2;

function registerEvents(): void {
  w.reset(send_buffer, MAX_VICI_REQUEST_BYTES);
  registerEvent("list-sa");
  registerEvent("list-conn");
  registerEvent("ike-updown");
  registerEvent("child-updown");
  registerEvent("ike-rekey");
  registerEvent("child-rekey");
  // strongSwan 6.0.3 and later; others answer EVENT_UNKNOWN.
  registerEvent("alert");
  send();
}

function registerEvent(name: string): void {
  endPacket(w, beginPacket(w, Packet.EVENT_REGISTER, name));
}

/** Connects to the socket at the path, now and after each loss; false if the path is too long. */
export function connect(p: usize, length: i32): bool {
  if (length > MAX_PATH_BYTES) return false;
  if (stage != Stage.IDLE && length == path_length && memory.compare(p, path, length) == 0) {
    return true;
  }
  if (stage != Stage.IDLE && stage != Stage.PAUSED) fail(0);
  memory.copy(path, p, length);
  path_length = length;
  startConnecting();
  return true;
}

/** The host connected the stream. */
export function viciOpened(): void {
  if (stage != Stage.CONNECTING) return;
  stage = Stage.REGISTERING;
  deadline_ms = now_ms + VICI_TIMEOUT_MS;
  registered = 0;
  resetFrames();
  registerEvents();
}

/** The host could not connect the stream, or it ended. Then `poll`. */
export function viciClosed(errno: i32): void {
  if (stage == Stage.IDLE || stage == Stage.PAUSED) return;
  lose(errno);
}

/** Bytes from the stream. Then `poll` until it says NONE, before the bytes go away. */
export function viciBytes(p: usize, length: i32): void {
  if (stage != Stage.REGISTERING && stage != Stage.READY) return;
  feed(p, length);
  draining = true;
}

/** When `sessionDue` wants to be called; NEVER if not at all. */
export function sessionDeadline(): i64 {
  return deadline_ms;
}

/** The deadline may be reached: an answer is overdue, or the pause is over. Then `poll`. */
export function sessionDue(): void {
  if (now_ms < deadline_ms) return;
  if (stage == Stage.PAUSED) startConnecting();
  else fail(ETIMEDOUT);
}

/** The request that charon has not answered yet. */
export function inFlight(): Request {
  return in_flight;
}

/** Whether requests are taken. */
export function isReady(): bool {
  return stage == Stage.READY;
}

/**
 * Sends a request, or puts it with those that wait; `ike` and `child` are name fields
 * (bytes/slice.ts), or 0. One that waits already is not added again, and many lists of single
 * gateways become one of all. False if the session is not ready or the queue is full.
 */
export function request(kind: Request, arg: i32, ike: usize = 0, child: usize = 0): bool {
  if (stage != Stage.READY) return false;
  if (waitingAt(kind, arg) >= 0) return true;
  if (kind == Request.LIST_SAS && waitingAt(kind, ALL) >= 0) return true;
  if (kind == Request.LIST_SAS && arg != ALL && countWaiting(kind) >= MAX_SINGLE_LISTS) {
    dropWaiting(kind);
    return request(kind, ALL);
  }
  if (queue_length == MAX_VICI_QUEUE) return false;
  const entry = entryAt(queue_length);
  store<i32>(entry, kind);
  store<i32>(entry, arg, ARG);
  copyName(entry + IKE, ike);
  copyName(entry + CHILD, child);
  queue_length++;
  if (!draining) sendNext();
  return true;
}

/** Forgets a request that waits; false if none does: it has been sent, or never was made. */
export function withdraw(kind: Request, arg: i32): bool {
  const i = waitingAt(kind, arg);
  if (i >= 0) dropEntry(i);
  return i >= 0;
}

function waitingAt(kind: Request, arg: i32): i32 {
  let i = queue_length - 1;
  while (i >= 0 && (load<i32>(entryAt(i)) != kind || load<i32>(entryAt(i), ARG) != arg)) i--;
  return i;
}

function countWaiting(kind: Request): i32 {
  let count = 0;
  for (let i = 0; i < queue_length; i++) if (load<i32>(entryAt(i)) == kind) count++;
  return count;
}

function dropWaiting(kind: Request): void {
  for (let i = queue_length - 1; i >= 0; i--) if (load<i32>(entryAt(i)) == kind) dropEntry(i);
}

function dropEntry(i: i32): void {
  queue_length--;
  memory.copy(entryAt(i), entryAt(i + 1), (queue_length - i) * ENTRY_BYTES);
}

/** What happened next; NONE when there is no more. */
export function poll(): Indication {
  if (closed_untold) {
    closed_untold = false;
    return Indication.CLOSED;
  }
  while (stage == Stage.REGISTERING || stage == Stage.READY) {
    const frame = nextFrame();
    if (frame == Frame.NONE) break;
    const indication = frame == Frame.PACKET ? onPacket() : refuse();
    if (indication != Indication.NONE) return indication;
  }
  draining = false;
  sendNext();
  return Indication.NONE;
}

function onPacket(): Indication {
  const body = packet + 1;
  const length = packet_length - 1;
  switch (<Packet>load<u8>(packet)) {
    case Packet.EVENT_CONFIRM:
      return onRegistered(true);
    case Packet.EVENT_UNKNOWN:
      return onRegistered(false);
    case Packet.CMD_RESPONSE:
      return onResponse(body, length);
    case Packet.CMD_UNKNOWN:
      return onUnknownCommand();
    case Packet.EVENT:
      return onEvent(body, length);
    default:
      return refuse();
  }
}

function onRegistered(known: bool): Indication {
  if (stage != Stage.REGISTERING || (!known && registered < REQUIRED_EVENTS)) return refuse();
  registered++;
  if (registered < EVENTS) return Indication.NONE;
  stage = Stage.READY;
  deadline_ms = NEVER;
  return Indication.READY;
}

function onEvent(p: usize, length: i32): Indication {
  const name_length = length > 0 ? <i32>load<u8>(p) : 0;
  if (length < 1 + name_length) return refuse();
  const name = p + 1;
  indicated.message = name + name_length;
  indicated.message_length = length - 1 - name_length;
  if (!isWellFormed(indicated.message, indicated.message_length)) return refuse();
  if (equalText(name, name_length, "list-sa")) {
    return onListItem(Request.LIST_SAS, Indication.LIST_SA);
  }
  if (equalText(name, name_length, "list-conn")) {
    return onListItem(Request.LIST_CONNS, Indication.LIST_CONN);
  }
  // What happened before READY is in the lists that follow it.
  if (stage != Stage.READY) return Indication.NONE;
  indicated.event = name;
  indicated.event_length = name_length;
  return Indication.EVENT;
}

function onListItem(list: Request, indication: Indication): Indication {
  if (in_flight != list) return Indication.NONE;
  // A long list is no silence.
  deadline_ms = now_ms + VICI_TIMEOUT_MS;
  indicated.kind = in_flight;
  indicated.arg = in_flight_arg;
  return indication;
}

function onResponse(p: usize, length: i32): Indication {
  if (in_flight == Request.NONE || !isWellFormed(p, length)) return refuse();
  answered();
  indicated.success = true;
  const m = response.open(p, length);
  for (let element = m.next(); element != Element.END; element = m.next()) {
    if (m.depth > 0 || element != Element.KEY_VALUE) continue;
    if (m.nameIs("success")) {
      indicated.success = m.valueIs("yes");
    } else if (m.nameIs("errmsg")) {
      indicated.errmsg = m.value;
      indicated.errmsg_length = m.value_length;
    }
  }
  return Indication.RESPONSE;
}

const EXPLANATION_BYTES: i32 = 32;
const explanation: usize = memory.data(EXPLANATION_BYTES);

function onUnknownCommand(): Indication {
  if (in_flight == Request.NONE) return refuse();
  answered();
  indicated.success = false;
  indicated.errmsg = explanation;
  indicated.errmsg_length = w.reset(explanation, EXPLANATION_BYTES).text("unknown command").length;
  return Indication.RESPONSE;
}

function answered(): void {
  indicated.kind = in_flight;
  indicated.arg = in_flight_arg;
  indicated.errmsg_length = 0;
  in_flight = Request.NONE;
  deadline_ms = NEVER;
}

/** The stream makes no sense: begins anew with another. */
function refuse(): Indication {
  fail(EPROTO);
  closed_untold = false;
  return Indication.CLOSED;
}

function fail(errno: i32): void {
  act(Action.VICI_CLOSE, 0, 0, 0);
  lose(errno);
}

function lose(errno: i32): void {
  indicated.lost = stage == Stage.READY;
  indicated.errno = errno;
  closed_untold = true;
  stage = Stage.PAUSED;
  deadline_ms = now_ms + VICI_RETRY_MS;
  queue_length = 0;
  in_flight = Request.NONE;
  draining = false;
}

function startConnecting(): void {
  stage = Stage.CONNECTING;
  deadline_ms = now_ms + VICI_TIMEOUT_MS;
  act(Action.VICI_CONNECT, 0, path, path_length);
}

function entryAt(i: i32): usize {
  return queue + i * ENTRY_BYTES;
}

function copyName(to: usize, from: usize): void {
  if (from == 0) store<u8>(to, 0);
  else memory.copy(to, from, 1 + min(nameLength(from), MAX_IKE_NAME_BYTES));
}

/** Sends a request that waits, if none is on its way. */
function sendNext(): void {
  if (stage != Stage.READY || in_flight != Request.NONE || queue_length == 0) return;
  const next = firstToSend();
  const entry = entryAt(next);
  in_flight = <Request>load<i32>(entry);
  in_flight_arg = load<i32>(entry, ARG);
  indicated.asked_at_ms = now_ms;
  deadline_ms = now_ms + VICI_TIMEOUT_MS;
  writeRequest(entry);
  dropEntry(next);
  send();
}

/** Commands go before lists: a recovery does not wait for anybody's counters. */
function firstToSend(): i32 {
  for (let i = 0; i < queue_length; i++) {
    const kind = <Request>load<i32>(entryAt(i));
    if (kind != Request.LIST_SAS && kind != Request.LIST_CONNS) return i;
  }
  return 0;
}

function writeRequest(entry: usize): void {
  w.reset(send_buffer, MAX_VICI_REQUEST_BYTES);
  const arg = <u32>in_flight_arg;
  let start: usize = 0;
  switch (in_flight) {
    case Request.LIST_CONNS:
      start = beginPacket(w, Packet.CMD_REQUEST, "list-conns");
      addName("ike", entry + IKE);
      break;
    case Request.LIST_SAS:
      start = beginPacket(w, Packet.CMD_REQUEST, "list-sas");
      addName("ike", entry + IKE);
      break;
    case Request.INITIATE:
      start = beginPacket(w, Packet.CMD_REQUEST, "initiate");
      addName("ike", entry + IKE);
      addName("child", entry + CHILD);
      addText(w, "timeout", "-1");
      break;
    case Request.TERMINATE_IKE:
      start = beginPacket(w, Packet.CMD_REQUEST, "terminate");
      addNumber(w, "ike-id", arg);
      addText(w, "force", "yes");
      addText(w, "timeout", "-1");
      break;
    case Request.TERMINATE_CHILD:
      start = beginPacket(w, Packet.CMD_REQUEST, "terminate");
      addNumber(w, "child-id", arg);
      addText(w, "timeout", "-1");
      break;
    case Request.REKEY_CHILD:
      start = beginPacket(w, Packet.CMD_REQUEST, "rekey");
      addNumber(w, "child-id", arg);
      break;
    case Request.REKEY_IKE:
      start = beginPacket(w, Packet.CMD_REQUEST, "rekey");
      addNumber(w, "ike-id", arg);
      break;
    default:
      assert(false, "no such request");
  }
  endPacket(w, start);
}

function addName(key: string, name: usize): void {
  if (nameLength(name) > 0) addValue(w, key, nameBytes(name), nameLength(name));
}

function send(): void {
  assert(!w.truncated, "MAX_VICI_REQUEST_BYTES is too small");
  act(Action.VICI_SEND, 0, send_buffer, w.length);
}
