import { wipe } from "../bytes/wipe";
import { BATCH, MAX_CLEAR_ECHOES } from "../limits";

/** Bytes of a slot; the host checks its own idea of this layout against `slotBytes`. */
export const SLOT_BYTES: i32 = 1536;
const DESTINATION = 16;
const SOURCE = 32;
const MESSAGE = 64;

/** Linux's address families. */
export const enum Family {
  INET = 2,
  INET6 = 10,
}

/**
 * One packet in the memory that it is sent from and received into: the host
 * points the vectors of sendmmsg and recvmmsg at it. Addresses are 16 bytes as
 * in bytes/address.ts.
 *
 *      0  u16 family (Family)       when sending
 *      4  u32 length of the message
 *      8  u32 interface index, 0 any   when sending
 *     16  destination               when sending
 *     32  source                    when sending
 *     64  message
 *
 * When receiving, the sender's address stands at 16, and the message begins
 * with the IPv4 header, or with the ICMPv6 header.
 */
@unmanaged
export class Slot {
  family: u16;
  length: u32;
  ifindex: u32;

  /** Where it goes to or, when received, came from. */
  get peer(): usize {
    return changetype<usize>(this) + DESTINATION;
  }
  get source(): usize {
    return changetype<usize>(this) + SOURCE;
  }
  get message(): usize {
    return changetype<usize>(this) + MESSAGE;
  }
}

const receive_slots: usize = memory.data(BATCH * SLOT_BYTES, 16);
const send_slots_v4: usize = memory.data(BATCH * SLOT_BYTES, 16);
const send_slots_v6: usize = memory.data(BATCH * SLOT_BYTES, 16);
const clear_slots_v4: usize = memory.data(MAX_CLEAR_ECHOES * SLOT_BYTES, 16);
const clear_slots_v6: usize = memory.data(MAX_CLEAR_ECHOES * SLOT_BYTES, 16);

/** First of the BATCH slots that replies are received into. */
export function receiveSlots(): usize {
  return receive_slots;
}

/** First of the BATCH slots that echoes of one IP version, 4 or 6, are sent from. */
export function sendSlots(version: i32): usize {
  return version == 4 ? send_slots_v4 : send_slots_v6;
}

/** First of the MAX_CLEAR_ECHOES slots that echoes in the clear are sent from. */
export function clearSlots(version: i32): usize {
  return version == 4 ? clear_slots_v4 : clear_slots_v6;
}

/** One of the slots that replies are received into. */
export function receiveSlot(index: i32): Slot {
  assert(<u32>index < <u32>BATCH);
  return changetype<Slot>(receive_slots + index * SLOT_BYTES);
}

/** One of the slots that echoes of one IP version, 4 or 6, are sent from. */
export function sendSlot(version: i32, index: i32): Slot {
  assert(<u32>index < <u32>BATCH);
  return changetype<Slot>(sendSlots(version) + index * SLOT_BYTES);
}

/** One of the slots that echoes in the clear are sent from. */
export function clearSlot(version: i32, index: i32): Slot {
  assert(<u32>index < <u32>MAX_CLEAR_ECHOES);
  return changetype<Slot>(clearSlots(version) + index * SLOT_BYTES);
}

/** Clears all slots. */
export function wipeSlots(): void {
  wipe(receive_slots, BATCH * SLOT_BYTES);
  wipe(send_slots_v4, BATCH * SLOT_BYTES);
  wipe(send_slots_v6, BATCH * SLOT_BYTES);
  wipe(clear_slots_v4, MAX_CLEAR_ECHOES * SLOT_BYTES);
  wipe(clear_slots_v6, MAX_CLEAR_ECHOES * SLOT_BYTES);
}
