/**
 * What rekeyd does next for a VPN, and when, in a few words: for the live screen, and for `get vpn`
 * where nothing is out (of an outage outage.ts tells more).
 */
import { Writer } from "../bytes/writer";
import { NEVER, now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { isReady } from "../ike/vici/session";
import { Mode } from "../monitor/decision";
import { modeOf } from "../monitor/effect";
import { isCovered } from "../monitor/round";
import { Way, wayInto } from "../monitor/way";
import { gatewayAt, Negotiation } from "../sa/gateway";
import { phase2At } from "../sa/phase2";
import { Note, State, Vpn, vpnAt } from "../sa/vpn";
import { attemptAt, negotiation, negotiationWord } from "./negotiation";

/** When it comes, of the VPN that was written last. */
let at_ms: i64 = NEVER;

/** The time of what `writeBriefly` has told; NEVER: it has none. */
export function nextAt(): i64 {
  return at_ms;
}

/** Writes it. */
export function writeBriefly(w: Writer, index: i32): Writer {
  at_ms = NEVER;
  const vpn = vpnAt(index);
  const mode = modeOf(vpn);
  if (mode == Mode.OFF) {
    w.text("nothing: not monitored");
  } else if (!isReady() || !gatewayAt(vpn.gateway).listed) {
    // What is known of its SA stays good for echoes.
    if (vpn.state == State.UP && vpn.current >= 0) writeEcho(w, vpn);
    else w.text("waits for strongSwan");
  } else if (vpn.noted(Note.SAID_UNKNOWN)) {
    w.text("waits: not in strongSwan");
  } else if (negotiation(index) != Negotiation.IDLE) {
    writeStep(w, index);
  } else if (vpn.renewal_at_ms != 0) {
    w.text("rekeying by command");
  } else if (vpn.current < 0) {
    if (mode == Mode.REKEY) writeIn(w.text("attempt"), vpn.due_ms);
    else w.text("waits for an SA");
  } else if (!isCovered(vpn)) {
    w.text(noEchoWord(wayInto(vpn, phase2At(vpn.current))));
  } else if (mode == Mode.MONITOR && vpn.state == State.DOWN) {
    w.text("waits for new SA or traffic");
  } else {
    writeEcho(w, vpn);
    writeRekey(w, vpn);
  }
  return w;
}

function noEchoWord(way: Way): string {
  if (way == Way.NO_INTERFACE) return "no echo: no interface";
  return way == Way.OTHER_IF_ID ? "no echo: another if_id" : "no echo: outside the SA";
}

function writeStep(w: Writer, index: i32): void {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  const step = negotiation(index);
  if (step == Negotiation.QUEUED) {
    w.text("queued to negotiate");
  } else if (step != Negotiation.BACKING_OFF) {
    at_ms = gateway.deadline_ms;
    w.text(negotiationWord(step)).text(", ");
    w.decimal(secondsLeft(at_ms)).text(" s left");
  } else if (gateway.vpn >= 0) {
    w.text("waits for the gateway");
  } else {
    writeIn(w.text("attempt"), attemptAt(vpn));
  }
}

/** With `optimized` traffic can take the echo's place. */
function writeEcho(w: Writer, vpn: Vpn): void {
  writeIn(w.text("echo"), vpn.due_ms);
  if (vpn.config.has(VpnFlag.OPTIMIZED)) w.text(" if idle");
}

/** Whoever renews the key: strongSwan by its own schedule, or rekeyd. */
function writeRekey(w: Writer, vpn: Vpn): void {
  const sa = phase2At(vpn.current);
  let rekey_ms = NEVER;
  if (vpn.config.has(VpnFlag.REKEY) && sa.soft_at_ms > now_ms) rekey_ms = sa.soft_at_ms;
  if (sa.rekey_at_ms > now_ms) rekey_ms = min(rekey_ms, sa.rekey_at_ms);
  if (rekey_ms != NEVER) writeSpan(w.text(", rekey in "), secondsLeft(rekey_ms));
}

function writeIn(w: Writer, due_ms: i64): void {
  at_ms = due_ms;
  const left_s = secondsLeft(due_ms);
  if (left_s == 0) w.text(" now");
  else w.text(" in ").decimal(left_s).text(" s");
}

/** Begun seconds until then: 0 is now. */
function secondsLeft(until_ms: i64): i64 {
  return (max<i64>(until_ms - now_ms, 0) + 999) / 1000;
}

/** A span of time in at most four columns: `90s`, `54m`, `27h`, `365d`. */
export function writeSpan(w: Writer, span_s: i64): Writer {
  if (span_s < 100) return w.decimal(span_s).u8(0x73);
  if (span_s < 6000) return w.decimal(span_s / 60).u8(0x6d);
  if (span_s < 360_000) return w.decimal(span_s / 3600).u8(0x68);
  return w.decimal(span_s / 86_400).u8(0x64);
}
