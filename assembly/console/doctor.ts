/**
 * `doctor [NAME]`: looks for all that could stop VPNs from being watched or recovered. The answer
 * comes when the examination (monitor/exam.ts) is over, which is in a later call.
 */
import {
  beginList,
  beginObject,
  endList,
  endObject,
  key,
  nameValue,
  numberValue,
  stringValue,
  textValue,
} from "../bytes/json";
import { nameBytes, nameLength, setName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { VpnFlag } from "../config/model";
import { MAX_EXAMS_WAITING, MAX_NAME_BYTES } from "../limits";
import { beginExam, isExamining, isInTrouble } from "../monitor/exam";
import { findVpn } from "../monitor/registry";
import { Note, stateWord, vpnAt, vpnCount } from "../sa/vpn";
import { begin, beginFindings, end, Finding, foundCount, seriousCount } from "./doctor/finding";
import { checkMachine } from "./doctor/machine";
import { checkKnown, checkPath } from "./doctor/path";
import { checkSettings } from "./doctor/settings";
import { checkBinding, checkTunnels } from "./doctor/tunnel";
import { isOut, writeNext, writeTried, writeWhy } from "./outage";
import { vpnGiven } from "./parameter";
import {
  answerTo,
  beginError,
  beginFound,
  beginReply,
  client,
  endError,
  endReply,
  json,
} from "./reply";

/** Somebody who has asked: which VPN (a name field; empty: all), and how to answer. */
@unmanaged
class Asker {
  client: i32;
  json: bool;

  get vpn(): usize {
    return changetype<usize>(this) + 8;
  }
}
const ASKER_BYTES: i32 = 8 + 1 + MAX_NAME_BYTES;

/** The first of them is being examined for; the others wait. */
const askers: usize = memory.data((1 + MAX_EXAMS_WAITING) * ASKER_BYTES, 4);
let count: i32 = 0;

function askerAt(i: i32): Asker {
  return changetype<Asker>(askers + i * ASKER_BYTES);
}

/** `doctor [NAME]` */
export function doctor(): void {
  if (count > MAX_EXAMS_WAITING) {
    beginError().text("others are being examined; try again in a few seconds");
    return endError();
  }
  const index = vpnGiven();
  const asker = askerAt(count++);
  asker.client = client;
  asker.json = json;
  if (index < 0) setName(asker.vpn, MAX_NAME_BYTES, 0, 0);
  else memory.copy(asker.vpn, vpnAt(index).config.name, 1 + MAX_NAME_BYTES);
  if (count == 1) beginExam(index);
}

/** The examination is over: whoever waits for it is answered, and the next one's begins. */
export function answerDoctor(): void {
  while (count > 0 && !isExamining()) {
    const asker = askerAt(0);
    answerTo(asker.client, asker.json);
    const all = nameLength(asker.vpn) == 0;
    const index = all ? -1 : findVpn(asker.vpn);
    if (all || index >= 0) {
      report(index);
    } else {
      const w = beginError().text("there is no VPN '");
      w.bytes(nameBytes(asker.vpn), nameLength(asker.vpn)).text("' any more");
      endError();
    }
    count--;
    memory.copy(askers, askers + ASKER_BYTES, count * ASKER_BYTES);
    if (count > 0) beginExam(nameLength(askerAt(0).vpn) == 0 ? -1 : findVpn(askerAt(0).vpn));
  }
}

/** Answers with what is found about the VPN, or about all (-1). */
function report(index: i32): void {
  // Once to know whether anything is found, for that stands in front of the answer.
  beginFindings(false);
  checkMachine();
  checkTunnels(index);
  for (let i = 0; i < vpnCount(); i++) if (isMeant(i, index)) checkVpn(i);
  const w = seriousCount() > 0 ? beginFound() : beginReply();
  if (json) reportJson(w, index);
  else reportText(w, index);
  endReply();
}

function isMeant(i: i32, index: i32): bool {
  return (index < 0 || i == index) && vpnAt(i).noted(Note.USED);
}

function checkVpn(i: i32): void {
  const vpn = vpnAt(i);
  const known = checkKnown(i);
  if (known) checkBinding(i);
  if (!vpn.config.has(VpnFlag.MONITOR)) {
    begin(Finding.NOT_MONITORED).text("it is shown, and not watched");
    end(vpn.config.name);
    return;
  }
  if (known) checkPath(i);
  checkSettings(i);
}

function reportText(w: Writer, index: i32): void {
  beginFindings(true);
  w.text("rekeyd and strongSwan:\n");
  checkMachine();
  checkTunnels(index);
  if (foundCount() == 0) w.text("  nothing found\n");
  let looked_at = 0;
  let healthy = 0;
  for (let i = 0; i < vpnCount() && !w.truncated; i++) {
    if (!isMeant(i, index)) continue;
    looked_at++;
    const start = w.at;
    w.text("VPN ")
      .name(vpnAt(i).config.name)
      .text(": ")
      .text(stateWord(vpnAt(i)))
      .u8(0x0a);
    if (isOut(vpnAt(i))) reportOutage(w, i);
    const before = foundCount();
    checkVpn(i);
    if (foundCount() > before) continue;
    healthy++;
    // Of many VPNs only those are shown that have something.
    if (index < 0) w.at = start;
    else w.text("  nothing found\n");
  }
  if (index < 0) {
    w.counted(looked_at, "VPN").text(" looked at, ");
    if (healthy == looked_at) w.text("none");
    else w.decimal(looked_at - healthy);
    w.text(" with findings\n");
  }
}

function reportOutage(w: Writer, i: i32): void {
  writeWhy(w.text("  Why         "), vpnAt(i)).u8(0x0a);
  writeTried(w.text("  Tried last  "), vpnAt(i)).u8(0x0a);
  writeNext(w.text("  Next        "), i).u8(0x0a);
}

function reportJson(w: Writer, index: i32): void {
  beginFindings(true);
  beginList(key(beginObject(w), "findings"));
  checkMachine();
  checkTunnels(index);
  for (let i = 0; i < vpnCount() && !w.truncated; i++) if (isMeant(i, index)) checkVpn(i);
  endList(w);
  beginList(key(w, "vpns"));
  for (let i = 0; i < vpnCount() && !w.truncated; i++) {
    if (!isMeant(i, index)) continue;
    nameValue(key(beginObject(w), "name"), vpnAt(i).config.name);
    textValue(key(w, "state"), stateWord(vpnAt(i)));
    if (isInTrouble(vpnAt(i)) && isOut(vpnAt(i))) outageJson(w, i);
    endObject(w);
  }
  endList(w);
  numberValue(key(w, "found"), foundCount());
  endObject(w);
}

function outageJson(w: Writer, i: i32): void {
  // Strings that may hold strongSwan's own words.
  const why = writeWhy(beginError(), vpnAt(i));
  stringValue(key(w, "why"), why.start, why.length);
  const tried = writeTried(beginError(), vpnAt(i));
  stringValue(key(w, "tried"), tried.start, tried.length);
  const next = writeNext(beginError(), i);
  stringValue(key(w, "next"), next.start, next.length);
}
