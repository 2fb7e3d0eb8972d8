/** What a person at the console asks of a VPN's SAs, and what became of it. */
import { now_ms } from "../clock";
import { phase2Initiated, rekeySucceeded, renewalFailed, saCleared } from "../event/text";
import { askAnew } from "../ike/negotiation";
import { request, Request } from "../ike/vici/session";
import { gatewayAt, Negotiation, reschedule } from "../sa/gateway";
import { ChildState, phase2At } from "../sa/phase2";
import { Note, tunnelId, vpnAt } from "../sa/vpn";
import { Mode } from "./decision";
import { modeOf } from "./effect";

/** A renewal that shows no new SA by then has failed. */
const RENEWAL_MS: i64 = 10_000;

/** What becomes of what was asked. */
export const enum Answer {
  /** strongSwan is asked. */
  BEGUN,
  /** It was at it before. */
  UNDER_WAY,
  /** There is no SA, and without rekey none is made. */
  NO_SA,
  /** strongSwan has no such connection or child. */
  UNKNOWN,
  /** strongSwan is not connected, or has too much to do. */
  NOT_NOW,
}

/**
 * Renews the VPN's key now: make before break where there is an SA, whether or not it has rekey.
 * Without one it is negotiated at once, if it has rekey. Events tell what comes of it.
 */
export function renewNow(index: i32): Answer {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  if (vpn.noted(Note.SAID_UNKNOWN)) return Answer.UNKNOWN;
  if (!gateway.listed) return Answer.NOT_NOW;
  const negotiates = gateway.vpn == index && gateway.step != Negotiation.IDLE;
  if (negotiates || vpn.renewal_at_ms != 0) return Answer.UNDER_WAY;
  if (vpn.current < 0) {
    if (modeOf(vpn) != Mode.REKEY) return Answer.NO_SA;
    askAnew(index);
    return Answer.BEGUN;
  }
  const sa = phase2At(vpn.current);
  if (sa.state != ChildState.INSTALLED) return Answer.UNDER_WAY;
  if (!request(Request.REKEY_CHILD, sa.id)) return Answer.NOT_NOW;
  vpn.renewal_at_ms = now_ms;
  vpn.renewal_spi_in = sa.spi_in;
  lookWhenOver(index);
  phase2Initiated(vpn.config.name, gateway.peer_ip);
  return Answer.BEGUN;
}

/** The VPN was listed: has the renewal that was asked for come about? */
export function observeRenewal(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.renewal_at_ms == 0) return;
  if (vpn.current >= 0 && vpn.spi_in != vpn.renewal_spi_in) {
    vpn.renewal_at_ms = 0;
    // With rekey the decision table says it, when the new SA is seen to work.
    if (modeOf(vpn) == Mode.REKEY) return;
    vpn.unnote(Note.NEW_KEY);
    vpn.rekeys++;
    rekeySucceeded(vpn.config.name, tunnelId(index), vpn.spi_in);
  } else if (now_ms - vpn.renewal_at_ms >= RENEWAL_MS) {
    vpn.renewal_at_ms = 0;
    renewalFailed(vpn.config.name, gatewayAt(vpn.gateway).peer_ip, RENEWAL_MS);
  } else {
    lookWhenOver(index);
  }
}

/** Nothing tells of a renewal that fails: the gateway is listed when its time is over. */
function lookWhenOver(index: i32): void {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  gateway.list_at_ms = min(gateway.list_at_ms, vpn.renewal_at_ms + RENEWAL_MS);
  reschedule(vpn.gateway);
}

/**
 * Has strongSwan delete the VPN's SAs, whether or not it has rekey; with it the monitor then has a
 * new one made.
 */
export function removeSas(index: i32): Answer {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  if (!gateway.listed) return Answer.NOT_NOW;
  if (vpn.current < 0) return Answer.NO_SA;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (sa.forwards && !request(Request.TERMINATE_CHILD, sa.id)) return Answer.NOT_NOW;
  }
  // A silent peer does not confirm the deletion: that it has begun is seen in a listing alone.
  request(Request.LIST_SAS, vpn.gateway, gateway.name);
  saCleared(vpn.config.name, tunnelId(index));
  return Answer.BEGUN;
}
