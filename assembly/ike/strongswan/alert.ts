/** The event `alert` (strongSwan 6.0.3 and later), as far as it says why a negotiation fails. */
import { Writer } from "../../bytes/writer";
import { Element, Message, MESSAGE_BYTES, messageAt } from "../vici/message";

/** Who refuses what; strongSwan's README of vici lists the types. */
export const enum Refusal {
  UNKNOWN = 0,
  LOCAL_AUTH,
  PEER_AUTH,
  IKE_PROPOSAL,
  CHILD_PROPOSAL,
  SELECTORS,
}

const reader: Message = messageAt(memory.data(MESSAGE_BYTES));

/** The refusal that an alert tells of; UNKNOWN if it tells of something else. */
export function readRefusal(p: usize, length: i32): Refusal {
  const m = reader.open(p, length);
  while (true) {
    const element = m.next();
    if (element == Element.END || element == Element.BAD) return Refusal.UNKNOWN;
    if (element != Element.KEY_VALUE || m.depth > 0 || !m.nameIs("type")) continue;
    if (m.valueIs("local-auth-failed")) return Refusal.LOCAL_AUTH;
    if (m.valueIs("peer-auth-failed")) return Refusal.PEER_AUTH;
    if (m.valueIs("proposal-mismatch-ike")) return Refusal.IKE_PROPOSAL;
    if (m.valueIs("proposal-mismatch-child")) return Refusal.CHILD_PROPOSAL;
    if (m.valueIs("ts-mismatch")) return Refusal.SELECTORS;
    return Refusal.UNKNOWN;
  }
}

/** For people; nothing for UNKNOWN. */
export function writeAlert(w: Writer, refusal: Refusal): Writer {
  switch (<i32>refusal) {
    case Refusal.LOCAL_AUTH:
      return w.text("our authentication failed: identity, secret or certificate");
    case Refusal.PEER_AUTH:
      return w.text("the peer's authentication failed: identity, secret or certificate");
    case Refusal.IKE_PROPOSAL:
      return w.text("no IKE proposal in common");
    case Refusal.CHILD_PROPOSAL:
      return w.text("no ESP proposal in common");
    case Refusal.SELECTORS:
      return w.text("selectors do not match");
    default:
      return w;
  }
}
