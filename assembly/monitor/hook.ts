/**
 * Hooks: which program is told what, and when. For a VPN one hook runs at a time, and for all no
 * more than MAX_HOOKS. What happens meanwhile waits, but only as long as it is true: a VPN that is
 * up again has nothing to tell of having been down. So nothing grows, however long a hook hangs.
 */
import { act, Action } from "../action";
import { equal, indexOf, nameBytes, nameLength, hash } from "../bytes/slice";
import { now_ms, wall_ms } from "../clock";
import { running } from "../config/model";
import { helperGone, helperStuck, hookFailed, hookSkipped, Outcome } from "../event/hook";
import { MAX_HOOK_BYTES, MAX_HOOKS, MAX_NAME_BYTES } from "../limits";
import { Note, Vpn, vpnAt, vpnCount } from "../sa/vpn";
import { writeHookMessage } from "./hook_message";
import { findVpn } from "./registry";

/** What a hook is told. */
export const enum Hook {
  UP = 1,
  DOWN = 2,
  REKEYED = 4,
  TARGET_SILENT = 8,
}

/** So long after its time limit a hook must have ended, or the helper hangs. */
const GRACE_MS: i64 = 10_000;
/** Where the path stands in a message, behind the VPN's name. */
const LIMIT_BYTES: i32 = 4;

/** The messages of the hooks that run: a name of no bytes is a free place. */
const places: usize = memory.data(MAX_HOOKS * MAX_HOOK_BYTES, 8);
const begun_at_ms: usize = memory.data(MAX_HOOKS * sizeof<i64>(), 8);
/** VPNs for which something waits. */
let waiting: i32 = 0;
/** Where the search for the next of them begins: everyone has a turn. */
let cursor: i32 = 0;
let helper_gone: bool = false;
let said_stuck: bool = false;
/** The failure that was said last, and whose it was: the same again is not said again. */
let said_path: u32 = 0;
let said_failure: i32 = 0;

/** Forgets everything: at the start. */
export function initHooks(): void {
  for (let place = 0; place < MAX_HOOKS; place++) store<u8>(placeAt(place), 0);
  waiting = 0;
  cursor = 0;
  helper_gone = false;
  said_stuck = false;
  said_path = 0;
}

/** Something happened to the VPN that its hook, if it has one, is to know. */
export function tellHook(index: i32, what: Hook): void {
  const vpn = vpnAt(index);
  if (nameLength(vpn.config.hook) == 0 || helper_gone || wasToldBefore(vpn, what)) return;
  const passed = (<i32>vpn.hook_waiting) & outdatedBy(what);
  vpn.hook_skipped = <u16>min(<i32>vpn.hook_skipped + popcnt(passed), <i32>u16.MAX_VALUE);
  if (vpn.hook_waiting == 0) waiting++;
  vpn.hook_waiting = <u8>(((<i32>vpn.hook_waiting) & ~passed) | what);
  vpn.hook_at_ms = wall_ms;
  const place = placeOf(vpn.config.name);
  if (place < 0) run(index);
  else if (beginAt(place) + running.hook_timeout_ms + GRACE_MS < now_ms) sayStuck(vpn);
}

/** What has nothing to tell any more once this has happened. */
function outdatedBy(what: Hook): i32 {
  switch (<i32>what) {
    case Hook.UP:
      return Hook.UP | Hook.DOWN | Hook.TARGET_SILENT;
    case Hook.DOWN:
      return Hook.UP | Hook.DOWN | Hook.REKEYED | Hook.TARGET_SILENT;
    default:
      return what;
  }
}

/**
 * Whether the hook was told so by the instance before this one, which trapped: adopting an SA that
 * was up is no news.
 */
function wasToldBefore(vpn: Vpn, what: Hook): bool {
  if (!vpn.hook_recalled) return false;
  const told = ((<i32>vpn.hook_told) & what) != 0;
  if (what == Hook.UP || (what == Hook.DOWN && !told)) vpn.hook_recalled = false;
  return told;
}

/** The VPN is removed, or its hook is another: what waits is no longer to be told. */
export function forgetHook(vpn: Vpn): void {
  if (vpn.hook_waiting != 0) waiting--;
  vpn.hook_waiting = 0;
  vpn.hook_skipped = 0;
}

/** Runs the VPN's hook for the first of what waits, if there is a free place. */
function run(index: i32): void {
  const place = freePlace();
  if (place < 0) return;
  const vpn = vpnAt(index);
  const what = firstOf(vpn.hook_waiting);
  const length = writeHookMessage(placeAt(place), index, word(what));
  const told = what == Hook.REKEYED ? <i32>vpn.hook_told : toldWith(vpn, what);
  if (!act(Action.RUN_HOOK, told, placeAt(place), length)) {
    store<u8>(placeAt(place), 0);
    return;
  }
  store<i64>(begun_at_ms + place * sizeof<i64>(), now_ms);
  vpn.hook_told = <u8>told;
  vpn.hook_waiting &= ~(<u8>what);
  if (vpn.hook_waiting == 0) waiting--;
  if (vpn.hook_skipped > 0) hookSkipped(vpn.config.name, vpn.hook_skipped);
  vpn.hook_skipped = 0;
}

/** The state comes before what else happened in it. */
function firstOf(what: i32): Hook {
  if (what & Hook.UP) return Hook.UP;
  if (what & Hook.DOWN) return Hook.DOWN;
  return what & Hook.REKEYED ? Hook.REKEYED : Hook.TARGET_SILENT;
}

function toldWith(vpn: Vpn, what: Hook): i32 {
  return what == Hook.TARGET_SILENT ? (<i32>vpn.hook_told) | what : what;
}

function word(what: Hook): string {
  switch (<i32>what) {
    case Hook.UP:
      return "up";
    case Hook.DOWN:
      return "down";
    case Hook.REKEYED:
      return "rekeyed";
    default:
      return "target-silent";
  }
}

/** The hook of the VPN with this name (a name field) has ended; the next one has its turn. */
export function hookEnded(name: usize, outcome: Outcome, detail: i32): void {
  if (outcome == Outcome.HELPER_GONE) return loseHelper();
  const place = nameLength(name) == 0 ? -1 : placeOf(name);
  if (place < 0) return;
  judge(place, outcome, detail);
  store<u8>(placeAt(place), 0);
  said_stuck = false;
  runWaiting();
}

function runWaiting(): void {
  const count = vpnCount();
  for (let looked = 0; looked < count && waiting > 0 && freePlace() >= 0; looked++) {
    if (cursor >= count) cursor = 0;
    const index = cursor++;
    const vpn = vpnAt(index);
    if (!vpn.noted(Note.USED) || vpn.hook_waiting == 0) continue;
    if (placeOf(vpn.config.name) < 0) run(index);
  }
}

/** A failure is said once, not for each VPN and each event, until the hook succeeds again. */
function judge(place: i32, outcome: Outcome, detail: i32): void {
  const name = placeAt(place);
  const path = nameBytes(name) + nameLength(name) + LIMIT_BYTES;
  const path_len = max(indexOf(path, MAX_HOOK_BYTES - MAX_NAME_BYTES - 1 - LIMIT_BYTES, 0), 0);
  const whose = hash(path, path_len);
  if (outcome == Outcome.EXITED && detail == 0) {
    if (said_path == whose) said_path = 0;
    return;
  }
  const failure = ((<i32>outcome) << 16) | (detail & 0xffff);
  if (said_path == whose && said_failure == failure) return;
  said_path = whose;
  said_failure = failure;
  hookFailed(name, path, path_len, outcome, detail, running.hook_timeout_ms);
}

function loseHelper(): void {
  if (helper_gone) return;
  initHooks();
  helper_gone = true;
  for (let i = 0; i < vpnCount(); i++) vpnAt(i).hook_waiting = 0;
  helperGone();
}

/**
 * What the instance before this one, which trapped, had a hook told of the VPN with this name, and
 * whether that hook still runs.
 */
export function recallHook(name: usize, told: i32, runs: bool): void {
  const index = findVpn(name);
  if (index >= 0) {
    vpnAt(index).hook_told = <u8>told;
    vpnAt(index).hook_recalled = true;
  }
  const place = freePlace();
  if (!runs || place < 0) return;
  memory.fill(placeAt(place), 0, 1 + MAX_NAME_BYTES + LIMIT_BYTES + 1);
  memory.copy(placeAt(place), name, 1 + nameLength(name));
  store<i64>(begun_at_ms + place * sizeof<i64>(), now_ms);
}

function sayStuck(vpn: Vpn): void {
  if (said_stuck) return;
  said_stuck = true;
  helperStuck(vpn.config.name);
}

function placeAt(place: i32): usize {
  return places + place * MAX_HOOK_BYTES;
}

function beginAt(place: i32): i64 {
  return load<i64>(begun_at_ms + place * sizeof<i64>());
}

function freePlace(): i32 {
  for (let place = 0; place < MAX_HOOKS; place++) {
    if (nameLength(placeAt(place)) == 0) return place;
  }
  return -1;
}

/** Where the hook of the VPN with this name runs; -1: it does not. */
function placeOf(name: usize): i32 {
  const len = nameLength(name);
  for (let place = 0; place < MAX_HOOKS; place++) {
    const other = placeAt(place);
    if (equal(nameBytes(other), nameLength(other), nameBytes(name), len)) return place;
  }
  return -1;
}
