/** Follows strongSwan: what comes over vici, and when to ask. */
import { ADDRESS_BYTES, isUnset } from "../bytes/address";
import { equalText, nameBytes, nameLength } from "../bytes/slice";
import { NEVER, now_ms } from "../clock";
import { running } from "../config/model";
import {
  charonConnected,
  charonLost,
  childNotTunnel,
  childUnknown,
  connectionUnknown,
} from "../event/text";
import { askAnew, forgetSteps, initiateBegun, initiateRefused } from "../ike/negotiation";
import { readRefusal, Refusal } from "../ike/strongswan/alert";
import { event_connection, readEvent } from "../ike/strongswan/event";
import {
  connection,
  connection_child,
  readConnection,
  readConnectionChild,
} from "../ike/strongswan/list_conns";
import {
  child_name,
  connection_name,
  phase1,
  phase2,
  readChildSa,
  readIkeSa,
} from "../ike/strongswan/list_sas";
import {
  connect,
  indicated,
  Indication,
  inFlight,
  poll,
  request,
  Request,
} from "../ike/vici/session";
import { gatewayAt, gatewayCount, reschedule } from "../sa/gateway";
import { beginListing, endListing, mergePhase1, mergePhase2 } from "../sa/listing";
import { Note, vpnAt, vpnCount } from "../sa/vpn";
import { Mode } from "./decision";
import { modeOf } from "./effect";
import { examination, listsAnswered } from "./exam";
import { allListed, charonGone } from "./orphan";
import { reconcile } from "./reconcile";
import { findGateway, findVpnOfChild } from "./registry";
import { outside, resolve, sayUncovered } from "./resolve";

/** Everything is listed again after this, in case an event was lost. */
const RESYNC_MS: i64 = 60_000;
/** A listing that could not be asked for is tried again after this. */
const RETRY_MS: i64 = 1_000;

let resync_at_ms: i64 = NEVER;
/**
 * While strongSwan does not know a connection or child it is asked again: soon, then less and less
 * often.
 */
const FIRST_UNKNOWN_MS: i64 = 500;
const LAST_UNKNOWN_MS: i64 = 10_000;
let unknown_at_ms: i64 = NEVER;
let unknown_pause_ms: i64 = FIRST_UNKNOWN_MS;
/** Whether it has been said that charon cannot be reached: once until it can be again. */
let said_lost: bool = false;
let lost_errno: i32 = 0;
/** Whether every item of the listing that is coming in was understood and found room. */
let understood: bool = true;

/** Makes (or moves) the connection to charon's vici socket, as configured. */
export function connectToCharon(): void {
  connect(nameBytes(running.vici), nameLength(running.vici));
}

/** When strongSwan is asked again whether it knows what it did not know; NEVER: it knows all. */
export function unknownDeadline(): i64 {
  return unknown_at_ms;
}

/** errno of the last connection to charon that failed or ended. */
export function lostErrno(): i32 {
  return lost_errno;
}

/** When `resync` is to be called. */
export function resyncDeadline(): i64 {
  return min(resync_at_ms, unknown_at_ms);
}

/** Asks for what is due to be asked again. */
export function resync(): void {
  if (unknown_at_ms <= now_ms) {
    unknown_at_ms = NEVER;
    request(Request.LIST_CONNS, 0);
  }
  if (resync_at_ms <= now_ms) {
    resync_at_ms = now_ms + RESYNC_MS;
    request(Request.LIST_SAS, -1);
  }
}

/** strongSwan's configuration, or ours, may name other things than before. */
export function lookAtConnections(): void {
  request(Request.LIST_CONNS, 0);
  request(Request.LIST_SAS, -1);
}

/** A listing that is under way was asked for under another configuration: it removes nothing. */
export function distrustListing(): void {
  if (inFlight() == Request.LIST_SAS) understood = false;
}

/** Takes what the session has understood, after each of its inputs. */
export function converse(): void {
  for (;;) {
    switch (poll()) {
      case Indication.NONE:
        return;
      case Indication.READY:
        connected();
        break;
      case Indication.CLOSED:
        closed();
        break;
      case Indication.EVENT:
        eventCame();
        break;
      case Indication.LIST_SA:
        takeIkeSa();
        break;
      case Indication.LIST_CONN:
        takeConnection();
        break;
      case Indication.RESPONSE:
        answered();
        break;
    }
  }
}

function connected(): void {
  charonConnected(running.vici);
  said_lost = false;
  understood = true;
  beginListing();
  // Another charon may have another configuration.
  for (let i = 0; i < vpnCount(); i++) if (vpnAt(i).noted(Note.USED)) vpnAt(i).unnote(Note.KNOWN);
  unknown_pause_ms = FIRST_UNKNOWN_MS;
  lookAtConnections();
  resync_at_ms = now_ms + RESYNC_MS;
}

/**
 * charon or its connection is gone. What was last known of the SAs stands until it can be asked
 * again.
 */
function closed(): void {
  if (!said_lost) charonLost(running.vici, indicated.errno);
  said_lost = true;
  lost_errno = indicated.errno;
  if (!indicated.lost) return;
  resync_at_ms = NEVER;
  unknown_at_ms = NEVER;
  forgetSteps();
  charonGone();
  // A new charon counts its IKE_SAs from 1 again.
  for (let i = 0; i < gatewayCount(); i++) if (gatewayAt(i).used) gatewayAt(i).phase1_id = 0;
}

/** Events are hints: the gateway that one is about is listed again. */
function eventCame(): void {
  const found = readEvent(
    indicated.event,
    indicated.event_length,
    indicated.message,
    indicated.message_length,
  );
  if (!found) return;
  const gateway_index = findGateway(event_connection);
  if (gateway_index < 0) return;
  if (equalText(indicated.event, indicated.event_length, "alert")) {
    const refusal = readRefusal(indicated.message, indicated.message_length);
    if (refusal != Refusal.UNKNOWN) gatewayAt(gateway_index).refusal = <u8>refusal;
  }
  listGateway(gateway_index);
}

/** Asks for a gateway's SAs; if that cannot be done now, a little later. */
export function listGateway(index: i32): void {
  const gateway = gatewayAt(index);
  const asked = request(Request.LIST_SAS, index, gateway.name);
  gateway.list_at_ms = asked ? NEVER : now_ms + RETRY_MS;
  reschedule(index);
}

function takeIkeSa(): void {
  if (!readIkeSa(indicated.message, indicated.message_length, indicated.asked_at_ms)) {
    understood = false;
    return;
  }
  const gateway_index = findGateway(connection_name);
  if (gateway_index < 0) return;
  understood = mergePhase1(gateway_index, phase1) >= 0 && understood;
  while (readChildSa()) {
    const vpn_index = findVpnOfChild(gateway_index, child_name);
    if (vpn_index >= 0) understood = mergePhase2(vpn_index, phase2) >= 0 && understood;
  }
}

function takeConnection(): void {
  if (!readConnection(indicated.message, indicated.message_length)) return;
  const gateway_index = findGateway(connection.name);
  if (gateway_index < 0) return;
  const gateway = gatewayAt(gateway_index);
  gateway.known = true;
  gateway.version = <u8>connection.version;
  gateway.dpd_delay_s = connection.dpd_delay_s;
  gateway.rare.reauth_time_s = connection.reauth_time_s;
  gateway.rare.examined = examination();
  memory.copy(gateway.local_ip, connection.local_ip, ADDRESS_BYTES);
  if (!isUnset(connection.peer_ip)) memory.copy(gateway.peer_ip, connection.peer_ip, ADDRESS_BYTES);
  while (readConnectionChild()) {
    const vpn_index = findVpnOfChild(gateway_index, connection_child.name);
    if (vpn_index >= 0) takeConnectionChild(vpn_index);
  }
}

/**
 * What strongSwan would negotiate: while there is no SA, its selectors tell source and destination.
 */
function takeConnectionChild(vpn_index: i32): void {
  const vpn = vpnAt(vpn_index);
  vpn.examined = examination();
  vpn.not_tunnel = !connection_child.tunnel;
  if (!connection_child.tunnel) {
    const gateway = gatewayAt(vpn.gateway);
    if (!vpn.noted(Note.SAID_UNKNOWN)) {
      childNotTunnel(vpn.config.name, gateway.name, vpn.config.child);
    }
    vpn.note(Note.SAID_UNKNOWN);
    return;
  }
  vpn.note(Note.KNOWN);
  if (vpn.noted(Note.SAID_UNKNOWN)) {
    vpn.unnote(Note.SAID_UNKNOWN);
    const waits = vpn.current < 0 && vpn.noted(Note.LISTED);
    if (waits && modeOf(vpn) == Mode.REKEY) askAnew(vpn_index);
  }
  vpn.outside = 0;
  const dynamic = connection_child.local_dynamic || connection_child.remote_dynamic;
  if (vpn.current >= 0 || dynamic) return;
  const local = changetype<usize>(connection_child.local_selector(0));
  const locals = connection_child.local_selectors;
  const remote = changetype<usize>(connection_child.remote_selector(0));
  const remotes = connection_child.remote_selectors;
  resolve(vpn_index, local, locals, remote, remotes);
  vpn.outside = outside(vpn, local, locals, remote, remotes);
  if (vpn.target_count == 0 || isUnset(vpn.source)) {
    sayUncovered(vpn_index, local, locals, remote, remotes);
  }
}

/** strongSwan finished a request. */
function answered(): void {
  listsAnswered(indicated.kind, indicated.arg, indicated.asked_at_ms, indicated.success);
  switch (indicated.kind) {
    case Request.LIST_SAS:
      listed(indicated.arg, indicated.success);
      break;
    case Request.LIST_CONNS:
      sayUnknown();
      break;
    case Request.INITIATE:
      initiateAnswered(indicated.arg);
      break;
  }
}

function listed(gateway_index: i32, success: bool): void {
  const whole = success && understood;
  if (whole && gateway_index < 0) {
    for (let i = 0; i < gatewayCount(); i++) {
      if (!gatewayAt(i).used) continue;
      endListing(i);
      reconcile(i, indicated.asked_at_ms);
    }
    allListed(indicated.asked_at_ms);
  } else if (whole && gateway_index < gatewayCount() && gatewayAt(gateway_index).used) {
    endListing(gateway_index);
    reconcile(gateway_index, indicated.asked_at_ms);
  }
  understood = true;
  beginListing();
}

function initiateAnswered(vpn_index: i32): void {
  if (vpn_index >= vpnCount() || !vpnAt(vpn_index).noted(Note.USED)) return;
  if (indicated.success) {
    initiateBegun(vpnAt(vpn_index).gateway);
    return;
  }
  initiateRefused(vpnAt(vpn_index).gateway, indicated.errmsg, indicated.errmsg_length);
  // Perhaps it was taken out of strongSwan's configuration.
  vpnAt(vpn_index).unnote(Note.KNOWN);
  request(Request.LIST_CONNS, 0);
}

function anyUnknown(): bool {
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (vpn.noted(Note.USED) && !vpn.noted(Note.KNOWN)) return true;
  }
  return false;
}

/** strongSwan's configuration was listed whole: says which VPNs it does not have. */
function sayUnknown(): void {
  if (!indicated.success) return;
  if (anyUnknown()) {
    unknown_at_ms = now_ms + unknown_pause_ms;
    unknown_pause_ms = min(2 * unknown_pause_ms, LAST_UNKNOWN_MS);
  }
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED) || vpn.noted(Note.KNOWN) || vpn.noted(Note.SAID_UNKNOWN)) continue;
    vpn.note(Note.SAID_UNKNOWN);
    const gateway = gatewayAt(vpn.gateway);
    if (gateway.known) childUnknown(vpn.config.name, gateway.name, vpn.config.child);
    else connectionUnknown(vpn.config.name, gateway.name);
  }
}
