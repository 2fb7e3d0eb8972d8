/**
 * Announcements that have come in and wait for `chores`: what follows from one may take memory,
 * which is nothing for the hot path. They wait as recordings hold them, so no challenge stands
 * here.
 */
import { now_ms } from "../clock";
import {
  Announcement,
  MAX_ANNOUNCEMENT_BYTES,
  NO_ANNOUNCEMENT,
  receivedAnnouncement,
  returnedAnnouncement,
} from "../icmp/announcement";
import { challengeOf } from "../icmp/challenge";
import { concealPeers, RIGHT_CHALLENGE } from "../icmp/conceal";
import { CHECKSUM } from "../icmp/echo";
import { Slot } from "../icmp/slot";
import { BATCH } from "../limits";
import { phase2At } from "../sa/phase2";
import { findSpis } from "../sa/spi";
import { vpnAt } from "../sa/vpn";
import { hasNeighbour } from "./neighbour";

/** Places: what finds none is lost, as packets are. */
const PLACES: i32 = BATCH;
/** Bytes of a place: the announcement, in whole words. */
const PLACE_BYTES: i32 = (MAX_ANNOUNCEMENT_BYTES + 7) & ~7;

const places: usize = memory.data(PLACES * PLACE_BYTES, 8);
/** The VPN of each. */
const vpns: usize = memory.data(PLACES * sizeof<i32>(), 4);
let count: i32 = 0;

/** How many announcements wait. */
export function inboxCount(): i32 {
  return count;
}

/** One of them, with its challenge masked, and in place of its answer RIGHT_CHALLENGE or not. */
export function inboxAt(i: i32): Announcement {
  assert(<u32>i < <u32>count);
  return changetype<Announcement>(places + i * PLACE_BYTES);
}

/** The VPN that it is about. */
export function inboxVpn(i: i32): i32 {
  return load<i32>(vpns + (i << 2));
}

/** All have been read. */
export function emptyInbox(): void {
  count = 0;
}

/** What came in is no reply to an echo: perhaps it is an announcement, or the reply to ours. */
export function announcementCame(slot: Slot, version: i32): void {
  const came = receivedAnnouncement(slot, version);
  if (came != NO_ANNOUNCEMENT) return keep(came);
  const ours = returnedAnnouncement(slot, version);
  if (ours == NO_ANNOUNCEMENT) return;
  const sa = findSpis(ours.spi_in, ours.spi_out);
  if (sa < 0 || ours.challenge != challengeOf(ours.spi_in, ours.spi_out)) return;
  countIn(phase2At(sa).vpn);
}

function keep(came: Announcement): void {
  const sa = findSpis(came.spi_out, came.spi_in);
  if (sa < 0) return;
  const vpn = phase2At(sa).vpn;
  if (!hasNeighbour(vpn)) return;
  countIn(vpn);
  // The kernel answers it.
  vpnAt(vpn).own_out++;
  vpnAt(vpn).own_out_at_ms = now_ms;
  const place = placeFor(vpn, came.answer == challengeOf(came.spi_out, came.spi_in));
  if (place < 0) return;
  store<i32>(vpns + (place << 2), vpn);
  memory.copy(places + place * PLACE_BYTES, changetype<usize>(came), came.length);
  concealPeers(inboxAt(place));
  // It was over the challenges, too.
  store<u16>(changetype<usize>(inboxAt(place)), 0, CHECKSUM);
}

/**
 * Each VPN has one place, in which a later one follows an earlier one; not one without a right
 * answer, which anybody can send, one that has it.
 */
function placeFor(vpn: i32, is_proven: bool): i32 {
  for (let i = 0; i < count; i++) {
    if (inboxVpn(i) != vpn) continue;
    return is_proven || inboxAt(i).answer != RIGHT_CHALLENGE ? i : -1;
  }
  return count == PLACES ? -1 : count++;
}

/** It is no user's packet. */
function countIn(vpn: i32): void {
  vpnAt(vpn).own_in++;
  vpnAt(vpn).own_in_at_ms = now_ms;
}
