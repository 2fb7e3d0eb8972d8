/** Carries out what the decision table says: the only place where a VPN's state changes. */
import { VpnFlag } from "../config/model";
import { now_ms } from "../clock";
import { rekeySucceeded, saDeactivated, targetSilent, vpnDown, vpnUp } from "../event/text";
import { ask, unask } from "../ike/negotiation";
import { stateChanged } from "../route/follow";
import { gatewayAt } from "../sa/gateway";
import { phase2At } from "../sa/phase2";
import { Note, State, Tried, tunnelId, Vpn, vpnAt } from "../sa/vpn";
import { schedule } from "../timer/wheel";
import { meetNeighbour } from "./announce";
import { decide, Do, Event, Mode, nextState } from "./decision";
import { sendRound } from "./echo_batch";
import { Hook, tellHook } from "./hook";
import { renewPhase2 } from "./lifetime";
import { localOf, remoteOf, sayUncovered } from "./resolve";
import { disownRounds, leaveRound } from "./samples";

/** The mode that the configuration asks for. */
export function modeOf(vpn: Vpn): Mode {
  if (!vpn.config.has(VpnFlag.MONITOR)) return Mode.OFF;
  return vpn.config.has(VpnFlag.REKEY) ? Mode.REKEY : Mode.MONITOR;
}

/** Tells the VPN what happened: takes the next state and does what belongs to it. */
export function happen(index: i32, event: Event): void {
  const vpn = vpnAt(index);
  const was = vpn.state;
  const cell = decide(modeOf(vpn), was, event);
  const state = nextState(cell);
  vpn.state = state;
  if (cell & Do.RESET) forgetMisses(vpn);
  if (state != was) enter(index, state, event);
  if (cell & Do.SAY_SILENT) vpn.left_alone = true;
  else if (state == State.UP || (cell & Do.NEGOTIATE) != 0) vpn.left_alone = false;
  // What is said and told from here on finds the tunnel interface in its new state.
  stateChanged(index);
  if (cell & Do.SAY_UP) sayUp(index);
  if (cell & Do.SAY_DOWN) sayDown(index);
  if (cell & Do.SAY_REKEYED) sayRekeyed(index);
  if (cell & Do.SAY_SILENT) saySilent(index);
  if (cell & Do.SAY_UNCOVERED) sayNotCovered(index);
  if (cell & Do.DEACTIVATE) saDeactivated(vpn.config.name, tunnelId(index));
  if (cell & Do.NEGOTIATE) negotiate(index);
  if (cell & Do.RENEW) renewPhase2(index);
  if (cell & Do.ECHO) sendRound(index);
  if (cell & Do.PROBE) probe(vpn);
}

/** What strongSwan does not know it cannot initiate; conversation.ts asks again whether it does. */
function negotiate(index: i32): void {
  if (!vpnAt(index).noted(Note.SAID_UNKNOWN)) ask(index);
}

/** What a state brings with it, whatever led there. */
function enter(index: i32, state: State, event: Event): void {
  const vpn = vpnAt(index);
  vpn.answers = 0;
  if (state == State.DOWN) {
    vpn.downs++;
    disownRounds(vpn);
    vpn.down_at_ms = now_ms;
    vpn.down_by = <u8>event;
  }
  if (state == State.UP) {
    vpn.recoveries = 0;
    vpn.retry_at_ms = 0;
    vpn.tell(Tried.NOTHING, 0);
    vpn.unnote(Note.SILENT);
    unask(index);
    meetNeighbour(index);
  }
}

/** The misses were another SA's; and an answer to one of its echoes says nothing of this one. */
function forgetMisses(vpn: Vpn): void {
  disownRounds(vpn);
  vpn.misses = 0;
  vpn.answers = 0;
}

/** Begins a round now, not at the interval's end; one that is out is not judged. */
function probe(vpn: Vpn): void {
  leaveRound(vpn);
  vpn.due_ms = now_ms;
  schedule(vpn.timer, now_ms);
}

/** Events 00040 and 00041 alternate, whatever path the states take. */
function sayUp(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.noted(Note.SAID_UP)) return;
  vpn.note(Note.SAID_UP);
  vpn.unnote(Note.SAID_DOWN);
  vpnUp(vpn.config.name, gatewayAt(vpn.gateway).peer_ip);
  tellHook(index, Hook.UP);
}

function sayDown(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.noted(Note.SAID_DOWN)) return;
  vpn.note(Note.SAID_DOWN);
  vpn.unnote(Note.SAID_UP);
  vpnDown(vpn.config.name, gatewayAt(vpn.gateway).peer_ip);
  tellHook(index, Hook.DOWN);
}

/** Once for each new key, when its SA is seen to work. */
function sayRekeyed(index: i32): void {
  const vpn = vpnAt(index);
  if (!vpn.noted(Note.NEW_KEY)) return;
  vpn.unnote(Note.NEW_KEY);
  if (vpn.current >= 0) phase2At(vpn.current).key_told = true;
  vpn.rekeys++;
  rekeySucceeded(vpn.config.name, tunnelId(index), vpn.spi_in);
  tellHook(index, Hook.REKEYED);
}

function sayNotCovered(index: i32): void {
  const sa = phase2At(vpnAt(index).current);
  sayUncovered(index, localOf(sa), sa.local_selectors, remoteOf(sa), sa.remote_selectors);
}

function saySilent(index: i32): void {
  const vpn = vpnAt(index);
  unask(index);
  if (vpn.noted(Note.SILENT)) return;
  vpn.note(Note.SILENT);
  targetSilent(vpn.config.name, vpn.target(0).address);
  tellHook(index, Hook.TARGET_SILENT);
}
