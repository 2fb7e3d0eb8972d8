/**
 * Requests that change something in the kernel: a batch at a time, so that its answers always fit
 * into the socket's buffer, and the next one when all have been answered.
 */
import { act, Action } from "../action";
import { NEVER, now_ms } from "../clock";
import { Builder, BUILDER_BYTES, builderAt } from "../netlink/builder";

/** What the kernel is asked for. */
export const enum Ask {
  NONE = 0,
  INTERFACE,
  FILTER,
  MTU,
  OPER,
  REMOVAL,
  ADDRESS,
  ADDRESS_REMOVAL,
  RULE,
  RULE_REMOVAL,
  STRAY_RULE,
  ROUTE,
  ROUTE_REMOVAL,
}

/** Sequence numbers of the routes' requests and dumps; lookups have those below. */
const FIRST_SEQ: u32 = 0xd0c8_0000;
const SEQS: u32 = 0x1_0000;

const WINDOW: i32 = 64;
const MESSAGE_BYTES: i32 = 128;
/** The kernel answers at once; after this an answer was lost. */
const ANSWER_MS: i64 = 2_000;

/** What one request of the batch was for. */
@unmanaged
export class Asked {
  /** Ask; NONE: it has been answered. */
  ask: i32;
  /** The tunnel or route that it is about, and which address or rule of it. */
  index: i32;
  detail: i32;
}
const ASKED_BYTES: i32 = 12;

/** Where requests are built. */
export const batch: Builder = builderAt(memory.data(BUILDER_BYTES, 4));
const buffer: usize = memory.data(WINDOW * MESSAGE_BYTES, 8);
const asked: usize = memory.data(WINDOW * ASKED_BYTES, 4);
let count: i32 = 0;
let waiting: i32 = 0;
let first_seq: u32 = FIRST_SEQ;
let next_seq: u32 = FIRST_SEQ;
let limit_ms: i64 = NEVER;

/** Forgets all. */
export function initRequests(): void {
  count = 0;
  waiting = 0;
  next_seq = FIRST_SEQ;
  limit_ms = NEVER;
}

/** So many numbers in a row; the first. */
export function takeSeqs(many: i32): u32 {
  if (next_seq + many > FIRST_SEQ + SEQS) next_seq = FIRST_SEQ;
  const first = next_seq;
  next_seq += many;
  return first;
}

/** Whether a message with this number answers a request or dump of the routes. */
export function isOurs(seq: u32): bool {
  return seq - FIRST_SEQ < SEQS;
}

/** Requests whose answer is still to come. */
export function answersWaiting(): i32 {
  return waiting;
}

/** When answers are overdue. */
export function answerLimit(): i64 {
  return limit_ms;
}

/** Begins a batch; all of the one before have been answered, or never will be. */
export function beginRequests(): void {
  batch.reset(buffer, WINDOW * MESSAGE_BYTES);
  count = 0;
  waiting = 0;
  limit_ms = NEVER;
  first_seq = takeSeqs(WINDOW);
}

/** Whether `more` requests fit into the batch. */
export function hasWindow(more: i32 = 1): bool {
  return count + more <= WINDOW;
}

/** The number for the next request, and what its answer will be about. */
export function seqFor(ask: Ask, index: i32, detail: i32 = 0): u32 {
  assert(count < WINDOW);
  const entry = askedAt(count);
  entry.ask = ask;
  entry.index = index;
  entry.detail = detail;
  return first_seq + count++;
}

/** Has the host send the batch. False: that cannot be asked for in this call. */
export function sendRequests(): bool {
  if (count == 0) return true;
  assert(batch.length <= count * MESSAGE_BYTES);
  if (!act(Action.NETLINK_SEND, 0, batch.start, batch.length)) return false;
  waiting = count;
  limit_ms = now_ms + ANSWER_MS;
  return true;
}

/** What the answer with this number is about, which then is answered; null: nothing. */
export function takeAnswer(seq: u32): Asked | null {
  const i = seq - first_seq;
  if (i >= <u32>count || waiting == 0 || askedAt(i).ask == Ask.NONE) return null;
  waiting--;
  if (waiting == 0) limit_ms = NEVER;
  return askedAt(i);
}

/** Requests of the batch: `askedAt` has each. */
export function askedCount(): i32 {
  return count;
}

/** One of them. */
export function askedAt(i: i32): Asked {
  assert(<u32>i < <u32>WINDOW);
  return changetype<Asked>(asked + i * ASKED_BYTES);
}
