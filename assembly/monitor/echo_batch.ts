/**
 * Echoes on their way to the host: collected by IP version during a call, handed over at its end.
 */
import { Action, act } from "../action";
import { isV4 } from "../bytes/address";
import { now_ms } from "../clock";
import { buildEcho } from "../icmp/echo";
import { sendSlot, sendSlots, Slot } from "../icmp/slot";
import { BATCH, MAX_DESTINATIONS } from "../limits";
import { phase2At } from "../sa/phase2";
import { Note, vpnAt } from "../sa/vpn";
import { interfaceOf } from "./way";

let count_v4: i32 = 0;
let count_v6: i32 = 0;
/** The VPN of each echo in the batch, for `unsent`. */
const vpns_v4: usize = memory.data(BATCH * 4);
const vpns_v6: usize = memory.data(BATCH * 4);

/** Bit i: whether an announcement stands in slot i of the batch. */
let announced_v4: u64 = 0;
let announced_v6: u64 = 0;

/** Forgets the batch that the host has sent. */
export function beginBatch(): void {
  count_v4 = 0;
  count_v6 = 0;
  // Behind an echo all is zero.
  for (; announced_v4 != 0; announced_v4 &= announced_v4 - 1) clear(4, <i32>ctz(announced_v4));
  for (; announced_v6 != 0; announced_v6 &= announced_v6 - 1) clear(6, <i32>ctz(announced_v6));
}

function clear(version: i32, i: i32): void {
  const slot = sendSlot(version, i);
  memory.fill(slot.message, 0, slot.length);
}

/** Whether every VPN, whatever its destinations, still fits. */
export function hasRoom(): bool {
  return max(count_v4, count_v6) + MAX_DESTINATIONS <= BATCH;
}

/** Hands the echoes over. */
export function endBatch(): void {
  if (count_v4 > 0) act(Action.SEND_ECHOES, 4, sendSlots(4), count_v4);
  if (count_v6 > 0) act(Action.SEND_ECHOES, 6, sendSlots(6), count_v6);
}

/** The VPN of echo `index` of the batch just sent; -1: it is none, or an announcement. */
export function vpnOfEcho(version: i32, index: i32): i32 {
  if (<u32>index >= <u32>(version == 4 ? count_v4 : count_v6)) return -1;
  return load<i32>((version == 4 ? vpns_v4 : vpns_v6) + (index << 2));
}

/** The slot for an announcement; there must be room (`hasRoom`). Refusals of it nobody hears. */
export function announcementSlot(v4: bool): Slot {
  const at = v4 ? count_v4++ : count_v6++;
  store<i32>((v4 ? vpns_v4 : vpns_v6) + (at << 2), -1);
  if (v4) announced_v4 |= (<u64>1) << at;
  else announced_v6 |= (<u64>1) << at;
  return sendSlot(v4 ? 4 : 6, at);
}

/** One echo to each target that the SA in use covers: a round of the VPN is out. */
export function sendRound(index: i32): void {
  const vpn = vpnAt(index);
  const covered = <i32>phase2At(vpn.current).covered;
  const count = <i32>vpn.target_count;
  const ifindex = interfaceOf(vpn);
  for (let t = 0; t < count; t++) {
    if ((covered & (1 << t)) == 0) continue;
    const address = vpn.target(t).address;
    const v4 = isV4(address);
    const at = v4 ? count_v4++ : count_v6++;
    store<i32>((v4 ? vpns_v4 : vpns_v6) + (at << 2), index);
    const slot = sendSlot(v4 ? 4 : 6, at);
    buildEcho(slot, vpn.source, address, index, t, vpn.seq, now_ms, vpn.config.size);
    slot.ifindex = ifindex;
    vpn.echoes_sent++;
    vpn.own_out++;
    vpn.own_out_at_ms = now_ms;
  }
  vpn.sent_seq = vpn.seq;
  vpn.note(Note.PROBED);
}
