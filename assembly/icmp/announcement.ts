/**
 * An announcement: a rekeyd tells the one at the other end of an SA its tunnel addresses and the
 * networks behind it, in the data of an echo request (docs/nhtb.md has why, and who may believe
 * it). The kernel there answers it like any other echo.
 *
 *      0  ICMP's header: type, code, checksum, identifier, sequence
 *      8  "rekeydNH"
 *     16  u8 version, 1
 *     17  u8 flags: 1 an announcement is asked for in return
 *     18  u8 number of addresses, u8 number of networks
 *     20  u32 SPI of the SA in use to the sender, u32 SPI of the one from it
 *     28  u32 digest of the receiver's contents as the sender last took them; 0: it took none
 *     32  u64 when it was sent, in milliseconds of a clock of the sender's that never runs back
 *     40  u64 the sender's challenge
 *     48  u64 the receiver's challenge, in answer; 0: the sender knows of none
 *     56  addresses of 16 bytes each, then networks: u8 length of the prefix, 16 bytes
 *
 * Numbers are in network byte order, IPv4 addresses in IPv6's mapped form, with prefixes of 96 to
 * 128 bits. The parts from 56 on are the contents.
 */
import { ADDRESS_BYTES, isUnset, isV4 } from "../bytes/address";
import { hash, loadU32be } from "../bytes/slice";
import { MAX_ANNOUNCED_ADDRESSES, MAX_ANNOUNCED_NETWORKS } from "../limits";
import { checksum } from "./checksum";
import { beginRequest, ipv4HeaderBytes, isReply, isRequest, sealRequest } from "./echo";
import { Slot } from "./slot";

const MAGIC = 8;
const VERSION = 16;
const FLAGS = 17;
const ADDRESSES = 18;
const NETWORKS = 19;
const SPI_IN = 20;
const SPI_OUT = 24;
const HEARD = 28;
const SENT = 32;
const CHALLENGE = 40;
const ANSWER = 48;
/** Bytes in front of the contents. */
export const ANNOUNCEMENT_HEAD_BYTES: i32 = 56;
const CONTENTS = ANNOUNCEMENT_HEAD_BYTES;
const NETWORK_BYTES = 1 + ADDRESS_BYTES;

/** "rekeydNH"; no echo of ours begins so, whose first word is the index of a VPN. */
const MAGIC_WORD: u64 = bswap<u64>(0x72656b6579644e48);
const THIS_VERSION: u8 = 1;
/** Bits of an IPv4 address's prefix in the mapped form. */
const V4_PREFIX: i32 = 96;

/** The longest announcement. With IPv6's header it is within what every path must carry, 1,280. */
export const MAX_ANNOUNCEMENT_BYTES: i32 =
  CONTENTS + MAX_ANNOUNCED_ADDRESSES * ADDRESS_BYTES + MAX_ANNOUNCED_NETWORKS * NETWORK_BYTES;

/** Bits of `flags`; a receiver passes over those that it does not know. */
export const enum Flag {
  /** The sender wants an announcement in return. */
  POLL = 1,
}

/** An announcement in the slot where it stands, from ICMP's header on. */
@unmanaged
export class Announcement {
  private at(offset: i32): usize {
    return changetype<usize>(this) + offset;
  }
  get flags(): i32 {
    return load<u8>(this.at(FLAGS));
  }
  set flags(value: i32) {
    store<u8>(this.at(FLAGS), <u8>value);
  }
  get address_count(): i32 {
    return load<u8>(this.at(ADDRESSES));
  }
  get network_count(): i32 {
    return load<u8>(this.at(NETWORKS));
  }
  /** As the sender sees it, like `spi_out`. */
  get spi_in(): u32 {
    return loadU32be(this.at(SPI_IN));
  }
  set spi_in(value: u32) {
    store<u32>(this.at(SPI_IN), bswap(value));
  }
  get spi_out(): u32 {
    return loadU32be(this.at(SPI_OUT));
  }
  set spi_out(value: u32) {
    store<u32>(this.at(SPI_OUT), bswap(value));
  }
  get heard(): u32 {
    return loadU32be(this.at(HEARD));
  }
  set heard(value: u32) {
    store<u32>(this.at(HEARD), bswap(value));
  }
  get sent_ms(): u64 {
    return bswap(load<u64>(this.at(SENT)));
  }
  set sent_ms(value: u64) {
    store<u64>(this.at(SENT), bswap(value));
  }
  get challenge(): u64 {
    return load<u64>(this.at(CHALLENGE));
  }
  set challenge(value: u64) {
    store<u64>(this.at(CHALLENGE), value);
  }
  get answer(): u64 {
    return load<u64>(this.at(ANSWER));
  }
  set answer(value: u64) {
    store<u64>(this.at(ANSWER), value);
  }
  /** 16 bytes. */
  address(i: i32): usize {
    return this.at(CONTENTS + i * ADDRESS_BYTES);
  }
  /** 16 bytes; bits behind the prefix are zero. */
  network(i: i32): usize {
    return this.networkAt(i) + 1;
  }
  /** Bits of the network's prefix, as people count them: of IPv4 at most 32. */
  prefix(i: i32): i32 {
    const bits = <i32>load<u8>(this.networkAt(i));
    return isV4(this.network(i)) ? bits - V4_PREFIX : bits;
  }
  private networkAt(i: i32): usize {
    return this.at(CONTENTS + this.address_count * ADDRESS_BYTES + i * NETWORK_BYTES);
  }

  /** Adds a tunnel address; before the networks. */
  addAddress(address: usize): void {
    assert(this.address_count < MAX_ANNOUNCED_ADDRESSES && this.network_count == 0);
    memory.copy(this.address(this.address_count), address, ADDRESS_BYTES);
    store<u8>(this.at(ADDRESSES), <u8>(this.address_count + 1));
  }

  /** Adds a network: `prefix` as people count it. */
  addNetwork(network: usize, prefix: i32): void {
    assert(this.network_count < MAX_ANNOUNCED_NETWORKS);
    const record = this.networkAt(this.network_count);
    store<u8>(record, <u8>(isV4(network) ? prefix + V4_PREFIX : prefix));
    memory.copy(record + 1, network, ADDRESS_BYTES);
    store<u8>(this.at(NETWORKS), <u8>(this.network_count + 1));
  }

  /** Its bytes, by what it says of itself. */
  get length(): i32 {
    return CONTENTS + this.address_count * ADDRESS_BYTES + this.network_count * NETWORK_BYTES;
  }

  /** One number for the contents, by which both ends tell whether they mean the same; never 0. */
  get digest(): u32 {
    return max<u32>(hash(this.at(CONTENTS), this.length - CONTENTS), 1);
  }
}

/** What a search answers that has found none. */
export const NO_ANNOUNCEMENT: Announcement = changetype<Announcement>(0);

/**
 * Begins an announcement without contents in a send slot. All but SPIs, flags, challenges and
 * contents is filled in, and `endAnnouncement` is the last that is done to it.
 */
export function beginAnnouncement(
  slot: Slot,
  source: usize,
  destination: usize,
  sequence: u32,
  now_ms: i64,
): Announcement {
  const message = beginRequest(slot, source, destination, sequence, CONTENTS);
  memory.fill(message + MAGIC, 0, CONTENTS - MAGIC);
  store<u64>(message, MAGIC_WORD, MAGIC);
  store<u8>(message, THIS_VERSION, VERSION);
  const announcement = changetype<Announcement>(message);
  announcement.sent_ms = now_ms;
  return announcement;
}

/** Length and checksum: it is ready to be sent. */
export function endAnnouncement(slot: Slot): void {
  const length = changetype<Announcement>(slot.message).length;
  slot.length = length;
  sealRequest(slot, length);
}

/** The peer's announcement in the received bytes, if they are one that is whole and sensible. */
export function receivedAnnouncement(slot: Slot, version: i32): Announcement {
  const message = wholeAnnouncement(slot, version);
  return message != 0 && isRequest(message, version)
    ? changetype<Announcement>(message)
    : NO_ANNOUNCEMENT;
}

/** Likewise an announcement of ours that comes back because the peer's kernel has answered it. */
export function returnedAnnouncement(slot: Slot, version: i32): Announcement {
  const message = wholeAnnouncement(slot, version);
  return message != 0 && isReply(message, version)
    ? changetype<Announcement>(message)
    : NO_ANNOUNCEMENT;
}

/** Where one stands in a receive slot, undamaged; 0: there is none. */
function wholeAnnouncement(slot: Slot, version: i32): usize {
  let message = slot.message;
  let length = <i32>slot.length;
  if (version == 4) {
    const header = ipv4HeaderBytes(message, length);
    if (header == 0) return 0;
    message += header;
    length -= header;
  }
  if (!isAnnouncement(message, length)) return 0;
  return version == 6 || checksum(message, length) == 0 ? message : 0;
}

/** Whether the ICMP message is an announcement, whoever sent it, checksum aside. */
export function isAnnouncement(message: usize, length: i32): bool {
  if (length < CONTENTS || length > MAX_ANNOUNCEMENT_BYTES) return false;
  if (load<u64>(message, MAGIC) != MAGIC_WORD) return false;
  if (load<u8>(message, VERSION) != THIS_VERSION) return false;
  const announcement = changetype<Announcement>(message);
  if (announcement.address_count > MAX_ANNOUNCED_ADDRESSES) return false;
  if (announcement.network_count > MAX_ANNOUNCED_NETWORKS) return false;
  if (announcement.challenge == 0 || announcement.length != length) return false;
  return hasContents(announcement);
}

function hasContents(announcement: Announcement): bool {
  for (let i = 0; i < announcement.address_count; i++) {
    if (isUnset(announcement.address(i))) return false;
  }
  for (let i = 0; i < announcement.network_count; i++) {
    if (!isNetwork(announcement.network(i), announcement.prefix(i))) return false;
  }
  return true;
}

/** Whether the prefix is one of the address's family, and behind it all bits are zero. */
function isNetwork(address: usize, prefix: i32): bool {
  const v4 = isV4(address);
  if (prefix < 0 || prefix > (v4 ? 32 : 128)) return false;
  for (let bit = v4 ? prefix + V4_PREFIX : prefix; bit < 128; bit = (bit | 7) + 1) {
    const byte = <i32>load<u8>(address + (bit >> 3));
    if ((byte & (0xff >> (bit & 7))) != 0) return false;
  }
  return true;
}
