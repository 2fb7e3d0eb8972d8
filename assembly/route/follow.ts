/** Tunnel interfaces follow their VPNs: which is on which, and what state that makes. */
import { tunnelChanged, vpnBound } from "../event/route";
import { Note, vpnAt, vpnCount } from "../sa/vpn";
import { noteChange } from "./change";
import { forgetLearned } from "./learn";
import { dropProbes, followTargets } from "./probe";
import { combined, Follows, followsOf, seenOf, stateAfter } from "./state";
import { tunnelAt, TunnelState, tunnelStateWord } from "./tunnel";

/** Whether every VPN on an interface was listed once: from then on routes are withdrawn. */
let known: bool = false;

/** Forgets it. */
export function initFollowing(): void {
  known = false;
}

/** The VPN's state may be another: its interface follows. On the hot path. */
export function stateChanged(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.tunnel < 0) return;
  enterState(index, stateAfter(followsOf(vpn), seenOf(vpn), vpn.tunnel_state));
}

/** Likewise, or its SA's if_id or its targets may be others. Takes memory for routes. */
export function vpnChanged(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.tunnel < 0) return;
  stateChanged(index);
  if (followTargets(index)) noteChange();
  if (vpn.if_id == vpn.routed_if_id) return;
  vpn.routed_if_id = vpn.if_id;
  noteChange();
}

function enterState(index: i32, state: TunnelState): void {
  const vpn = vpnAt(index);
  const was = <i32>vpn.tunnel_state;
  if (was == state) return;
  const tunnel = tunnelAt(vpn.tunnel);
  tunnel.count(was, -1);
  tunnel.count(state, 1);
  vpn.tunnel_state = <u8>state;
  settle(vpn.tunnel);
  noteChange();
}

function settle(index: i32): void {
  const tunnel = tunnelAt(index);
  const state = combined(tunnel);
  if (tunnel.state == state) return;
  tunnel.state = state;
  tunnelChanged(tunnel.config.name, tunnelStateWord(state));
}

/** Puts the VPN on the interface at `tunnel`; -1: takes it off. */
export function bind(index: i32, tunnel: i32): void {
  const vpn = vpnAt(index);
  if (vpn.tunnel == tunnel) return;
  unbind(index);
  if (tunnel < 0) return;
  const owner = tunnelAt(tunnel);
  vpn.tunnel = tunnel;
  vpn.tunnel_state = <u8>TunnelState.READY;
  vpn.routed_if_id = 0;
  vpn.said_claim = false;
  owner.vpn_count++;
  owner.count(TunnelState.READY, 1);
  if (owner.vpn < 0) owner.vpn = index;
  vpnBound(vpn.config.name, owner.config.name, true);
  settle(tunnel);
  noteChange();
}

/** Takes the VPN off its interface; its static next hops must have been removed. */
export function unbind(index: i32): void {
  const vpn = vpnAt(index);
  const tunnel = vpn.tunnel;
  if (tunnel < 0) return;
  forgetLearned(index);
  dropProbes(index);
  assert(vpn.first_route < 0 && vpn.first_next_hop < 0);
  const owner = tunnelAt(tunnel);
  owner.vpn_count--;
  owner.count(vpn.tunnel_state, -1);
  vpn.tunnel = -1;
  if (owner.vpn == index) owner.vpn = firstOn(tunnel);
  vpnBound(vpn.config.name, owner.config.name, false);
  settle(tunnel);
  noteChange();
}

function firstOn(tunnel: i32): i32 {
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED) && vpnAt(i).tunnel == tunnel) return i;
  }
  return -1;
}

/**
 * The interface was found dormant: so a rekeyd before this one left it, and its VPNs are DOWN until
 * they are seen to work.
 */
export function adoptDown(tunnel: i32): void {
  if (isKnown()) return;
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED) || vpn.tunnel != tunnel) continue;
    if (followsOf(vpn) == Follows.REKEY) enterState(i, TunnelState.DOWN);
  }
}

/** Whether it is known of all VPNs on interfaces which SAs they have. */
export function isKnown(): bool {
  for (let i = 0; i < vpnCount() && !known; i++) {
    const vpn = vpnAt(i);
    if (vpn.noted(Note.USED) && vpn.tunnel >= 0 && !vpn.noted(Note.LISTED)) return false;
  }
  known = true;
  return true;
}
