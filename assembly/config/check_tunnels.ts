/** Tunnel interfaces against each other, and against the VPNs that are bound to them. */
import { ADDRESS_BYTES, sameAddress, writeAddress } from "../bytes/address";
import { HASH_INDEX_BYTES, hashIndexAt } from "../bytes/hash_index";
import { hash, nameLength } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { MAX_DESTINATIONS, MAX_TUNNELS } from "../limits";
import { findStagedTunnel } from "./by_name";
import { hasWrongHead } from "./head";
import { endMistake, mistake } from "./mistakes";
import { Option, optionName, Section } from "./option";
import { stagedCount, stagedTunnel, stagedTunnelCount, stagedVpn, tunnels, vpns } from "./staged";
import { TunnelConfig } from "./tunnel_model";

/** Names of interfaces that a message repeats. */
const MAX_SHOWN: i32 = 3;
const GOLDEN: u32 = 0x9e3779b1;

/** For each interface the VPNs that are bound to it, and the first of them. */
const bound: usize = memory.data(MAX_TUNNELS * sizeof<i32>(), 4);
const first_bound: usize = memory.data(MAX_TUNNELS * sizeof<i32>(), 4);
const by_destination = hashIndexAt(memory.data(HASH_INDEX_BYTES));

/** Checks them; the names are indexed (by_name.ts). */
export function checkTunnels(): void {
  checkIfIds();
  checkBindings();
  checkDestinations();
}

/** How many VPNs are bound to the interface. */
export function boundTo(tunnel: i32): i32 {
  return load<i32>(bound + tunnel * sizeof<i32>());
}

/** Linux has one interface for an if_id, and one in `external` mode. */
function checkIfIds(): void {
  let external = -1;
  for (let i = 0; i < stagedTunnelCount(); i++) {
    const tunnel = stagedTunnel(i);
    if (tunnel.if_id != 0) {
      checkIfId(i, tunnel);
    } else if (!tunnels.hasLine(i, Option.IF_ID)) {
      if (external >= 0) sayExternalTwice(i, external);
      else external = i;
    }
  }
}

function checkIfId(i: i32, tunnel: TunnelConfig): void {
  for (let other = 0; other < i; other++) {
    if (stagedTunnel(other).if_id != tunnel.if_id) continue;
    mistake(tunnels.lineOfOption(i, Option.IF_ID))
      .text("if_id ")
      .decimal(tunnel.if_id)
      .text(" is that of '")
      .name(stagedTunnel(other).name)
      .text("' in line ")
      .decimal(tunnels.lineOf(other))
      .text(" as well; each interface needs an if_id of its own");
    return endMistake();
  }
}

function sayExternalTwice(i: i32, other: i32): void {
  mistake(tunnels.lineOf(i))
    .text("'")
    .name(stagedTunnel(i).name)
    .text("' has no if_id, nor has '")
    .name(stagedTunnel(other).name)
    .text("' in line ")
    .decimal(tunnels.lineOf(other))
    .text("; only one interface can take several VPNs: give this one an option if_id");
  endMistake();
}

function checkBindings(): void {
  memory.fill(bound, 0, MAX_TUNNELS * sizeof<i32>());
  for (let i = 0; i < stagedCount(); i++) {
    const name = stagedVpn(i).tunnel;
    if (nameLength(name) == 0) continue;
    const line = vpns.lineOfOption(i, Option.TUNNEL);
    const tunnel = findStagedTunnel(name);
    if (tunnel < 0) sayNoTunnel(Option.TUNNEL, name, line);
    else bind(i, tunnel, line);
  }
}

function bind(vpn: i32, tunnel: i32, line: i32): void {
  const at = bound + tunnel * sizeof<i32>();
  const first_at = first_bound + tunnel * sizeof<i32>();
  store<i32>(at, load<i32>(at) + 1);
  if (load<i32>(at) == 1) store<i32>(first_at, vpn);
  else if (stagedTunnel(tunnel).if_id != 0) sayTaken(vpn, load<i32>(first_at), line);
}

/** An if_id is one VPN's. */
function sayTaken(vpn: i32, other: i32, line: i32): void {
  mistake(line)
    .text("tunnel '")
    .name(stagedVpn(vpn).tunnel)
    .text("' has an if_id, so it takes one VPN, and that is '")
    .name(stagedVpn(other).name)
    .text("' in line ")
    .decimal(vpns.lineOfOption(other, Option.TUNNEL))
    .text("; without option if_id it takes several");
  endMistake();
}

/** The option names an interface that no section is about. */
export function sayNoTunnel(option: Option, name: usize, line: i32): void {
  // What is meant may be the one whose head is wrong.
  if (hasWrongHead(Section.TUNNEL)) return;
  const w = mistake(line).text(optionName(option)).text(" '").name(name);
  w.text("' is no tunnel interface of this file; ");
  const count = stagedTunnelCount();
  if (count == 0) w.text("there is none: write config tunnel '").name(name).u8(0x27);
  else writeTunnels(w, count);
  endMistake();
}

function writeTunnels(w: Writer, count: i32): void {
  w.text(count == 1 ? "there is " : "there are ");
  for (let i = 0; i < min(count, MAX_SHOWN); i++) {
    if (i > 0) w.text(", ");
    w.u8(0x27).name(stagedTunnel(i).name).u8(0x27);
  }
  if (count > MAX_SHOWN)
    w.text(" and ")
      .decimal(count - MAX_SHOWN)
      .text(" more");
}

/** On an interface of several VPNs the destination of an echo says through which it goes. */
function checkDestinations(): void {
  by_destination.rebuild(MAX_DESTINATIONS * externallyBound());
  for (let i = 0; i < stagedCount(); i++) {
    const tunnel = findStagedTunnel(stagedVpn(i).tunnel);
    if (tunnel < 0 || stagedTunnel(tunnel).if_id != 0) continue;
    for (let d = 0; d < stagedVpn(i).destination_count; d++) checkDestination(i, d, tunnel);
  }
  by_destination.rebuild(0);
}

function externallyBound(): i32 {
  let count = 0;
  for (let i = 0; i < stagedTunnelCount(); i++) if (stagedTunnel(i).if_id == 0) count += boundTo(i);
  return count;
}

function checkDestination(vpn: i32, d: i32, tunnel: i32): void {
  const destination = stagedVpn(vpn).destination_ip(d);
  const h = hash(destination, ADDRESS_BYTES) ^ (<u32>tunnel * GOLDEN);
  for (let slot = by_destination.first(h); slot >= 0; slot = by_destination.after(h, slot)) {
    const index = by_destination.indexIn(slot);
    const other = index / MAX_DESTINATIONS;
    if (findStagedTunnel(stagedVpn(other).tunnel) != tunnel) continue;
    const others = stagedVpn(other).destination_ip(index % MAX_DESTINATIONS);
    if (!sameAddress(others, destination)) continue;
    const w = mistake(vpns.lineOfOption(vpn, Option.DESTINATION_IP)).text("destination_ip ");
    writeAddress(w, destination)
      .text(" is that of VPN '")
      .name(stagedVpn(other).name)
      .text("' in line ")
      .decimal(vpns.lineOfOption(other, Option.DESTINATION_IP))
      .text(" as well; on '")
      .name(stagedVpn(vpn).tunnel)
      .text("' it leads through one VPN only");
    return endMistake();
  }
  by_destination.add(h, vpn * MAX_DESTINATIONS + d);
}
