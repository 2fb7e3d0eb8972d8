import { phase2At } from "../sa/phase2";
import { vpnAt } from "../sa/vpn";
import { cover, localOf, remoteOf, resolve } from "./resolve";

/** Source and targets of a VPN may be others: finds them anew within the SA in use. */
export function aim(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.current < 0) return;
  const sa = phase2At(vpn.current);
  resolve(index, localOf(sa), sa.local_selectors, remoteOf(sa), sa.remote_selectors);
  cover(vpn, sa);
}
