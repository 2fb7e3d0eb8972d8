/** What a listing says of a gateway's SAs becomes events of its VPNs. */
import { ADDRESS_BYTES, sameAddress } from "../bytes/address";
import { VpnFlag } from "../config/model";
import { now_ms } from "../clock";
import { peersShared, phase1Completed, phase1Rekeyed, phase2Completed } from "../event/text";
import { observe } from "../ike/negotiation";
import { vpnChanged } from "../route/follow";
import { Gateway, gatewayAt } from "../sa/gateway";
import { findPhase1 } from "../sa/listing";
import { IkeState, Phase1, phase1At } from "../sa/phase1";
import { phase2At } from "../sa/phase2";
import { Note, tunnelId, Vpn, vpnAt } from "../sa/vpn";
import { announceOnNewSa } from "./announce";
import { Event } from "./decision";
import { happen } from "./effect";
import { leaveIfId, takeIfId } from "./if_id";
import { planRenewals } from "./lifetime";
import { neighbourGone } from "./neighbours";
import { observeRenewal } from "./operator";
import { cover, localOf, remoteOf, resolve } from "./resolve";
import { countersCame } from "./round";
import { leaveRound } from "./samples";
import { settle } from "./settle";
import { startRounds } from "./start";
import { beginTraffic, trafficListed } from "./traffic";

/** A gateway was listed whole, as asked for then: brings its VPNs up to date with it. */
export function reconcile(gateway_index: i32, asked_at_ms: i64): void {
  const gateway = gatewayAt(gateway_index);
  const adopted = !gateway.listed;
  gateway.listed = true;
  gateway.listed_at_ms = now_ms;
  lookAtPhase1(gateway_index, adopted);
  for (let i = gateway.first_vpn; i >= 0; i = vpnAt(i).next_of_gateway) {
    const found = !vpnAt(i).noted(Note.LISTED);
    vpnAt(i).note(Note.LISTED);
    lookAtPhase2(i, found, asked_at_ms);
    vpnChanged(i);
    trafficListed(vpnAt(i));
    if (found) startRounds(i);
    countersCame(i);
    observeRenewal(i);
  }
  observe(gateway_index);
  if (hasSeveralPeers(gateway)) saySeveralPeers(gateway);
  else settle(gateway_index);
  planRenewals(gateway_index);
}

/** Takes the peer's address from the IKE_SA, and says what is new. */
function lookAtPhase1(gateway_index: i32, adopted: bool): void {
  const gateway = gatewayAt(gateway_index);
  // A new IKE_SA beside the old one is a rekey of it; alone it is a new one.
  const rekeyed = findPhase1(gateway_index, gateway.phase1_id) >= 0;
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (sa.state != IkeState.ESTABLISHED || sa.id <= gateway.phase1_id) continue;
    gateway.phase1_id = sa.id;
    memory.copy(gateway.peer_ip, sa.remote_host, ADDRESS_BYTES);
    if (!adopted && gateway.first_vpn >= 0) sayPhase1(gateway, sa, rekeyed);
  }
}

/** Whether established IKE_SAs of the connection lead to more than one address, as with dial-up. */
function hasSeveralPeers(gateway: Gateway): bool {
  let first = -1;
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    if (phase1At(i).state != IkeState.ESTABLISHED) continue;
    if (first < 0) first = i;
    else if (!sameAddress(phase1At(i).remote_host, phase1At(first).remote_host)) return true;
  }
  return false;
}

/** A VPN is one peer's. Here duplicates cannot be told from others' SAs, so nothing is settled. */
function saySeveralPeers(gateway: Gateway): void {
  if (gateway.said_shared) return;
  gateway.said_shared = true;
  peersShared(vpnAt(gateway.first_vpn).config.name, gateway.name);
}

function sayPhase1(gateway: Gateway, sa: Phase1, rekeyed: bool): void {
  const name = vpnAt(gateway.first_vpn).config.name;
  const until_ms = sa.rekey_at_ms != 0 ? sa.rekey_at_ms : sa.reauth_at_ms;
  const lifetime_s = until_ms == 0 ? 0 : max((until_ms - now_ms) / 1000, 0);
  if (rekeyed) phase1Rekeyed(name, gateway.peer_ip);
  else phase1Completed(name, gateway.peer_ip, lifetime_s);
}

/** `found`: what is there now was there before rekeyd looked. */
function lookAtPhase2(index: i32, found: bool, asked_at_ms: i64): void {
  const vpn = vpnAt(index);
  vpn.current = newestForwarding(vpn);
  if (vpn.current < 0) {
    if (!vpn.noted(Note.HAS_SA)) return;
    vpn.unnote(Note.HAS_SA);
    neighbourGone(index);
    leaveIfId(index);
    happen(index, Event.SA_GONE);
    return;
  }
  let sa = phase2At(vpn.current);
  resolve(index, localOf(sa), sa.local_selectors, remoteOf(sa), sa.remote_selectors);
  vpn.current = newestCovering(vpn);
  sa = phase2At(vpn.current);
  takeIfId(index, sa.if_id);
  const had = vpn.noted(Note.HAS_SA);
  if (had && sa.spi_in == vpn.spi_in) return;

  if (found) tellNoKeys(vpn);
  if (vpn.spi_in == 0) sa.key_told = true;
  // When a newer duplicate goes, an SA from before is in use again: that is no new key.
  if (sa.key_told) vpn.unnote(Note.NEW_KEY);
  else if (vpn.spi_in != sa.spi_in) vpn.note(Note.NEW_KEY);
  vpn.spi_in = sa.spi_in;
  vpn.note(Note.HAS_SA);
  vpn.unnote(Note.VERIFIED);
  leaveRound(vpn);
  vpn.sa_seq = vpn.seq;
  beginTraffic(vpn, sa, asked_at_ms);
  if (!found && vpn.config.has(VpnFlag.MONITOR)) {
    const lifetime_s = sa.expires_at_ms == 0 ? 0 : (sa.expires_at_ms - now_ms) / 1000;
    const peer = gatewayAt(vpn.gateway).peer_ip;
    phase2Completed(vpn.config.name, peer, sa.id, sa.spi_in, tunnelId(index), lifetime_s);
  }
  announceOnNewSa(index);
  happen(index, had ? Event.SA_NEW : Event.SA_UP);
}

/** The keys of all SAs that are there were there before rekeyd looked. */
function tellNoKeys(vpn: Vpn): void {
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) phase2At(i).key_told = true;
}

/**
 * The newest CHILD_SA that carries the VPN's echoes, else the newest: several with different
 * selectors may belong to one child, and each is another way.
 */
function newestCovering(vpn: Vpn): i32 {
  let newest = -1;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (!sa.forwards || sa.spi_in == 0) continue;
    cover(vpn, sa);
    if (sa.covered == 0) continue;
    if (newest < 0 || sa.id > phase2At(newest).id) newest = i;
  }
  return newest < 0 ? vpn.current : newest;
}

/** The newest CHILD_SA that forwards; -1: none. */
function newestForwarding(vpn: Vpn): i32 {
  let newest = -1;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (!sa.forwards || sa.spi_in == 0) continue;
    if (newest < 0 || sa.id > phase2At(newest).id) newest = i;
  }
  return newest;
}
