import { ADDRESS_BYTES, isV4, sameAddress } from "../bytes/address";
import { equal, nameBytes, nameLength, setName } from "../bytes/slice";
import { MAX_ADDRESSES, MAX_INTERFACE_BYTES, MAX_INTERFACES } from "../limits";

/** What a message from the kernel brought. */
export const enum Change {
  NONE = 0,
  /** An interface or address is there that was not, or is gone, or is another. */
  TABLE = 1,
  /** Something came up: a reason to try again what failed. */
  CAME_UP = 2,
  /** There are more interfaces or addresses than the limits allow; the rest is not known. */
  FULL = 4,
}

/** A network interface. */
@unmanaged
class Interface {
  /** The kernel's number; 1 and more. */
  index: u32;
  running: bool;
  /** The dump that last showed it. */
  mark: u32;

  get name(): usize {
    return changetype<usize>(this) + 16;
  }
}
const INTERFACE_BYTES: i32 = 32;

/** An address of an interface. */
@unmanaged
class Address {
  // The address takes the first 16 bytes.
  private address0: u64;
  private address1: u64;
  /** Index of the interface. */
  ifindex: u32;
  prefix: u32;
  /** Lower is the better source. */
  rank: u32;
  /** The dump that last showed it. */
  mark: u32;

  get bytes(): usize {
    return changetype<usize>(this);
  }
}
const RECORD_BYTES: i32 = 32;

// Both tables are dense and in the kernel's order: of equal addresses it prefers the first, and so
// do we.
const interfaces: usize = memory.data(MAX_INTERFACES * INTERFACE_BYTES, 8);
let interface_count: i32 = 0;
const addresses: usize = memory.data(MAX_ADDRESSES * RECORD_BYTES, 8);
let address_count: i32 = 0;
let mark: u32 = 0;

function entryAt(i: i32): Interface {
  return changetype<Interface>(interfaces + i * INTERFACE_BYTES);
}

function recordAt(i: i32): Address {
  return changetype<Address>(addresses + i * RECORD_BYTES);
}

/** Interfaces of this machine. */
export function interfaceCount(): i32 {
  return interface_count;
}

/** The name field of one of them. */
export function interfaceAt(i: i32): usize {
  assert(<u32>i < <u32>interface_count);
  return entryAt(i).name;
}

/** Addresses of this machine. */
export function addressCount(): i32 {
  return address_count;
}

/** One of them: 16 bytes. */
export function addressAt(i: i32): usize {
  assert(<u32>i < <u32>address_count);
  return recordAt(i).bytes;
}

/** Whether the address at `address` is one of the interface's at `i`. */
export function isAddressOf(address: i32, i: i32): bool {
  return recordAt(address).ifindex == entryAt(i).index;
}

/** The kernel's number of the interface that has it. */
export function interfaceIndexOf(address: i32): u32 {
  return recordAt(address).ifindex;
}

/** Length of its prefix. */
export function prefixAt(address: i32): u32 {
  return recordAt(address).prefix;
}

/** Whether the interface at `i` is up, and has a carrier. */
export function isRunning(i: i32): bool {
  assert(<u32>i < <u32>interface_count);
  return entryAt(i).running;
}

/** Name field of the interface with that index; 0: there is none. */
export function interfaceName(index: u32): usize {
  for (let i = 0; i < interface_count; i++) {
    if (entryAt(i).index == index) return entryAt(i).name;
  }
  return 0;
}

/** Whether the interface with that index has the address, with this prefix. */
export function hasAddress(ifindex: u32, address: usize, prefix: u32): bool {
  return findAddress(ifindex, address, prefix) < address_count;
}

/** Whether an interface has the address; also where not all addresses are known. */
export function isOurs(address: usize): bool {
  if (address_count == MAX_ADDRESSES) return true;
  for (let i = 0; i < address_count; i++) {
    if (sameAddress(recordAt(i).bytes, address)) return true;
  }
  return false;
}

/** Copies the best source address that the named interface has in one family to `out`. */
export function interfaceAddress(name: usize, len: i32, v4: bool, out: usize): bool {
  for (let i = 0; i < interface_count; i++) {
    const entry = entryAt(i);
    if (!equal(nameBytes(entry.name), nameLength(entry.name), name, len)) continue;
    return bestAddress(entry.index, v4, out);
  }
  return false;
}

function bestAddress(ifindex: u32, v4: bool, out: usize): bool {
  let best = u32.MAX_VALUE;
  for (let i = 0; i < address_count; i++) {
    const entry = recordAt(i);
    if (entry.ifindex != ifindex || isV4(entry.bytes) != v4 || entry.rank >= best) continue;
    best = entry.rank;
    memory.copy(out, entry.bytes, ADDRESS_BYTES);
  }
  return best != u32.MAX_VALUE;
}

/** Notes an interface as it now is. Returns Change. */
export function setInterface(index: u32, name: usize, len: i32, running: bool): i32 {
  let i = 0;
  while (i < interface_count && entryAt(i).index != index) i++;
  const entry = entryAt(i);
  const known = i < interface_count;
  if (!known) {
    if (interface_count == MAX_INTERFACES) return Change.FULL;
    interface_count++;
    entry.index = index;
  }
  entry.mark = mark;
  const was_running = known && entry.running;
  const same =
    known &&
    running == was_running &&
    equal(nameBytes(entry.name), nameLength(entry.name), name, len);
  if (same) return Change.NONE;
  setName(entry.name, MAX_INTERFACE_BYTES, name, len);
  entry.running = running;
  return running && !was_running ? Change.TABLE | Change.CAME_UP : Change.TABLE;
}

/** Forgets an interface and its addresses. Returns Change. */
export function removeInterface(index: u32): i32 {
  for (let i = 0; i < interface_count; i++) {
    if (entryAt(i).index != index) continue;
    dropInterface(i);
    for (let j = address_count - 1; j >= 0; j--) if (recordAt(j).ifindex == index) dropAddress(j);
    return Change.TABLE;
  }
  return Change.NONE;
}

/** Notes an address of an interface. Returns Change. */
export function setAddress(ifindex: u32, address: usize, prefix: u32, rank: u32): i32 {
  const i = findAddress(ifindex, address, prefix);
  const entry = recordAt(i);
  const known = i < address_count;
  if (known && entry.rank == rank) {
    entry.mark = mark;
    return Change.NONE;
  }
  if (!known) {
    if (address_count == MAX_ADDRESSES) return Change.FULL;
    address_count++;
    memory.copy(entry.bytes, address, ADDRESS_BYTES);
    entry.ifindex = ifindex;
    entry.prefix = prefix;
  }
  entry.rank = rank;
  entry.mark = mark;
  return known ? Change.TABLE : Change.TABLE | Change.CAME_UP;
}

/** Forgets an address of an interface. Returns Change. */
export function removeAddress(ifindex: u32, address: usize, prefix: u32): i32 {
  const i = findAddress(ifindex, address, prefix);
  if (i == address_count) return Change.NONE;
  dropAddress(i);
  return Change.TABLE;
}

/** From here on a dump shows everything; what it leaves out is gone. */
export function beginDump(): void {
  mark++;
}

/** Forgets the interfaces that were not shown since `beginDump`. Returns Change. */
export function endInterfaceDump(): i32 {
  let change = Change.NONE;
  for (let i = interface_count - 1; i >= 0; i--) {
    if (entryAt(i).mark == mark) continue;
    dropInterface(i);
    change = Change.TABLE;
  }
  return change;
}

/** Forgets the addresses that were not shown since `beginDump`. Returns Change. */
export function endAddressDump(): i32 {
  let change = Change.NONE;
  for (let i = address_count - 1; i >= 0; i--) {
    if (recordAt(i).mark == mark) continue;
    dropAddress(i);
    change = Change.TABLE;
  }
  return change;
}

/**
 * Place of the address in the table, or `address_count`. The kernel tells equal addresses of one
 * interface by prefix.
 */
function findAddress(ifindex: u32, address: usize, prefix: u32): i32 {
  let i = 0;
  for (; i < address_count; i++) {
    const entry = recordAt(i);
    const same = entry.ifindex == ifindex && entry.prefix == prefix;
    if (same && sameAddress(entry.bytes, address)) break;
  }
  return i;
}

function dropInterface(i: i32): void {
  interface_count--;
  const at = interfaces + i * INTERFACE_BYTES;
  memory.copy(at, at + INTERFACE_BYTES, (interface_count - i) * INTERFACE_BYTES);
}

function dropAddress(i: i32): void {
  address_count--;
  const at = addresses + i * RECORD_BYTES;
  memory.copy(at, at + RECORD_BYTES, (address_count - i) * RECORD_BYTES);
}
