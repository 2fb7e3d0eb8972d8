/**
 * The values that the engine knows for a place: completion proposes them, and help has some of them
 * as examples. What cannot be typed as it is, because of blanks, quotes or worse in it, is no
 * candidate.
 */
import { ADDRESS_BYTES, sameAddress, writeAddress } from "../bytes/address";
import { nameLength, sameName, startsWith } from "../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";
import { Host, isVpnName, parseHost } from "../config/value";
import { eventAt, eventCount } from "../event/log";
import { severityName, SEVERITIES } from "../event/severity";
import { MAX_IKE_NAME_BYTES } from "../limits";
import { findVpn } from "../monitor/registry";
import { addressAt, addressCount, interfaceAt, interfaceCount } from "../netlink/interfaces";
import { gatewayAt, gatewayCount } from "../sa/gateway";
import { nextHopAt, nextHopCount } from "../route/nhtb";
import { Origin, routeAt, routeCount } from "../route/table";
import { tunnelAt, tunnelCount } from "../route/tunnel";
import { Note, tunnelId, vpnAt, vpnCount } from "../sa/vpn";
import { Kind } from "./kind";

/** Routes whose targets are proposed. */
const MAX_TARGETS: i32 = 1024;
/** Candidates that help shows. */
const MAX_EXAMPLES: i32 = 8;

/** The candidate (a name field), and who writes it. */
const field: usize = memory.data(1 + MAX_IKE_NAME_BYTES);
const writer: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const address: usize = memory.data(ADDRESS_BYTES, 8);

let kind: Kind = Kind.OPTION;
/** Only what begins so is a candidate. */
let p: usize = 0;
let len: i32 = 0;
let next: i32 = 0;

/** Begins to name the values of this kind that begin with the `begin_len` bytes at `begin`. */
export function beginCandidates(sought: Kind, begin: usize, begin_len: i32): void {
  kind = sought;
  p = begin;
  len = begin_len;
  next = 0;
}

/** The next one (a name field, until the next call); 0: there is no more. */
export function nextCandidate(): usize {
  while (next < places()) {
    const w = writer.reset(field + 1, MAX_IKE_NAME_BYTES);
    write(w, next++);
    assert(!w.truncated);
    if (w.length < len || memory.compare(w.start, p, len) != 0) continue;
    if (!isVpnName(w.start, w.length)) continue;
    store<u8>(field, <u8>w.length);
    return field;
  }
  return 0;
}

/** Writes the first of them, and how many more there are. */
export function writeExamples(w: Writer): Writer {
  let found = 0;
  for (let name = nextCandidate(); name != 0; name = nextCandidate()) {
    if (found < MAX_EXAMPLES) w.text(found == 0 ? ": " : ", ").name(name);
    found++;
  }
  if (found > MAX_EXAMPLES)
    w.text(" and ")
      .decimal(found - MAX_EXAMPLES)
      .text(" more");
  return w;
}

/** Places to look for candidates of the kind at. */
function places(): i32 {
  switch (<i32>kind) {
    case Kind.VPN:
    case Kind.ANY_VPN:
    case Kind.SA_ID:
      return vpnCount();
    case Kind.LOGGED_VPN:
      return vpnCount() + eventCount();
    case Kind.SEVERITY:
      return SEVERITIES;
    case Kind.GATEWAY:
      return gatewayCount();
    case Kind.INTERFACE:
      return interfaceCount();
    case Kind.SOURCE:
      return addressCount();
    case Kind.QUORUM:
      return 2;
    case Kind.TUNNEL:
    case Kind.ANY_TUNNEL:
      return tunnelCount();
    case Kind.TARGET:
      return min(routeCount(), MAX_TARGETS);
    case Kind.NEXT_HOP:
      return nextHopCount();
    default:
      return 0;
  }
}

/** Writes the candidate at the place; nothing, if there is none. */
function write(w: Writer, i: i32): void {
  switch (<i32>kind) {
    case Kind.SEVERITY:
      w.text(severityName(i));
      break;
    case Kind.GATEWAY:
      if (gatewayAt(i).used) w.name(gatewayAt(i).name);
      break;
    case Kind.INTERFACE:
      w.name(interfaceAt(i));
      break;
    case Kind.SOURCE:
      writeSource(w, i);
      break;
    case Kind.QUORUM:
      w.text(i == 0 ? "any" : "all");
      break;
    case Kind.TUNNEL:
    case Kind.ANY_TUNNEL:
      if (tunnelAt(i).used) w.name(tunnelAt(i).config.name);
      break;
    case Kind.TARGET:
      writeTarget(w, i);
      break;
    case Kind.NEXT_HOP:
      if (nextHopAt(i).used) writeAddress(w, nextHopAt(i).next_hop);
      break;
    case Kind.SA_ID:
      if (!vpnAt(i).noted(Note.USED)) break;
      if (startsWith(p, len, "0x")) w.text("0x");
      w.hex(tunnelId(i));
      break;
    default:
      if (i >= vpnCount()) writeFormer(w, i - vpnCount());
      else if (vpnAt(i).noted(Note.USED)) w.name(vpnAt(i).config.name);
  }
}

/** The VPN of an event that is no more; once, however many events it has left. */
function writeFormer(w: Writer, age: i32): void {
  const name = eventAt(age).vpn;
  if (nameLength(name) == 0 || findVpn(name) >= 0) return;
  for (let newer = 0; newer < age; newer++) if (sameName(eventAt(newer).vpn, name)) return;
  w.name(name);
}

/** What a configured route leads to; once, however many lead there. */
function writeTarget(w: Writer, i: i32): void {
  if (!isTarget(i)) return;
  const route = routeAt(i);
  for (let j = 0; j < i; j++) {
    const other = routeAt(j);
    const same = other.prefix == route.prefix && sameAddress(other.target, route.target);
    if (same && isTarget(j)) return;
  }
  writeAddress(w, route.target).u8(0x2f).decimal(route.prefix);
}

function isTarget(i: i32): bool {
  return routeAt(i).used && routeAt(i).origin == Origin.CONFIGURED;
}

/** An address of this machine that echoes can come from; once, however many interfaces have it. */
function writeSource(w: Writer, i: i32): void {
  for (let j = 0; j < i; j++) if (sameAddress(addressAt(j), addressAt(i))) return;
  writeAddress(w, addressAt(i));
  if (parseHost(w.start, w.length, address) != Host.GOOD) w.reset(w.start, MAX_IKE_NAME_BYTES);
}
