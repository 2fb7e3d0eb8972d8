/**
 * Whose an if_id is. A VPN without an SA keeps that of its last one, so that its users' packets can
 * bring it up. But strongSwan hands out those of `%unique` itself, and counts from 1 again when it
 * is started anew: one that another VPN's SA has by now would lead the packets into that.
 */
import { Note, vpnAt, vpnCount } from "../sa/vpn";
import { vpnChanged } from "../route/follow";

/** The VPN's SA in use has this one: no VPN without an SA has it any more. */
export function takeIfId(index: i32, if_id: u32): void {
  const vpn = vpnAt(index);
  if (vpn.if_id == if_id) return;
  vpn.if_id = if_id;
  if (if_id == 0 || vpn.tunnel < 0) return;
  for (let i = 0; i < vpnCount(); i++) {
    if (i == index || !holds(i, if_id) || vpnAt(i).noted(Note.HAS_SA)) continue;
    vpnAt(i).if_id = 0;
    vpnChanged(i);
  }
}

/** The VPN's last SA is gone: it keeps the if_id unless another VPN's SA has it. */
export function leaveIfId(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.if_id == 0 || vpn.tunnel < 0) return;
  for (let i = 0; i < vpnCount(); i++) {
    if (i != index && holds(i, vpn.if_id) && vpnAt(i).noted(Note.HAS_SA)) vpn.if_id = 0;
  }
}

function holds(i: i32, if_id: u32): bool {
  const vpn = vpnAt(i);
  return vpn.noted(Note.USED) && vpn.tunnel >= 0 && vpn.if_id == if_id;
}
