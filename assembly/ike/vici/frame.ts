/**
 * vici's framing (strongSwan, plugins/vici/README.md, "Transport"): each packet
 * stands behind its length, a u32 in network order. The stream may be cut
 * anywhere; a packet that lies whole in one read is not copied.
 */
import { loadU32be } from "../../bytes/slice";
import { MAX_VICI_BYTES } from "../../limits";

/** What `nextFrame` found. */
export const enum Frame {
  /** The input is used up. */
  NONE = 0,
  /** `packet` and `packet_length` are set. */
  PACKET,
  /** A length that no packet has: the stream is lost. */
  BROKEN,
}

const HEADER_BYTES: i32 = 4;
/** A packet that came in pieces, its length included. */
const pieces: usize = memory.data(HEADER_BYTES + MAX_VICI_BYTES);
let held: i32 = 0;
let input: usize = 0;
let input_length: i32 = 0;

/** The packet that `nextFrame` found, without its length; good until the next call. */
export let packet: usize = 0;
export let packet_length: i32 = 0;

/** Forgets everything: a new stream begins. */
export function resetFrames(): void {
  held = 0;
  input_length = 0;
}

/** Bytes of the stream, to be taken apart by `nextFrame` until it says NONE. */
export function feed(p: usize, length: i32): void {
  input = p;
  input_length = length;
}

/** Looks for the next packet in what is held and fed. */
export function nextFrame(): Frame {
  if (!hold(HEADER_BYTES)) return Frame.NONE;
  const length = <i32>min<u32>(loadU32be(pieces), MAX_VICI_BYTES + 1);
  if (length == 0 || length > MAX_VICI_BYTES) return Frame.BROKEN;
  packet_length = length;
  if (held == HEADER_BYTES && input_length >= length) {
    packet = input;
    input += length;
    input_length -= length;
  } else {
    if (!hold(HEADER_BYTES + length)) return Frame.NONE;
    packet = pieces + HEADER_BYTES;
  }
  held = 0;
  return Frame.PACKET;
}

/** Takes bytes from the input until `count` are held; false if it has too few. */
function hold(count: i32): bool {
  const taken = min(count - held, input_length);
  if (taken > 0) {
    memory.copy(pieces + held, input, taken);
    held += taken;
    input += taken;
    input_length -= taken;
  }
  return held >= count;
}
