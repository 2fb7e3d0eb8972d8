/**
 * One `list-sa` message: an IKE_SA, and in it its CHILD_SAs.
 *
 *     NAME {
 *       uniqueid = 1 ...  tasks-active [ CHILD_CREATE ]
 *       child-sas { CHILD-UNIQUEID { name = CHILD ... local-ts [ 10.1.0.0/16 ] } }
 *     }
 */
import { ADDRESS_BYTES, clear, parseAddress } from "../../bytes/address";
import { parseHex, setName } from "../../bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../../bytes/writer";
import { NEVER, now_ms } from "../../clock";
import {
  MAX_ALGORITHM_BYTES,
  MAX_IKE_NAME_BYTES,
  MAX_VICI_TIME_S,
  MAX_VIRTUAL_IPS,
} from "../../limits";
import { IkeState, Phase1, PHASE1_BYTES } from "../../sa/phase1";
import { ChildState, Phase2, PHASE2_BYTES } from "../../sa/phase2";
import { Element, Message, MESSAGE_BYTES, messageAt } from "../vici/message";
import { writeCipher, writeHash } from "./algorithm";
import { readSelectors, saw_more } from "./selectors";

/** What `readIkeSa` read, its number of children included; `gateway` and `next` are -1. */
export const phase1: Phase1 = changetype<Phase1>(memory.data(PHASE1_BYTES));
/** What `readChildSa` read; `vpn` and `next` are -1. */
export const phase2: Phase2 = changetype<Phase2>(memory.data(PHASE2_BYTES));
/**
 * Name field: the connection of `phase1`; empty where the name is longer than a configuration's.
 */
export const connection_name: usize = memory.data(MAX_IKE_NAME_BYTES + 1);
/** Name field: the child of `phase2`. */
export const child_name: usize = memory.data(MAX_IKE_NAME_BYTES + 1);

const ike: Message = messageAt(memory.data(MESSAGE_BYTES));
const children: Message = messageAt(memory.data(MESSAGE_BYTES));
let has_children: bool = false;
let listed_at_ms: i64 = 0;

/** The parts of an algorithm, put together when all are known. */
@unmanaged
class Proposal {
  protocol: usize;
  protocol_length: i32;
  cipher: usize;
  cipher_length: i32;
  key_bits: i32;
  integrity: usize;
  integrity_length: i32;
  prf: usize;
  prf_length: i32;
}
const proposal: Proposal = changetype<Proposal>(memory.data(offsetof<Proposal>()));

/**
 * Reads the IKE_SA, as it was at `at_ms` at the soonest; false if the message is none of
 * strongSwan's.
 */
export function readIkeSa(p: usize, length: i32, at_ms: i64 = now_ms): bool {
  listed_at_ms = at_ms;
  has_children = false;
  memory.fill(changetype<usize>(phase1), 0, PHASE1_BYTES);
  memory.fill(changetype<usize>(proposal), 0, offsetof<Proposal>());
  phase1.gateway = -1;
  phase1.next = -1;
  const m = ike.open(p, length);
  if (!m.nextSection()) return false;
  store<u8>(connection_name, 0);
  setName(connection_name, MAX_IKE_NAME_BYTES, m.name, m.name_length);
  let found = false;
  while (m.depth > 0) {
    const element = m.next();
    if (element == Element.BAD) return false;
    if (element == Element.KEY_VALUE) {
      readIkeValue(m);
    } else if (element == Element.LIST_START) {
      readIkeList(m);
    } else if (element == Element.SECTION_START) {
      if (m.nameIs("child-sas")) {
        children.follow(m);
        found = true;
        countChildren(m);
      } else {
        m.skip();
      }
    }
  }
  writeAlgorithm(phase1.algorithm);
  // Another section would be another one, which nobody asked for in the same message.
  if (m.nextSection() || m.next() != Element.END) return false;
  has_children = found;
  return true;
}

/** Inside `child-sas`; goes to its end. */
function countChildren(m: Message): void {
  while (m.nextSection()) {
    if (phase1.children < u8.MAX_VALUE) phase1.children++;
    m.skip();
  }
}

/** Reads the next CHILD_SA of the message that `readIkeSa` read; false: no more. */
export function readChildSa(): bool {
  const m = children;
  while (has_children) {
    has_children = m.nextSection();
    if (has_children && readChild(m)) return true;
  }
  return false;
}

function readIkeValue(m: Message): void {
  if (m.nameIs("uniqueid")) {
    phase1.id = <u32>count(m);
  } else if (m.nameIs("version")) {
    phase1.version = <u8>count(m);
  } else if (m.nameIs("state")) {
    phase1.state = <u8>ikeState(m);
  } else if (m.nameIs("local-host")) {
    readAddress(m, phase1.local_host);
  } else if (m.nameIs("remote-host")) {
    readAddress(m, phase1.remote_host);
  } else if (m.nameIs("remote-port")) {
    phase1.remote_port = <u16>count(m);
  } else if (m.nameIs("initiator")) {
    phase1.initiator = m.valueIs("yes");
  } else if (m.nameIs("responder-spi")) {
    phase1.answered = !m.valueIs("0000000000000000");
  } else if (m.nameIs("established")) {
    phase1.established_at_ms = past(m.decimal());
  } else if (m.nameIs("rekey-time")) {
    phase1.rekey_at_ms = future(m.decimal());
  } else if (m.nameIs("reauth-time")) {
    phase1.reauth_at_ms = future(m.decimal());
  } else {
    readProposal(m);
  }
}

function readIkeList(m: Message): void {
  if (m.nameIs("tasks-active") || m.nameIs("tasks-queued")) {
    readTasks(m);
  } else if (m.nameIs("local-vips")) {
    phase1.local_vip_count = readVirtualIps(m, phase1.local_vip(0));
  } else if (m.nameIs("remote-vips")) {
    phase1.remote_vip_count = readVirtualIps(m, phase1.remote_vip(0));
  } else {
    m.skip();
  }
}

/** Behind a LIST_START: reads addresses from `out` on, and answers how many; more are left out. */
function readVirtualIps(m: Message, out: usize): u8 {
  let count: u8 = 0;
  while (m.next() == Element.LIST_ITEM) {
    if (count == MAX_VIRTUAL_IPS) continue;
    if (parseAddress(m.value, m.value_length, out + count * ADDRESS_BYTES)) count++;
  }
  return count;
}

function readTasks(m: Message): void {
  while (m.next() == Element.LIST_ITEM) {
    if (m.valueIs("CHILD_CREATE") || m.valueIs("CHILD_REKEY") || m.valueIs("QUICK_MODE")) {
      phase1.child_task = true;
    }
  }
}

/** Inside a CHILD_SA's section; reads it to its end. */
function readChild(m: Message): bool {
  memory.fill(changetype<usize>(phase2), 0, PHASE2_BYTES);
  memory.fill(changetype<usize>(proposal), 0, offsetof<Proposal>());
  phase2.ike_id = phase1.id;
  phase2.vpn = -1;
  phase2.next = -1;
  phase2.soft_at_ms = NEVER;
  const outside = m.depth - 1;
  let named = false;
  while (m.depth > outside) {
    const element = m.next();
    if (element == Element.BAD) return false;
    if (element == Element.KEY_VALUE) {
      if (m.nameIs("name")) {
        named = setName(child_name, MAX_IKE_NAME_BYTES, m.value, m.value_length);
      } else {
        readChildValue(m);
      }
    } else if (element == Element.LIST_START) {
      readChildList(m);
    } else if (element == Element.SECTION_START) {
      m.skip();
    }
  }
  writeAlgorithm(phase2.algorithm);
  return named;
}

function readChildValue(m: Message): void {
  if (m.nameIs("uniqueid")) {
    phase2.id = <u32>count(m);
  } else if (m.nameIs("state")) {
    phase2.state = <u8>childState(m);
  } else if (m.nameIs("spi-in")) {
    phase2.spi_in = readHex(m);
  } else if (m.nameIs("spi-out")) {
    phase2.spi_out = readHex(m);
  } else if (m.nameIs("if-id-in")) {
    phase2.if_id_in = readHex(m);
  } else if (m.nameIs("if-id-out")) {
    phase2.if_id = readHex(m);
  } else if (m.nameIs("packets-in")) {
    phase2.packets_in = count(m);
  } else if (m.nameIs("packets-out")) {
    phase2.packets_out = count(m);
  } else if (m.nameIs("bytes-in")) {
    phase2.bytes_in = count(m);
  } else if (m.nameIs("bytes-out")) {
    phase2.bytes_out = count(m);
  } else if (m.nameIs("install-time")) {
    phase2.installed_at_ms = past(m.decimal());
  } else if (m.nameIs("rekey-time")) {
    phase2.rekey_at_ms = future(m.decimal());
  } else if (m.nameIs("life-time")) {
    phase2.expires_at_ms = future(m.decimal());
  } else {
    readProposal(m);
  }
}

function readChildList(m: Message): void {
  if (m.nameIs("local-ts")) {
    phase2.local_selectors = <u8>readSelectors(m, phase2.local_selector(0));
    if (saw_more) phase2.more_selectors = true;
  } else if (m.nameIs("remote-ts")) {
    phase2.remote_selectors = <u8>readSelectors(m, phase2.remote_selector(0));
    if (saw_more) phase2.more_selectors = true;
  } else {
    m.skip();
  }
}

function readAddress(m: Message, out: usize): void {
  if (!parseAddress(m.value, m.value_length, out)) clear(out);
}

/** A counter or an identity; 0 for what is no number. */
function count(m: Message): i64 {
  return max<i64>(m.decimal(), 0);
}

/** An SPI or if_id; 0 for what is no hexadecimal number. */
function readHex(m: Message): u32 {
  return <u32>max<i64>(parseHex(m.value, m.value_length), 0);
}

/*
 * charon tells times in seconds from its now, which is the whole seconds of the
 * monotonic clock. Counted from our whole seconds, the same moment comes out the
 * same in each listing, or a second late if a second began in between.
 */

/** `seconds` ago; 0 if that is no number. */
function past(seconds: i64): i64 {
  return seconds < 0
    ? 0
    : max<i64>((listed_at_ms / 1000 - min(seconds, MAX_VICI_TIME_S)) * 1000, 1);
}

/**
 * In `seconds`; 0 if that is no number, or negative: where rekeying is off but
 * has a random part, charon shows a time that was over before the SA was made.
 */
function future(seconds: i64): i64 {
  return seconds < 0
    ? 0
    : max<i64>((listed_at_ms / 1000 + min(seconds, MAX_VICI_TIME_S)) * 1000, 1);
}

function readProposal(m: Message): void {
  if (m.nameIs("protocol")) {
    phase2.protocol = m.valueIs("ESP") ? 50 : m.valueIs("AH") ? 51 : 0;
    proposal.protocol = m.value;
    proposal.protocol_length = m.value_length;
  } else if (m.nameIs("encr-alg")) {
    proposal.cipher = m.value;
    proposal.cipher_length = m.value_length;
  } else if (m.nameIs("encr-keysize")) {
    proposal.key_bits = <i32>count(m);
  } else if (m.nameIs("integ-alg")) {
    proposal.integrity = m.value;
    proposal.integrity_length = m.value_length;
  } else if (m.nameIs("prf-alg")) {
    proposal.prf = m.value;
    proposal.prf_length = m.value_length;
  }
}

const w: Writer = writerAt(memory.data(WRITER_BYTES));
const text: usize = memory.data(MAX_ALGORITHM_BYTES);

/**
 * `esp:aes128/sha256`, `ah:sha256`, `esp:aes128gcm16`; for IKE `aes128/sha256`,
 * where the cipher is an AEAD with the PRF's hash: `aes128gcm16/sha256`.
 */
function writeAlgorithm(field: usize): void {
  w.reset(text, MAX_ALGORITHM_BYTES);
  if (proposal.protocol_length > 0) {
    writeCipher(w, proposal.protocol, proposal.protocol_length, 0);
    w.u8(0x3a);
  }
  writeCipher(w, proposal.cipher, proposal.cipher_length, proposal.key_bits);
  const is_combined = proposal.integrity_length == 0;
  const hash = is_combined ? proposal.prf : proposal.integrity;
  const hash_length = is_combined ? proposal.prf_length : proposal.integrity_length;
  if (proposal.cipher_length > 0 && hash_length > 0) w.u8(0x2f);
  writeHash(w, hash, hash_length);
  setName(field, MAX_ALGORITHM_BYTES, text, w.length);
}

function ikeState(m: Message): IkeState {
  if (m.valueIs("ESTABLISHED")) return IkeState.ESTABLISHED;
  if (m.valueIs("CONNECTING")) return IkeState.CONNECTING;
  if (m.valueIs("CREATED")) return IkeState.CREATED;
  if (m.valueIs("PASSIVE")) return IkeState.PASSIVE;
  if (m.valueIs("REKEYING")) return IkeState.REKEYING;
  if (m.valueIs("REKEYED")) return IkeState.REKEYED;
  if (m.valueIs("DELETING")) return IkeState.DELETING;
  if (m.valueIs("DESTROYING")) return IkeState.DESTROYING;
  return IkeState.UNKNOWN;
}

function childState(m: Message): ChildState {
  if (m.valueIs("INSTALLED")) return ChildState.INSTALLED;
  if (m.valueIs("CREATED")) return ChildState.CREATED;
  if (m.valueIs("ROUTED")) return ChildState.ROUTED;
  if (m.valueIs("INSTALLING")) return ChildState.INSTALLING;
  if (m.valueIs("UPDATING")) return ChildState.UPDATING;
  if (m.valueIs("REKEYING")) return ChildState.REKEYING;
  if (m.valueIs("REKEYED")) return ChildState.REKEYED;
  if (m.valueIs("RETRYING")) return ChildState.RETRYING;
  if (m.valueIs("DELETING")) return ChildState.DELETING;
  if (m.valueIs("DELETED")) return ChildState.DELETED;
  if (m.valueIs("DESTROYING")) return ChildState.DESTROYING;
  return ChildState.UNKNOWN;
}
