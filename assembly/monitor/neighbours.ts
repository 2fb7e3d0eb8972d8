/** Which VPNs have a neighbour: those with monitor and rekey, on a tunnel interface with lists. */
import { hash, sameName } from "../bytes/slice";
import { VpnFlag } from "../config/model";
import { PREFIX_CONFIG_BYTES, PrefixKind } from "../config/tunnel_model";
import {
  firstAccepted,
  firstAnnounced,
  nextPrefix,
  prefixAt,
  prefixCount,
  prefixesApply,
} from "../route/prefixes";
import { Note, vpnAt, vpnCount } from "../sa/vpn";
import { freeTimer, newTimer } from "../timer/wheel";
import { forgetNeighbour, lookAtContents, meetNeighbour } from "./announce";
import { acceptedOf, forgetEntries } from "./learn";
import { ensureNeighbours, hasNeighbour, Neighbour, neighbourAt } from "./neighbour";
import { neighbourOwner } from "./owner";
import { findVpn } from "./registry";

/** The staged lists are in force: behind the VPNs and their interfaces. */
export function neighboursApply(): void {
  prefixesApply();
  if (prefixCount() == 0 && !anyNeighbour()) return;
  ensureNeighbours(vpnCount());
  for (let i = 0; i < vpnCount(); i++) neighbourAt(i).accepted = -1;
  noteOwnLists();
  for (let i = 0; i < vpnCount(); i++) {
    const is_wanted = wantsNeighbour(i);
    if (is_wanted && !hasNeighbour(i)) begin(i);
    else if (!is_wanted && hasNeighbour(i)) end(i);
  }
  lookAtContents();
  for (let i = 0; i < vpnCount(); i++) if (hasNeighbour(i)) lookAtAccepted(i);
}

/** The VPN is about to go, or to be another tunnel. */
export function neighbourGone(index: i32): void {
  if (!hasNeighbour(index)) return;
  forgetEntries(index);
  forgetNeighbour(index);
}

function anyNeighbour(): bool {
  for (let i = 0; i < vpnCount(); i++) if (hasNeighbour(i)) return true;
  return false;
}

function noteOwnLists(): void {
  for (let i = prefixCount() - 1; i >= 0; i--) {
    const prefix = prefixAt(i);
    if (!prefix.of_vpn || prefix.kind != PrefixKind.ACCEPT) continue;
    const vpn = findVpn(prefix.owner);
    if (vpn >= 0) neighbourAt(vpn).accepted = i;
  }
}

function wantsNeighbour(index: i32): bool {
  const vpn = vpnAt(index);
  if (!vpn.noted(Note.USED) || vpn.tunnel < 0) return false;
  if (!vpn.config.has(VpnFlag.MONITOR) || !vpn.config.has(VpnFlag.REKEY)) return false;
  return acceptedOf(index) >= 0 || firstAnnounced(vpn.tunnel) >= 0;
}

function begin(index: i32): void {
  const accepted = neighbourAt(index).accepted;
  memory.fill(changetype<usize>(neighbourAt(index)), 0, offsetof<Neighbour>());
  const it = neighbourAt(index);
  it.used = true;
  it.accepted = accepted;
  it.timer = newTimer(neighbourOwner(index));
}

function end(index: i32): void {
  neighbourGone(index);
  freeTimer(neighbourAt(index).timer);
  neighbourAt(index).used = false;
}

/**
 * On another interface, or where something else may be announced, what was learned may not stand.
 * It is asked for anew in any case: static entries that it gave way to may be gone.
 */
function lookAtAccepted(index: i32): void {
  const it = neighbourAt(index);
  const digest = digestOf(acceptedOf(index)) ^ (<u32>vpnAt(index).tunnel);
  if (digest != it.accepts) neighbourGone(index);
  it.accepts = digest;
  it.heard = 0;
  it.verified = false;
  meetNeighbour(index);
}

function digestOf(first: i32): u32 {
  let digest: u32 = 1;
  for (let i = first; i >= 0; i = nextPrefix(i)) {
    digest = (digest * 0x01000193) ^ hash(changetype<usize>(prefixAt(i)), PREFIX_CONFIG_BYTES);
  }
  return digest;
}
