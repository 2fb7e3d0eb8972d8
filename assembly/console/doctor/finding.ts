/**
 * What `doctor` can find, as a table: the name that scripts go by, how bad it is, and what to do.
 * The sentence comes from the check that finds it. docs/commands.md has the same table for people.
 */
import { Writer, WRITER_BYTES, writerAt } from "../../bytes/writer";
import { makePrintable } from "../../bytes/utf8";
import {
  beginObject,
  beginText,
  endObject,
  key,
  nameValue,
  nullValue,
  stringValue,
  textValue,
} from "../../bytes/json";
import { json, replyWriter } from "../reply";

/** How bad it is. */
export const enum Gravity {
  /** It keeps a VPN from being watched, or from working. */
  FATAL = 0,
  /** It will hurt one day, or hides something. */
  WARNING,
  /** Worth knowing: it may be meant so. */
  NOTE,
}

/** Everything that can be found. */
export const enum Finding {
  VICI_AWAY = 0,
  NO_IPSEC,
  KERNEL_DROPS,
  REFUSED_CONFIG,
  UNKNOWN_CONNECTION,
  UNKNOWN_CHILD,
  NOT_TUNNEL,
  OUTSIDE,
  NO_SOURCE,
  NO_DESTINATION,
  NOT_OUR_SOURCE,
  OUR_DESTINATION,
  NO_IPV6,
  NO_INTERFACE,
  OTHER_INTERFACE,
  INTERFACE_DOWN,
  OTHER_IF_ID,
  NO_NEXT_HOP,
  FOREIGN_ROUTE,
  DOWN,
  NO_SA,
  HELD_BACK,
  STOLEN_BY_RULE,
  STOLEN_BY_MARK,
  NO_ROUTE,
  UNSENDABLE,
  SILENT_TARGET,
  NO_ROUTE_TO_PEER,
  SILENT_PEER,
  SILENT_IKE,
  REFUSED,
  BOTH_INITIATE,
  REAUTHENTICATION,
  SHORT_LIFETIME,
  DPD_OFF,
  SLOW,
  PEER_MONITORS,
  MISSES,
  NOT_MONITORED,
  REKEY_OFF,
}

/** What `describe` writes of a row. */
const enum Column {
  NONE,
  NAME,
  ADVICE,
}

let current: Finding = Finding.DOWN;
let gravity: Gravity = Gravity.NOTE;
let column: Column = Column.NONE;

function is(called: string, how_bad: Gravity, to_do: string): void {
  gravity = how_bad;
  if (column == Column.NAME) replyWriter().text(called);
  else if (column == Column.ADVICE) replyWriter().text(to_do);
}

/** Writes a column of the finding's row. */
function write(which: Column): Writer {
  column = which;
  describe(current);
  return replyWriter();
}

// prettier-ignore
function describe(finding: Finding): void {
  switch (<i32>finding) {
    case Finding.VICI_AWAY: return is("vici-away", Gravity.FATAL, "Start strongSwan with its vici plugin, or name its socket: option vici.");
    case Finding.NO_IPSEC: return is("no-ipsec", Gravity.FATAL, "Load the modules xfrm_user and esp4 (esp6), or strongSwan's kernel-libipsec.");
    case Finding.KERNEL_DROPS: return is("kernel-drops", Gravity.WARNING, "See /proc/net/xfrm_stat: is there a firewall, a policy or another program that changes SAs?");
    case Finding.REFUSED_CONFIG: return is("refused-config", Gravity.WARNING, "Correct the file, and reload.");
    case Finding.UNKNOWN_CONNECTION: return is("unknown-connection", Gravity.FATAL, "Load it (swanctl --load-conns), or correct option gateway.");
    case Finding.UNKNOWN_CHILD: return is("unknown-child", Gravity.FATAL, "Load it (swanctl --load-conns), or correct option child.");
    case Finding.NOT_TUNNEL: return is("not-tunnel", Gravity.FATAL, "Set mode = tunnel, or take the VPN out.");
    case Finding.OUTSIDE: return is("outside-selectors", Gravity.FATAL, "Choose source and destination inside the selectors, or widen those on both ends.");
    case Finding.NO_SOURCE: return is("no-source", Gravity.FATAL, "Give the machine an address inside the local selectors, or set source_ip.");
    case Finding.NO_DESTINATION: return is("no-destination", Gravity.FATAL, "Set destination_ip to a host inside the remote selectors.");
    case Finding.NOT_OUR_SOURCE: return is("not-our-source", Gravity.FATAL, "Give the address to an interface, or correct source_ip.");
    case Finding.OUR_DESTINATION: return is("our-destination", Gravity.FATAL, "Take a host on the peer's side.");
    case Finding.NO_IPV6: return is("no-ipv6", Gravity.FATAL, "Load the module ipv6, or boot without ipv6.disable=1.");
    case Finding.NO_INTERFACE: return is("no-interface", Gravity.FATAL, "Set option create, or make it: ip link add NAME type xfrm external, or with if_id N; the module is xfrm_interface.");
    case Finding.OTHER_INTERFACE: return is("other-interface", Gravity.FATAL, "Remove that interface (ip link delete), or correct the section's name or if_id.");
    case Finding.INTERFACE_DOWN: return is("interface-down", Gravity.FATAL, "Set it up: ip link set up dev NAME. rekeyd withdraws routes alone.");
    case Finding.OTHER_IF_ID: return is("other-if-id", Gravity.FATAL, "Set if_id_in and if_id_out of the child in swanctl.conf, then load and renew it.");
    case Finding.NO_NEXT_HOP: return is("no-next-hop", Gravity.WARNING, "Add config nhtb for it, or let its peer announce it; see get interface TUNNEL nhtb.");
    case Finding.FOREIGN_ROUTE: return is("foreign-route", Gravity.WARNING, "Remove that route, or give one of them another metric: rekeyd touches no route of others.");
    case Finding.DOWN: return is("down", Gravity.FATAL, "See what was tried last and what comes next.");
    case Finding.NO_SA: return is("no-sa", Gravity.WARNING, "Have strongSwan initiate it (start_action), or set rekey.");
    case Finding.HELD_BACK: return is("held-back", Gravity.FATAL, "See strongSwan's log for policies and routes that it could not install.");
    case Finding.STOLEN_BY_RULE: return is("stolen-by-rule", Gravity.FATAL, "Let a rule before that one look up strongSwan's table, or leave the VPN's networks out of it.");
    case Finding.STOLEN_BY_MARK: return is("stolen-by-mark", Gravity.FATAL, "Leave the VPN's networks out of the firewall's marks (mwan3: a rule with policy default).");
    case Finding.NO_ROUTE: return is("no-route", Gravity.FATAL, "Add a route to the destination; without one no packet gets as far as IPsec.");
    case Finding.UNSENDABLE: return is("unsendable", Gravity.FATAL, "Look at routes, rules and the firewall.");
    case Finding.SILENT_TARGET: return is("silent-target", Gravity.WARNING, "Choose a destination that exists and may be pinged.");
    case Finding.NO_ROUTE_TO_PEER: return is("no-route-to-peer", Gravity.FATAL, "Bring the uplink or its default route back.");
    case Finding.SILENT_PEER: return is("silent-peer", Gravity.FATAL, "Look at the uplink, the provider and the peer's power; some gateways answer no ping.");
    case Finding.SILENT_IKE: return is("silent-ike", Gravity.FATAL, "Let UDP 500 and 4500 pass in every firewall; is the peer's IKE daemon running?");
    case Finding.REFUSED: return is("refused", Gravity.FATAL, "Compare proposals, identities, secrets and selectors on both ends; see strongSwan's log.");
    case Finding.BOTH_INITIATE: return is("both-initiate", Gravity.WARNING, "Let one end initiate: start_action = none on the other; rekey on one end is enough.");
    case Finding.REAUTHENTICATION: return is("reauthentication", Gravity.WARNING, "Set reauth_time = 0 and rekey_time = 4h, or make_before_break = yes in strongswan.conf.");
    case Finding.SHORT_LIFETIME: return is("short-lifetime", Gravity.WARNING, "Lengthen life_time, or shorten interval or threshold.");
    case Finding.DPD_OFF: return is("dpd-off", Gravity.NOTE, "Set dpd_delay = 10s and dpd_action = restart in the connection.");
    case Finding.SLOW: return is("slow", Gravity.NOTE, "Shorten interval or threshold.");
    case Finding.PEER_MONITORS: return is("peer-monitors", Gravity.NOTE, "Switch optimized off on the end whose verdict counts.");
    case Finding.MISSES: return is("misses", Gravity.NOTE, "Look again: the VPN is up when they are answered, and down at the threshold.");
    case Finding.NOT_MONITORED: return is("not-monitored", Gravity.NOTE, "Set monitor, if it is to be watched.");
    default: return is("rekey-off", Gravity.NOTE, "Set rekey, if it is to be made anew.");
  }
}

/** Bytes of a finding's sentence. */
const MAX_SENTENCE_BYTES: i32 = 700;
const sentence: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const room: usize = memory.data(MAX_SENTENCE_BYTES);

/** Whether findings are counted and not told. */
let silent: bool = false;
let found: i32 = 0;
let serious: i32 = 0;

/** From here on findings are counted alone, or told as well. */
export function beginFindings(tells: bool): void {
  silent = !tells;
  found = 0;
  serious = 0;
}

/** Findings since then. */
export function foundCount(): i32 {
  return found;
}

/** Those of them that are more than a note. */
export function seriousCount(): i32 {
  return serious;
}

/** Something was found: its sentence goes to the writer. */
export function begin(finding: Finding): Writer {
  current = finding;
  return sentence.reset(room, MAX_SENTENCE_BYTES);
}

/** The sentence is written; `vpn` is the name field of the VPN that it is about, or 0. */
export function end(vpn: usize): void {
  write(Column.NONE);
  found++;
  if (gravity != Gravity.NOTE) serious++;
  if (silent) return;
  makePrintable(sentence.start, sentence.length);
  const w = replyWriter();
  if (json) return endJson(w, vpn);
  w.text("  ").text(gravityWord()).u8(0x20);
  write(Column.NAME).text(": ").bytes(sentence.start, sentence.length).text(".\n    ");
  write(Column.ADVICE).u8(0x0a);
}

function endJson(w: Writer, vpn: usize): void {
  beginText(key(beginObject(w), "id"));
  write(Column.NAME).u8(0x22);
  textValue(key(w, "severity"), gravityWord());
  key(w, "vpn");
  if (vpn == 0) nullValue(w);
  else nameValue(w, vpn);
  stringValue(key(w, "text"), sentence.start, sentence.length);
  beginText(key(w, "advice"));
  write(Column.ADVICE).u8(0x22);
  endObject(w);
}

function gravityWord(): string {
  if (gravity == Gravity.FATAL) return "fatal";
  return gravity == Gravity.WARNING ? "warning" : "note";
}
