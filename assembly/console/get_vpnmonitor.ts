import { Writer } from "../bytes/writer";
import { utc_offset_s } from "../clock";
import {
  isLoaded,
  loadedAt,
  loadedPath,
  refusedAt,
  refusedLine,
  refusedMistakes,
} from "../config/history";
import { running, VpnFlag } from "../config/model";
import { isEdited } from "../config/running";
import { writeDate } from "../bytes/date";
import { isReady } from "../ike/vici/session";
import { Note, State, vpnAt, vpnCount } from "../sa/vpn";
import {
  beginObject,
  boolValue,
  dateValue,
  endObject,
  key,
  nameValue,
  nullValue,
  numberValue,
  stringValue,
} from "../bytes/json";
import { writeRecorder, writeRecorderJson } from "./record";

let configured: i32 = 0;
let monitored: i32 = 0;
let inactive: i32 = 0;
let ready: i32 = 0;
let up: i32 = 0;
let down: i32 = 0;

/** The settings for all VPNs, and how many VPNs are in which state. */
export function getVpnmonitor(w: Writer): void {
  count();
  w.text("VPN monitor interval: ").seconds(running.interval_ms).text(" (seconds)\n");
  w.text("VPN monitor threshold: ").decimal(running.threshold).u8(0x0a);
  w.text("strongSwan (vici): ").name(running.vici);
  w.text(isReady() ? ", connected\n" : ", not connected\n");
  writeConfiguration(w);
  writeRecorder(w);
  w.text("VPNs: ")
    .decimal(configured)
    .text(" configured, ")
    .decimal(monitored)
    .text(" monitored; ");
  w.decimal(up).text(" up, ").decimal(down).text(" down, ").decimal(ready).text(" ready, ");
  w.decimal(inactive).text(" inactive\n");
}

function writeConfiguration(w: Writer): void {
  w.text("Configuration: ");
  if (isLoaded()) writeLocal(w.name(loadedPath()).text(", loaded "), loadedAt());
  else w.text("none");
  w.text(isEdited() ? ", with changes that are not saved\n" : "\n");
  if (refusedMistakes() == 0) return;
  writeLocal(w.text("Last reload: refused "), refusedAt()).text(", ");
  const line = refusedLine();
  w.counted(refusedMistakes(), "mistake").text("; ").bytes(line.start, line.length).u8(0x0a);
}

function writeLocal(w: Writer, since_1970_ms: i64): Writer {
  return writeDate(w, since_1970_ms + 1000 * <i64>utc_offset_s, 0x20);
}

/** The same as JSON. */
export function getVpnmonitorJson(w: Writer): void {
  count();
  beginObject(w);
  numberValue(key(w, "interval_ms"), running.interval_ms);
  numberValue(key(w, "threshold"), running.threshold);
  nameValue(key(w, "vici"), running.vici);
  boolValue(key(w, "connected"), isReady());
  configuration(w);
  writeRecorderJson(key(w, "recorder"));
  beginObject(key(w, "vpns"));
  numberValue(key(w, "configured"), configured);
  numberValue(key(w, "monitored"), monitored);
  numberValue(key(w, "inactive"), inactive);
  numberValue(key(w, "ready"), ready);
  numberValue(key(w, "up"), up);
  numberValue(key(w, "down"), down);
  endObject(w);
  endObject(w);
}

function configuration(w: Writer): void {
  key(w, "configuration");
  if (!isLoaded()) {
    nullValue(w);
    return;
  }
  beginObject(w);
  nameValue(key(w, "path"), loadedPath());
  dateValue(key(w, "loaded"), loadedAt());
  boolValue(key(w, "saved"), !isEdited());
  key(w, "refused");
  if (refusedMistakes() == 0) {
    nullValue(w);
  } else {
    beginObject(w);
    dateValue(key(w, "time"), refusedAt());
    numberValue(key(w, "mistakes"), refusedMistakes());
    const line = refusedLine();
    stringValue(key(w, "first"), line.start, line.length);
    endObject(w);
  }
  endObject(w);
}

function count(): void {
  configured = 0;
  monitored = 0;
  inactive = 0;
  ready = 0;
  up = 0;
  down = 0;
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED)) continue;
    configured++;
    if (vpn.config.has(VpnFlag.MONITOR)) monitored++;
    switch (<i32>vpn.state) {
      case State.READY:
        ready++;
        break;
      case State.UP:
        up++;
        break;
      case State.DOWN:
        down++;
        break;
      default:
        inactive++;
    }
  }
}
