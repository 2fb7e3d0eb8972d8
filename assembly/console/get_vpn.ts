import { isUnset, writeAddress } from "../bytes/address";
import { nameLength, sameName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { NEVER, now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { eventAt, eventCount } from "../event/log";
import { availability } from "../monitor/samples";
import { tunnelAt } from "../route/tunnel";
import { Gateway, gatewayAt, Negotiation } from "../sa/gateway";
import { Phase1, phase1At } from "../sa/phase1";
import { Phase2, phase2At } from "../sa/phase2";
import { Note, stateWord, tunnelId, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { leftCell, newCell, rightCell, spaces } from "./cell";
import { tunnelStateWord } from "./get_tunnel";
import { peerAddress } from "./get_sa";
import { negotiation, negotiationWord } from "./negotiation";
import { writeBriefly } from "./next";
import { isOut, writeNext, writeTried, writeWhy } from "./outage";
import { childStateWord, ikeStateWord, secondsSince, secondsUntil, sta } from "./sta";

/** Events that the detail of a VPN shows. */
const MAX_VPN_EVENTS: i32 = 10;
const MIN_NAME_COLUMNS: i32 = 8;

/** All VPNs, one line each. */
export function getVpnTable(w: Writer): void {
  let name_columns = MIN_NAME_COLUMNS;
  let gateway_columns = MIN_NAME_COLUMNS;
  let optimized = false;
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED)) continue;
    name_columns = max(name_columns, nameLength(vpn.config.name));
    gateway_columns = max(gateway_columns, nameLength(vpn.config.gateway));
    if (vpn.config.has(VpnFlag.OPTIMIZED)) optimized = true;
  }
  newCell().text("Name");
  leftCell(w, name_columns).u8(0x20);
  newCell().text("Gateway");
  leftCell(w, gateway_columns).text(" Monitor Rekey Optimized Sta State    Delay:ms Avail\n");
  for (let i = 0; i < vpnCount() && !w.truncated; i++) {
    const vpn = vpnAt(i);
    if (vpn.noted(Note.USED)) writeRow(w, vpn, name_columns, gateway_columns);
  }
  if (optimized) w.text("* optimized: delay and availability come from fewer echoes\n");
}

function writeRow(w: Writer, vpn: Vpn, name_columns: i32, gateway_columns: i32): void {
  newCell().name(vpn.config.name);
  leftCell(w, name_columns).u8(0x20);
  newCell().name(vpn.config.gateway);
  leftCell(w, gateway_columns).u8(0x20);
  onOffCell(vpn, VpnFlag.MONITOR);
  leftCell(w, 8);
  onOffCell(vpn, VpnFlag.REKEY);
  leftCell(w, 6);
  onOffCell(vpn, VpnFlag.OPTIMIZED);
  leftCell(w, 10).text(sta(vpn)).u8(0x20);
  newCell().text(stateWord(vpn));
  leftCell(w, 8).u8(0x20);
  const delay = newCell();
  if (vpn.delay_last_ms < 0) delay.u8(0x2d);
  else delay.decimal(vpn.delay_last_ms);
  rightCell(w, 8).u8(0x20);
  writeAvailability(newCell(), vpn);
  rightCell(w, 5);
  if (vpn.config.has(VpnFlag.OPTIMIZED)) w.text(" *");
  w.u8(0x0a);
}

function onOffCell(vpn: Vpn, flag: VpnFlag): void {
  newCell().text(onOff(vpn, flag));
}

function onOff(vpn: Vpn, flag: VpnFlag): string {
  return vpn.config.has(flag) ? "on" : "off";
}

function writeAvailability(w: Writer, vpn: Vpn): void {
  const percent = availability(vpn);
  if (percent < 0) w.u8(0x2d);
  else w.decimal(percent).u8(0x25);
}

/** One VPN: what is configured, both levels of its SAs, targets, counters, its last events. */
export function getVpnDetail(w: Writer, index: i32): void {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  w.text("VPN ")
    .name(vpn.config.name)
    .text(": ")
    .text(stateWord(vpn))
    .text(", Sta ")
    .text(sta(vpn));
  w.text(", ID 0x").hex(tunnelId(index)).u8(0x0a);
  writeOutage(w, index);
  writeGateway(w, vpn, gateway);
  writeSettings(w, vpn);
  writeTargets(w, vpn);
  writePhase1(w, gateway);
  writeNegotiation(w, index);
  writePhase2(w, vpn, gateway);
  writeCounters(w, vpn);
  writeEvents(w, vpn);
}

/** A line's name, in a column of its own. */
function row(w: Writer, name: string): Writer {
  newCell().text(name);
  return leftCell(w.text("  "), 14);
}

function writeOutage(w: Writer, index: i32): void {
  const vpn = vpnAt(index);
  if (!isOut(vpn)) {
    writeBriefly(row(w, "Next"), index).u8(0x0a);
    return;
  }
  writeWhy(row(w, "Why"), vpn).u8(0x0a);
  writeTried(row(w, "Tried last"), vpn).u8(0x0a);
  writeNext(row(w, "Next"), index).u8(0x0a);
}

function writeGateway(w: Writer, vpn: Vpn, gateway: Gateway): void {
  row(w, "Gateway").name(vpn.config.gateway).text(", ");
  writeAddressOr(w, peerAddress(vpn), "any address");
  if (gateway.version != 0) w.text(", IKEv").decimal(gateway.version);
  if (gateway.listed && !gateway.known) w.text(", unknown to strongSwan");
  w.u8(0x0a);
  row(w, "Child").name(vpn.config.child).u8(0x0a);
  if (vpn.tunnel >= 0) writeBinding(w, vpn);
}

/** The tunnel interface, what the VPN offers on it, and by which if_id its packets leave. */
function writeBinding(w: Writer, vpn: Vpn): void {
  row(w, "Interface").name(tunnelAt(vpn.tunnel).config.name);
  w.text(", ").text(tunnelStateWord(vpn.tunnel_state));
  if (vpn.if_id != 0) w.text(", if_id ").decimal(vpn.if_id);
  w.u8(0x0a);
}

function writeSettings(w: Writer, vpn: Vpn): void {
  const config = vpn.config;
  row(w, "Monitor").text(onOff(vpn, VpnFlag.MONITOR));
  w.text(", rekey ").text(onOff(vpn, VpnFlag.REKEY));
  w.text(", optimized ").text(onOff(vpn, VpnFlag.OPTIMIZED)).u8(0x0a);
  row(w, "Interval").seconds(config.interval_ms).text(" s, threshold ").decimal(config.threshold);
  w.text(", recover ")
    .decimal(config.recover)
    .text(", size ")
    .decimal(config.size)
    .text(" bytes\n");
}

function writeTargets(w: Writer, vpn: Vpn): void {
  row(w, "Source");
  writeAddressOr(w, vpn.source, "none yet");
  if (nameLength(vpn.config.source_interface) > 0) {
    w.text(" (").name(vpn.config.source_interface).u8(0x29);
  }
  w.u8(0x0a);
  row(w, "Destination");
  if (vpn.target_count == 0) w.text("none yet\n");
  for (let i = 0; i < <i32>vpn.target_count; i++) {
    if (i > 0) row(w, "");
    writeAddress(w, vpn.target(i).address);
    w.text(lastAnswered(vpn, i) ? ", answers\n" : ", no answer\n");
  }
  if (vpn.target_count > 1) {
    row(w, "Quorum");
    if (vpn.config.quorum == 0) w.text("all");
    else w.decimal(vpn.config.quorum);
    w.text(" of ").decimal(vpn.target_count).u8(0x0a);
  }
}

/** Whether the target answered in the round under way or in the one before. */
export function lastAnswered(vpn: Vpn, target: i32): bool {
  return (vpn.target(target).answered & 3) != 0;
}

function writePhase1(w: Writer, gateway: Gateway): void {
  if (gateway.first_phase1 < 0) row(w, "Phase 1").text("none\n");
  for (let i = gateway.first_phase1; i >= 0 && !w.truncated; i = phase1At(i).next) {
    const sa = phase1At(i);
    row(w, "Phase 1").text(ikeStateWord(sa.state)).text(", ").name(sa.algorithm);
    writeAddress(w.text(", "), sa.local_host);
    writeAddress(w.text(" - "), sa.remote_host).u8(0x5b).decimal(sa.remote_port).text("]");
    writePhase1Times(w, sa);
  }
  row(w, "DPD");
  if (gateway.dpd_delay_s > 0) w.text("on, every ").decimal(gateway.dpd_delay_s).text(" s\n");
  else w.text("off\n");
}

function writeNegotiation(w: Writer, index: i32): void {
  const step = negotiation(index);
  if (step == Negotiation.IDLE) return;
  const vpn = vpnAt(index);
  row(w, "Negotiation").text(negotiationWord(step));
  if (vpn.refusals > 0) w.text(", refusals ").decimal(vpn.refusals);
  let next_ms = gatewayAt(vpn.gateway).deadline_ms;
  if (step == Negotiation.BACKING_OFF) next_ms = max(next_ms, vpn.retry_at_ms);
  if (step != Negotiation.QUEUED && next_ms > now_ms && next_ms != NEVER) {
    w.text(", next step in ")
      .seconds(next_ms - now_ms)
      .text(" s");
  }
  w.u8(0x0a);
}

function writePhase1Times(w: Writer, sa: Phase1): void {
  if (sa.established_at_ms > 0) {
    w.text(", for ").decimal(secondsSince(sa.established_at_ms)).text(" s");
  }
  if (sa.rekey_at_ms > 0) w.text(", rekeyed in ").decimal(secondsUntil(sa.rekey_at_ms)).text(" s");
  if (sa.reauth_at_ms > 0) {
    w.text(", reauthenticated in ").decimal(secondsUntil(sa.reauth_at_ms)).text(" s");
  }
  w.u8(0x0a);
}

function writePhase2(w: Writer, vpn: Vpn, gateway: Gateway): void {
  const age_s = secondsSince(gateway.listed_at_ms);
  if (vpn.first_phase2 < 0) row(w, "Phase 2").text("none\n");
  for (let i = vpn.first_phase2; i >= 0 && !w.truncated; i = phase2At(i).next) {
    const sa = phase2At(i);
    row(w, "Phase 2").text(childStateWord(sa.state)).text(", ").name(sa.algorithm);
    w.text(", SPI ").hex(sa.spi_in).text(" in, ").hex(sa.spi_out).text(" out");
    if (i != vpn.current) w.text(", not in use");
    w.u8(0x0a);
    writePhase2Times(w, sa);
    row(w, "").counted(sa.packets_in, "packet").text(", ").counted(sa.bytes_in, "byte");
    w.text(" in; ").counted(sa.packets_out, "packet").text(", ");
    w.counted(sa.bytes_out, "byte").text(" out");
    // strongSwan tells counters only when it is asked.
    if (age_s > 0) w.text(" (").decimal(age_s).text(" s ago)");
    w.u8(0x0a);
    writeSelectors(row(w, ""), sa);
  }
}

function writePhase2Times(w: Writer, sa: Phase2): void {
  row(w, "");
  if (sa.expires_at_ms == 0) w.text("no lifetime");
  else w.text("lifetime ").decimal(secondsUntil(sa.expires_at_ms)).text(" s");
  if (sa.rekey_at_ms > 0) w.text(", rekeyed in ").decimal(secondsUntil(sa.rekey_at_ms)).text(" s");
  else if (sa.soft_at_ms > 0 && sa.soft_at_ms != NEVER) {
    w.text(", renewed in ").decimal(secondsUntil(sa.soft_at_ms)).text(" s");
  }
  w.u8(0x0a);
}

function writeSelectors(w: Writer, sa: Phase2): void {
  for (let i = 0; i < <i32>sa.local_selectors; i++) sa.local_selector(i).write(w).u8(0x20);
  w.text("===");
  for (let i = 0; i < <i32>sa.remote_selectors; i++) sa.remote_selector(i).write(w.u8(0x20));
  w.u8(0x0a);
}

function writeCounters(w: Writer, vpn: Vpn): void {
  row(w, "Echoes").decimal(vpn.echoes_sent).text(" sent, ").decimal(vpn.echoes_answered);
  w.text(" answered, ").decimal(vpn.misses).text(" missed in a row\n");
  row(w, "Delay");
  if (vpn.delay_last_ms < 0) w.text("none yet");
  else w.decimal(vpn.delay_last_ms).text(" ms, average ").seconds(averageDelay(vpn)).text(" ms");
  w.text(", availability ");
  writeAvailability(w, vpn);
  if (vpn.config.has(VpnFlag.OPTIMIZED)) w.text(" (optimized: from fewer echoes)");
  w.u8(0x0a);
  row(w, "Rekeys").decimal(vpn.rekeys).u8(0x0a);
}

/** Average delay in thousandths of a millisecond. */
export function averageDelay(vpn: Vpn): i64 {
  return (<i64>vpn.delay_avg_16 * 1000) / 16;
}

function writeEvents(w: Writer, vpn: Vpn): void {
  const oldest = oldestShown(vpn);
  if (oldest < 0) return;
  w.text("  Events\n");
  for (let age = oldest; age >= 0; age--) {
    const event = eventAt(age);
    if (!sameName(event.vpn, vpn.config.name)) continue;
    spaces(w, 4).bytes(event.line, event.line_length).u8(0x0a);
  }
}

/** Age of the oldest of the VPN's last MAX_VPN_EVENTS events; -1: it has none. */
export function oldestShown(vpn: Vpn): i32 {
  let oldest = -1;
  let found = 0;
  for (let age = 0; age < eventCount() && found < MAX_VPN_EVENTS; age++) {
    if (!sameName(eventAt(age).vpn, vpn.config.name)) continue;
    oldest = age;
    found++;
  }
  return oldest;
}

function writeAddressOr(w: Writer, address: usize, otherwise: string): Writer {
  return isUnset(address) ? w.text(otherwise) : writeAddress(w, address);
}
