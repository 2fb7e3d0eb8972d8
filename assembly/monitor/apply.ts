/**
 * Puts a staged configuration into force. Only what changed is touched: an
 * unchanged VPN goes on in the middle of its round, a changed one loses what the
 * change made untrue, and no SA is touched either way.
 */
import { sameAddress } from "../bytes/address";
import { sameName } from "../bytes/slice";
import { NEVER, now_ms } from "../clock";
import {
  GLOBAL_CONFIG_BYTES,
  running,
  VPN_CONFIG_BYTES,
  VpnConfig,
  VpnFlag,
} from "../config/model";
import { stagedCount, stagedGlobal, stagedVpn } from "../config/staged";
import { intervalSet, monitoringSet, thresholdSet } from "../event/text";
import { forgetGateway, forgetVpn, unask } from "../ike/negotiation";
import { MAX_IKE_NAME_BYTES } from "../limits";
import { gatewayAt, gatewayCount, giveGateway, takeGateway } from "../sa/gateway";
import { forgetPhase1, forgetPhase2 } from "../sa/listing";
import { giveVpn, Note, State, takeVpn, Tried, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { freeTimer, newTimer, schedule } from "../timer/wheel";
import { aim } from "./aim";
import { applyTunnels, releaseVpn } from "./apply_tunnels";
import { connectToCharon, distrustListing, lookAtConnections } from "./conversation";
import { forgetHook } from "./hook";
import { forgetRenewals, withdrawRenewal } from "./lifetime";
import { neighbourGone, neighboursApply } from "./neighbours";
import { gatewayOwner, vpnOwner } from "./owner";
import { findGateway, findVpn, rebuildRegistry, registerGateway } from "./registry";
import { askRecorder, isRecording } from "./recorder";
import { forgetSamples, leaveRound } from "./samples";
import { startRounds } from "./start";
import { noteNextHops } from "./way";

/** Whether a configuration is in force: the first one is no change to anything. */
let configured: bool = false;
let last_path: u32 = 0;

/** Puts the configuration that config/read.ts has staged into force. */
export function applyStaged(): void {
  const moved = applyGlobal();
  for (let i = 0; i < stagedCount(); i++) {
    const index = findVpn(stagedVpn(i).name);
    if (index < 0) continue;
    vpnAt(index).note(Note.KEPT);
    change(index, stagedVpn(i));
  }
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED) && !vpnAt(i).noted(Note.KEPT)) remove(i);
  }
  for (let i = 0; i < stagedCount(); i++) {
    if (findVpn(stagedVpn(i).name) < 0) add(stagedVpn(i));
  }
  linkGateways();
  rebuildRegistry(0);
  applyTunnels();
  neighboursApply();
  distrustListing();
  for (let i = 0; i < vpnCount(); i++) vpnAt(i).unnote(Note.KEPT);
  aimBound();
  if (moved) connectToCharon();
  else lookAtConnections();
  configured = true;
}

/** Interfaces and next hops may be others: VPNs that are bound to one look where they ping. */
function aimBound(): void {
  noteNextHops();
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED) && vpnAt(i).tunnel >= 0) aim(i);
  }
}

/** Answers whether vici is to be found elsewhere now. */
function applyGlobal(): bool {
  const staged = stagedGlobal();
  const moved = !configured || !sameName(staged.vici, running.vici);
  if (configured) {
    if (staged.interval_ms != running.interval_ms) intervalSet(staged.interval_ms);
    if (staged.threshold != running.threshold) thresholdSet(staged.threshold);
  }
  const records = staged.recorder != running.recorder;
  memory.copy(changetype<usize>(running), changetype<usize>(staged), GLOBAL_CONFIG_BYTES);
  if (records && running.recorder != isRecording()) askRecorder(running.recorder);
  return moved;
}

function add(config: VpnConfig): void {
  const index = takeVpn();
  // The reader has refused what is past MAX_VPNS.
  assert(index >= 0);
  const vpn = vpnAt(index);
  memory.copy(changetype<usize>(vpn.config), changetype<usize>(config), VPN_CONFIG_BYTES);
  vpn.timer = newTimer(vpnOwner(index));
  vpn.gateway = -1;
  vpn.seq = 1;
  vpn.note(Note.KEPT);
  forgetSamples(vpn);
  forgetPath(vpn);
  sayMonitoring(vpn);
}

function remove(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.gateway >= 0) forgetVpn(index);
  forgetHook(vpn);
  neighbourGone(index);
  releaseVpn(index);
  forgetPhase2(index);
  freeTimer(vpn.timer);
  giveVpn(index);
}

function change(index: i32, config: VpnConfig): void {
  const vpn = vpnAt(index);
  const old = vpn.config;
  const p = changetype<usize>(old);
  if (memory.compare(p, changetype<usize>(config), VPN_CONFIG_BYTES) == 0) return;

  const other_path = !sameName(old.gateway, config.gateway) || !sameName(old.child, config.child);
  const other_probe = !sameProbe(old, config);
  const other_mode = old.flags != config.flags;
  if (other_path || !sameName(old.hook, config.hook)) forgetHook(vpn);
  const sooner = config.interval_ms < old.interval_ms;
  if (other_path) forgetVpn(index);
  memory.copy(p, changetype<usize>(config), VPN_CONFIG_BYTES);
  if (other_path) {
    neighbourGone(index);
    forgetPhase2(index);
    forgetPath(vpn);
  }
  if (other_path || other_probe) {
    forgetSamples(vpn);
    vpn.unnote(Note.SAID_UNCOVERED);
    aim(index);
  }
  if (other_path || other_probe || other_mode) {
    startOver(index);
    sayMonitoring(vpn);
  } else if (sooner && vpn.due_ms > now_ms + config.interval_ms) {
    vpn.due_ms = now_ms + config.interval_ms;
    schedule(vpn.timer, vpn.due_ms);
  }
}

/** Whether the same echoes would be sent. */
function sameProbe(a: VpnConfig, b: VpnConfig): bool {
  if (a.destination_count != b.destination_count) return false;
  for (let i = 0; i < a.destination_count; i++) {
    if (!sameAddress(a.destination_ip(i), b.destination_ip(i))) return false;
  }
  if (!sameName(a.source_interface, b.source_interface)) return false;
  return sameAddress(a.source_ip, b.source_ip) && sameName(a.tunnel, b.tunnel);
}

/** The VPN is another tunnel now: nothing that was seen of the old one holds. */
function forgetPath(vpn: Vpn): void {
  vpn.path = ++last_path;
  vpn.state = State.INACTIVE;
  vpn.notes &= <u16>(Note.USED | Note.KEPT);
  vpn.first_phase2 = -1;
  vpn.current = -1;
  vpn.spi_in = 0;
  vpn.if_id = 0;
  vpn.recoveries = 0;
  vpn.retry_at_ms = 0;
  vpn.inbound_at_ms = 0;
  vpn.answered_at_ms = 0;
  vpn.not_tunnel = false;
  vpn.outside = 0;
  vpn.duplicates = 0;
  vpn.tell(Tried.NOTHING, 0);
}

/** Another mode or probe: the path is unverified, but nothing is said to be down. */
function startOver(index: i32): void {
  const vpn = vpnAt(index);
  vpn.state = vpn.noted(Note.HAS_SA) ? State.READY : State.INACTIVE;
  vpn.misses = 0;
  vpn.answers = 0;
  // What is out has not had its time.
  leaveRound(vpn);
  if (!vpn.config.has(VpnFlag.REKEY)) {
    unask(index);
    withdrawRenewal(vpn);
  }
  startRounds(index);
}

function sayMonitoring(vpn: Vpn): void {
  const config = vpn.config;
  const on = config.has(VpnFlag.MONITOR);
  // At the start only what is on is worth a line.
  if (!on && !configured) return;
  const to = config.destination_ip(0);
  const rekey = config.has(VpnFlag.REKEY);
  monitoringSet(config.name, on, config.source_interface, config.source_ip, to, rekey);
}

/** Every VPN under its gateway, new gateways made and empty ones removed. */
function linkGateways(): void {
  rebuildRegistry(stagedCount());
  for (let i = 0; i < gatewayCount(); i++) gatewayAt(i).first_vpn = -1;
  // From the last to the first, so that the chains are in the order of the records.
  for (let i = vpnCount() - 1; i >= 0; i--) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED)) continue;
    let index = findGateway(vpn.config.gateway);
    if (index < 0) index = addGateway(vpn.config.gateway);
    const gateway = gatewayAt(index);
    vpn.gateway = index;
    vpn.next_of_gateway = gateway.first_vpn;
    gateway.first_vpn = i;
    // Of the Phase 1 key's lifetime another VPN may decide now.
    forgetRenewals(index);
  }
  for (let i = 0; i < gatewayCount(); i++) {
    if (gatewayAt(i).used && gatewayAt(i).first_vpn < 0) removeGateway(i);
  }
}

function addGateway(name: usize): i32 {
  const index = takeGateway();
  assert(index >= 0);
  const gateway = gatewayAt(index);
  memory.copy(gateway.name, name, MAX_IKE_NAME_BYTES + 1);
  gateway.first_vpn = -1;
  gateway.first_phase1 = -1;
  gateway.vpn = -1;
  gateway.deadline_ms = NEVER;
  gateway.list_at_ms = NEVER;
  gateway.settle_at_ms = NEVER;
  gateway.soft_at_ms = NEVER;
  gateway.timer = newTimer(gatewayOwner(index));
  registerGateway(index);
  return index;
}

function removeGateway(index: i32): void {
  forgetGateway(index);
  forgetPhase1(index);
  freeTimer(gatewayAt(index).timer);
  giveGateway(index);
}
