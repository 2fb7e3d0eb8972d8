/**
 * An examination, for `doctor`: everything that can be asked about VPNs is asked at once, and it
 * is over when all has been answered. With a VPN among them that is not up it takes EXAM_MS: its
 * ways are looked up, its peer is pinged in the clear, and what the kernel drops is counted.
 */
import { act, Action, UNGUARDED } from "../action";
import { isUnset, isV4 } from "../bytes/address";
import { VpnFlag } from "../config/model";
import { NEVER, now_ms } from "../clock";
import { buildEcho, reply } from "../icmp/echo";
import { clearSlot, clearSlots } from "../icmp/slot";
import { isReady, request, Request } from "../ike/vici/session";
import { EXAM_MS, MAX_CLEAR_ECHOES, MIN_ECHO_BYTES } from "../limits";
import {
  askRules,
  forgetLookups,
  lookUp,
  lookupsWaiting,
  markAt,
  markCount,
  rulesKnown,
  sendLookups,
} from "../netlink/lookup";
import { gatewayAt, gatewayCount } from "../sa/gateway";
import { Note, State, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { beginDrops, takeFacts } from "./facts";

/** The target of an echo that goes to a peer in the clear; VPNs have fewer. */
const CLEAR_TARGET: i32 = 255;
/** The detail of a lookup that is the way to a peer, not to a target. */
export const TO_PEER: i32 = -1;
/** How long the host may take to tell facts. */
const FACTS_MS: i64 = 250;

/** Number of the examination under way, or of the last one; the first is 1. */
let number: u32 = 0;
let running: bool = false;
/** It has ended, and nobody has been told. */
let over: bool = false;
let scope: i32 = -1;
let limit_ms: i64 = NEVER;
let began_ms: i64 = 0;
let full: bool = false;
let ending: bool = false;
let waits_conns: bool = false;
let waits_sas: bool = false;
let waits_facts: bool = false;
let looked_up: bool = false;
/** Whether strongSwan's connections were listed whole for it. */
let conns_listed: bool = false;

/** Its number: what was seen in it is marked so. */
export function examination(): u32 {
  return number;
}

/** Whether what strongSwan has not named in it is unknown to it. */
export function connectionsListed(): bool {
  return conns_listed;
}

/** When `examDue` is to be called. */
export function examDeadline(): i64 {
  return limit_ms;
}

/** Whether one is under way. */
export function isExamining(): bool {
  return running;
}

/** Begins an examination of one VPN, or of all: -1. */
export function beginExam(vpn_index: i32): void {
  number++;
  running = true;
  scope = vpn_index;
  began_ms = now_ms;
  limit_ms = now_ms + EXAM_MS;
  ending = false;
  looked_up = false;
  conns_listed = false;
  full = false;
  for (let i = 0; i < vpnCount() && !full; i++) full = inScope(i) && isInTrouble(vpnAt(i));
  waits_conns = isReady() && request(Request.LIST_CONNS, 0);
  waits_sas = isReady() && request(Request.LIST_SAS, -1);
  beginDrops();
  askFacts();
  forgetLookups();
  if (!full) return;
  askRules();
  pingPeers();
}

function inScope(index: i32): bool {
  return (scope < 0 || scope == index) && vpnAt(index).noted(Note.USED);
}

/** Whether it should work, and does not. */
export function isInTrouble(vpn: Vpn): bool {
  return vpn.config.has(VpnFlag.MONITOR) && vpn.state != State.UP;
}

function askFacts(): void {
  waits_facts = true;
  act(Action.TELL_FACTS, 0, 0, 0);
}

/** The host has told its facts. */
export function factsTold(p: usize, len: i32): void {
  if (!waits_facts) return;
  waits_facts = false;
  takeFacts(p, len);
}

/** strongSwan finished a list, which was asked for then. */
export function listsAnswered(kind: Request, arg: i32, asked_at_ms: i64, success: bool): void {
  if (!running || asked_at_ms < began_ms) return;
  if (kind == Request.LIST_CONNS) {
    waits_conns = false;
    conns_listed = success;
  } else if (kind == Request.LIST_SAS && arg < 0) {
    waits_sas = false;
  }
}

/** Its time may be over. */
export function examDue(): void {
  if (!running || now_ms < limit_ms) return;
  if (full && !ending) {
    ending = true;
    askFacts();
    limit_ms = now_ms + FACTS_MS;
  } else {
    finish();
  }
}

/** Goes on as far as answers allow; whether it has just ended. */
export function examOver(): bool {
  if (running) goOn();
  const ended = over;
  over = false;
  return ended;
}

function goOn(): void {
  if (full && !looked_up && rulesKnown()) askRoutes();
  const waits = waits_facts || waits_conns || waits_sas || lookupsWaiting() > 0;
  if (!waits && (!full || ending)) finish();
}

function finish(): void {
  running = false;
  over = true;
  waits_facts = false;
  limit_ms = NEVER;
}

/** The way of each echo, also for packets with a mark that rules look at; and that to the peer. */
function askRoutes(): void {
  looked_up = true;
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!inScope(i) || !isInTrouble(vpn)) continue;
    const gateway = gatewayAt(vpn.gateway);
    if (!isUnset(gateway.peer_ip)) lookUp(i, TO_PEER, gateway.local_ip, gateway.peer_ip, 0);
    for (let t = 0; t < <i32>vpn.target_count && !isUnset(vpn.source); t++) {
      const target = vpn.target(t).address;
      lookUp(i, t, vpn.source, target, 0);
      for (let m = 0; m < markCount(); m++) lookUp(i, t, vpn.source, target, markAt(m));
    }
  }
  sendLookups();
}

/** One echo to each peer of such a VPN, beside the tunnel. */
function pingPeers(): void {
  let count_v4 = 0;
  let count_v6 = 0;
  for (let g = 0; g < gatewayCount(); g++) {
    const gateway = gatewayAt(g);
    if (!gateway.used || isUnset(gateway.peer_ip)) continue;
    const vpn_index = troubledVpn(gateway.first_vpn);
    const v4 = isV4(gateway.peer_ip);
    if (vpn_index < 0 || (v4 ? count_v4 : count_v6) == MAX_CLEAR_ECHOES) continue;
    const slot = v4 ? clearSlot(4, count_v4++) : clearSlot(6, count_v6++);
    const size = MIN_ECHO_BYTES;
    const target = CLEAR_TARGET;
    buildEcho(slot, gateway.local_ip, gateway.peer_ip, vpn_index, target, number, now_ms, size);
    gateway.rare.pinged = number;
  }
  if (count_v4 > 0) act(Action.SEND_ECHOES, 4 | UNGUARDED, clearSlots(4), count_v4);
  if (count_v6 > 0) act(Action.SEND_ECHOES, 6 | UNGUARDED, clearSlots(6), count_v6);
}

function troubledVpn(first: i32): i32 {
  for (let i = first; i >= 0; i = vpnAt(i).next_of_gateway) {
    if (inScope(i) && isInTrouble(vpnAt(i))) return i;
  }
  return -1;
}

/** Whether the reply that was parsed last is one to an echo in the clear; then it is taken. */
export function clearReplyCame(): bool {
  if (reply.target != CLEAR_TARGET) return false;
  const known = <u32>reply.vpn < <u32>vpnCount() && vpnAt(reply.vpn).noted(Note.USED);
  if (known && reply.seq == number) gatewayAt(vpnAt(reply.vpn).gateway).rare.ping_answered = number;
  return true;
}
