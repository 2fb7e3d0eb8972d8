/**
 * Commands of the control socket: one line, answered by one REPLY.
 *
 *     [json] get sa [active|inactive|id 0xID]
 *     [json] get vpn [NAME]
 *     [json] get vpnmonitor
 *     [json] get event
 *     [json] record start|stop|save
 *
 * `help`, or `?` in place of any word, answers with what may stand there.
 */
import { equalText, parseHex, setName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { MAX_COMMAND_BYTES, MAX_NAME_BYTES } from "../limits";
import { findVpn } from "../monitor/registry";
import { getEvent, getEventJson } from "./get_event";
import { getSa, SaFilter } from "./get_sa";
import { getVpnDetail, getVpnTable } from "./get_vpn";
import { getVpnmonitor, getVpnmonitorJson } from "./get_vpnmonitor";
import { beginObject, endObject, key, textValue } from "./json";
import { record, saveRecord } from "./record";
import { beginError, beginReply, endError, endJsonReply, endTextReply } from "./reply";
import { getVpnJson, getVpnsJson } from "./vpn_json";

/** Words of the longest command, and one that is too many. */
const MAX_WORDS: i32 = 6;
/** Bytes of a word that an error repeats. */
const MAX_SHOWN_BYTES: i32 = 48;

const words: usize = memory.data(MAX_WORDS * sizeof<usize>(), 4);
const lengths: usize = memory.data(MAX_WORDS * sizeof<i32>(), 4);
let word_count: i32 = 0;
/** The word that is to be looked at. */
let next: i32 = 0;
let client: i32 = 0;
let json: bool = false;

const name: usize = memory.data(1 + MAX_NAME_BYTES);

function commands(): string {
  return (
    "there are get sa [active|inactive|id 0xID], get vpn [NAME], get vpnmonitor, get event, " +
    "record start|stop|save"
  );
}

/** Runs the command line of `len` bytes at `p` and answers client `asker`. */
export function runCommand(asker: i32, p: usize, len: i32): void {
  client = asker;
  json = false;
  next = 0;
  split(p, min(len, MAX_COMMAND_BYTES));
  if (take("json")) json = true;
  if (len > MAX_COMMAND_BYTES) {
    beginError().text("the command is longer than ").decimal(MAX_COMMAND_BYTES).text(" bytes");
    endError(client, json);
  } else if (take("get")) {
    get();
  } else if (take("record")) {
    recorder();
  } else if (take("help")) {
    help(commands());
  } else {
    unknown(commands());
  }
}

function get(): void {
  if (take("sa")) sa();
  else if (take("vpn")) vpn();
  else if (take("vpnmonitor")) vpnmonitor();
  else if (take("event")) event();
  else unknown(commands());
}

function sa(): void {
  let filter = SaFilter.ALL;
  let id: i64 = 0;
  if (take("active")) filter = SaFilter.ACTIVE;
  else if (take("inactive")) filter = SaFilter.INACTIVE;
  else if (take("id")) {
    filter = SaFilter.ID;
    id = takeId();
    if (id < 0) return unknown("write get sa id 0x00000001");
  }
  if (next < word_count) return unknown("there are get sa [active|inactive|id 0xID]");
  const w = beginReply();
  if (json) getVpnsJson(w, filter, <u32>id);
  else getSa(w, filter, <u32>id);
  endReply();
}

function vpn(): void {
  if (next == word_count) {
    const w = beginReply();
    if (json) getVpnsJson(w, SaFilter.ALL, 0);
    else getVpnTable(w);
    return endReply();
  }
  const p = word(next);
  const len = wordLength(next);
  next++;
  if (next < word_count) return unknown("write get vpn NAME");
  const index = setName(name, MAX_NAME_BYTES, p, len) ? findVpn(name) : -1;
  if (index < 0) {
    if (equalText(p, len, "?")) return help("write get vpn [NAME]");
    quoted(beginError().text("there is no VPN "), p, len).text("; get vpn lists all");
    return endError(client, json);
  }
  const w = beginReply();
  if (json) getVpnJson(w, index);
  else getVpnDetail(w, index);
  endReply();
}

function vpnmonitor(): void {
  if (next < word_count) return unknown("write get vpnmonitor");
  const w = beginReply();
  if (json) getVpnmonitorJson(w);
  else getVpnmonitor(w);
  endReply();
}

function event(): void {
  if (next < word_count) return unknown("write get event");
  const w = beginReply();
  if (json) getEventJson(w);
  else getEvent(w);
  endReply();
}

function recorder(): void {
  const start = take("start");
  const stop = !start && take("stop");
  const known = start || stop || take("save");
  if (!known || next < word_count) unknown("there are record start, record stop, record save FILE");
  else if (start || stop) record(start, client, json);
  else saveRecord(client);
}

function endReply(): void {
  if (json) endJsonReply(client);
  else endTextReply(client);
}

/** Answers with what may stand in the place that the user asks about. */
function help(right: string): void {
  const w = beginReply();
  if (json) endObject(textValue(key(beginObject(w), "help"), right));
  else w.text(right).u8(0x0a);
  endReply();
}

/** Answers with the word from which on the command makes no sense, and with what would be right. */
function unknown(right: string): void {
  if (take("?")) return help(right);
  const w = beginError();
  if (next == word_count) {
    w.text("the command is incomplete");
  } else {
    quoted(w.text("unknown word "), word(next), wordLength(next));
    if (next > 0) quoted(w.text(" after "), word(next - 1), wordLength(next - 1));
  }
  w.text("; ").text(right);
  endError(client, json);
}

/** Cuts the line at white space and control characters; words past MAX_WORDS are left out. */
function split(p: usize, len: i32): void {
  word_count = 0;
  let at = 0;
  while (at < len && word_count < MAX_WORDS) {
    while (at < len && load<u8>(p + at) <= 0x20) at++;
    const from = at;
    while (at < len && load<u8>(p + at) > 0x20) at++;
    if (at == from) break;
    store<usize>(words + word_count * sizeof<usize>(), p + from);
    store<i32>(lengths + word_count * sizeof<i32>(), at - from);
    word_count++;
  }
}

function word(i: i32): usize {
  return load<usize>(words + i * sizeof<usize>());
}

function wordLength(i: i32): i32 {
  return load<i32>(lengths + i * sizeof<i32>());
}

/** Whether the next word is `text`: then it is taken. */
function take(text: string): bool {
  if (next == word_count || !equalText(word(next), wordLength(next), text)) return false;
  next++;
  return true;
}

/** Takes an SA's ID, hexadecimal with or without 0x; -1 leaves the word where it is. */
function takeId(): i64 {
  if (next == word_count) return -1;
  let p = word(next);
  let len = wordLength(next);
  if (len > 2 && load<u8>(p) == 0x30 && (load<u8>(p, 1) | 0x20) == 0x78) {
    p += 2;
    len -= 2;
  }
  const id = parseHex(p, len);
  if (id >= 0) next++;
  return id;
}

function quoted(w: Writer, p: usize, len: i32): Writer {
  w.u8(0x27).bytes(p, min(len, MAX_SHOWN_BYTES));
  if (len > MAX_SHOWN_BYTES) w.text("...");
  return w.u8(0x27);
}
