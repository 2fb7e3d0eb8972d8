import { isUnset, writeAddress } from "../bytes/address";
import { nameLength } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { findPhase1 } from "../sa/listing";
import { gatewayAt } from "../sa/gateway";
import { phase1At } from "../sa/phase1";
import { Phase2, phase2At } from "../sa/phase2";
import { Note, tunnelId, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { leftCell, newCell, rightCell } from "./cell";
import { secondsUntil, sta } from "./sta";

/** Which VPNs `get sa` shows. */
export const enum SaFilter {
  ALL,
  ACTIVE,
  INACTIVE,
  /** The one with the ID. */
  ID,
}

const MIN_GATEWAY_COLUMNS: i32 = 15;
const MIN_ALGORITHM_COLUMNS: i32 = 15;
/** RFC 7296, 2: IKE's port; where NAT is in between it is another. */
const IKE_PORT: i32 = 500;

/** The widest cells, so that the columns stand straight. */
let gateway_columns: i32 = 0;
let algorithm_columns: i32 = 0;

/** Whether the VPN is one of those that are shown. */
export function shown(index: i32, filter: SaFilter, id: u32): bool {
  const vpn = vpnAt(index);
  if (!vpn.noted(Note.USED)) return false;
  switch (filter) {
    case SaFilter.ACTIVE:
      return vpn.current >= 0;
    case SaFilter.INACTIVE:
      return vpn.current < 0;
    case SaFilter.ID:
      return tunnelId(index) == id;
    default:
      return true;
  }
}

/** ScreenOS's table (screenos.md, "get sa"): for each SA a line for each direction. */
export function getSa(w: Writer, filter: SaFilter, id: u32): void {
  const total = measure(filter, id);
  w.text("total configured sa: ").decimal(total).u8(0x0a);
  newCell().text("Gateway");
  leftCell(w.text("HEX ID     "), gateway_columns).text("  Port ");
  newCell().text("Algorithm");
  leftCell(w, algorithm_columns).text(" SPI      Life:sec    kb Sta  PID vsys\n");
  for (let i = 0; i < vpnCount() && !w.truncated; i++) {
    if (shown(i, filter, id)) writeVpn(w, i);
  }
}

/** Counts the VPNs that are shown and finds the widest cells. */
function measure(filter: SaFilter, id: u32): i32 {
  gateway_columns = MIN_GATEWAY_COLUMNS;
  algorithm_columns = MIN_ALGORITHM_COLUMNS;
  let total = 0;
  for (let i = 0; i < vpnCount(); i++) {
    if (!shown(i, filter, id)) continue;
    total++;
    const vpn = vpnAt(i);
    gateway_columns = max(gateway_columns, peerCell(vpn).length);
    if (vpn.current < 0) continue;
    algorithm_columns = max(algorithm_columns, nameLength(phase2At(vpn.current).algorithm));
  }
  return total;
}

function writeVpn(w: Writer, index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.current < 0) {
    writeLine(w, index, 0x3c, null);
    writeLine(w, index, 0x3e, null);
    return;
  }
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (i != vpn.current && !sa.forwards) continue;
    writeLine(w, index, 0x3c, sa);
    writeLine(w, index, 0x3e, sa);
  }
}

function writeLine(w: Writer, index: i32, direction: u8, sa: Phase2 | null): void {
  const vpn = vpnAt(index);
  w.hex(tunnelId(index)).u8(direction).text("  ");
  peerCell(vpn);
  leftCell(w, gateway_columns).u8(0x20);
  newCell().decimal(remotePort(vpn));
  rightCell(w, 5).u8(0x20);
  if (sa == null) {
    newCell().u8(0x2d);
    leftCell(w, algorithm_columns).text(" 00000000    expir unlim ");
  } else {
    newCell().name(sa.algorithm);
    leftCell(w, algorithm_columns).u8(0x20);
    w.hex(direction == 0x3c ? sa.spi_in : sa.spi_out).u8(0x20);
    writeLife(newCell(), sa);
    rightCell(w, 8).text(" unlim ");
  }
  w.text(sta(vpn)).text("   -1 0\n");
}

function writeLife(w: Writer, sa: Phase2): void {
  if (sa.expires_at_ms == 0) w.text("unlim");
  else w.decimal(secondsUntil(sa.expires_at_ms));
}

/** The peer's address as the IKE SA in use has it, else as it is configured; 0.0.0.0 for any. */
export function peerAddress(vpn: Vpn): usize {
  const phase1 = phase1Of(vpn);
  return phase1 < 0 ? gatewayAt(vpn.gateway).peer_ip : phase1At(phase1).remote_host;
}

function peerCell(vpn: Vpn): Writer {
  const peer = peerAddress(vpn);
  return isUnset(peer) ? newCell().text("0.0.0.0") : writeAddress(newCell(), peer);
}

function remotePort(vpn: Vpn): i32 {
  const phase1 = phase1Of(vpn);
  return phase1 < 0 ? IKE_PORT : phase1At(phase1).remote_port;
}

/** The IKE SA of the CHILD_SA in use, or -1. */
function phase1Of(vpn: Vpn): i32 {
  return vpn.current < 0 ? -1 : findPhase1(vpn.gateway, phase2At(vpn.current).ike_id);
}
