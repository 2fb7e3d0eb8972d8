/** What keeps a VPN's echoes, or its peer, from being reached. */
import { isUnset, isV4, writeAddress } from "../../bytes/address";
import { Writer } from "../../bytes/writer";
import { VpnFlag } from "../../config/model";
import { writeSendingReason } from "../../event/text";
import { isReady } from "../../ike/vici/session";
import { connectionsListed, examination, isInTrouble, TO_PEER } from "../../monitor/exam";
import { hostHasIpv6 } from "../../monitor/facts";
import { interfaceName, isOurs } from "../../netlink/interfaces";
import { lookupAt, lookupCount, ruleAt, ruleCount } from "../../netlink/lookup";
import { Gateway, gatewayAt } from "../../sa/gateway";
import { IkeState, phase1At } from "../../sa/phase1";
import { phase2At } from "../../sa/phase2";
import { Note, State, Tried, Vpn, vpnAt } from "../../sa/vpn";
import { isOut, writeRefusal, writeWhy } from "../outage";
import { begin, end, Finding } from "./finding";

/** Tables of the kernel's own (local, main, default), and strongSwan's. */
const RT_TABLE_DEFAULT: u32 = 253;
const RT_TABLE_LOCAL: u32 = 255;
const STRONGSWAN_TABLE: u32 = 220;

/** Whether strongSwan has the VPN's child, in tunnel mode. */
export function checkKnown(index: i32): bool {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  const listed = isReady() && connectionsListed();
  if (listed && gateway.rare.examined != examination()) {
    begin(Finding.UNKNOWN_CONNECTION)
      .text("strongSwan has no connection '")
      .name(gateway.name)
      .u8(0x27);
  } else if (listed && vpn.examined != examination()) {
    begin(Finding.UNKNOWN_CHILD)
      .text("strongSwan's connection '")
      .name(gateway.name)
      .text("' has no child '")
      .name(vpn.config.child)
      .u8(0x27);
  } else if (vpn.not_tunnel) {
    begin(Finding.NOT_TUNNEL)
      .text("child '")
      .name(vpn.config.child)
      .text("' of connection '")
      .name(gateway.name)
      .text("' is not in tunnel mode: no echo goes through it");
  } else {
    return true;
  }
  end(vpn.config.name);
  return false;
}

/** Looks at addresses, ways and answers of a VPN that does not work. */
export function checkPath(index: i32): void {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  if (!checkAddresses(vpn, gateway)) return;
  if (vpn.state != State.DOWN && vpn.misses > 0) checkMisses(vpn);
  if (!isInTrouble(vpn)) return;
  if (isOut(vpn)) checkState(vpn);
  if (vpn.noted(Note.SILENT)) {
    const w = begin(Finding.SILENT_TARGET);
    writeAddress(w, vpn.target(0).address).text(" has never answered, although traffic comes in");
    end(vpn.config.name);
    return;
  }
  if (!checkWayToPeer(index) || checkEchoes(index)) return;
  if (!vpn.noted(Note.SAID_UNKNOWN)) checkPeer(index);
}

/** On a VPN that is up one alone is no news. */
function checkMisses(vpn: Vpn): void {
  if (vpn.state == State.UP && vpn.misses == 1) return;
  begin(Finding.MISSES)
    .counted(vpn.misses, "round")
    .text(" in a row had no answer, and ")
    .decimal(vpn.config.threshold)
    .text(" are down");
  end(vpn.config.name);
}

function checkState(vpn: Vpn): void {
  const waits = vpn.state != State.DOWN && !vpn.config.has(VpnFlag.REKEY);
  const w = begin(waits ? Finding.NO_SA : Finding.DOWN);
  if (waits) w.text("there is no SA, and without rekey none is made");
  else writeWhy(w, vpn);
  end(vpn.config.name);
}

/** Whether source and destinations are there and lie inside the selectors. */
function checkAddresses(vpn: Vpn, gateway: Gateway): bool {
  const name = vpn.config.name;
  // Before the first list there is nothing to choose them by.
  const chosen = gateway.listed && gateway.known;
  if (vpn.target_count == 0) {
    if (!chosen) return true;
    const w = begin(Finding.NO_DESTINATION);
    w.text("no destination is set, and the peer's own address is outside the remote selectors");
    end(name);
    return false;
  }
  if (isUnset(vpn.source)) {
    if (!chosen) return true;
    begin(Finding.NO_SOURCE).text("no address of this machine is inside the local selectors");
    end(name);
    return false;
  }
  if (!isV4(vpn.source) && !hostHasIpv6()) {
    begin(Finding.NO_IPV6).text("the kernel has no IPv6, and its echoes are of IPv6");
    end(name);
  }
  if (vpn.state != State.UP && !isOurs(vpn.source)) {
    const w = begin(Finding.NOT_OUR_SOURCE).text("no interface has the source ");
    writeAddress(w, vpn.source);
    end(name);
  }
  return checkSelectors(vpn);
}

function checkSelectors(vpn: Vpn): bool {
  const all = (1 << vpn.target_count) - 1;
  const inside = vpn.current >= 0 ? <i32>phase2At(vpn.current).covered == all : vpn.outside == 0;
  if (inside) return true;
  const w = begin(Finding.OUTSIDE);
  writeAddress(w.text("echoes from "), vpn.source).text(" to ");
  for (let t = 0; t < <i32>vpn.target_count; t++) {
    if (t > 0) w.text(", ");
    writeAddress(w, vpn.target(t).address);
  }
  if (vpn.current >= 0) {
    const sa = phase2At(vpn.current);
    w.text(" do not fit into the SA's selectors ");
    for (let i = 0; i < <i32>sa.local_selectors; i++) sa.local_selector(i).write(w).u8(0x20);
    w.text("===");
    for (let i = 0; i < <i32>sa.remote_selectors; i++) sa.remote_selector(i).write(w.u8(0x20));
  } else {
    w.text(" do not fit into the selectors that strongSwan has configured: the ");
    w.text(vpn.outside == 1 ? "source" : "destination").text(" is outside");
  }
  end(vpn.config.name);
  return false;
}

/** Whether something on this machine was found that keeps its echoes back. */
function checkEchoes(index: i32): bool {
  const vpn = vpnAt(index);
  // The tunnel's routes come and go with its SA.
  if (vpn.current < 0) return false;
  // That has been told, and explains the rest.
  if (!isOurs(vpn.source)) return true;
  let any = false;
  for (let i = 0; i < lookupCount(); i++) {
    const way = lookupAt(i);
    if (way.subject != index || way.detail == TO_PEER || way.mark != 0 || !way.answered) continue;
    any = checkWay(vpn, i) || any;
  }
  if (!any && vpn.held > 0) {
    const w = begin(Finding.HELD_BACK).text("the kernel has no IPsec for echoes from ");
    writeAddress(w, vpn.source).text(" to ");
    writeAddress(w, vpn.target(0).address).text(", although strongSwan lists an SA: they would ");
    w.text("leave unencrypted, and the guard holds them back");
    end(vpn.config.name);
    any = true;
  }
  if (!any && vpn.said_errno != 0) {
    const w = begin(Finding.UNSENDABLE).text("the kernel does not send to ");
    writeSendingReason(writeAddress(w, vpn.target(0).address).text(": "), vpn.said_errno);
    end(vpn.config.name);
    any = true;
  }
  return any;
}

/** Whether that way, of an echo without a mark, is a wrong one, or one with a mark is another. */
function checkWay(vpn: Vpn, i: i32): bool {
  const way = lookupAt(i);
  const target = vpn.target(way.detail).address;
  const name = vpn.config.name;
  if (way.errno != 0) {
    const w = begin(Finding.NO_ROUTE).text("the kernel has no way from ");
    writeAddress(writeAddress(w, vpn.source).text(" to "), target).text(" (");
    writeSendingReason(w, way.errno).u8(0x29);
    end(name);
    return true;
  }
  if (way.local) {
    writeAddress(begin(Finding.OUR_DESTINATION), target).text(" is an address of this machine");
    end(name);
    return true;
  }
  // Which interface it leaves by does not matter where IPsec takes it: the guard knows.
  if (vpn.held == 0) return false;
  if (isForeign(way.table)) {
    const w = begin(Finding.STOLEN_BY_RULE).text("policy routing takes its echoes to ");
    writeAddress(w, target).text(" past the tunnel: ");
    writeRule(w, way.table, 0, way.v4);
    writeInterface(w.text(", by "), way.oif);
    end(name);
    return true;
  }
  return checkMarks(vpn, i);
}

function isForeign(table: u32): bool {
  if (table == STRONGSWAN_TABLE) return false;
  return table < RT_TABLE_DEFAULT || table > RT_TABLE_LOCAL;
}

function checkMarks(vpn: Vpn, plain: i32): bool {
  const way = lookupAt(plain);
  for (let i = plain + 1; i < lookupCount(); i++) {
    const marked = lookupAt(i);
    if (marked.subject != way.subject || marked.detail != way.detail || marked.mark == 0) break;
    if (!marked.answered || marked.oif == way.oif) continue;
    const w = begin(Finding.STOLEN_BY_MARK).text("the firewall's mark takes its echoes to ");
    writeAddress(w, vpn.target(way.detail).address).text(" past the tunnel: ");
    writeRule(w, marked.table, marked.mark, way.v4);
    if (marked.errno != 0) writeSendingReason(w.text(" ("), marked.errno).u8(0x29);
    else writeInterface(w.text(", by "), marked.oif);
    writeInterface(w.text(" and not by "), way.oif);
    end(vpn.config.name);
    return true;
  }
  return false;
}

/** `rule 1001 with mark 0x100/0x3f00, table 1` */
function writeRule(w: Writer, table: u32, mark: u32, v4: bool): Writer {
  for (let i = 0; i < ruleCount(); i++) {
    const rule = ruleAt(i);
    const same = mark != 0 ? rule.mark == mark : rule.table == table;
    if (rule.v4 != v4 || !same) continue;
    w.text("rule ").decimal(rule.priority);
    if (rule.mark != 0) w.text(" with mark 0x").hex(rule.mark).text("/0x").hex(rule.mask);
    return w.text(", table ").decimal(rule.table);
  }
  return w.text("table ").decimal(table);
}

function writeInterface(w: Writer, index: u32): Writer {
  const name = interfaceName(index);
  return name != 0 ? w.name(name) : w.text("interface ").decimal(index);
}

/** Whether the kernel knows a way to the peer. */
function checkWayToPeer(index: i32): bool {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  for (let i = 0; i < lookupCount(); i++) {
    const way = lookupAt(i);
    if (way.subject != index || way.detail != TO_PEER || !way.answered || way.errno == 0) continue;
    const w = begin(Finding.NO_ROUTE_TO_PEER).text("the kernel has no way to the peer ");
    writeSendingReason(writeAddress(w, gateway.peer_ip).text(" ("), way.errno).u8(0x29);
    end(vpn.config.name);
    return false;
  }
  return true;
}

/** Looks for the peer itself: does it answer IKE, or a ping in the clear? */
function checkPeer(index: i32): void {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  const name = vpn.config.name;
  if (vpn.tried == Tried.REFUSED) {
    const w = begin(Finding.REFUSED).text("strongSwan or the peer refuses to negotiate");
    writeRefusal(w, vpn);
    end(name);
    return;
  }
  const pinged = gateway.rare.pinged == examination();
  const answers = gateway.rare.ping_answered == examination();
  const ike_silent = vpn.tried == Tried.SILENCE || onlyUnanswered(gateway);
  if (pinged && !answers && (ike_silent || vpn.state == State.DOWN)) {
    const w = writeAddress(begin(Finding.SILENT_PEER).text("the peer "), gateway.peer_ip);
    if (ike_silent) w.text(" answers neither IKE nor a ping beside the tunnel");
    else w.text(" does not answer a ping beside the tunnel either");
    end(name);
  } else if (ike_silent) {
    const w = writeAddress(begin(Finding.SILENT_IKE).text("the peer "), gateway.peer_ip);
    w.text(answers ? " answers a ping beside the tunnel, but not IKE" : " does not answer IKE");
    end(name);
  }
}

/** Whether there are attempts, and nothing else, and the peer has answered none of them. */
function onlyUnanswered(gateway: Gateway): bool {
  let any = false;
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    const sa = phase1At(i);
    if (sa.state != IkeState.CONNECTING || sa.answered || !sa.initiator) return false;
    any = true;
  }
  // One that is young has had no time for an answer.
  return any && gateway.silences > 0;
}
