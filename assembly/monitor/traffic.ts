/**
 * User traffic, for `optimized` and for targets that never answer: the packets of
 * the SA in use, less the monitor's own echoes and replies (screenos.md,
 * "Optimized"). Counters restart with every SA, so they are compared by SPI.
 */
import { now_ms } from "../clock";
import { Phase2, phase2At } from "../sa/phase2";
import { Vpn } from "../sa/vpn";

/** Which ways user packets went since the last look. */
export const enum Traffic {
  NONE = 0,
  IN = 1,
  OUT = 2,
  BOTH = 3,
}

/**
 * The SA is taken into use: what it carried before is not counted, nor what came or left of our own
 * before that list was asked for. It may carry more than was listed: what did since.
 */
export function beginTraffic(vpn: Vpn, sa: Phase2, asked_at_ms: i64): void {
  vpn.own_in = vpn.own_in_at_ms < asked_at_ms ? 0 : vpn.own_in - vpn.own_in_listed;
  vpn.own_out = vpn.own_out_at_ms < asked_at_ms ? 0 : vpn.own_out - vpn.own_out_listed;
  vpn.user_in = sa.packets_in;
  vpn.user_out = sa.packets_out;
  vpn.looked_at_ms = now_ms;
}

/** The VPN's gateway was listed: the next list is not asked for before now. */
export function trafficListed(vpn: Vpn): void {
  vpn.own_in_listed = vpn.own_in;
  vpn.own_out_listed = vpn.own_out;
}

/**
 * Compares the SA's counters, as listed then, with those of the last look. After a pause there is
 * nothing to compare with: what came in since may be long ago.
 */
export function lookAtTraffic(vpn: Vpn, listed_at_ms: i64): Traffic {
  const sa = phase2At(vpn.current);
  // Where charon is slow the list may be an old one: what it shows is no traffic of now.
  const window_ms = <i64>vpn.config.interval_ms * vpn.config.threshold;
  const paused = listed_at_ms - vpn.looked_at_ms > 2 * <i64>vpn.config.interval_ms;
  vpn.looked_at_ms = listed_at_ms;
  let traffic: i32 = Traffic.NONE;
  // The high-water mark stays when a reply is counted a look later than its packet.
  const user_in = sa.packets_in - <i64>vpn.own_in;
  if (user_in > vpn.user_in) {
    vpn.user_in = user_in;
    traffic |= Traffic.IN;
  }
  const user_out = sa.packets_out - <i64>vpn.own_out;
  if (user_out > vpn.user_out) {
    vpn.user_out = user_out;
    traffic |= Traffic.OUT;
  }
  if (paused || now_ms - listed_at_ms > window_ms) return Traffic.NONE;
  if (traffic & Traffic.IN) vpn.inbound_at_ms = now_ms;
  return traffic;
}
