/**
 * Automatic entries of the next-hop tunnel binding table: what a VPN's peer announced or, until it
 * does, what strongSwan lists of it (its virtual IPs, and selectors that name networks). Only what
 * `nhtb_accept` allows is entered.
 */
import { isV4 } from "../bytes/address";
import { Selector } from "../bytes/selector";
import { announcementRefused, nextHopsLearned } from "../event/nhtb_text";
import { Announcement } from "../icmp/announcement";
import { isOurs } from "../netlink/interfaces";
import { forgetLearned, learn, learnNetwork } from "../route/learn";
import { Learned } from "../route/nhtb";
import { firstAccepted, isInside } from "../route/prefixes";
import { tunnelAt } from "../route/tunnel";
import { findPhase1 } from "../sa/listing";
import { phase1At } from "../sa/phase1";
import { phase2At } from "../sa/phase2";
import { State, vpnAt } from "../sa/vpn";
import { neighbourAt, Source } from "./neighbour";

/** What came of the entries of one source. */
let next_hops: i32 = 0;
let networks: i32 = 0;
let refusals: i32 = 0;
/** The first network that is not allowed; it stands where the source has it. */
let refused: usize = 0;
let refused_prefix: i32 = 0;

/** First network of the list of what the VPN's peer may announce, or -1. */
export function acceptedOf(index: i32): i32 {
  const own = neighbourAt(index).accepted;
  return own >= 0 ? own : firstAccepted(vpnAt(index).tunnel);
}

/** Enters what the peer has announced, in place of all that was learned before. */
export function takeAnnounced(index: i32, came: Announcement): void {
  neighbourAt(index).source = Source.ANNOUNCED;
  begin(index);
  for (let i = 0; i < came.address_count; i++) enterNextHop(index, came.address(i));
  for (let i = 0; i < came.network_count; i++) {
    enterNetwork(index, came.network(i), came.prefix(i));
  }
  // The same once more is no news.
  const digest = came.digest;
  if (neighbourAt(index).said != digest) tell(index);
  neighbourAt(index).said = digest;
}

/**
 * Enters what strongSwan lists of the peer: the VPN has come up, or has another SA. What the peer
 * announced stands.
 */
export function takeListed(index: i32): void {
  const it = neighbourAt(index);
  it.lists = false;
  const vpn = vpnAt(index);
  if (it.source == Source.ANNOUNCED || vpn.state != State.UP || vpn.current < 0) return;
  const sa = phase2At(vpn.current);
  const was_known = it.source == Source.LISTED;
  it.source = Source.LISTED;
  begin(index);
  const phase1 = findPhase1(vpn.gateway, sa.ike_id);
  for (let i = 0; phase1 >= 0 && i < <i32>phase1At(phase1).remote_vip_count; i++) {
    enterNextHop(index, phase1At(phase1).remote_vip(i));
  }
  for (let i = 0; i < <i32>sa.remote_selectors; i++) enterSelector(index, sa.remote_selector(i));
  // Nobody has announced what lies outside the list: selectors are what they are.
  refusals = 0;
  if (!was_known) tell(index);
}

/** The VPN has no SA any more, or has left its interface: so have its entries. */
export function forgetEntries(index: i32): void {
  forgetLearned(index);
  neighbourAt(index).source = Source.NONE;
}

function begin(index: i32): void {
  forgetLearned(index);
  next_hops = 0;
  networks = 0;
  refusals = 0;
  refused = 0;
}

function enterNextHop(index: i32, address: usize): void {
  const bits = isV4(address) ? 32 : 128;
  // Our own address would lead packets back to us.
  if (!mayEnter(index, address, bits) || isOurs(address)) return;
  if (isEntered(learn(index, address))) next_hops++;
}

function enterNetwork(index: i32, network: usize, prefix: i32): void {
  if (!mayEnter(index, network, prefix)) return;
  if (isEntered(learnNetwork(index, network, prefix))) networks++;
}

/** One that is a whole network, and not every address there is. */
function enterSelector(index: i32, selector: Selector): void {
  if (selector.prefix > 0) enterNetwork(index, selector.first, selector.prefix);
}

function isEntered(learned: Learned): bool {
  return learned == Learned.TAKEN || learned == Learned.KNOWN;
}

function mayEnter(index: i32, network: usize, prefix: i32): bool {
  const accepted = acceptedOf(index);
  if (isInside(accepted, network, prefix)) return true;
  // Where nothing is accepted, nothing is refused either: that end only tells.
  if (accepted < 0) return false;
  if (refusals++ == 0) {
    refused = network;
    refused_prefix = prefix;
  }
  return false;
}

function tell(index: i32): void {
  const vpn = vpnAt(index);
  const tunnel = tunnelAt(vpn.tunnel).config.name;
  if (next_hops + networks > 0) {
    const announced = neighbourAt(index).source == Source.ANNOUNCED;
    nextHopsLearned(vpn.config.name, tunnel, next_hops, networks, announced);
  }
  if (refusals > 0) announcementRefused(vpn.config.name, refused, refused_prefix, refusals);
  refused = 0;
}
