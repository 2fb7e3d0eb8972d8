/** Whether a VPN has what it was configured to have: somebody who would notice, and mend it. */
import { isUnset } from "../bytes/address";
import { VpnFlag } from "../config/model";
import { Note, Vpn } from "../sa/vpn";
import { isCovered } from "./round";

/** Rounds that the guard may hold back while a listing is under way that shows why. */
const MAX_HELD: i32 = 1;

/**
 * Whether echoes are sent, or would be as soon as there is an SA; and with rekey, whether
 * strongSwan can be asked for one. Up or down says nothing of it.
 */
export function isProtected(vpn: Vpn): bool {
  if (!vpn.config.has(VpnFlag.MONITOR)) return false;
  if (!vpn.noted(Note.LISTED) || vpn.noted(Note.SAID_UNKNOWN)) return false;
  if (vpn.target_count == 0 || isUnset(vpn.source)) return false;
  if (vpn.said_errno != 0 || <i32>vpn.held > MAX_HELD) return false;
  // Without rekey nobody has a new SA made, and without an SA nobody looks.
  if (vpn.current < 0) return vpn.config.has(VpnFlag.REKEY);
  return isCovered(vpn);
}
