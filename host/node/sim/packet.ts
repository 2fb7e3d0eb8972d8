/**
 * Echoes on their way, and the answers that come of them. A packet is kept as the words of its slot
 * (assembly/icmp/slot.ts): there are thousands for each simulated day, so they are neither buffers
 * nor read byte by byte.
 */
import { SLOT, type Version } from "../engine.ts";

const WORD_BYTES = 4;
/** Words of a packet: the destination, the source, four that are kept free, the message. */
const SOURCE = (SLOT.source - SLOT.destination) / WORD_BYTES;
const MESSAGE = (SLOT.message - SLOT.destination) / WORD_BYTES;
const ADDRESS_WORDS = 4;
const IP_HEADER_WORDS = 5;
/** Words of the message: type, code and checksum; the number of the round. */
const ROUND = MESSAGE + 3;
/** Bytes of the message that the token covers, with the token: what no stranger can change. */
const SEALED = { begin: 8, end: 40 };
const REPLY = { 4: 0, 6: 129 } as const;

/** What chance has to say of a packet. */
interface Chance {
  below(bound: number): number;
  between(low: number, high: number): number;
}

export interface Packet {
  version: Version;
  /** Bytes of the message. */
  length: number;
  words: number[];
}

/** The echo in a slot: a copy. */
export function echoIn(memory: Int32Array, slot: number, version: Version): Packet {
  const length = memory[(slot + SLOT.length) >> 2]!;
  const begin = (slot + SLOT.destination) >> 2;
  const count = MESSAGE + ((length + 3) >> 2);
  const words: number[] = [];
  for (let i = 0; i < count; i++) words.push(memory[begin + i]!);
  return { version, length, words };
}

/** The number of an echo's round. */
export function roundOf({ words }: Packet): number {
  return words[ROUND]! >>> 0;
}

/** The same packet, whose bytes can be changed. */
export function copyOf({ version, length, words }: Packet): Packet {
  return { version, length, words: [...words] };
}

/** Turns an echo around: another type, and the checksum that goes with it (RFC 1624). */
export function turnAround(packet: Packet): void {
  const { words, version } = packet;
  const before = swapped(words[MESSAGE]! & 0xffff);
  const code = before & 0xff;
  const after = (REPLY[version] << 8) | code;
  const sum = ~swapped(words[MESSAGE]! >>> 16) & 0xffff;
  setHead(packet, after, ~folded(sum + (~before & 0xffff) + after) & 0xffff);
}

/** One bit is another: of ICMPv4 anywhere, of ICMPv6 where the kernel's checksum is no help. */
export function corrupt(packet: Packet, random: Chance): void {
  const at =
    packet.version === 4
      ? random.between(0, packet.length - 1)
      : random.between(SEALED.begin, SEALED.end - 1);
  packet.words[MESSAGE + (at >> 2)]! ^= 1 << (8 * (at & 3) + random.below(8));
}

/** Makes a reply one that its target never sent: `kind` says in what it is wrong. */
export function forge(packet: Packet, kind: number, random: Chance): void {
  const { words, version } = packet;
  if (kind % 3 === 0) {
    for (let at = SEALED.begin; at < SEALED.end; at++) {
      const shift = 8 * (at & 3);
      const word = MESSAGE + (at >> 2);
      words[word] = (words[word]! & ~(0xff << shift)) | (random.below(256) << shift);
    }
  } else {
    // A round that is yet to come.
    words[ROUND] = (words[ROUND]! + 1 + (kind % 5)) | 0;
  }
  // A forger can add up, too.
  if (version === 4) setHead(packet, swapped(words[MESSAGE]! & 0xffff), checksum(packet));
}

/** Puts a reply where the engine receives it; with an IPv4 header, as a raw socket does. */
export function putReply(
  { version, length, words }: Packet,
  memory: Int32Array,
  slot: number,
): void {
  const peer = (slot + SLOT.destination) >> 2;
  for (let i = 0; i < ADDRESS_WORDS; i++) memory[peer + i] = words[i]!;
  let to = (slot + SLOT.message) >> 2;
  let received = length;
  if (version === 4) {
    received += IP_HEADER_WORDS * WORD_BYTES;
    memory[to] = 0x45 | (swapped(received) << 16);
    memory[to + 1] = 0;
    // Time to live and protocol; the kernel has checked the sum.
    memory[to + 2] = 64 | (1 << 8);
    memory[to + 3] = words[ADDRESS_WORDS - 1]!;
    memory[to + 4] = words[SOURCE + ADDRESS_WORDS - 1]!;
    to += IP_HEADER_WORDS;
  }
  memory[(slot + SLOT.length) >> 2] = received;
  for (let i = MESSAGE; i < words.length; i++) memory[to++] = words[i]!;
}

/** Type and code, and the checksum, as numbers in network order. */
function setHead({ words }: Packet, type_code: number, sum: number): void {
  words[MESSAGE] = swapped(type_code) | (swapped(sum) << 16);
}

/** RFC 1071, over the message with no checksum in it; the bytes behind its end are zero. */
function checksum({ words, length }: Packet): number {
  let sum = swapped(words[MESSAGE]! & 0xffff);
  for (let at = 4; at + 1 < length; at += 2) {
    sum += swapped((words[MESSAGE + (at >> 2)]! >>> (8 * (at & 2))) & 0xffff);
  }
  return ~folded(sum) & 0xffff;
}

function folded(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

function swapped(half: number): number {
  return ((half & 0xff) << 8) | (half >>> 8);
}
