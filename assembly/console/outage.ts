/** A VPN that does not work: why, what was tried last, and what comes next. */
import { writeAddress } from "../bytes/address";
import { nameBytes, nameLength } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { NEVER, now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { isReady } from "../ike/vici/session";
import { unknownDeadline } from "../monitor/conversation";
import { Event } from "../monitor/decision";
import { isInTrouble } from "../monitor/exam";
import { Gateway, gatewayAt, Negotiation } from "../sa/gateway";
import { Note, State, Tried, Vpn, vpnAt } from "../sa/vpn";
import { attemptAt, negotiation } from "./negotiation";
import { secondsSince } from "./sta";

/** Whether there is something to tell: the VPN is down, or has no SA although it should. */
export function isOut(vpn: Vpn): bool {
  return isInTrouble(vpn) && (vpn.state == State.DOWN || vpn.current < 0);
}

/** Why it does not work. */
export function writeWhy(w: Writer, vpn: Vpn): Writer {
  if (vpn.state != State.DOWN) return w.text("there is no SA");
  if (vpn.noted(Note.SILENT)) {
    w.text("its destination has never answered, although user traffic comes in");
  } else if (vpn.down_by == <u8>Event.SA_GONE) {
    w.text("its SA is gone");
  } else {
    w.decimal(vpn.config.threshold).text(" rounds in a row had no answer");
  }
  return w.text(", for ").decimal(secondsSince(vpn.down_at_ms)).text(" s");
}

/** What was tried last, and what came of it. */
export function writeTried(w: Writer, vpn: Vpn): Writer {
  const gateway = gatewayAt(vpn.gateway);
  switch (<i32>vpn.tried) {
    case Tried.REKEYED_IN_VAIN:
      w.text("a new Phase 2 key was asked for, and none came");
      break;
    case Tried.SILENCE:
      writeSilence(w, gateway);
      break;
    case Tried.UNFINISHED:
      writeAddress(w.text("negotiations were initiated, "), gateway.peer_ip);
      w.text(" answered, and there was no SA in time");
      break;
    case Tried.REFUSED:
      w.text("negotiations were initiated, and refused");
      writeRefusal(w, vpn);
      if (vpn.refusals > 1) w.text(", ").counted(vpn.refusals, "time").text(" in a row");
      break;
    case Tried.NEW_SA:
      w.text("a new SA was negotiated, and has not brought an answer yet");
      break;
    default:
      // The gateway's VPNs take turns.
      if (gateway.silences == 0) return w.text("nothing yet");
      return writeSilence(w.text("for another VPN of this gateway "), gateway);
  }
  return w.text(", ").decimal(secondsSince(vpn.tried_at_ms)).text(" s ago");
}

function writeSilence(w: Writer, gateway: Gateway): Writer {
  writeAddress(w.text("negotiations were initiated, and "), gateway.peer_ip);
  return w.text(" did not answer, ").counted(gateway.silences, "time").text(" in a row");
}

/** In strongSwan's words, where it has some. */
export function writeRefusal(w: Writer, vpn: Vpn): Writer {
  const len = nameLength(vpn.reason);
  if (len == 0) return w.text(" (strongSwan's log says why)");
  return w.text(" (").bytes(nameBytes(vpn.reason), len).u8(0x29);
}

/** What comes next, and when. */
export function writeNext(w: Writer, index: i32): Writer {
  const vpn = vpnAt(index);
  const gateway = gatewayAt(vpn.gateway);
  if (!vpn.config.has(VpnFlag.REKEY)) {
    return w.text("nothing: without rekey a new SA, or user traffic, is waited for");
  }
  if (!isReady()) return w.text("strongSwan is connected to again, which is tried every second");
  if (vpn.noted(Note.SAID_UNKNOWN)) {
    return when(w.text("strongSwan is asked again whether it knows the VPN"), unknownDeadline());
  }
  if (vpn.current >= 0 && !vpn.noted(Note.RECOVERING)) return writeNextEcho(w, vpn);
  return writeNextStep(w, index, vpn, gateway);
}

function writeNextEcho(w: Writer, vpn: Vpn): Writer {
  w.text(vpn.noted(Note.SILENT) ? "the SA is left alone; an echo is sent" : "an echo is sent");
  return when(w, vpn.due_ms);
}

function writeNextStep(w: Writer, index: i32, vpn: Vpn, gateway: Gateway): Writer {
  switch (<i32>negotiation(index)) {
    case Negotiation.QUEUED:
      return w.text("negotiations are initiated when other gateways are done with theirs");
    case Negotiation.REKEYING_CHILD:
      return when(w.text("the IKE_SA is made anew, if no new Phase 2 key comes"), gateway.limit_ms);
    case Negotiation.TERMINATING:
      return when(w.text("negotiations are initiated"), gateway.deadline_ms);
    case Negotiation.INITIATING:
      return when(w.text("a fresh attempt, if this one gets no answer"), gateway.deadline_ms);
    case Negotiation.BACKING_OFF:
      if (gateway.vpn < 0) return when(w.text("a fresh attempt"), attemptAt(vpn));
      return w.text("an attempt, after that for VPN ").name(vpnAt(gateway.vpn).config.name);
    default:
      return when(w.text("negotiations are initiated"), vpn.due_ms);
  }
}

function when(w: Writer, at_ms: i64): Writer {
  if (at_ms == NEVER) return w;
  if (at_ms <= now_ms) return w.text(", now");
  return w
    .text(", in ")
    .seconds(at_ms - now_ms)
    .text(" s");
}
