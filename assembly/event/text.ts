import { isUnset, writeAddress } from "../bytes/address";
import { Selector, SELECTOR_BYTES } from "../bytes/selector";
import { nameBytes, nameLength } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { beginEvent, endEvent } from "./log";
import { Severity } from "./severity";

/**
 * Every event that rekeyd writes, one function each. Texts and numbers are
 * ScreenOS's where it has the event (screenos.md, "Event log"), else in its style.
 *
 * `vpn`, `gateway`, `child`, `path` and `name` are name fields (bytes/slice.ts,
 * `setName`); `peer` and other addresses are 16 bytes; `id` is the SA's number
 * as `get sa` shows it (sa/vpn.ts, `tunnelId`).
 */

/** ScreenOS's event numbers. */
export const enum Id {
  /** "VPN configuration" */
  CONFIGURATION = 17,
  VPN_UP = 40,
  VPN_DOWN = 41,
  /** "Route" */
  ROUTE = 48,
  /** "Interface" */
  INTERFACE = 513,
  /** "IKE" */
  IKE = 536,
  /** "System": the daemon itself. */
  SYSTEM = 767,
}

/** 00040 */
export function vpnUp(vpn: usize, peer: usize): void {
  upDown(Id.VPN_UP, vpn, peer).text("up.");
  endEvent();
}

/** 00041 */
export function vpnDown(vpn: usize, peer: usize): void {
  upDown(Id.VPN_DOWN, vpn, peer).text("down.");
  endEvent();
}

function upDown(event: Id, vpn: usize, peer: usize): Writer {
  const w = beginEvent(Severity.CRITICAL, event, vpn).text("VPN '").name(vpn).text("' from ");
  return address(w, peer).text(" is ");
}

/** 00536: up -> down with rekey. */
export function saDeactivated(vpn: usize, id: u32): void {
  monitoring(Severity.INFORMATION, Id.IKE, vpn)
    .text("has deactivated the SA with ID 0x")
    .hex(id)
    .u8(0x2e);
  endEvent();
}

/** 00536: once for each rekey that the monitor asked for and that succeeded. */
export function rekeySucceeded(vpn: usize, id: u32, spi_in: u32): void {
  monitoring(Severity.INFORMATION, Id.IKE, vpn)
    .text("has successfully rekeyed the SA with ID 0x")
    .hex(id)
    .text(", new SPI ")
    .hex(spi_in)
    .u8(0x2e);
  endEvent();
}

/** 00536: an operator had it removed. */
export function saCleared(vpn: usize, id: u32): void {
  beginEvent(Severity.INFORMATION, Id.IKE, vpn)
    .text("The SA with ID 0x")
    .hex(id)
    .text(" of VPN ")
    .name(vpn)
    .text(" has been cleared by command.");
  endEvent();
}

/**
 * 00017: monitoring of a VPN was switched on or off. `source_interface` may be an
 * empty name: then `source` stands for it.
 */
export function monitoringSet(
  vpn: usize,
  enabled: bool,
  source_interface: usize,
  source: usize,
  destination: usize,
  rekey: bool,
): void {
  const w = monitoring(Severity.NOTIFICATION, Id.CONFIGURATION, vpn)
    .text("has been ")
    .text(enabled ? "enabled" : "disabled")
    .text(". Src IF ");
  if (nameLength(source_interface) > 0) w.name(source_interface);
  else if (isUnset(source)) w.text("default");
  else writeAddress(w, source);
  w.text(" dst IP ");
  if (isUnset(destination)) w.text("default");
  else writeAddress(w, destination);
  w.text(" with rekeying ")
    .text(rekey ? "enabled" : "disabled")
    .u8(0x2e);
  endEvent();
}

/** 00017 */
export function intervalSet(interval_ms: i32): void {
  beginEvent(Severity.NOTIFICATION, Id.CONFIGURATION, 0)
    .text("vpnmonitor interval is set to ")
    .seconds(interval_ms);
  endEvent();
}

/** 00017 */
export function thresholdSet(threshold: i32): void {
  beginEvent(Severity.NOTIFICATION, Id.CONFIGURATION, 0)
    .text("vpnmonitor threshold is set to ")
    .decimal(threshold);
  endEvent();
}

/** 00536 */
export function phase1Initiated(vpn: usize, peer: usize): void {
  phase(Severity.INFORMATION, vpn, peer, 1).text(": Initiated negotiations.");
  endEvent();
}

/** 00536 */
export function phase2Initiated(vpn: usize, peer: usize): void {
  phase(Severity.INFORMATION, vpn, peer, 2).text(": Initiated negotiations.");
  endEvent();
}

/** 00536; `lifetime_s` 0: none is set. */
export function phase1Completed(vpn: usize, peer: usize, lifetime_s: i64): void {
  const w = phase(Severity.INFORMATION, vpn, peer, 1).text(": Completed negotiations with ");
  if (lifetime_s > 0) w.text("a ").decimal(lifetime_s).text("-second lifetime.");
  else w.text("no lifetime.");
  endEvent();
}

/**
 * 00536. vici does not tell the exchange's message ID: `sa_id`, the CHILD_SA's
 * `uniqueid`, stands for it. A lifetime of 0 is none; kilobytes are not limited.
 */
export function phase2Completed(
  vpn: usize,
  peer: usize,
  sa_id: u32,
  spi_in: u32,
  id: u32,
  lifetime_s: i64,
): void {
  phase(Severity.INFORMATION, vpn, peer, 2)
    .text(" msg ID ")
    .hex(sa_id)
    .text(": Completed negotiations with SPI ")
    .hex(spi_in)
    .text(", tunnel ID ")
    .decimal(id)
    .text(", and lifetime ")
    .decimal(lifetime_s)
    .text(" seconds/0 KB.");
  endEvent();
}

/** 00536: a bounded attempt to reach the peer ended without an answer. */
export function retransmissionLimit(vpn: usize, peer: usize): void {
  phase(Severity.INFORMATION, vpn, peer, 1).text(": Retransmission limit has been reached.");
  endEvent();
}

/** 00536: the IKE SA was forced away because Phase 2 could not be renewed on it. */
export function phase1Deactivated(vpn: usize, peer: usize): void {
  phase(Severity.INFORMATION, vpn, peer, 1)
    .text(": Deactivated, because Phase 2 of VPN ")
    .name(vpn)
    .text(" could not be rekeyed on it.");
  endEvent();
}

/** 00536: Phase 1 has a new key (`ike-rekey`). */
export function phase1Rekeyed(vpn: usize, peer: usize): void {
  phase(Severity.INFORMATION, vpn, peer, 1).text(": Successfully rekeyed.");
  endEvent();
}

/** 00536: strongSwan or the peer refused; the next attempt comes after `retry_ms`. */
export function negotiationRefused(
  vpn: usize,
  peer: usize,
  reason: usize,
  reason_len: i32,
  retry_ms: i64,
): void {
  const w = phase(Severity.WARNING, vpn, peer, 2)
    .text(": Negotiations have failed for VPN ")
    .name(vpn);
  if (reason_len > 0) w.text(" (").bytes(reason, min(reason_len, MAX_REASON_BYTES)).u8(0x29);
  w.text("; next attempt in ").seconds(retry_ms).text(" s.");
  endEvent();
}

/** 00536: an operator asked for a new key, and none has come. */
export function renewalFailed(vpn: usize, peer: usize, within_ms: i64): void {
  phase(Severity.WARNING, vpn, peer, 2)
    .text(": VPN ")
    .name(vpn)
    .text(" has no new key ")
    .seconds(within_ms)
    .text(" s after the command to rekey it.");
  endEvent();
}

/** Of a message that strongSwan gives as reason. */
const MAX_REASON_BYTES: i32 = 120;

/** 00536: of several CHILD_SAs for one VPN, this one went. */
export function duplicateRemoved(vpn: usize, peer: usize, spi_in: u32, spi_out: u32): void {
  phase(Severity.INFORMATION, vpn, peer, 2)
    .text(": Removed the duplicate SA of VPN ")
    .name(vpn)
    .text(" with SPI ")
    .hex(spi_in)
    .text(" in, ")
    .hex(spi_out)
    .text(" out.");
  endEvent();
}

/** The kernel's guard holds the echoes back: what would carry them encrypted is not there. */
export function echoHeldBack(vpn: usize, source: usize, target: usize): void {
  const w = subject(Severity.WARNING, Id.IKE, vpn).text(": echoes from ");
  writeAddress(w, source).text(" to ");
  writeAddress(w, target).text(
    " would leave unencrypted (no policy or route into the tunnel) and are held back.",
  );
  endEvent();
}

/** The kernel refuses to send an echo, for another reason than the guard. */
export function echoUnsendable(vpn: usize, target: usize, errno: i32): void {
  const w = monitoring(Severity.WARNING, Id.IKE, vpn).text("cannot send to ");
  writeSendingReason(writeAddress(w, target).text(": "), errno).u8(0x2e);
  endEvent();
}

/** A connection with several peers: duplicates cannot be told from the other peers' SAs. */
export function peersShared(vpn: usize, gateway: usize): void {
  subject(Severity.WARNING, Id.IKE, vpn)
    .text(": connection '")
    .name(gateway)
    .text("' has IKE_SAs with several peers; duplicates are left alone. ")
    .text("Give each peer a connection of its own.");
  endEvent();
}

/** The target never answered although user traffic comes in: not a reason to rekey. */
export function targetSilent(vpn: usize, target: usize): void {
  const w = monitoring(Severity.WARNING, Id.IKE, vpn).text("has never had an answer from ");
  writeAddress(w, target).text(", although user traffic comes in: the SA is left alone. Does ");
  writeAddress(w, target).text(" exist, and may it be pinged?");
  endEvent();
}

/** The SA in use would not carry the echo: nothing is sent. Selectors are SELECTOR_BYTES each. */
export function echoNotCovered(
  vpn: usize,
  source: usize,
  target: usize,
  local: usize,
  local_count: i32,
  remote: usize,
  remote_count: i32,
): void {
  const w = monitoring(Severity.ERROR, Id.IKE, vpn).text("cannot ping ");
  writeAddress(w, target).text(" from ");
  writeAddress(w, source).text(": the SA's selectors are ");
  selectors(w, local, local_count).text(" === ");
  selectors(w, remote, remote_count).u8(0x2e);
  endEvent();
}

/** No source was given, and none of this machine's addresses is inside the local selectors. */
export function sourceMissing(vpn: usize, local: usize, count: i32): void {
  const w = monitoring(Severity.ERROR, Id.IKE, vpn).text(
    "cannot start: no address of this machine is inside the local selectors ",
  );
  selectors(w, local, count).text(". Set source_ip or source_interface.");
  endEvent();
}

/** The source interface has no address of the destination's family. */
export function interfaceWithoutAddress(vpn: usize, source_interface: usize, v4: bool): void {
  monitoring(Severity.ERROR, Id.IKE, vpn)
    .text("cannot start: interface ")
    .name(source_interface)
    .text(v4 ? " has no IPv4 address." : " has no IPv6 address.");
  endEvent();
}

/** No destination was given, and the peer's address is outside the remote selectors. */
export function destinationMissing(vpn: usize, peer: usize, remote: usize, count: i32): void {
  const w = monitoring(Severity.ERROR, Id.IKE, vpn).text("cannot start: the gateway's address ");
  address(w, peer).text(" is outside the remote selectors ");
  selectors(w, remote, count).text(". Set destination_ip.");
  endEvent();
}

/** strongSwan has no connection of that name loaded. */
export function connectionUnknown(vpn: usize, gateway: usize): void {
  monitoring(Severity.ERROR, Id.IKE, vpn)
    .text("waits: strongSwan has no connection '")
    .name(gateway)
    .text("'. Load it (swanctl --load-all) or mend option gateway.");
  endEvent();
}

/** The child is none that a VPN can be: transport mode, or a rule that passes or drops. */
export function childNotTunnel(vpn: usize, gateway: usize, child: usize): void {
  monitoring(Severity.ERROR, Id.IKE, vpn)
    .text("waits: child '")
    .name(child)
    .text("' of connection '")
    .name(gateway)
    .text("' is not in tunnel mode. Set mode = tunnel, or name another child.");
  endEvent();
}

/** The connection is there, but has no child of that name. */
export function childUnknown(vpn: usize, gateway: usize, child: usize): void {
  monitoring(Severity.ERROR, Id.IKE, vpn)
    .text("waits: strongSwan's connection '")
    .name(gateway)
    .text("' has no child '")
    .name(child)
    .text("'. Load it (swanctl --load-all) or mend option child.");
  endEvent();
}

/** The vici socket answers. */
export function charonConnected(path: usize): void {
  beginEvent(Severity.NOTIFICATION, Id.SYSTEM, 0)
    .text("Connected to strongSwan at ")
    .name(path)
    .u8(0x2e);
  endEvent();
}

/** The vici socket closed (`errno` 0: by the other end), or cannot be opened. To be said once. */
export function charonLost(path: usize, errno: i32): void {
  const w = beginEvent(Severity.ERROR, Id.SYSTEM, 0)
    .text("No connection to strongSwan at ")
    .name(path)
    .text(" (");
  writeSocketReason(w, errno).text("). SAs stay as they are; trying again every second.");
  endEvent();
}

/** The machine has more interfaces or addresses than are kept: a source may not be found. */
export function networkFull(interfaces: i32, addresses: i32): void {
  beginEvent(Severity.WARNING, Id.SYSTEM, 0)
    .text("More than ")
    .decimal(interfaces)
    .text(" interfaces or ")
    .decimal(addresses)
    .text(" addresses: the rest is not known. Where a source is not found, set source_ip.");
  endEvent();
}

/** A configuration was taken; `summary` says what it does (config/summary.ts). */
export function configurationLoaded(path: usize, path_len: i32, summary: Writer): void {
  beginEvent(Severity.NOTIFICATION, Id.SYSTEM, 0)
    .text("Configuration ")
    .bytes(path, min(path_len, MAX_SHOWN_PATH_BYTES))
    .text(" has been loaded: ")
    .bytes(summary.start, summary.length)
    .u8(0x2e);
  endEvent();
}

/** Changes by command were not saved, and the file that was read has replaced them. */
export function changesLost(): void {
  beginEvent(Severity.WARNING, Id.SYSTEM, 0).text(
    "Changes by command were not saved, and are gone: the file holds.",
  );
  endEvent();
}

/** A command has changed the configuration in force. */
export function configurationChanged(line: usize, line_len: i32): void {
  const w = beginEvent(Severity.NOTIFICATION, Id.SYSTEM, 0).text("Configuration changed: ");
  w.bytes(line, min(line_len, MAX_SHOWN_ERROR_BYTES));
  if (line_len > MAX_SHOWN_ERROR_BYTES) w.text("...");
  endEvent();
}

/** The configuration in force was written to its file. */
export function configurationSaved(path: usize): void {
  beginEvent(Severity.NOTIFICATION, Id.SYSTEM, 0)
    .text("Configuration has been saved to ")
    .bytes(nameBytes(path), min(nameLength(path), MAX_SHOWN_PATH_BYTES))
    .u8(0x2e);
  endEvent();
}

/** A configuration was refused; the one before stays. `line` is the first mistake. */
export function configurationRefused(errors: i32, line: usize, line_len: i32): void {
  const w = beginEvent(Severity.ERROR, Id.SYSTEM, 0)
    .text("Configuration refused, the running one stays: ")
    .bytes(line, min(line_len, MAX_SHOWN_ERROR_BYTES));
  if (errors > 1)
    w.text(" (and ")
      .decimal(errors - 1)
      .text(" more)");
  endEvent();
}

const MAX_SHOWN_PATH_BYTES: i32 = 128;
const MAX_SHOWN_ERROR_BYTES: i32 = 170;

function monitoring(severity: Severity, event: Id, vpn: usize): Writer {
  return subject(severity, event, vpn).u8(0x20);
}

function subject(severity: Severity, event: Id, vpn: usize): Writer {
  return beginEvent(severity, event, vpn).text("VPN monitoring for VPN ").name(vpn);
}

function phase(severity: Severity, vpn: usize, peer: usize, number: i32): Writer {
  const w = beginEvent(severity, Id.IKE, vpn).text("IKE ");
  return address(w, peer).text(" Phase ").decimal(number);
}

/** A peer that may be any address (`%any`) is 0.0.0.0 in ScreenOS. */
function address(w: Writer, p: usize): Writer {
  return isUnset(p) ? w.text("0.0.0.0") : writeAddress(w, p);
}

function selectors(w: Writer, first: usize, count: i32): Writer {
  if (count == 0) w.text("(none)");
  for (let i = 0; i < count; i++) {
    if (i > 0) w.u8(0x20);
    changetype<Selector>(first + i * SELECTOR_BYTES).write(w);
  }
  return w;
}

/** What an error of a Unix stream socket means here (errno(3), Linux). */
export function writeSocketReason(w: Writer, errno: i32): Writer {
  switch (errno) {
    case 0:
      return w.text("strongSwan closed it");
    case 2:
      return w.text("no such socket: is charon running, with the vici plugin?");
    case 13:
      return w.text("permission denied");
    case 32:
    case 104:
      return w.text("connection reset");
    case 71:
      return w.text("what came is not vici: is it charon's socket?");
    case 110:
      return w.text("no answer in time");
    case 111:
      return w.text("connection refused: is charon running?");
    default:
      return w.text("error ").decimal(errno);
  }
}

/** Why sendmsg(2) of an echo failed, in the words of Linux's strerror(3). */
export function writeSendingReason(w: Writer, errno: i32): Writer {
  switch (errno) {
    case 22:
      return w.text("Invalid argument");
    case 13:
      return w.text("Permission denied");
    case 97:
      return w.text("Address family not supported by protocol");
    case 99:
      return w.text("Cannot assign requested address");
    case 101:
      return w.text("Network is unreachable");
    case 113:
      return w.text("No route to host");
    default:
      return w.text("errno ").decimal(errno);
  }
}
