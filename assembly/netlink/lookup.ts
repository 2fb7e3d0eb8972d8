/**
 * Questions to the kernel's routing socket, asked for one examination (monitor/exam.ts): the rules
 * of policy routing, and the route that a packet would take. Answers are told from everything else
 * by their sequence numbers.
 */
import { act, Action } from "../action";
import { ADDRESS_BYTES, isUnset, isV4 } from "../bytes/address";
import { MAX_LOOKUPS, MAX_MARKS, MAX_RULES } from "../limits";
import { Flag, HEADER_BYTES, Message, Type } from "./message";
import {
  AF_INET,
  AF_INET6,
  FR_ACT_TO_TBL,
  FRA_FWMARK,
  FRA_FWMASK,
  FRA_PRIORITY,
  numberIn,
  ROUTE_BYTES,
  ROUTE_FLAGS,
  ROUTE_TYPE,
  RTA_DST,
  RTA_MARK,
  RTA_OIF,
  RTA_SRC,
  RTM_F_LOOKUP_TABLE,
  RTN_LOCAL,
  tableOf,
} from "./route";

/** Sequence numbers of lookups; what others count from, or seconds since 1970, is not near. */
const FIRST_SEQ: u32 = 0xd0c7_0000;
const SEQS: u32 = 0x1_0000;

/** A rule of policy routing that leads to a table. */
@unmanaged
class Rule {
  priority: u32;
  table: u32;
  /** 0: it looks at no mark. */
  mark: u32;
  mask: u32;
  v4: bool;
}

/** The way of a packet, as the kernel tells it. */
@unmanaged
class Lookup {
  /** Whose it is, in the asker's numbers. */
  subject: i32;
  detail: i32;
  mark: u32;
  /** As in errno(3): there is no way; 0: there is one. */
  errno: i32;
  /** Interface and table. */
  oif: u32;
  table: u32;
  answered: bool;
  /** It ends on this machine. */
  local: bool;
  v4: bool;
}

/** The longest question: header, rtmsg, two addresses and a mark. */
const QUESTION_BYTES: i32 = HEADER_BYTES + ROUTE_BYTES + 2 * (4 + ADDRESS_BYTES) + 8;

const rules: usize = memory.data(MAX_RULES * 20, 4);
const lookups: usize = memory.data(MAX_LOOKUPS * 32, 4);
const questions: usize = memory.data(MAX_LOOKUPS * QUESTION_BYTES, 4);
const dump: usize = memory.data(HEADER_BYTES + ROUTE_BYTES, 4);
const marks: usize = memory.data(MAX_MARKS * 4, 4);
let rule_count: i32 = 0;
let lookup_count: i32 = 0;
let mark_count: i32 = 0;
let waiting: i32 = 0;
let sent: i32 = 0;
let asked_bytes: i32 = 0;
let rules_known: bool = false;
/** Number of the dump of rules, and of the first lookup. */
let rules_seq: u32 = FIRST_SEQ;
let lookups_seq: u32 = FIRST_SEQ;
let next_seq: u32 = FIRST_SEQ;

/** Rules that are known. */
export function ruleCount(): i32 {
  return rule_count;
}

/** One of them, in the kernel's order. */
export function ruleAt(i: i32): Rule {
  assert(<u32>i < <u32>MAX_RULES);
  return changetype<Rule>(rules + i * 20);
}

/** Lookups that were asked for. */
export function lookupCount(): i32 {
  return lookup_count;
}

/** One of them. */
export function lookupAt(i: i32): Lookup {
  assert(<u32>i < <u32>MAX_LOOKUPS);
  return changetype<Lookup>(lookups + i * 32);
}

/** Different marks of the rules. */
export function markCount(): i32 {
  return mark_count;
}

/** One of them. */
export function markAt(i: i32): u32 {
  assert(<u32>i < <u32>mark_count);
  return load<u32>(marks + 4 * i);
}

/** Whether all rules have been told. */
export function rulesKnown(): bool {
  return rules_known;
}

/** Lookups whose answer is still to come. */
export function lookupsWaiting(): i32 {
  return waiting;
}

/** Forgets all answers, and those that are still to come. */
export function forgetLookups(): void {
  rule_count = 0;
  lookup_count = 0;
  mark_count = 0;
  waiting = 0;
  sent = 0;
  asked_bytes = 0;
  rules_known = false;
  rules_seq = 0;
}

function takeSeqs(count: i32): u32 {
  if (next_seq + count >= FIRST_SEQ + SEQS) next_seq = FIRST_SEQ;
  const first = next_seq;
  next_seq += count;
  return first;
}

/** Asks for the rules of policy routing. */
export function askRules(): void {
  rules_seq = takeSeqs(1);
  memory.fill(dump, 0, HEADER_BYTES + ROUTE_BYTES);
  const request = changetype<Message>(dump);
  request.length = HEADER_BYTES + ROUTE_BYTES;
  request.type = <u16>Type.GETRULE;
  request.flags = <u16>(Flag.REQUEST | Flag.DUMP);
  request.seq = rules_seq;
  act(Action.NETLINK_SEND, 0, dump, request.length);
}

/** Prepares the question for a packet's way; `sendLookups` asks it. False: too many. */
export function lookUp(
  subject: i32,
  detail: i32,
  source: usize,
  destination: usize,
  mark: u32,
): bool {
  if (lookup_count == MAX_LOOKUPS) return false;
  const lookup = lookupAt(lookup_count++);
  memory.fill(changetype<usize>(lookup), 0, 32);
  const v4 = isV4(destination);
  lookup.subject = subject;
  lookup.detail = detail;
  lookup.mark = mark;
  lookup.v4 = v4;

  const at = questions + asked_bytes;
  memory.fill(at, 0, QUESTION_BYTES);
  const bytes = v4 ? 4 : ADDRESS_BYTES;
  const rtmsg = at + HEADER_BYTES;
  store<u8>(rtmsg, v4 ? AF_INET : AF_INET6);
  store<u8>(rtmsg, <u8>(8 * bytes), 1);
  // Of IPv6 the reply names the table anyway, and a strict kernel refuses the flag.
  if (v4) store<u32>(rtmsg, RTM_F_LOOKUP_TABLE, ROUTE_FLAGS);
  let end = attribute(rtmsg + ROUTE_BYTES, RTA_DST, destination + ADDRESS_BYTES - bytes, bytes);
  if (!isUnset(source) && isV4(source) == v4) {
    store<u8>(rtmsg, <u8>(8 * bytes), 2);
    end = attribute(end, RTA_SRC, source + ADDRESS_BYTES - bytes, bytes);
  }
  if (mark != 0) {
    store<u32>(end, 8 | ((<u32>RTA_MARK) << 16));
    store<u32>(end, mark, 4);
    end += 8;
  }
  const request = changetype<Message>(at);
  request.length = <u32>(end - at);
  request.type = <u16>Type.GETROUTE;
  request.flags = <u16>Flag.REQUEST;
  asked_bytes += <i32>(end - at);
  return true;
}

function attribute(at: usize, type: u16, payload: usize, bytes: i32): usize {
  store<u16>(at, <u16>(4 + bytes));
  store<u16>(at, type, 2);
  memory.copy(at + 4, payload, bytes);
  return at + 4 + bytes;
}

/** Asks what `lookUp` has prepared. */
export function sendLookups(): void {
  if (lookup_count == 0 || sent > 0) return;
  sent = lookup_count;
  waiting = lookup_count;
  lookups_seq = takeSeqs(lookup_count);
  let at = questions;
  for (let i = 0; i < lookup_count; i++) {
    const request = changetype<Message>(at);
    request.seq = lookups_seq + i;
    at += request.length;
  }
  act(Action.NETLINK_SEND, 0, questions, asked_bytes);
}

/** Whether a message with this number answers a question of ours, be it forgotten or not. */
export function isLookup(seq: u32): bool {
  return seq - FIRST_SEQ < SEQS;
}

/** Takes such a message. */
export function takeLookup(message: Message): void {
  if (message.seq == rules_seq) {
    if (message.type == <u16>Type.NEWRULE) takeRule(message);
    // Refused (another dump is under way): the rules stay unknown.
    else if (message.type == <u16>Type.DONE || message.type == <u16>Type.ERROR) rules_known = true;
    return;
  }
  const i = message.seq - lookups_seq;
  if (i >= <u32>sent) return;
  const lookup = lookupAt(i);
  if (lookup.answered) return;
  if (message.type == <u16>Type.NEWROUTE) {
    if (message.payload_bytes < ROUTE_BYTES) return;
    const p = message.payload;
    const oif = message.attribute(ROUTE_BYTES, RTA_OIF, 4);
    lookup.oif = oif != 0 ? load<u32>(oif) : 0;
    lookup.table = tableOf(message);
    lookup.local = load<u8>(p, ROUTE_TYPE) == RTN_LOCAL;
  } else if (message.type == <u16>Type.ERROR && message.payload_bytes >= 4) {
    lookup.errno = -load<i32>(message.payload);
  } else {
    return;
  }
  lookup.answered = true;
  waiting--;
}

function takeRule(message: Message): void {
  if (message.payload_bytes < ROUTE_BYTES || rule_count == MAX_RULES) return;
  const p = message.payload;
  const family = load<u8>(p);
  if ((family != AF_INET && family != AF_INET6) || load<u8>(p, ROUTE_TYPE) != FR_ACT_TO_TBL) return;
  const rule = ruleAt(rule_count++);
  rule.v4 = family == AF_INET;
  rule.table = tableOf(message);
  rule.priority = numberIn(message, FRA_PRIORITY, 0);
  rule.mark = numberIn(message, FRA_FWMARK, 0);
  rule.mask = numberIn(message, FRA_FWMASK, u32.MAX_VALUE);
  if (rule.mark != 0) noteMark(rule.mark);
}

function noteMark(mark: u32): void {
  for (let i = 0; i < mark_count; i++) if (markAt(i) == mark) return;
  if (mark_count == MAX_MARKS) return;
  store<u32>(marks + 4 * mark_count++, mark);
}
