/**
 * The values that the grammar knows, which its notations write in capitals. One more is a case in
 * each function here.
 */
import {
  equalText,
  isPrefix,
  nameBytes,
  nameLength,
  parseDecimal,
  parseHex,
  setName,
} from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { severityName, severityOf, SEVERITIES } from "../event/severity";
import { MAX_NAME_BYTES } from "../limits";
import { findVpn } from "../monitor/registry";
import { Note, tunnelId, vpnAt, vpnCount } from "../sa/vpn";
import { complete } from "./completion";
import { find, word, wordLength } from "./line";
import { copyItem } from "./notation";
import { parseOid } from "./oid";
import { isPlace } from "./place";

/** Names that help shows as examples. */
const MAX_EXAMPLES: i32 = 8;
/** Bytes of a word that an error repeats. */
const MAX_SHOWN_BYTES: i32 = 48;

const name: usize = memory.data(1 + MAX_NAME_BYTES);

/** The kinds of values. */
const enum Kind {
  /** `NAME`: a VPN that is configured. */
  VPN,
  /** `ID`: the SA ID of a VPN, hexadecimal with or without 0x. */
  SA_ID,
  /** `LEVEL`: a severity, which may be abbreviated. */
  SEVERITY,
  /** `N`, `COLUMNS`, `ROWS`: a number above 0. */
  NUMBER,
  /** `FILE`: a path where rekeyctl runs. */
  FILE,
  /** `PLACE`: where the part of an answer ended, as the part says. */
  PLACE,
  /** `OID`: an SNMP object identifier. */
  OID,
  /** `VPN`: a VPN that is configured, or is to be. */
  ANY_VPN,
  /** A value of the configuration: it is judged when that is read. */
  OPTION,
}

/** The kind that a notation calls so (a name field). */
function kindOf(meaning: usize): Kind {
  const p = nameBytes(meaning);
  const len = nameLength(meaning);
  if (equalText(p, len, "NAME")) return Kind.VPN;
  if (equalText(p, len, "ID")) return Kind.SA_ID;
  if (equalText(p, len, "LEVEL")) return Kind.SEVERITY;
  if (equalText(p, len, "N")) return Kind.NUMBER;
  if (equalText(p, len, "COLUMNS") || equalText(p, len, "ROWS")) return Kind.NUMBER;
  if (equalText(p, len, "PLACE")) return Kind.PLACE;
  if (equalText(p, len, "OID")) return Kind.OID;
  if (equalText(p, len, "FILE")) return Kind.FILE;
  if (equalText(p, len, "VPN")) return Kind.ANY_VPN;
  return Kind.OPTION;
}

/** Whether the word can be such a value. */
export function isValue(meaning: usize, p: usize, len: i32): bool {
  switch (<i32>kindOf(meaning)) {
    case Kind.VPN:
      return findName(p, len) >= 0;
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
    default:
      return true;
  }
}

/** Says why the word cannot be such a value. */
export function writeFault(w: Writer, meaning: usize, p: usize, len: i32): Writer {
  switch (<i32>kindOf(meaning)) {
    case Kind.VPN:
      return quoted(w.text("there is no VPN "), p, len);
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
    default:
      return quoted(w, p, len).text(" is no file");
  }
}

/** Says what the value is; of what there is, a few that begin with the `len` bytes at `p`. */
export function describe(w: Writer, meaning: usize, p: usize, len: i32): Writer {
  switch (<i32>kindOf(meaning)) {
    case Kind.VPN:
      return examples(w.text("a VPN"), p, len);
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
      return examples(w.text("a VPN, or the name of a new one"), p, len);
    default:
      return w.text(describeOption(nameBytes(meaning), nameLength(meaning)));
  }
}

/** What a value of the configuration is. */
function describeOption(p: usize, len: i32): string {
  if (equalText(p, len, "GW")) return "the connection, as strongSwan calls it";
  if (equalText(p, len, "CHILD")) return "the child of the connection; else the VPN's name";
  if (equalText(p, len, "IF")) return "the interface whose address echoes come from";
  if (equalText(p, len, "IP")) return "an address, such as 10.2.0.10 or fd00::1";
  if (equalText(p, len, "SECONDS")) return "seconds from 0.02 to 3600";
  if (equalText(p, len, "ROUNDS")) return "a number of rounds in a row";
  if (equalText(p, len, "QUORUM")) return "any, all, or a number of destinations";
  if (equalText(p, len, "BYTES")) return "64 to 1350 bytes";
  assert(equalText(p, len, "LIFETIME"));
  return "seconds from 0 (never) to 268435455";
}

/** The first VPNs whose names begin so, and how many more there are. */
function examples(w: Writer, p: usize, len: i32): Writer {
  let found = 0;
  for (let i = 0; i < vpnCount(); i++) {
    if (!beginsSo(i, p, len)) continue;
    if (found < MAX_EXAMPLES) w.text(found == 0 ? ": " : ", ").name(vpnAt(i).config.name);
    found++;
  }
  if (found > MAX_EXAMPLES)
    w.text(" and ")
      .decimal(found - MAX_EXAMPLES)
      .text(" more");
  return w;
}

/** Whether there is a VPN at the index, and its name begins with the bytes. */
function beginsSo(index: i32, p: usize, len: i32): bool {
  const vpn = vpnAt(index);
  if (!vpn.noted(Note.USED) || nameLength(vpn.config.name) < len) return false;
  return memory.compare(nameBytes(vpn.config.name), p, len) == 0;
}

/** Hands over each value that begins with the `len` bytes at `p`, where there is a list of them. */
export function completeValue(meaning: usize, p: usize, len: i32): void {
  const kind = kindOf(meaning);
  const is_vpn = kind == Kind.VPN || kind == Kind.ANY_VPN;
  for (let i = 0; is_vpn && i < vpnCount(); i++) {
    if (beginsSo(i, p, len)) complete(vpnAt(i).config.name);
  }
  for (let i = 0; kind == Kind.SEVERITY && i < SEVERITIES; i++) {
    const level = severityName(i);
    if (!isPrefix(p, len, level, 0, level.length)) continue;
    copyItem(name, level, 0, level.length);
    complete(name);
  }
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

/** The VPN whose SA has the command's ID; -1: there is none. */
export function vpnOfIdGiven(): i32 {
  const id = idGiven();
  for (let i = 0; i < vpnCount(); i++) {
    if (vpnAt(i).noted(Note.USED) && tunnelId(i) == id) return i;
  }
  return -1;
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
