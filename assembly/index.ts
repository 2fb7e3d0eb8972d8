/**
 * The engine's exports: everything that a host can call. Each call takes one
 * input with the time, and answers with the count of action records that it left
 * at `actions()` (action.ts), which the host carries out after the call has
 * returned and before the next one. `now_ms` is monotonic, `wall_ms` is UTC since
 * 1970; all numbers are in the host's (little-endian) byte order.
 *
 * The order at one wake-up: replies, then vici, netlink and commands, then
 * `tick` and `chores` when `deadline()` is reached.
 *
 * What a recorder needs stands at the end: docs/recording.md.
 */
import "./abort";
import { Action, act, actionBuffer, actionCount, resetActions } from "./action";
import { setName } from "./bytes/slice";
import { wipe as wipeBytes } from "./bytes/wipe";
import * as clock from "./clock";
import { initHistory, noteLoaded, noteRefused } from "./config/history";
import { mistakeCount, mistakeLine, mistakeLineLength, mistakeLines } from "./config/mistakes";
import { running, setGlobalDefaults } from "./config/model";
import { readConfig } from "./config/read";
import { isEdited, keepText, wipeDraft } from "./config/running";
import { initConfig } from "./config/staged";
import { summarize } from "./config/summary";
import { runCommand } from "./console/command";
import { answerDoctor } from "./console/doctor";
import { answerRecord } from "./console/record";
import { wipeReply } from "./console/reply";
import { answerSave } from "./console/save";
import { changesLost, configurationLoaded, configurationRefused } from "./event/text";
import { conceal as concealSlots, reveal as revealSlots } from "./icmp/conceal";
import { parseReply, setIdentifier } from "./icmp/echo";
import { receiveSlot, receiveSlots as firstReceiveSlot, SLOT_BYTES, wipeSlots } from "./icmp/slot";
import { keyAddress, setKey } from "./icmp/token";
import { initPlaces } from "./ike/places";
import * as session from "./ike/vici/session";
import { BATCH, INPUT_BYTES, MAX_NAME_BYTES } from "./limits";
import { applyStaged } from "./monitor/apply";
import { converse, resync, resyncDeadline } from "./monitor/conversation";
import { timerDue } from "./monitor/due";
import { beginBatch, endBatch, hasRoom, vpnOfEcho } from "./monitor/echo_batch";
import { hookEnded as endHook, initHooks, recallHook } from "./monitor/hook";
import { clearReplyCame, examDeadline, examDue, examOver, factsTold } from "./monitor/exam";
import { hearDeadline, hearDue } from "./monitor/hear";
import { announcementCame } from "./monitor/inbox";
import { initNeighbours } from "./monitor/neighbour";
import { networkChanged } from "./monitor/network";
import * as orphan from "./monitor/orphan";
import { recorderTold } from "./monitor/recorder";
import { rebuildRegistry } from "./monitor/registry";
import { echoUnsent, replyCame } from "./monitor/round";
import { startDump } from "./netlink/network";
import { seedRandom } from "./random";
import { pictureLost } from "./route/kernel";
import { initPrefixes } from "./route/prefixes";
import { initRouting, reconcileRoutes, routesDeadline, routesDue } from "./route/reconcile";
import { initGateways } from "./sa/gateway";
import { initListing } from "./sa/listing";
import { initOrphans } from "./sa/orphan";
import { initVpns } from "./sa/vpn";
import { initWheel, nextDeadline, ownerOf, popDue, wipeDeadlines } from "./timer/wheel";

const input_buffer: usize = memory.data(INPUT_BYTES, 16);

/** Where the host writes the bytes of the next call. */
export function input(): usize {
  return input_buffer;
}

/** How many bytes fit there. */
export function inputBytes(): i32 {
  return INPUT_BYTES;
}

/** The action records of the last call. */
export function actions(): usize {
  return actionBuffer();
}

/** The first of the slots that the host receives replies into (icmp/slot.ts). */
export function receiveSlots(): usize {
  return firstReceiveSlot();
}

/** Bytes from one slot to the next. */
export function slotBytes(): i32 {
  return SLOT_BYTES;
}

/** Slots in a batch, each way. */
export function batch(): i32 {
  return BATCH;
}

function begin(now_ms: i64, wall_ms: i64): void {
  clock.advanceTime(now_ms, wall_ms);
  resetActions();
  beginBatch();
}

function end(): i32 {
  if (examOver()) answerDoctor();
  reconcileRoutes();
  endBatch();
  return actionCount();
}

/**
 * Once for each instance, before anything else. `key0` and `key1` are secret and
 * random: the echoes' tokens hang on them. `seed` is random, too: the jitter hangs
 * on it. `identifier` is the ICMP identifier, 1 to 65535, that the host's filter
 * lets through.
 */
export function start(
  key0: i64,
  key1: i64,
  seed: i64,
  identifier: i32,
  utc_offset_s: i32,
  now_ms: i64,
  wall_ms: i64,
): i32 {
  begin(now_ms, wall_ms);
  clock.setUtcOffset(utc_offset_s);
  setKey(key0, key1);
  setIdentifier(identifier);
  seedRandom(seed);
  initWheel(clock.now_ms);
  initVpns();
  initGateways();
  initListing();
  initOrphans();
  initRouting();
  initPlaces();
  initConfig();
  initHistory();
  initHooks();
  initPrefixes();
  initNeighbours();
  rebuildRegistry(0);
  setGlobalDefaults(running);
  startDump();
  return end();
}

/**
 * A configuration: `path_len` bytes of its path (shown in errors), then `len`
 * bytes of its text. It is taken, and CONFIG_TAKEN says so; or with a mistake in
 * it nothing changes, and each mistake is a CONFIG_ERROR action. `edited` 1: the text is that of
 * the last CONFIG_CHANGED, and the file has another.
 */
export function configure(path_len: i32, len: i32, edited: i32, now_ms: i64, wall_ms: i64): i32 {
  assert(<u32>path_len <= <u32>INPUT_BYTES && <u32>len <= <u32>(INPUT_BYTES - path_len));
  begin(now_ms, wall_ms);
  if (readConfig(input_buffer, path_len, input_buffer + path_len, len) == 0) {
    applyStaged();
    noteLoaded(input_buffer, path_len);
    const is_lost = isEdited();
    keepText(input_buffer + path_len, len, edited != 0);
    const summary = summarize();
    configurationLoaded(input_buffer, path_len, summary);
    if (is_lost) changesLost();
    act(Action.CONFIG_TAKEN, 0, summary.start, summary.length);
    converse();
  } else {
    noteRefused();
    configurationRefused(mistakeCount(), mistakeLine(0), mistakeLineLength(0));
    for (let i = 0; i < mistakeLines(); i++) {
      act(Action.CONFIG_ERROR, 0, mistakeLine(i), mistakeLineLength(i));
    }
  }
  return end();
}

/** `len` bytes that were read from the netlink socket. */
export function network(len: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  networkChanged(input_buffer, checked(len));
  return end();
}

/** The netlink socket lost messages (ENOBUFS): everything is asked for again. */
export function networkLost(now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  startDump();
  pictureLost();
  return end();
}

/** The netlink socket for SAs is there (`errno` 0), or could not be opened: once, after `start`. */
export function xfrmOpened(errno: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  orphan.xfrmOpened(errno);
  return end();
}

/** `len` bytes that were read from that socket. */
export function xfrm(len: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  orphan.xfrmCame(input_buffer, checked(len));
  return end();
}

/** When `tick` and `chores` are to be called; the largest i64: never. */
export function deadline(): i64 {
  const chores_ms = min(session.sessionDeadline(), resyncDeadline());
  const rare_ms = min(min(examDeadline(), hearDeadline()), routesDeadline());
  return min(min(nextDeadline(), orphan.orphanDeadline()), min(chores_ms, rare_ms));
}

/**
 * What is due is done: echoes, and the steps of negotiations. More than a batch is left for the
 * next call.
 */
export function tick(now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  while (hasRoom()) {
    const timer = popDue(clock.now_ms);
    if (timer < 0) break;
    timerDue(ownerOf(timer));
  }
  return end();
}

/**
 * What is due and not urgent: vici's time limits, what peers have announced, and listing everything
 * once in a while.
 */
export function chores(now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  if (session.sessionDeadline() <= clock.now_ms) session.sessionDue();
  if (resyncDeadline() <= clock.now_ms) resync();
  if (examDeadline() <= clock.now_ms) examDue();
  if (hearDeadline() <= clock.now_ms) hearDue();
  if (orphan.orphanDeadline() <= clock.now_ms) orphan.orphansDue();
  if (routesDeadline() <= clock.now_ms) routesDue();
  converse();
  return end();
}

/**
 * `count` receive slots are filled, from the raw socket of IP version 4 or 6: replies to echoes,
 * and what peers announce.
 */
export function replies(version: i32, count: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  for (let i = 0; i < count; i++) {
    const slot = receiveSlot(i);
    if (!parseReply(slot, version)) announcementCame(slot, version);
    else if (!clearReplyCame()) replyCame(slot);
  }
  return end();
}

/** The kernel refused echo `index` of the batch just sent; EPERM: the guard held it back. */
export function unsent(version: i32, index: i32, errno: i32, now_ms: i64, wall_ms: i64): i32 {
  clock.advanceTime(now_ms, wall_ms);
  resetActions();
  const vpn = vpnOfEcho(version, index);
  if (vpn >= 0) echoUnsent(vpn, errno);
  return actionCount();
}

/** The vici stream is connected. */
export function viciOpened(now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  session.viciOpened();
  converse();
  return end();
}

/** The vici stream could not be connected, or ended; `errno` 0: closed by the peer. */
export function viciClosed(errno: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  session.viciClosed(errno);
  converse();
  return end();
}

/** `len` bytes that were read from the vici stream. */
export function viciBytes(len: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  session.viciBytes(input_buffer, checked(len));
  converse();
  return end();
}

/**
 * A request line of `len` bytes from control client `client`; the answer is one REPLY action, of
 * this call or of a later one.
 */
export function command(client: i32, len: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  runCommand(client, input_buffer, checked(len));
  return end();
}

/**
 * The host records all inputs from this one on (`on` 1), or no longer; `errno`: what keeps it from
 * that, 0 if RECORDER asked for it.
 */
export function recorder(on: i32, errno: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  recorderTold(on != 0, errno);
  answerRecord();
  return end();
}

/** The host has done SAVE_CONFIG; `errno` what kept it from that, or -1: the file has changed. */
export function saved(errno: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  answerSave(errno);
  return end();
}

/** `len` bytes of text: what TELL_FACTS asked for (monitor/facts.ts). */
export function facts(len: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  factsTold(input_buffer, checked(len));
  return end();
}

/** Hides the tokens of the first `count` slots of a batch, in their place (icmp/conceal.ts). */
export function conceal(slots: usize, version: i32, count: i32): void {
  concealSlots(slots, version, count);
}

/** Undoes `conceal` under the key of this instance. */
export function reveal(slots: usize, version: i32, count: i32): void {
  revealSlots(slots, version, count);
}

/** Clears the bytes that no later call reads: input, slots, and the last answer. */
export function wipe(): void {
  wipeBytes(input_buffer, INPUT_BYTES);
  wipeSlots();
  wipeReply();
  wipeDraft();
  wipeDeadlines();
}

/** Where the 16 bytes of the key are, which no snapshot may hold. */
export function secret(): usize {
  return keyAddress();
}

/**
 * A hook has ended: that of the VPN whose name is the input's `len` bytes. `outcome` and `detail`
 * are event/hook.ts's.
 */
export function hookEnded(outcome: i32, detail: i32, len: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  if (takeVpnName(len)) endHook(vpn_name, outcome, detail);
  return end();
}

/**
 * To an instance that follows one that trapped, once for each VPN (its name is the input's `len`
 * bytes) for which that ran a hook, when the configuration is in force: the argument of its last
 * RUN_HOOK, and whether that hook still runs.
 */
export function hookTold(told: i32, runs: i32, len: i32, now_ms: i64, wall_ms: i64): i32 {
  begin(now_ms, wall_ms);
  if (takeVpnName(len)) recallHook(vpn_name, told, runs != 0);
  return end();
}

const vpn_name: usize = memory.data(1 + MAX_NAME_BYTES);

/** Takes a name from the input; false: it is none. */
function takeVpnName(len: i32): bool {
  return setName(vpn_name, MAX_NAME_BYTES, input_buffer, checked(len));
}

function checked(len: i32): i32 {
  assert(<u32>len <= <u32>INPUT_BYTES);
  return len;
}
