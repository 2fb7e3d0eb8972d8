/**
 * The columns of nsVpnMonTable, with ScreenOS's numbers, types and values (screenos.md,
 * "Statistics"; docs/monitoring.md says what stands where Linux has something else). Columns that
 * nothing here corresponds to are not there: groups and users, times of sessions, interfaces.
 */
import { isUnset, isV4, writeAddress } from "../bytes/address";
import { indexOf, nameBytes, nameLength, startsWith } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { VpnFlag } from "../config/model";
import { hasEstablished } from "../ike/look";
import { availability } from "../monitor/samples";
import { findPhase1 } from "../sa/listing";
import { gatewayAt } from "../sa/gateway";
import { Phase1, phase1At } from "../sa/phase1";
import { phase2At } from "../sa/phase2";
import { State, Vpn } from "../sa/vpn";
import { peerAddress } from "./get_sa";
import { secondsUntil } from "./sta";

/** The table's last column. */
export const COLUMNS: i32 = 38;

const NONE: i64 = -1;
const PROTOCOL_ESP: i64 = 3;
const AUTO_IKE: i64 = 1;
const SITE_TO_SITE: i64 = 2;

/** Whether the column is there. */
export function hasColumn(column: i32): bool {
  return (column >= 1 && column <= 29) || (column >= 35 && column <= COLUMNS);
}

/** Writes the type and the value of a cell, a line each. */
export function writeColumn(w: Writer, vpn: Vpn, index: u32, column: i32): void {
  switch (column) {
    case 1:
    case 29:
      return integer(w, index);
    case 2:
    case 3:
      return integer(w, NONE);
    case 4:
      w.text("string\n").name(vpn.config.name).u8(0x0a);
      return;
    case 5:
      w.text("string\nRoot\n");
      return;
    case 6:
      return integer(w, PROTOCOL_ESP);
    case 10:
      return integer(w, AUTO_IKE);
    case 12:
      return integer(w, SITE_TO_SITE);
    case 13:
      return ipAddress(w, peerAddress(vpn));
    case 14:
      return addressText(w, peerAddress(vpn));
    case 15:
      return ipAddress(w, localAddress(vpn));
    case 16:
      return addressText(w, localAddress(vpn));
    case 19:
      return flag(w, vpn.config.has(VpnFlag.MONITOR));
    case 20:
      return flag(w, passes(vpn));
    case 21:
      return flag(w, hasEstablished(gatewayAt(vpn.gateway)));
    case 22:
      return integer(w, phase1Left(vpn));
    case 23:
      return flag(w, vpn.current >= 0);
    case 26:
      return integer(w, vpn.delay_avg_16 < 0 ? NONE : vpn.delay_avg_16 >> 4);
    case 27:
      return integer(w, vpn.delay_last_ms);
    case 28:
      return integer(w, max(availability(vpn), 0));
    default:
      return ofPhase2(w, vpn, column);
  }
}

/** What the SA in use tells; without one all of it is 0. */
function ofPhase2(w: Writer, vpn: Vpn, column: i32): void {
  if (column >= 35) return counter(w, traffic(vpn, column));
  // Bytes are no limit of a lifetime here, and AH and the way of authentication are not known.
  if (column == 25) return integer(w, NONE);
  if (vpn.current < 0) return integer(w, 0);
  const sa = phase2At(vpn.current);
  switch (column) {
    case 7:
      return integer(w, encryption(sa.algorithm));
    case 8:
      return integer(w, authentication(sa.algorithm));
    case 17:
      return integer(w, <i32>sa.spi_out);
    case 18:
      return integer(w, <i32>sa.spi_in);
    case 24:
      return integer(w, left(sa.expires_at_ms));
    default:
      return integer(w, 0);
  }
}

function integer(w: Writer, value: i64): void {
  w.text("integer\n").decimal(clamped(value)).u8(0x0a);
}

/** An Integer32. */
function clamped(value: i64): i64 {
  return max<i64>(i32.MIN_VALUE, min<i64>(value, i32.MAX_VALUE));
}

function flag(w: Writer, value: bool): void {
  integer(w, value ? 1 : 0);
}

/** A Counter32: it begins anew after its last value. */
function counter(w: Writer, value: i64): void {
  w.text("counter\n")
    .decimal(value & 0xffffffff)
    .u8(0x0a);
}

/** An IpAddress has no room for IPv6: the text in the next column has. */
function ipAddress(w: Writer, address: usize): void {
  w.text("ipaddress\n");
  if (isUnset(address) || !isV4(address)) w.text("0.0.0.0");
  else writeAddress(w, address);
  w.u8(0x0a);
}

function addressText(w: Writer, address: usize): void {
  w.text("string\n");
  if (!isUnset(address)) writeAddress(w, address);
  w.u8(0x0a);
}

function localAddress(vpn: Vpn): usize {
  const sa = phase1Of(vpn);
  return sa == null ? gatewayAt(vpn.gateway).local_ip : sa.local_host;
}

/** The IKE_SA of the SA in use. */
function phase1Of(vpn: Vpn): Phase1 | null {
  if (vpn.current < 0) return null;
  const i = findPhase1(vpn.gateway, phase2At(vpn.current).ike_id);
  return i < 0 ? null : phase1At(i);
}

/** What is monitored passes while it is up, everything else while there is an SA. */
function passes(vpn: Vpn): bool {
  return vpn.config.has(VpnFlag.MONITOR) ? vpn.state == State.UP : vpn.current >= 0;
}

function phase1Left(vpn: Vpn): i64 {
  const sa = phase1Of(vpn);
  if (sa == null) return 0;
  if (sa.rekey_at_ms == 0 || sa.reauth_at_ms == 0)
    return left(max(sa.rekey_at_ms, sa.reauth_at_ms));
  return left(min(sa.rekey_at_ms, sa.reauth_at_ms));
}

/** Seconds left until then; a time of 0 means without limit. */
function left(at_ms: i64): i64 {
  return at_ms == 0 ? NONE : secondsUntil(at_ms);
}

function traffic(vpn: Vpn, column: i32): i64 {
  if (vpn.current < 0) return 0;
  const sa = phase2At(vpn.current);
  switch (column) {
    case 35:
      return sa.bytes_in;
    case 36:
      return sa.bytes_out;
    case 37:
      return sa.packets_in;
    default:
      return sa.packets_out;
  }
}

/** ScreenOS's number of the cipher in `esp:CIPHER/HASH`; 0: it has none for this one. */
function encryption(algorithm: usize): i64 {
  const colon = indexOf(nameBytes(algorithm), nameLength(algorithm), 0x3a) + 1;
  const p = nameBytes(algorithm) + colon;
  const len = nameLength(algorithm) - colon;
  if (startsWith(p, len, "aes256")) return 21;
  if (startsWith(p, len, "aes192")) return 20;
  if (startsWith(p, len, "aes")) return 12;
  if (startsWith(p, len, "3des")) return 3;
  if (startsWith(p, len, "des")) return 2;
  return startsWith(p, len, "null") ? 11 : 0;
}

/** Likewise of the hash. */
function authentication(algorithm: usize): i64 {
  const slash = indexOf(nameBytes(algorithm), nameLength(algorithm), 0x2f) + 1;
  if (slash == 0) return 0;
  const p = nameBytes(algorithm) + slash;
  const len = nameLength(algorithm) - slash;
  if (startsWith(p, len, "md5")) return 1;
  return len == 4 && startsWith(p, len, "sha1") ? 2 : 0;
}
