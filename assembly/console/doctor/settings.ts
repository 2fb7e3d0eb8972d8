/** What is set such that a VPN is watched, or recovered, less well than it could be. */
import { VpnFlag } from "../../config/model";
import { now_ms } from "../../clock";
import { ChildState, Phase2, phase2At } from "../../sa/phase2";
import { IkeState, Phase1, phase1At } from "../../sa/phase1";
import { sameAddress } from "../../bytes/address";
import { Gateway, gatewayAt } from "../../sa/gateway";
import { State, Vpn, vpnAt } from "../../sa/vpn";
import { begin, end, Finding } from "./finding";

/** Until a VPN is down people wait for a few minutes, not for longer. */
const SLOW_MS: i64 = 300_000;
/** Duplicates are told for so long. */
const DUPLICATES_MS: i64 = 3_600_000;
/** Packets of users from which on their likeness says something. */
const FEW_PACKETS: i64 = 20;
/** Packets that may be on their way: echoes one way, their replies not yet back. */
const UNDER_WAY: i64 = 3;
/** No echo of a monitor is longer. */
const LONG_BYTES: i64 = 1500;

/** Looks at what is configured here, and in strongSwan. */
export function checkSettings(index: i32): void {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  const name = vpn.config.name;
  if (!vpn.config.has(VpnFlag.REKEY)) {
    begin(Finding.REKEY_OFF).text("when it is down that is told, and rekeyd does no more");
    end(name);
  }
  const wait_ms = <i64>vpn.config.interval_ms * (<i64>vpn.config.threshold + 1);
  if (wait_ms > SLOW_MS) {
    begin(Finding.SLOW)
      .text("a dead path is noticed after ")
      .seconds(wait_ms)
      .text(" s (interval ")
      .seconds(vpn.config.interval_ms)
      .text(" s, threshold ")
      .decimal(vpn.config.threshold)
      .u8(0x29);
    end(name);
  }
  checkLifetime(vpn);
  checkConnection(vpn, gateway);
  checkDuplicates(vpn, gateway);
  if (vpn.config.has(VpnFlag.OPTIMIZED)) checkOptimized(vpn);
}

function checkLifetime(vpn: Vpn): void {
  if (vpn.current < 0) return;
  const sa = phase2At(vpn.current);
  if (sa.expires_at_ms == 0) return;
  const lifetime_ms = sa.expires_at_ms - sa.installed_at_ms;
  const verdict_ms = <i64>vpn.config.interval_ms * vpn.config.threshold;
  if (lifetime_ms >= verdict_ms) return;
  begin(Finding.SHORT_LIFETIME)
    .text("an SA lives for ")
    .decimal(lifetime_ms / 1000)
    .text(" s, and a verdict on it takes ")
    .seconds(verdict_ms)
    .text(" s");
  end(vpn.config.name);
}

function checkConnection(vpn: Vpn, gateway: Gateway): void {
  if (!gateway.known) return;
  if (gateway.dpd_delay_s == 0) {
    begin(Finding.DPD_OFF)
      .text("connection '")
      .name(gateway.name)
      .text("' has no DPD: strongSwan does not see that its peer is gone");
    end(vpn.config.name);
  }
  // IKEv1 hands its CHILD_SAs over to the new IKE_SA.
  if (gateway.rare.reauth_time_s > 0 && gateway.version != 1) {
    begin(Finding.REAUTHENTICATION)
      .text("connection '")
      .name(gateway.name)
      .text("' is authenticated again every ")
      .decimal(gateway.rare.reauth_time_s)
      .text(" s: without make_before_break, the default up to strongSwan 5.9, the SAs go first");
    end(vpn.config.name);
  }
}

function checkDuplicates(vpn: Vpn, gateway: Gateway): void {
  const recent = vpn.duplicates > 0 && now_ms - vpn.duplicate_at_ms < DUPLICATES_MS;
  const now = countDuplicates(vpn);
  const both = madeByBoth(gateway);
  if (!recent && now == 0 && !both) return;
  const w = begin(Finding.BOTH_INITIATE).text("both ends initiate: ");
  if (now > 0) w.counted(now + 1, "SA").text(" with the same selectors are there");
  else if (both) w.text("each end has made an IKE_SA, and both are there");
  else {
    w.counted(vpn.duplicates, "duplicate SA").text(" came about, the last one ");
    w.decimal((now_ms - vpn.duplicate_at_ms) / 1000).text(" s ago");
  }
  end(vpn.config.name);
}

/** Installed CHILD_SAs with the selectors of the one in use, that one left out. */
function countDuplicates(vpn: Vpn): i32 {
  if (vpn.current < 0) return 0;
  const current: Phase2 = phase2At(vpn.current);
  let count = 0;
  for (let i = vpn.first_phase2; i >= 0; i = phase2At(i).next) {
    const sa = phase2At(i);
    if (i == vpn.current || sa.state != ChildState.INSTALLED) continue;
    if (current.state == ChildState.INSTALLED && sa.hasSelectorsOf(current)) count++;
  }
  return count;
}

/** Whether there are IKE_SAs with one peer, one made by each end. */
function madeByBoth(gateway: Gateway): bool {
  for (let i = gateway.first_phase1; i >= 0; i = phase1At(i).next) {
    const ours: Phase1 = phase1At(i);
    if (!ours.initiator || ours.state != IkeState.ESTABLISHED) continue;
    for (let j = gateway.first_phase1; j >= 0; j = phase1At(j).next) {
      const theirs = phase1At(j);
      const established = theirs.state == IkeState.ESTABLISHED && !theirs.initiator;
      if (established && sameAddress(ours.remote_host, theirs.remote_host)) return true;
    }
  }
  return false;
}

/**
 * A monitoring peer's echoes look like user traffic, and hide a fault: as many packets in as out,
 * of the same length, and no others.
 */
function checkOptimized(vpn: Vpn): void {
  if (vpn.current < 0 || vpn.state != State.UP) return;
  const sa = phase2At(vpn.current);
  if (sa.packets_in - <i64>vpn.own_in < FEW_PACKETS) return;
  if (abs(sa.packets_in - sa.packets_out) > UNDER_WAY) return;
  if (abs(sa.bytes_in - sa.bytes_out) > UNDER_WAY * LONG_BYTES) return;
  begin(Finding.PEER_MONITORS)
    .text("optimized is on, and what comes in looks like a peer that pings: ")
    .counted(sa.packets_in, "packet")
    .text(" in and ")
    .decimal(sa.packets_out)
    .text(" out, of one length");
  end(vpn.config.name);
}
