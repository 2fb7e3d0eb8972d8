/**
 * The values that the grammar knows, which its notations write in capitals. One more is a kind
 * (kind.ts) and a case in the functions here; in candidate.ts, if the engine knows what it can be.
 */
import {
  equalText,
  nameBytes,
  nameLength,
  parseDecimal,
  parseHex,
  sameName,
  setName,
} from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { eventAt, eventCount } from "../event/log";
import { severityOf } from "../event/severity";
import { MAX_NAME_BYTES } from "../limits";
import { findVpn } from "../monitor/registry";
import { findTunnel } from "../route/tunnel";
import { Note, tunnelId, vpnAt, vpnCount } from "../sa/vpn";
import { beginCandidates, nextCandidate, writeExamples } from "./candidate";
import { complete } from "./completion";
import { Kind, kindOf } from "./kind";
import { find, word, wordLength } from "./line";
import { parseOid } from "./oid";
import { isPlace } from "./place";

/** Bytes of a word that an error repeats. */
const MAX_SHOWN_BYTES: i32 = 48;

const name: usize = memory.data(1 + MAX_NAME_BYTES);

/** Whether the word can be such a value. */
export function isValue(meaning: usize, p: usize, len: i32): bool {
  switch (<i32>kindOf(meaning)) {
    case Kind.VPN:
      return findName(p, len) >= 0;
    case Kind.LOGGED_VPN:
      return findName(p, len) >= 0 || hasEvents(p, len);
    case Kind.SA_ID:
      return parseId(p, len) >= 0;
    case Kind.SEVERITY:
      return severityOf(p, len) >= 0;
    case Kind.NUMBER:
      return parseNumber(p, len) >= 0;
    case Kind.PLACE:
      return isPlace(p, len);
    case Kind.OID:
      return parseOid(p, len) >= 0;
    case Kind.FILE:
      return len > 0;
    case Kind.TUNNEL:
      return findTunnel(p, len) >= 0;
    default:
      return true;
  }
}

/** Says why the word cannot be such a value. */
export function writeFault(w: Writer, meaning: usize, p: usize, len: i32): Writer {
  switch (<i32>kindOf(meaning)) {
    case Kind.VPN:
      return quoted(w.text("there is no VPN "), p, len);
    case Kind.LOGGED_VPN:
      return quoted(w.text("there is no VPN "), p, len).text(", and no event about one");
    case Kind.SA_ID:
      return quoted(w, p, len).text(" is no SA ID");
    case Kind.SEVERITY:
      return quoted(w, p, len).text(" is no severity");
    case Kind.NUMBER:
      return quoted(w, p, len).text(" is no number above 0");
    case Kind.PLACE:
      return quoted(w, p, len).text(" is no place in an answer");
    case Kind.OID:
      return quoted(w, p, len).text(" is no object identifier");
    case Kind.TUNNEL:
      return quoted(w.text("there is no tunnel interface "), p, len);
    default:
      return quoted(w, p, len).text(" is no file");
  }
}

/** Says what the value is; of what there is, a few that begin with the `len` bytes at `p`. */
export function describe(w: Writer, meaning: usize, p: usize, len: i32): Writer {
  const kind = kindOf(meaning);
  switch (<i32>kind) {
    case Kind.VPN:
      return examples(w, "a VPN", kind, p, len);
    case Kind.LOGGED_VPN:
      return examples(w, "a VPN, also one that is no more", kind, p, len);
    case Kind.SA_ID:
      return w.text("the SA's ID, as get sa shows it, such as 0x00000001");
    case Kind.SEVERITY:
      return w.text("critical, error, warning, notification or information");
    case Kind.NUMBER:
      return w.text("a number, such as 10");
    case Kind.PLACE:
      return w.text("where the part before ended, as its first line says");
    case Kind.OID:
      return w.text("an object identifier, such as .1.3.6.1.4.1.3224.4.1.1");
    case Kind.FILE:
      return w.text("a path; what is there is replaced");
    case Kind.ANY_VPN:
      return examples(w, "a VPN, or the name of a new one", kind, p, len);
    case Kind.GATEWAY:
      return examples(w, "the connection, as strongSwan calls it", kind, p, len);
    case Kind.INTERFACE:
      return examples(w, "the interface whose address echoes come from", kind, p, len);
    case Kind.SOURCE:
      return examples(w, "an address of this machine", kind, p, len);
    case Kind.QUORUM:
      return w.text("any, all, or a number of destinations");
    case Kind.TUNNEL:
      return examples(w, "a tunnel interface", kind, p, len);
    case Kind.ANY_TUNNEL:
      return examples(w, "a tunnel interface, or the name of a new one", kind, p, len);
    case Kind.TARGET:
      return examples(w, "a network, such as 10.1.2.0/24 or fd00:2::/64", kind, p, len);
    case Kind.NEXT_HOP:
      return examples(w, "the next hop's address", kind, p, len);
    default:
      return w.text(describeOption(nameBytes(meaning), nameLength(meaning)));
  }
}

/** What a value of the configuration is. */
function describeOption(p: usize, len: i32): string {
  if (equalText(p, len, "CHILD")) return "the child of the connection; else the VPN's name";
  if (equalText(p, len, "IP")) return "an address, such as 10.2.0.10 or fd00::1";
  if (equalText(p, len, "SECONDS")) return "seconds from 0.02 to 3600";
  if (equalText(p, len, "ROUNDS")) return "a number of rounds in a row";
  if (equalText(p, len, "BYTES")) return "64 to 1350 bytes";
  if (equalText(p, len, "IFID")) return "the if_id of its one VPN's SAs; without, it takes several";
  if (equalText(p, len, "ADDRESS")) return "its address with a prefix, such as 10.1.0.1/24";
  if (equalText(p, len, "MTU")) return "576 to 65535 bytes";
  if (equalText(p, len, "METRIC")) return "a number: the lowest is taken";
  if (equalText(p, len, "NETWORK")) return "a network, such as 10.1.2.0/24 or fd00:2::/64";
  assert(equalText(p, len, "LIFETIME"));
  return "seconds from 0 (never) to 268435455";
}

/** What the value is, and of those that there are a few that begin with the `len` bytes at `p`. */
function examples(w: Writer, what: string, kind: Kind, p: usize, len: i32): Writer {
  beginCandidates(kind, p, len);
  return writeExamples(w.text(what));
}

/** Hands over each value that begins with the `len` bytes at `p`, where there is a list of them. */
export function completeValue(meaning: usize, p: usize, len: i32): void {
  beginCandidates(kindOf(meaning), p, len);
  for (let name = nextCandidate(); name != 0; name = nextCandidate()) complete(name);
}

/** Writes a word between quotes, cut where it is long. */
export function quoted(w: Writer, p: usize, len: i32): Writer {
  w.u8(0x27).bytes(p, min(len, MAX_SHOWN_BYTES));
  if (len > MAX_SHOWN_BYTES) w.text("...");
  return w.u8(0x27);
}

/** Whether there is a VPN of this name. */
export function isConfigured(p: usize, len: i32): bool {
  return findName(p, len) >= 0;
}

function findName(p: usize, len: i32): i32 {
  return setName(name, MAX_NAME_BYTES, p, len) ? findVpn(name) : -1;
}

function hasEvents(p: usize, len: i32): bool {
  if (len == 0 || !setName(name, MAX_NAME_BYTES, p, len)) return false;
  for (let age = 0; age < eventCount(); age++) if (sameName(eventAt(age).vpn, name)) return true;
  return false;
}

function parseId(p: usize, len: i32): i64 {
  const prefixed = len > 2 && load<u8>(p) == 0x30 && (load<u8>(p, 1) | 0x20) == 0x78;
  return prefixed ? parseHex(p + 2, len - 2) : parseHex(p, len);
}

function parseNumber(p: usize, len: i32): i64 {
  const value = parseDecimal(p, len);
  return value > 0 && value <= i32.MAX_VALUE ? value : -1;
}

/** The VPN that the command's NAME names; -1: it has none. */
export function vpnGiven(): i32 {
  const i = find("NAME");
  return i < 0 ? -1 : findName(word(i), wordLength(i));
}

/** The name (a name field) that the command's LOGGED is; 0: it has none. */
export function loggedGiven(): usize {
  const i = find("LOGGED");
  return i >= 0 && setName(name, MAX_NAME_BYTES, word(i), wordLength(i)) ? name : 0;
}

/** The VPN whose SA has the command's ID; -1: there is none. */
export function vpnOfIdGiven(): i32 {
  const id = idGiven();
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED) && tunnelId(i) == id) return i;
  }
  return -1;
}

/** The tunnel interface that the command's TUNNEL names; -1: it has none. */
export function tunnelGiven(): i32 {
  const i = find("TUNNEL");
  return i < 0 ? -1 : findTunnel(word(i), wordLength(i));
}

/** The command's ID; 0: it has none. */
export function idGiven(): u32 {
  const i = find("ID");
  return i < 0 ? 0 : <u32>parseId(word(i), wordLength(i));
}

/** The command's LEVEL; -1: it has none. */
export function levelGiven(): i32 {
  const i = find("LEVEL");
  return i < 0 ? -1 : severityOf(word(i), wordLength(i));
}

/** The command's number that its notation calls so, else `otherwise`. */
export function numberGiven(otherwise: i32, name: string = "N"): i32 {
  const i = find(name);
  return i < 0 ? otherwise : <i32>parseNumber(word(i), wordLength(i));
}
