/**
 * The state of a tunnel interface, as data: what a VPN offers on its interface, by mode and by what
 * is seen of it. Read it beside screenos.md ("State of the tunnel interface").
 */
import { VpnFlag } from "../config/model";
import { Note, State, Vpn } from "../sa/vpn";
import { Tunnel, TUNNEL_STATES, TunnelState } from "./tunnel";

/** What the interface follows: `set vpn NAME monitor [rekey]`. */
export const enum Follows {
  NOTHING = 0,
  MONITOR,
  REKEY,
}
export const FOLLOWS: i32 = 3;

/** What is seen of a VPN. */
export const enum Seen {
  /** No SA, and there has been none. */
  NO_SA = 0,
  /**
   * An SA, of whose path nothing is known: it is new, or its target has never answered although
   * user traffic comes in. Its traffic is left alone.
   */
  SA,
  ANSWERS,
  DOWN,
}
export const SEEN: i32 = 4;

const R = TunnelState.READY;
const U = TunnelState.UP;
const D = TunnelState.DOWN;

// prettier-ignore
const table: usize = memory.data<i32>([
  // Follows.NOTHING: nothing can tell.
  // was READY UP DOWN
  R, R, R,    // NO_SA
  R, R, R,    // SA
  R, R, R,    // ANSWERS
  R, R, R,    // DOWN

  // Follows.MONITOR: routes stay usable, so traffic is lost.
  R, R, R,    // NO_SA
  U, U, U,    // SA
  U, U, U,    // ANSWERS
  R, R, R,    // DOWN

  // Follows.REKEY: from the first UP on only UP or DOWN; from DOWN only an answer leads to UP.
  R, D, D,    // NO_SA
  U, U, D,    // SA
  U, U, U,    // ANSWERS
  D, D, D,    // DOWN
]);

/** The state after `was`. */
export function stateAfter(follows: Follows, seen: Seen, was: TunnelState): TunnelState {
  assert(<u32>follows < <u32>FOLLOWS && <u32>seen < <u32>SEEN && <u32>was < <u32>TUNNEL_STATES);
  return load<i32>(table + (((follows * SEEN + seen) * TUNNEL_STATES + was) << 2));
}

/** What the VPN's interface follows. */
export function followsOf(vpn: Vpn): Follows {
  if (!vpn.config.has(VpnFlag.MONITOR)) return Follows.NOTHING;
  return vpn.config.has(VpnFlag.REKEY) ? Follows.REKEY : Follows.MONITOR;
}

/** What is seen of it now. */
export function seenOf(vpn: Vpn): Seen {
  if (vpn.state == State.INACTIVE) return Seen.NO_SA;
  if (vpn.state == State.UP) return Seen.ANSWERS;
  if (vpn.state == State.READY) return Seen.SA;
  return vpn.left_alone && vpn.noted(Note.HAS_SA) ? Seen.SA : Seen.DOWN;
}

/** Of an interface with several VPNs: it is DOWN when all are. */
export function combined(tunnel: Tunnel): TunnelState {
  if (tunnel.counted(TunnelState.UP) > 0) return TunnelState.UP;
  const down = tunnel.counted(TunnelState.DOWN);
  return down > 0 && down == tunnel.vpn_count ? TunnelState.DOWN : TunnelState.READY;
}
