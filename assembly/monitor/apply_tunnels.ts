/**
 * Puts the sections of tunnel interfaces, routes and next hops into force. What stays the same goes
 * on: a route that is dropped and wanted again keeps its place in the kernel.
 */
import { ADDRESS_BYTES, isUnset, sameAddress } from "../bytes/address";
import { nameBytes, nameLength } from "../bytes/slice";
import {
  stagedNhtb,
  stagedNhtbCount,
  stagedRoute,
  stagedRouteCount,
  stagedTunnel,
  stagedTunnelCount,
} from "../config/staged";
import { RouteConfig, TUNNEL_CONFIG_BYTES, TunnelConfig } from "../config/tunnel_model";
import { dropChained } from "../route/chain";
import { noteChange } from "../route/change";
import { bind, unbind, vpnChanged } from "../route/follow";
import { lookAgain } from "../route/kernel";
import { enter, leave } from "../route/learn";
import { findNextHop, nextHopAt, nextHopCount } from "../route/nhtb";
import { dropRoute, firstRoute, nextRoute, Origin, routeAt, routeCount } from "../route/table";
import { findTunnel, hasTunnels, takeTunnel, Tunnel, tunnelAt, tunnelCount } from "../route/tunnel";
import { addWays } from "../route/ways";
import { Note, vpnAt, vpnCount } from "../sa/vpn";
import { findVpn } from "./registry";

/** Puts the staged sections into force, after the VPNs. */
export function applyTunnels(): void {
  if (!hasTunnels() && stagedTunnelCount() == 0) return;
  removeStatic();
  const has_new = takeTunnels();
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED)) continue;
    const name = vpn.config.tunnel;
    const named = nameLength(name) > 0;
    bind(i, named ? findTunnel(nameBytes(name), nameLength(name)) : -1);
    vpnChanged(i);
  }
  retireTunnels();
  addNextHops();
  for (let i = 0; i < stagedRouteCount(); i++) addStaticRoute(stagedRoute(i));
  noteChange();
  // What the kernel has is known from its dump alone.
  if (has_new) lookAgain();
}

/** The VPN is removed: nothing leads to it any more. */
export function releaseVpn(index: i32): void {
  if (vpnAt(index).tunnel < 0) return;
  removeNextHops(index);
  unbind(index);
}

/** Removes the static next hops, of one VPN or of all: -1. */
function removeNextHops(vpn: i32): void {
  for (let i = nextHopCount() - 1; i >= 0; i--) {
    const entry = nextHopAt(i);
    if (entry.used && !entry.automatic && (vpn < 0 || entry.vpn == vpn)) leave(i);
  }
}

/** Takes out what the configuration before has put in. */
function removeStatic(): void {
  // In the opposite order: records that are freed last are taken first, and keep their places.
  for (let i = routeCount() - 1; i >= 0; i--) {
    if (routeAt(i).used && routeAt(i).origin == Origin.CONFIGURED) dropRoute(i);
  }
  removeNextHops(-1);
}

/** Whether there are interfaces that were not configured before. */
function takeTunnels(): bool {
  let has_new = false;
  for (let i = 0; i < tunnelCount(); i++) tunnelAt(i).kept = false;
  for (let i = 0; i < stagedTunnelCount(); i++) {
    const config = stagedTunnel(i);
    let index = findTunnel(nameBytes(config.name), nameLength(config.name));
    if (index < 0) {
      index = takeTunnel();
      has_new = true;
    }
    const tunnel = tunnelAt(index);
    tunnel.kept = true;
    change(tunnel, config);
  }
  return has_new;
}

/** Takes over a changed section. */
function change(tunnel: Tunnel, config: TunnelConfig): void {
  const old = tunnel.config;
  const p = changetype<usize>(old);
  if (memory.compare(p, changetype<usize>(config), TUNNEL_CONFIG_BYTES) == 0) return;
  const other_kind = old.if_id != config.if_id;
  if (tunnel.made && !other_kind) dropAddresses(tunnel, config);
  // An interface's kind cannot be changed: one of ours is made anew.
  tunnel.outdated = tunnel.made && other_kind;
  memory.copy(p, changetype<usize>(config), TUNNEL_CONFIG_BYTES);
  if (!config.create) tunnel.made = false;
  tunnel.fit();
  tunnel.failures = 0;
  tunnel.retry_at_ms = 0;
}

/** Notes which addresses of the section are in it no longer. */
function dropAddresses(tunnel: Tunnel, config: TunnelConfig): void {
  const old = tunnel.config;
  let count = 0;
  for (let i = 0; i < old.address_count; i++) {
    if (hasAddress(config, old.address(i), old.address_prefix(i))) continue;
    memory.copy(tunnel.dropped.address(count), old.address(i), ADDRESS_BYTES);
    tunnel.dropped.set_address_prefix(count, old.address_prefix(i));
    count++;
  }
  tunnel.dropped_count = count;
  tunnel.addresses = 0;
}

function hasAddress(config: TunnelConfig, address: usize, prefix: i32): bool {
  for (let i = 0; i < config.address_count; i++) {
    const same = sameAddress(config.address(i), address);
    if (same && config.address_prefix(i) == prefix) return true;
  }
  return false;
}

/** What the configuration names no longer: its VPNs have left it. */
function retireTunnels(): void {
  for (let i = 0; i < tunnelCount(); i++) {
    const tunnel = tunnelAt(i);
    if (!tunnel.used || tunnel.kept) continue;
    for (let r = 0; r < routeCount(); r++) {
      const route = routeAt(r);
      if (route.used && route.tunnel == i && route.origin != Origin.NONE) dropRoute(r);
    }
    tunnel.used = false;
    tunnel.leaving = true;
  }
}

function addNextHops(): void {
  for (let i = 0; i < stagedNhtbCount(); i++) {
    const config = stagedNhtb(i);
    const tunnel = findTunnel(nameBytes(config.tunnel), nameLength(config.tunnel));
    const vpn = findVpn(config.vpn);
    // The checks have seen to it that both exist, and belong together.
    if (tunnel < 0 || vpn < 0 || vpnAt(vpn).tunnel != tunnel) continue;
    const learned = findNextHop(tunnel, config.next_hop);
    if (learned >= 0 && !nextHopAt(learned).automatic) continue;
    if (learned >= 0) leave(learned);
    enter(tunnel, vpn, config.next_hop, false);
  }
}

function addStaticRoute(config: RouteConfig): void {
  const tunnel = findTunnel(nameBytes(config.tunnel), nameLength(config.tunnel));
  if (tunnel < 0) return;
  dropLearned(config.target, config.prefix);
  const gateway: usize = isUnset(config.gateway) ? 0 : config.gateway;
  const metric = <u32>config.metric;
  addWays(Origin.CONFIGURED, tunnel, -1, config.target, config.prefix, gateway, metric);
}

/** A static route wins. */
function dropLearned(target: usize, prefix: u32): void {
  for (let i = firstRoute(target, prefix); i >= 0;) {
    const next = nextRoute(i);
    if (routeAt(i).origin == Origin.LEARNED) dropChained(i);
    i = next;
  }
}
