/** What people see of a VPN's state, in ScreenOS's words, and strongSwan's of its SAs. */
import { now_ms } from "../clock";
import { VpnFlag } from "../config/model";
import { IkeState } from "../sa/phase1";
import { ChildState } from "../sa/phase2";
import { State, Vpn } from "../sa/vpn";

/** `Sta`: whether there is an SA, and what the monitor says of it. */
export function sta(vpn: Vpn): string {
  if (vpn.current < 0) return "I/I";
  if (!vpn.config.has(VpnFlag.MONITOR)) return "A/-";
  switch (<i32>vpn.state) {
    case State.UP:
      return "A/U";
    case State.DOWN:
      return "A/D";
    default:
      return "A/-";
  }
}

/** Whole seconds from now until `at_ms`, not below 0. */
export function secondsUntil(at_ms: i64): i64 {
  return max<i64>(at_ms - now_ms, 0) / 1000;
}

/** Whole seconds from `at_ms` until now, not below 0. */
export function secondsSince(at_ms: i64): i64 {
  return max<i64>(now_ms - at_ms, 0) / 1000;
}

/** strongSwan's word in small letters. */
export function ikeStateWord(state: i32): string {
  switch (state) {
    case IkeState.CREATED:
      return "created";
    case IkeState.CONNECTING:
      return "connecting";
    case IkeState.ESTABLISHED:
      return "established";
    case IkeState.PASSIVE:
      return "passive";
    case IkeState.REKEYING:
      return "rekeying";
    case IkeState.REKEYED:
      return "rekeyed";
    case IkeState.DELETING:
      return "deleting";
    case IkeState.DESTROYING:
      return "destroying";
    default:
      return "unknown";
  }
}

/** strongSwan's word in small letters. */
export function childStateWord(state: i32): string {
  switch (state) {
    case ChildState.CREATED:
      return "created";
    case ChildState.ROUTED:
      return "routed";
    case ChildState.INSTALLING:
      return "installing";
    case ChildState.INSTALLED:
      return "installed";
    case ChildState.UPDATING:
      return "updating";
    case ChildState.REKEYING:
      return "rekeying";
    case ChildState.REKEYED:
      return "rekeyed";
    case ChildState.RETRYING:
      return "retrying";
    case ChildState.DELETING:
      return "deleting";
    case ChildState.DELETED:
      return "deleted";
    case ChildState.DESTROYING:
      return "destroying";
    default:
      return "unknown";
  }
}
