/**
 * One `list-conn` message: a connection as strongSwan has it loaded, and in it
 * its children.
 *
 *     NAME {
 *       local_addrs [ 192.0.2.1 ]  remote_addrs [ %any ]  version = IKEv2 ...
 *       children { CHILD { mode = TUNNEL  local-ts [ dynamic ]  remote-ts [ ... ] } }
 *     }
 */
import { ADDRESS_BYTES, clear, isUnset, parseAddress } from "../../bytes/address";
import { Selector, SELECTOR_BYTES } from "../../bytes/selector";
import { setName } from "../../bytes/slice";
import { MAX_IKE_NAME_BYTES, MAX_SELECTORS } from "../../limits";
import { Element, Message, MESSAGE_BYTES, messageAt } from "../vici/message";
import { readSelectors, saw_dynamic } from "./selectors";

const NAME_BYTES: i32 = MAX_IKE_NAME_BYTES + 1;

/** What stands before a connection's name. */
const HEAD_BYTES: i32 = 16;

/** A connection as strongSwan has it loaded. */
@unmanaged
class Connection {
  /** 1, 2, or 0 for either. */
  version: i32;
  /** Seconds between DPD messages; 0: off. */
  dpd_delay_s: i32;
  /** Seconds between reauthentications; 0: off. */
  reauth_time_s: i32;
  // Behind the scalars, by offset.
  get name(): usize {
    return changetype<usize>(this) + HEAD_BYTES;
  }
  /** The first address given; unset where it is %any, a host name or a subnet. */
  get local_ip(): usize {
    return this.name + NAME_BYTES;
  }
  get peer_ip(): usize {
    return this.local_ip + ADDRESS_BYTES;
  }
}
const CONNECTION_BYTES: i32 = HEAD_BYTES + NAME_BYTES + 2 * ADDRESS_BYTES;

/** One of its children. */
@unmanaged
class ConnectionChild {
  local_selectors: i32;
  remote_selectors: i32;
  /** Whether its mode is TUNNEL. */
  tunnel: bool;
  /** Whether a selector is `dynamic`: the address that the host has in the IKE_SA. */
  local_dynamic: bool;
  remote_dynamic: bool;
  get name(): usize {
    return changetype<usize>(this) + 16;
  }
  /** Selectors that name addresses. */
  local_selector(i: i32): Selector {
    return changetype<Selector>(this.name + NAME_BYTES + i * SELECTOR_BYTES);
  }
  remote_selector(i: i32): Selector {
    return this.local_selector(MAX_SELECTORS + i);
  }
}
const CONNECTION_CHILD_BYTES: i32 = 16 + NAME_BYTES + 2 * MAX_SELECTORS * SELECTOR_BYTES;

/** What `readConnection` read. */
export const connection: Connection = changetype<Connection>(memory.data(CONNECTION_BYTES));
/** What `readConnectionChild` read. */
export const connection_child: ConnectionChild = changetype<ConnectionChild>(
  memory.data(CONNECTION_CHILD_BYTES),
);

const conn: Message = messageAt(memory.data(MESSAGE_BYTES));
const children: Message = messageAt(memory.data(MESSAGE_BYTES));
let has_children: bool = false;

/** Reads the connection; false if there is none, or one whose name no configuration can have. */
export function readConnection(p: usize, length: i32): bool {
  has_children = false;
  memory.fill(changetype<usize>(connection), 0, CONNECTION_BYTES);
  const m = conn.open(p, length);
  if (!m.nextSection()) return false;
  if (!setName(connection.name, MAX_IKE_NAME_BYTES, m.name, m.name_length)) return false;
  let found = false;
  while (m.depth > 0) {
    const element = m.next();
    if (element == Element.BAD) return false;
    if (element == Element.KEY_VALUE) {
      readConnectionValue(m);
    } else if (element == Element.LIST_START) {
      if (m.nameIs("local_addrs")) readFirstAddress(m, connection.local_ip);
      else if (m.nameIs("remote_addrs")) readFirstAddress(m, connection.peer_ip);
      else m.skip();
    } else if (element == Element.SECTION_START) {
      if (m.nameIs("children")) {
        children.follow(m);
        found = true;
      }
      m.skip();
    }
  }
  // Another section would be another one, which nobody asked for in the same message.
  if (m.nextSection() || m.next() != Element.END) return false;
  has_children = found;
  return true;
}

/** Reads the next child of the message that `readConnection` read; false: no more. */
export function readConnectionChild(): bool {
  const m = children;
  while (has_children) {
    has_children = m.nextSection();
    if (has_children && readChild(m)) return true;
  }
  return false;
}

function readConnectionValue(m: Message): void {
  if (m.nameIs("version")) {
    connection.version = m.valueIs("IKEv1") ? 1 : m.valueIs("IKEv2") ? 2 : 0;
  } else if (m.nameIs("dpd_delay")) {
    connection.dpd_delay_s = readSeconds(m);
  } else if (m.nameIs("reauth_time")) {
    connection.reauth_time_s = readSeconds(m);
  }
}

/** Inside a child's section; reads it to its end. */
function readChild(m: Message): bool {
  memory.fill(changetype<usize>(connection_child), 0, CONNECTION_CHILD_BYTES);
  const child = connection_child;
  const named = setName(child.name, MAX_IKE_NAME_BYTES, m.name, m.name_length);
  const outside = m.depth - 1;
  while (m.depth > outside) {
    const element = m.next();
    if (element == Element.BAD) return false;
    if (element == Element.KEY_VALUE) {
      if (m.nameIs("mode")) child.tunnel = m.valueIs("TUNNEL");
    } else if (element == Element.LIST_START) {
      readChildList(m);
    } else if (element == Element.SECTION_START) {
      m.skip();
    }
  }
  return named;
}

function readChildList(m: Message): void {
  const child = connection_child;
  if (m.nameIs("local-ts")) {
    child.local_selectors = readSelectors(m, child.local_selector(0));
    child.local_dynamic = saw_dynamic;
  } else if (m.nameIs("remote-ts")) {
    child.remote_selectors = readSelectors(m, child.remote_selector(0));
    child.remote_dynamic = saw_dynamic;
  } else {
    m.skip();
  }
}

/** Behind a LIST_START: the first item that is an address. */
function readFirstAddress(m: Message, out: usize): void {
  while (m.next() == Element.LIST_ITEM) {
    if (isUnset(out) && !parseAddress(m.value, m.value_length, out)) clear(out);
  }
}

function readSeconds(m: Message): i32 {
  return <i32>min<i64>(max<i64>(m.decimal(), 0), i32.MAX_VALUE);
}
