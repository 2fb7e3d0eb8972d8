/** When a VPN's rounds begin and end. */
import { now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { randomBelow } from "../random";
import { Note, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { cancel, schedule } from "../timer/wheel";

/** The first rounds of all VPNs are spread over this much time for each. */
const SPREAD_MS: i64 = 10;

/**
 * Begins the VPN's rounds if it is monitored. Before its gateway was listed nothing is known, and
 * nothing begins.
 */
export function startRounds(index: i32): void {
  const vpn = vpnAt(index);
  if (!vpn.config.has(VpnFlag.MONITOR) || !vpn.noted(Note.LISTED)) {
    stopRounds(vpn);
    return;
  }
  const spread_ms = min(<i64>vpn.config.interval_ms, SPREAD_MS * vpnCount());
  vpn.due_ms = now_ms + randomBelow(spread_ms);
  schedule(vpn.timer, vpn.due_ms);
}

/** Ends the VPN's rounds. */
function stopRounds(vpn: Vpn): void {
  cancel(vpn.timer);
}
