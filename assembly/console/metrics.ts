/**
 * `metrics [textfile] [from PLACE]`: what Prometheus is told. Many VPNs have more to tell than one
 * answer holds, or one call should take: an answer that is not the last one names the line that
 * gets the next part. All parts together are one document. Where the configuration has changed in
 * between, the next part is refused, since VPNs may have changed their places.
 */
import { Writer } from "../bytes/writer";
import { loadedAt } from "../config/history";
import { METRICS_PART_BYTES } from "../limits";
import { hasTunnels, Tunnel, tunnelAt, tunnelCount } from "../route/tunnel";
import { Note, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { find, given, word, wordLength } from "./line";
import { beginFamilies, hadFamily, writeFamiliesTo } from "./metric_family";
import { daemonFamilies, vpnFamilies } from "./metric_table";
import { countWays, tunnelFamilies } from "./metric_tunnel";
import { family, isPlace, loaded_at_ms, setPlace, vpn, writePlace } from "./place";
import { beginError, beginMore, beginPart, endError, endPart, endReply, json } from "./reply";

/** `metrics [textfile] [from PLACE]` */
export function showMetrics(): void {
  if (json) return refuse("the metrics have a format of their own; get vpn answers in JSON");
  const begins = !given("from");
  const textfile = given("textfile");
  if (begins) {
    setPlace(loadedAt(), 0, 0);
  } else {
    const i = find("PLACE");
    assert(isPlace(word(i), wordLength(i)));
    if (loaded_at_ms != loadedAt() || vpn > vpnCount()) {
      return refuse("the configuration has changed since the part before; begin again: metrics");
    }
  }
  const w = beginPart();
  writeFamiliesTo(w, textfile);
  if (begins) writeDaemon();
  if (begins && hasTunnels()) writeTunnels();
  if (writeVpns(w)) {
    if (!textfile) w.text("# EOF\n");
    endReply();
  } else {
    writePlace(beginMore().text(textfile ? "metrics textfile from " : "metrics from "));
    endPart();
  }
}

function refuse(why: string): void {
  beginError().text(why);
  endError();
}

function writeDaemon(): void {
  for (let i = 0; ; i++) {
    beginFamilies(i, true);
    daemonFamilies();
    if (!hadFamily()) break;
    beginFamilies(i, false);
    daemonFamilies();
  }
}

/** They are few: all stand in the first part. */
function writeTunnels(): void {
  countWays();
  for (let f = 0; ; f++) {
    beginFamilies(f, true);
    tunnelFamilies(changetype<Tunnel>(<usize>0), 0);
    if (!hadFamily()) break;
    for (let i = 0; i < tunnelCount(); i++) {
      if (!tunnelAt(i).used) continue;
      beginFamilies(f, false);
      tunnelFamilies(tunnelAt(i), i);
    }
  }
}

/** Writes from the place on; false: the part is full, and the place is where the next begins. */
function writeVpns(w: Writer): bool {
  const count = vpnCount();
  let i = vpn;
  for (let f = family; i > 0 || writeHead(f); f++) {
    for (; i < count; i++) {
      if (vpnAt(i).noted(Note.USED)) {
        beginFamilies(f, false);
        vpnFamilies(vpnAt(i), i);
      }
      // A part ends behind a VPN: the head of a family is written where its first one is.
      if (w.length >= METRICS_PART_BYTES) {
        setPlace(loaded_at_ms, f, i + 1);
        return false;
      }
    }
    i = 0;
  }
  return true;
}

/** Writes the head of the VPNs' family; false: there are no more. */
function writeHead(f: i32): bool {
  beginFamilies(f, true);
  vpnFamilies(changetype<Vpn>(<usize>0), 0);
  return hadFamily();
}
