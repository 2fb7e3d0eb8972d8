/**
 * What becomes of announcements that came in. One is believed that answers our challenge: it has
 * come from where our challenge went, through an SA of the VPN that it is about.
 */
import { NEVER, now_ms } from "../clock";
import { Announcement, Flag } from "../icmp/announcement";
import { RIGHT_CHALLENGE } from "../icmp/conceal";
import { phase2At } from "../sa/phase2";
import { findSpis } from "../sa/spi";
import { vpnCount } from "../sa/vpn";
import { announceSoon, isSatisfied, plan, settleOn } from "./announce";
import { emptyInbox, inboxAt, inboxCount, inboxVpn } from "./inbox";
import { takeAnnounced, takeListed } from "./learn";
import { anyLists, doneLists, hasNeighbour, Neighbour, neighbourAt, Source } from "./neighbour";

/** A peer whose contents change all the time is not followed faster. */
const TAKE_GAP_MS: i64 = 10_000;

/** When `hearDue` is to be called. */
export function hearDeadline(): i64 {
  return inboxCount() > 0 || anyLists() ? now_ms : NEVER;
}

/** Enters what strongSwan lists where that is due, and hears what has come in. */
export function hearDue(): void {
  for (let i = 0; anyLists() && i < vpnCount(); i++) {
    if (hasNeighbour(i) && neighbourAt(i).lists) takeListed(i);
  }
  doneLists();
  for (let i = 0; i < inboxCount(); i++) {
    if (hasNeighbour(inboxVpn(i))) hear(inboxVpn(i), inboxAt(i));
  }
  emptyInbox();
}

function hear(index: i32, came: Announcement): void {
  const sa = findSpis(came.spi_out, came.spi_in);
  if (sa < 0 || phase2At(sa).vpn != index) return;
  const it = neighbourAt(index);
  const is_proven = came.answer == RIGHT_CHALLENGE;
  // The same once more, or an earlier one that was overtaken.
  if (is_proven && came.sent_ms <= it.sent_ms) return;
  settleOn(it, came.spi_out, came.spi_in);
  const is_new = takeChallenge(it, came.challenge, is_proven);
  if (is_proven) believe(index, came);
  const asks = (came.flags & Flag.POLL) != 0;
  if (asks || (is_new && !isSatisfied(index))) announceSoon(index);
  else plan(index);
}

/**
 * Whether it is one that is to be answered. A challenge that came with a right answer gives way to
 * such a one alone.
 */
function takeChallenge(it: Neighbour, challenge: u64, is_proven: bool): bool {
  if (!is_proven && it.is_proven) return false;
  const is_new = !it.has_challenge || it.challenge != challenge;
  it.has_challenge = true;
  it.is_proven = is_proven;
  it.challenge = challenge;
  return is_new;
}

function believe(index: i32, came: Announcement): void {
  const it = neighbourAt(index);
  it.sent_ms = came.sent_ms;
  it.told = came.heard;
  const digest = came.digest;
  if (it.source != Source.ANNOUNCED || it.heard != digest) {
    if (it.heard != 0 && now_ms - it.taken_at_ms < TAKE_GAP_MS) return;
    takeAnnounced(index, came);
    it.heard = digest;
    it.taken_at_ms = now_ms;
  }
  it.verified = true;
}
