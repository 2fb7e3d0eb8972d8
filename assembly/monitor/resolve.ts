/**
 * Source and targets of a VPN's echoes, and whether an SA covers them. What the
 * configuration leaves open is found here: the source among this machine's
 * addresses inside the local selectors, those of its tunnel interface first; the
 * destination in its next hop, else in the peer's address, if that is inside the
 * remote ones (ScreenOS's defaults lie outside, screenos.md).
 */
import { ADDRESS_BYTES, clear, isUnset, isV4, sameAddress } from "../bytes/address";
import { Selector, SELECTOR_BYTES } from "../bytes/selector";
import { nameBytes, nameLength } from "../bytes/slice";
import { ifIdDiffers } from "../event/kernel";
import {
  destinationMissing,
  echoNotCovered,
  interfaceWithoutAddress,
  sourceMissing,
} from "../event/text";
import { addressAt, addressCount, interfaceAddress, interfaceIndexOf } from "../netlink/interfaces";
import { vpnChanged } from "../route/follow";
import { tunnelAt } from "../route/tunnel";
import { gatewayAt } from "../sa/gateway";
import { Phase2, phase2At } from "../sa/phase2";
import { Note, Vpn, vpnAt } from "../sa/vpn";
import { forgetSamples } from "./samples";
import { interfaceComes, interfaceNameOf, interfaceOf, nextHopOf, Way, wayInto } from "./way";

/** The selectors of one side, side by side in memory. */
function covering(selectors: usize, count: i32, address: usize): bool {
  for (let i = 0; i < count; i++) {
    if (changetype<Selector>(selectors + i * SELECTOR_BYTES).covers(address)) return true;
  }
  return false;
}

const scratch: usize = memory.data(ADDRESS_BYTES, 8);

/**
 * Finds the VPN's source and targets within these selectors (an SA's, or those
 * that strongSwan has configured). An address that still fits is kept.
 */
export function resolve(
  index: i32,
  local: usize,
  local_count: i32,
  remote: usize,
  remote_count: i32,
): void {
  const vpn = vpnAt(index);
  resolveTargets(vpn, remote, remote_count);
  const v4 = vpn.target_count > 0 ? isV4(vpn.target(0).address) : true;
  findSource(vpn, local, local_count, v4);
  vpnChanged(index);
  if (sameAddress(scratch, vpn.source)) return;
  memory.copy(vpn.source, scratch, ADDRESS_BYTES);
  vpn.unnote(Note.SAID_UNCOVERED);
}

function resolveTargets(vpn: Vpn, remote: usize, remote_count: i32): void {
  const config = vpn.config;
  const count = config.destination_count;
  if (count > 0) {
    for (let i = 0; i < count; i++) setTarget(vpn, i, config.destination_ip(i));
    vpn.target_count = <u16>count;
    return;
  }
  const next_hop = nextHopOf(vpn);
  const peer = gatewayAt(vpn.gateway).peer_ip;
  vpn.target_count = 1;
  if (next_hop != 0 && covering(remote, remote_count, next_hop)) setTarget(vpn, 0, next_hop);
  else if (!isUnset(peer) && covering(remote, remote_count, peer)) setTarget(vpn, 0, peer);
  else vpn.target_count = 0;
}

function setTarget(vpn: Vpn, i: i32, address: usize): void {
  const target = vpn.target(i);
  if (sameAddress(target.address, address)) return;
  memory.copy(target.address, address, ADDRESS_BYTES);
  target.answered = 0;
  forgetSamples(vpn);
  vpn.unnote(Note.SAID_UNCOVERED);
}

/**
 * Into `scratch`: the configured source, its interface's, or the first of ours inside the
 * selectors; unset: none.
 */
function findSource(vpn: Vpn, local: usize, local_count: i32, v4: bool): void {
  const config = vpn.config;
  clear(scratch);
  if (!isUnset(config.source_ip)) {
    memory.copy(scratch, config.source_ip, ADDRESS_BYTES);
    return;
  }
  const name = config.source_interface;
  if (nameLength(name) > 0) {
    if (!interfaceAddress(nameBytes(name), nameLength(name), v4, scratch)) clear(scratch);
    return;
  }
  const ifindex = interfaceOf(vpn);
  let best = 0;
  for (let i = 0; i < addressCount(); i++) {
    const address = addressAt(i);
    if (isV4(address) != v4 || !covering(local, local_count, address)) continue;
    const on_tunnel = ifindex != 0 && interfaceIndexOf(i) == ifindex;
    const merit = 1 + (on_tunnel ? 2 : 0) + (sameAddress(address, vpn.source) ? 1 : 0);
    if (merit <= best) continue;
    best = merit;
    memory.copy(scratch, address, ADDRESS_BYTES);
  }
}

/** Works out which of the VPN's echoes the SA carries. */
export function cover(vpn: Vpn, sa: Phase2): void {
  let covered = 0;
  const source = vpn.source;
  const count = <i32>vpn.target_count;
  // Where not all selectors are known the SA gets the benefit of the doubt: the kernel's guard
  // keeps back what it does not carry after all.
  const doubt = sa.more_selectors;
  const from = !isUnset(source) && (doubt || covering(localOf(sa), sa.local_selectors, source));
  for (let t = 0; t < count && from; t++) {
    const address = vpn.target(t).address;
    if (isV4(address) != isV4(source)) continue;
    if (doubt || covering(remoteOf(sa), sa.remote_selectors, address)) covered |= 1 << t;
  }
  sa.covered = <u8>covered;
}

/** Which sides of the VPN's echoes lie outside the selectors: 1 the source, 2 a destination. */
export function outside(
  vpn: Vpn,
  local: usize,
  local_count: i32,
  remote: usize,
  remote_count: i32,
): u8 {
  let sides = 0;
  if (!isUnset(vpn.source) && !covering(local, local_count, vpn.source)) sides |= 1;
  for (let t = 0; t < <i32>vpn.target_count; t++) {
    if (!covering(remote, remote_count, vpn.target(t).address)) sides |= 2;
  }
  return <u8>sides;
}

/** First of the SA's local selectors. */
export function localOf(sa: Phase2): usize {
  return changetype<usize>(sa.local_selector(0));
}

/** First of the SA's remote selectors. */
export function remoteOf(sa: Phase2): usize {
  return changetype<usize>(sa.remote_selector(0));
}

/** Says once what keeps the VPN's echoes from these selectors, and names them. */
export function sayUncovered(
  index: i32,
  local: usize,
  local_count: i32,
  remote: usize,
  remote_count: i32,
): void {
  const vpn = vpnAt(index);
  if (vpn.noted(Note.SAID_UNCOVERED)) return;
  const way = vpn.current < 0 ? Way.OPEN : wayInto(vpn, phase2At(vpn.current));
  // What is wrong with an interface is told once, not for each of its VPNs.
  if (way == Way.NO_INTERFACE) return;
  if (isUnset(vpn.source) && interfaceComes(vpn)) return;
  vpn.note(Note.SAID_UNCOVERED);
  const name = vpn.config.name;
  if (way == Way.OTHER_IF_ID) {
    const sa = phase2At(vpn.current);
    const wanted = tunnelAt(vpn.tunnel).config.if_id;
    ifIdDiffers(name, vpn.config.child, interfaceNameOf(vpn), wanted, sa.if_id_in, sa.if_id);
    return;
  }
  if (vpn.target_count == 0) {
    destinationMissing(name, gatewayAt(vpn.gateway).peer_ip, remote, remote_count);
    return;
  }
  const target = firstOutside(vpn, remote, remote_count);
  if (!isUnset(vpn.source)) {
    echoNotCovered(name, vpn.source, target, local, local_count, remote, remote_count);
  } else if (nameLength(vpn.config.source_interface) > 0) {
    interfaceWithoutAddress(name, vpn.config.source_interface, isV4(target));
  } else {
    sourceMissing(name, local, local_count);
  }
}

/**
 * The target that the remote selectors lack; the first one if it is the source that does not fit.
 */
function firstOutside(vpn: Vpn, remote: usize, remote_count: i32): usize {
  const count = <i32>vpn.target_count;
  for (let t = 0; t < count; t++) {
    const address = vpn.target(t).address;
    if (!covering(remote, remote_count, address)) return address;
  }
  return vpn.target(0).address;
}
