/** The machine's links, addresses and routes changed. */
import { networkFull } from "../event/text";
import { wake } from "../ike/negotiation";
import { MAX_ADDRESSES, MAX_INTERFACES } from "../limits";
import { netlinkBytes } from "../netlink/network";
import { Change } from "../netlink/interfaces";
import { kernelBytes } from "../route/kernel";
import { gatewayAt, gatewayCount } from "../sa/gateway";
import { Note, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { aim } from "./aim";
import { lookAtContents } from "./announce";
import { Event } from "./decision";
import { happen } from "./effect";

/** Whether it has been said that there are more interfaces or addresses than fit. */
let said_full: bool = false;

/**
 * Takes bytes of the netlink socket: sources are chosen anew, and what waits for an uplink is
 * woken.
 */
export function networkChanged(p: usize, len: i32): void {
  const change = netlinkBytes(p, len);
  kernelBytes(p, len);
  if (change & Change.FULL && !said_full) {
    said_full = true;
    networkFull(MAX_INTERFACES, MAX_ADDRESSES);
  }
  if (change & Change.TABLE) {
    for (let i = 0; i < vpnCount(); i++) if (vpnAt(i).noted(Note.USED)) aim(i);
    lookAtContents();
  }
  if (change & Change.CAME_UP) {
    for (let i = 0; i < gatewayCount(); i++) if (gatewayAt(i).used) wake(i);
    for (let i = 0; i < vpnCount(); i++) {
      if (vpnAt(i).noted(Note.USED) && waits(vpnAt(i))) happen(i, Event.LINK_BACK);
    }
  }
}

/**
 * With an SA that it did not ask to replace, a VPN waits for nothing: its target is silent, or the
 * SA is on trial.
 */
function waits(vpn: Vpn): bool {
  if (!vpn.noted(Note.LISTED)) return false;
  return vpn.current < 0 || vpn.noted(Note.RECOVERING);
}
