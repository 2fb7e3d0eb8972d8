/**
 * Tells the rekeyd at the other end of a VPN its tunnel addresses and networks, until that has
 * heard them and has told its own. It goes where the VPN's echoes go: through its SA, to its first
 * destination. A peer that does not answer is left in peace after MAX_ANNOUNCEMENTS, until there is
 * a new SA, the VPN comes up again, or there is something else to tell.
 */
import { isV4 } from "../bytes/address";
import { nameBytes, nameLength } from "../bytes/slice";
import { now_ms } from "../clock";
import {
  Announcement,
  ANNOUNCEMENT_HEAD_BYTES,
  beginAnnouncement,
  endAnnouncement,
  Flag,
  MAX_ANNOUNCEMENT_BYTES,
} from "../icmp/announcement";
import { challengeOf, masked } from "../icmp/challenge";
import { MAX_ANNOUNCED_ADDRESSES, MAX_ANNOUNCED_NETWORKS, MAX_ANNOUNCEMENTS } from "../limits";
import { MAX_TUNNELS } from "../limits";
import { interfaceAddress } from "../netlink/interfaces";
import { jittered } from "../random";
import { firstAnnounced, nextPrefix, prefixAt } from "../route/prefixes";
import { tunnelAt, tunnelCount } from "../route/tunnel";
import { phase2At } from "../sa/phase2";
import { findSpis } from "../sa/spi";
import { State, vpnAt, vpnCount } from "../sa/vpn";
import { cancel, schedule } from "../timer/wheel";
import { announcementSlot } from "./echo_batch";
import { hasNeighbour, listSoon, Neighbour, neighbourAt, Source } from "./neighbour";
import { interfaceOf, Way, wayInto } from "./way";

/** After the first announcement that nothing comes of; each further pause is twice as long. */
const FIRST_PAUSE_MS: i64 = 1_000;
/** However often a peer asks, and whoever asks in its name. */
const GAP_MS: i64 = 100;

const scratch: usize = memory.data(MAX_ANNOUNCEMENT_BYTES, 8);
const address: usize = memory.data(16, 8);
/** For each tunnel interface the digest of what its VPNs' peers are told. */
const digests: usize = memory.data(MAX_TUNNELS * sizeof<u32>(), 4);

/** The VPN has come up: its peer is heard, and told. */
export function meetNeighbour(index: i32): void {
  listSoon(index);
  announceAnew(index);
}

/** There is something else to tell, or to hear: it is announced, unless all has been heard. */
export function announceAnew(index: i32): void {
  if (!hasNeighbour(index)) return;
  const it = neighbourAt(index);
  it.tries = 0;
  it.retry_at_ms = now_ms;
  plan(index);
}

/** Another SA is in use: what the peer told on the last one stands, and is asked for once more. */
export function announceOnNewSa(index: i32): void {
  if (!hasNeighbour(index)) return;
  const it = neighbourAt(index);
  it.verified = false;
  it.told = 0;
  it.sent_ms = 0;
  if (vpnAt(index).state == State.UP) meetNeighbour(index);
}

/** The peer has asked, or it can be answered now. */
export function announceSoon(index: i32): void {
  neighbourAt(index).owes = true;
  plan(index);
}

/** Forgets what was said: the VPN has no SA, or is another one. */
export function forgetNeighbour(index: i32): void {
  const it = neighbourAt(index);
  cancel(it.timer);
  it.owes = false;
  it.has_challenge = false;
  it.is_proven = false;
  it.verified = false;
  it.lists = false;
  it.source = Source.NONE;
  it.tries = 0;
  it.spi_in = 0;
  it.spi_out = 0;
  it.heard = 0;
  it.said = 0;
  it.told = 0;
  it.sent_ms = 0;
  it.challenge = 0;
  it.taken_at_ms = 0;
}

/** What peers are told of the tunnel interfaces may be something else now. */
export function lookAtContents(): void {
  let changed = false;
  for (let i = 0; i < tunnelCount(); i++) {
    if (!tunnelAt(i).used) continue;
    memory.fill(scratch, 0, ANNOUNCEMENT_HEAD_BYTES);
    const it = changetype<Announcement>(scratch);
    addContents(it, i);
    if (digestOf(i) == it.digest) continue;
    store<u32>(digests + (i << 2), it.digest);
    changed = true;
  }
  if (!changed) return;
  for (let i = 0; i < vpnCount(); i++) {
    if (hasNeighbour(i) && !isSatisfied(i)) announceAnew(i);
  }
}

/** Whether each of both has heard the other. */
export function isSatisfied(index: i32): bool {
  const it = neighbourAt(index);
  return it.verified && it.told == digestOf(vpnAt(index).tunnel);
}

function digestOf(tunnel: i32): u32 {
  return load<u32>(digests + (tunnel << 2));
}

/** Whether it is announced of our own accord. */
function isWanted(index: i32): bool {
  if (vpnAt(index).state != State.UP || isSatisfied(index)) return false;
  return neighbourAt(index).tries < MAX_ANNOUNCEMENTS;
}

/** Sets the timer to the next announcement, if there is to be one. */
export function plan(index: i32): void {
  const it = neighbourAt(index);
  const soonest_ms = it.said_at_ms == 0 ? now_ms : it.said_at_ms + GAP_MS;
  if (it.owes) schedule(it.timer, soonest_ms);
  else if (isWanted(index)) schedule(it.timer, max(it.retry_at_ms, soonest_ms));
  else cancel(it.timer);
}

/** The VPN's timer for announcements. */
export function announcementDue(index: i32): void {
  const it = neighbourAt(index);
  const tries = isWanted(index) && it.retry_at_ms <= now_ms;
  if (!it.owes && !tries) return plan(index);
  // Without an SA that carries it, the next SA begins anew.
  const is_said = announce(index);
  it.owes = false;
  if (!is_said) return;
  it.said_at_ms = now_ms;
  if (tries) {
    it.retry_at_ms = now_ms + jittered(FIRST_PAUSE_MS << it.tries);
    it.tries++;
  }
  plan(index);
}

/** Has the exchange be about this SA; what was heard on another one is no answer here. */
export function settleOn(it: Neighbour, spi_in: u32, spi_out: u32): void {
  if (it.spi_in == spi_in && it.spi_out == spi_out) return;
  it.spi_in = spi_in;
  it.spi_out = spi_out;
  it.has_challenge = false;
  it.is_proven = false;
}

function announce(index: i32): bool {
  const vpn = vpnAt(index);
  if (vpn.current < 0) return false;
  const sa = phase2At(vpn.current);
  if (sa.covered == 0 || wayInto(vpn, sa) != Way.OPEN) return false;
  const it = neighbourAt(index);
  // An answer is about the SA that was asked about: the peer may have another one in use.
  const asked = it.owes ? findSpis(it.spi_in, it.spi_out) : -1;
  if (asked < 0 || phase2At(asked).vpn != index) settleOn(it, sa.spi_in, sa.spi_out);
  const target = vpn.target(<i32>ctz(<u32>sa.covered)).address;
  const slot = announcementSlot(isV4(target));
  const said = beginAnnouncement(slot, vpn.source, target, it.tries, now_ms);
  slot.ifindex = interfaceOf(vpn);
  if (!isSatisfied(index)) said.flags = Flag.POLL;
  said.spi_in = it.spi_in;
  said.spi_out = it.spi_out;
  said.heard = it.heard;
  said.challenge = challengeOf(it.spi_in, it.spi_out);
  if (it.has_challenge) said.answer = masked(it.challenge, it.spi_in, it.spi_out);
  addContents(said, vpn.tunnel);
  endAnnouncement(slot);
  vpn.own_out++;
  vpn.own_out_at_ms = now_ms;
  return true;
}

/** What peers on the tunnel interface are told. */
function addContents(it: Announcement, tunnel: i32): void {
  const config = tunnelAt(tunnel).config;
  const count = min(config.address_count, MAX_ANNOUNCED_ADDRESSES);
  for (let i = 0; i < count; i++) addAddress(it, config.address(i));
  // Whoever made the interface has given it its addresses.
  const name = config.name;
  for (let v4 = 0; v4 < 2 && count == 0; v4++) {
    if (interfaceAddress(nameBytes(name), nameLength(name), v4 != 0, address)) {
      addAddress(it, address);
    }
  }
  let left = MAX_ANNOUNCED_NETWORKS;
  for (let i = firstAnnounced(tunnel); i >= 0 && left > 0; i = nextPrefix(i)) {
    it.addNetwork(prefixAt(i).network, prefixAt(i).prefix);
    left--;
  }
}

/** One that is good on its own link alone (RFC 4291, 2.5.6) is no next hop for the peer. */
function addAddress(it: Announcement, address: usize): void {
  const is_link_local = load<u8>(address) == 0xfe && ((<i32>load<u8>(address, 1)) & 0xc0) == 0x80;
  if (!is_link_local) it.addAddress(address);
}
