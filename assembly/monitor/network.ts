/** The machine's links, addresses and routes changed. */
import { wake } from "../ike/negotiation";
import { netlinkBytes } from "../netlink/network";
import { Change } from "../netlink/interfaces";
import { gatewayAt, gatewayCount } from "../sa/gateway";
import { Note, vpnAt, vpnCount } from "../sa/vpn";
import { aim } from "./aim";
import { Event } from "./decision";
import { happen } from "./effect";

/**
 * Takes bytes of the netlink socket: sources are chosen anew, and what waits for an uplink is
 * woken.
 */
export function networkChanged(p: usize, len: i32): void {
  const change = netlinkBytes(p, len);
  if (change & Change.TABLE) {
    for (let i = 0; i < vpnCount(); i++) if (vpnAt(i).noted(Note.USED)) aim(i);
  }
  if (change & Change.CAME_UP) {
    for (let i = 0; i < gatewayCount(); i++) if (gatewayAt(i).used) wake(i);
    for (let i = 0; i < vpnCount(); i++) {
      if (vpnAt(i).noted(Note.USED)) happen(i, Event.LINK_BACK);
    }
  }
}
