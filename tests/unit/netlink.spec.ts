import { Action, actionBuffer, actionCount, resetActions } from "../../assembly/action";
import { ADDRESS_BYTES, isV4, parseAddress, writeAddress } from "../../assembly/bytes/address";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";
import { MAX_ADDRESSES, MAX_INTERFACES } from "../../assembly/limits";
import {
  addressAt,
  addressCount,
  Change,
  interfaceAddress,
} from "../../assembly/netlink/interfaces";
import { netlinkBytes, startDump } from "../../assembly/netlink/network";
import { seedRandom } from "../../assembly/random";
import { atEdge, mutate, put, random, randomBytes } from "./hostile";

// linux/netlink.h, rtnetlink.h, if_link.h, if_addr.h
const ERROR = 2;
const DONE = 3;
const OVERRUN = 4;
const NEWLINK = 16;
const DELLINK = 17;
const GETLINK = 18;
const NEWADDR = 20;
const DELADDR = 21;
const GETADDR = 22;
const NEWROUTE = 24;
const DELROUTE = 25;
const MULTI = 2;
const DUMP_INTR = 0x10;
const UP_RUNNING = 0x41;
const UNIVERSE = 0;
const LINK_SCOPE = 253;
const HOST = 254;
const SECONDARY = 0x01;
const DADFAILED = 0x08;
const DEPRECATED = 0x20;
const TENTATIVE = 0x40;
const OPTIMISTIC = 0x04;
const EBUSY = 16;

const BUFFER_BYTES = 0x10000;
const buffer: usize = memory.data(BUFFER_BYTES, 8);
let length: i32 = 0;
/** Where the message under construction begins. */
let start: i32 = 0;
/** Sequence number that the messages carry: that of the dump under way, or another. */
let seq: u32 = 0;

function begin(type: i32, flags: i32): void {
  start = length;
  memory.fill(buffer + start, 0, 64);
  store<u16>(buffer + start, <u16>type, 4);
  store<u16>(buffer + start, <u16>flags, 6);
  store<u32>(buffer + start, seq, 8);
  length += 16;
}

/** Adds the fixed part's bytes; the caller fills them in. */
function payload(bytes: i32): usize {
  const p = buffer + length;
  length += bytes;
  return p;
}

function attribute(type: i32, p: usize, len: i32): void {
  store<u16>(buffer + length, <u16>(4 + len));
  store<u16>(buffer + length, <u16>type, 2);
  memory.copy(buffer + length + 4, p, len);
  length += (4 + len + 3) & ~3;
}

function end(): void {
  store<u32>(buffer + start, length - start);
}

function link(type: i32, index: i32, name: string, flags: i32, family: i32 = 0): void {
  begin(type, MULTI);
  const p = payload(16);
  store<u8>(p, <u8>family);
  store<i32>(p, index, 4);
  store<i32>(p, flags, 8);
  // IFLA_MTU before it, IFLA_IFNAME with its zero.
  attribute(4, put("1234"), 4);
  attribute(3, put(name + "\0"), name.length + 1);
  end();
}

const scratch: usize = memory.data(ADDRESS_BYTES, 8);

function address(
  type: i32,
  index: i32,
  text: string,
  scope: i32 = UNIVERSE,
  flags: i32 = 0,
  peer: string = "",
  prefix: i32 = 24,
): void {
  begin(type, MULTI);
  parseAddress(put(text), text.length, scratch);
  const v4 = isV4(scratch);
  const p = payload(8);
  store<u8>(p, v4 ? 2 : 10);
  store<u8>(p, <u8>prefix, 1);
  store<u8>(p, <u8>flags, 2);
  store<u8>(p, <u8>scope, 3);
  store<i32>(p, index, 4);
  // IFA_ADDRESS is the peer's where there is one. IPv4 always has IFA_LOCAL, IPv6 beside a peer.
  const skip = v4 ? 12 : 0;
  if (peer != "") parseAddress(put(peer), peer.length, scratch);
  attribute(1, scratch + skip, 16 - skip);
  parseAddress(put(text), text.length, scratch);
  if (v4 || peer != "") attribute(2, scratch + skip, 16 - skip);
  store<i32>(scratch, flags);
  attribute(8, scratch, 4);
  end();
}

function route(type: i32, table: i32, kind: i32 = 1): void {
  begin(type, 0);
  const p = payload(12);
  store<u8>(p, 2);
  // A table past 255 stands only in the attribute; here is RT_TABLE_COMPAT then.
  store<u8>(p, <u8>(table > 255 ? 252 : table), 4);
  store<u8>(p, <u8>kind, 7);
  store<i32>(scratch, table);
  attribute(15, scratch, 4);
  end();
}

function done(flags: i32 = MULTI): void {
  begin(DONE, flags);
  store<i32>(payload(4), 0);
  end();
}

function error(number: i32): void {
  begin(ERROR, 0);
  store<i32>(payload(20), -number);
  end();
}

/** Hands over what was built, as one read from the socket. Returns Change. */
function deliver(): i32 {
  const p = atEdge(length);
  memory.copy(p, buffer, length);
  const change = netlinkBytes(p, length);
  length = 0;
  return change;
}

/** Type of the one dump that was asked for since the last look, or 0; answers carry its number. */
function requested(): i32 {
  const count = actionCount();
  if (count == 0) return 0;
  const action = actionBuffer() + (count - 1) * 16;
  const request = <usize>load<u32>(action, 8);
  expect(load<u32>(action)).toBe(Action.NETLINK_SEND);
  expect(load<u32>(action, 12)).toBe(load<u32>(request));
  // NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
  expect(<i32>load<u16>(request, 6)).toBe(0x301);
  seq = load<u32>(request, 8);
  resetActions();
  return <i32>load<u16>(request, 4);
}

/** Number of the last request of a dump. */
let last_seq: u32 = 0;

/** A dump of `eth0` (2), 192.0.2.1, and `lo` (1), 127.0.0.1. Returns Change, of all of it. */
function dump(): i32 {
  resetActions();
  length = 0;
  startDump();
  expect(requested()).toBe(GETLINK);
  link(NEWLINK, 1, "lo", UP_RUNNING);
  link(NEWLINK, 2, "eth0", UP_RUNNING);
  done();
  let change = deliver();
  expect(requested()).toBe(GETADDR);
  address(NEWADDR, 1, "127.0.0.1", HOST);
  address(NEWADDR, 2, "192.0.2.1");
  change |= deliver();
  done();
  change |= deliver();
  expect(requested()).toBe(0);
  // From here on it is the kernel that speaks.
  last_seq = seq;
  seq = 0;
  return change;
}

const writer = writerAt(memory.data(WRITER_BYTES));
const text: usize = memory.data(64);
const found: usize = memory.data(ADDRESS_BYTES, 8);

function toText(address: usize): string {
  writeAddress(writer.reset(text, 64), address);
  return String.UTF8.decodeUnsafe(writer.start, writer.length);
}

function sourceOf(name: string, v4: bool = true): string {
  return interfaceAddress(put(name), name.length, v4, found) ? toText(found) : "none";
}

function knows(address: string): bool {
  for (let i = 0; i < addressCount(); i++) if (toText(addressAt(i)) == address) return true;
  return false;
}

describe("netlink", () => {
  test("has nothing come up while the first dump runs", () => {
    expect(dump()).toBe(Change.TABLE);
    expect(addressCount()).toBe(2);
    expect(sourceOf("eth0")).toBe("192.0.2.1");
    expect(sourceOf("lo")).toBe("127.0.0.1");
    expect(sourceOf("eth1")).toBe("none");
    expect(sourceOf("eth0", false)).toBe("none");
    expect(sourceOf("")).toBe("none");
  });

  test("finds nothing new in the same dump", () => {
    expect(dump()).toBe(Change.NONE);
  });

  test("notices addresses that come and go", () => {
    dump();
    address(NEWADDR, 2, "192.0.2.77");
    expect(deliver()).toBe(Change.TABLE | Change.CAME_UP);
    address(NEWADDR, 2, "192.0.2.77");
    expect(deliver()).toBe(Change.NONE);
    expect(addressCount()).toBe(3);
    address(DELADDR, 2, "192.0.2.1");
    expect(deliver()).toBe(Change.TABLE);
    expect(sourceOf("eth0")).toBe("192.0.2.77");
    address(DELADDR, 2, "192.0.2.1");
    expect(deliver()).toBe(Change.NONE);
  });

  test("keeps an address that another prefix of the interface still has", () => {
    dump();
    address(NEWADDR, 2, "192.0.2.1", UNIVERSE, 0, "", 32);
    deliver();
    address(DELADDR, 2, "192.0.2.1");
    deliver();
    expect(sourceOf("eth0")).toBe("192.0.2.1");
  });

  test("notices links that come up, by IFF_UP and IFF_RUNNING", () => {
    dump();
    link(NEWLINK, 2, "eth0", 0x1);
    expect(deliver()).toBe(Change.TABLE);
    link(NEWLINK, 2, "eth0", 0x40);
    expect(deliver()).toBe(Change.NONE);
    link(NEWLINK, 2, "eth0", UP_RUNNING);
    expect(deliver()).toBe(Change.TABLE | Change.CAME_UP);
    link(NEWLINK, 2, "eth0", UP_RUNNING | 0x1002);
    expect(deliver()).toBe(Change.NONE);
    link(NEWLINK, 3, "tun0", 0);
    expect(deliver()).toBe(Change.TABLE);
    link(NEWLINK, 4, "tun1", UP_RUNNING);
    expect(deliver()).toBe(Change.TABLE | Change.CAME_UP);
  });

  test("follows a name and forgets an interface with its addresses", () => {
    dump();
    link(NEWLINK, 2, "wan", UP_RUNNING);
    expect(deliver()).toBe(Change.TABLE);
    expect(sourceOf("wan")).toBe("192.0.2.1");
    expect(sourceOf("eth0")).toBe("none");
    link(DELLINK, 2, "wan", 0);
    expect(deliver()).toBe(Change.TABLE);
    expect(knows("192.0.2.1")).toBe(false);
    expect(knows("127.0.0.1")).toBe(true);
    link(DELLINK, 2, "wan", 0);
    expect(deliver()).toBe(Change.NONE);
  });

  test("keeps an interface that only leaves its bridge", () => {
    dump();
    link(DELLINK, 2, "eth0", UP_RUNNING, 7);
    expect(deliver()).toBe(Change.NONE);
    expect(sourceOf("eth0")).toBe("192.0.2.1");
  });

  test("prefers global scope, then addresses that are not deprecated, then the first", () => {
    dump();
    address(NEWADDR, 2, "fe80::1", LINK_SCOPE);
    deliver();
    expect(sourceOf("eth0", false)).toBe("fe80::1");
    address(NEWADDR, 2, "2001:db8::dead", UNIVERSE, DEPRECATED);
    deliver();
    expect(sourceOf("eth0", false)).toBe("2001:db8::dead");
    address(NEWADDR, 2, "2001:db8::7e39", UNIVERSE, SECONDARY);
    deliver();
    expect(sourceOf("eth0", false)).toBe("2001:db8::7e39");
    address(NEWADDR, 2, "2001:db8::1");
    address(NEWADDR, 2, "2001:db8::2");
    deliver();
    expect(sourceOf("eth0", false)).toBe("2001:db8::1");
    address(NEWADDR, 2, "2001:db8::1", UNIVERSE, DEPRECATED);
    expect(deliver()).toBe(Change.TABLE);
    expect(sourceOf("eth0", false)).toBe("2001:db8::2");
    expect(sourceOf("eth0")).toBe("192.0.2.1");
  });

  test("waits for duplicate address detection", () => {
    dump();
    address(NEWADDR, 2, "2001:db8::1", UNIVERSE, TENTATIVE);
    expect(deliver()).toBe(Change.NONE);
    expect(sourceOf("eth0", false)).toBe("none");
    address(NEWADDR, 2, "2001:db8::1", UNIVERSE, 0);
    expect(deliver()).toBe(Change.TABLE | Change.CAME_UP);
    address(NEWADDR, 2, "2001:db8::1", UNIVERSE, DADFAILED);
    expect(deliver()).toBe(Change.TABLE);
    expect(sourceOf("eth0", false)).toBe("none");
    address(NEWADDR, 2, "2001:db8::1", UNIVERSE, TENTATIVE | OPTIMISTIC);
    deliver();
    expect(sourceOf("eth0", false)).toBe("2001:db8::1");
  });

  test("takes the near end of a point-to-point link", () => {
    dump();
    link(NEWLINK, 3, "ppp0", UP_RUNNING);
    address(NEWADDR, 3, "198.51.100.2", UNIVERSE, 0, "198.51.100.1", 32);
    address(NEWADDR, 3, "2001:db8::2", UNIVERSE, 0, "2001:db8::1", 128);
    deliver();
    expect(sourceOf("ppp0")).toBe("198.51.100.2");
    expect(sourceOf("ppp0", false)).toBe("2001:db8::2");
  });

  test("has a new unicast route of the main table come up, and no other", () => {
    dump();
    route(NEWROUTE, 254);
    expect(deliver()).toBe(Change.CAME_UP);
    route(NEWROUTE, 220);
    expect(deliver()).toBe(Change.NONE);
    route(NEWROUTE, 255);
    expect(deliver()).toBe(Change.NONE);
    route(NEWROUTE, 1000);
    expect(deliver()).toBe(Change.NONE);
    // Unreachable.
    route(NEWROUTE, 254, 7);
    expect(deliver()).toBe(Change.NONE);
    route(DELROUTE, 254);
    expect(deliver()).toBe(Change.NONE);
  });

  test("compares a later dump with what was known", () => {
    dump();
    link(NEWLINK, 3, "tun0", UP_RUNNING);
    address(NEWADDR, 3, "198.51.100.2");
    address(NEWADDR, 2, "192.0.2.77");
    deliver();
    resetActions();
    startDump();
    requested();
    link(NEWLINK, 1, "lo", UP_RUNNING);
    link(NEWLINK, 2, "eth0", UP_RUNNING);
    done();
    expect(deliver()).toBe(Change.TABLE);
    expect(requested()).toBe(GETADDR);
    address(NEWADDR, 2, "192.0.2.1");
    address(NEWADDR, 2, "192.0.2.99");
    expect(deliver()).toBe(Change.TABLE | Change.CAME_UP);
    done();
    expect(deliver()).toBe(Change.TABLE);
    expect(sourceOf("tun0")).toBe("none");
    expect(addressCount()).toBe(2);
    expect(knows("192.0.2.99")).toBe(true);
  });

  test("repeats a dump that the kernel calls interrupted", () => {
    dump();
    startDump();
    requested();
    link(NEWLINK, 1, "lo", UP_RUNNING);
    done(MULTI | DUMP_INTR);
    expect(deliver()).toBe(Change.NONE);
    expect(requested()).toBe(GETLINK);
    expect(sourceOf("eth0")).toBe("192.0.2.1");
    link(NEWLINK, 1, "lo", UP_RUNNING);
    link(NEWLINK, 2, "eth0", UP_RUNNING);
    done();
    expect(deliver()).toBe(Change.NONE);
    expect(requested()).toBe(GETADDR);
  });

  test("asks for nothing when a dump that is over ends once more", () => {
    dump();
    seq = last_seq;
    done(MULTI | DUMP_INTR);
    expect(deliver()).toBe(Change.NONE);
    expect(requested()).toBe(0);
    expect(addressCount()).toBe(2);
  });

  test("waits for the end of an older dump where the kernel is busy with it", () => {
    dump();
    startDump();
    requested();
    const older = seq;
    startDump();
    requested();
    const refused = seq;
    error(EBUSY);
    deliver();
    expect(requested()).toBe(0);
    seq = older;
    link(NEWLINK, 1, "lo", UP_RUNNING);
    done();
    expect(deliver()).toBe(Change.NONE);
    expect(requested()).toBe(GETLINK);
    expect(seq != refused).toBe(true);
    expect(sourceOf("eth0")).toBe("192.0.2.1");
  });

  test("dumps again where the kernel has lost messages", () => {
    dump();
    begin(OVERRUN, 0);
    end();
    expect(deliver()).toBe(Change.NONE);
    expect(requested()).toBe(GETLINK);
  });

  test("asks once for all of a read: a request waits in one place until it is sent", () => {
    resetActions();
    startDump();
    requested();
    // The dump of interfaces ends, and before the one of addresses is asked for, messages are lost.
    done();
    for (let i = 0; i < 3; i++) {
      begin(OVERRUN, 0);
      end();
    }
    deliver();
    expect(actionCount()).toBe(1);
    expect(requested()).toBe(GETLINK);
  });

  test("stops at its limits and says so", () => {
    dump();
    let change = 0;
    for (let i = 3; i <= MAX_INTERFACES; i++) {
      link(NEWLINK, i, `eth${i}`, UP_RUNNING);
      change |= deliver();
    }
    expect(change & Change.FULL).toBe(0);
    link(NEWLINK, 9999, "eth9999", UP_RUNNING);
    expect(deliver()).toBe(Change.FULL);

    change = 0;
    for (let i = 2; i < MAX_ADDRESSES; i++) {
      address(NEWADDR, 2, `10.0.${i >> 8}.${i & 255}`);
      change |= deliver();
    }
    expect(change & Change.FULL).toBe(0);
    expect(addressCount()).toBe(MAX_ADDRESSES);
    address(NEWADDR, 2, "10.1.0.0");
    expect(deliver()).toBe(Change.FULL);
    // The next dump finds them gone.
    expect(dump() & Change.TABLE).toBe(Change.TABLE);
    expect(addressCount()).toBe(2);
  });

  test("takes messages that are cut, empty or too short", () => {
    dump();
    expect(netlinkBytes(atEdge(0), 0)).toBe(Change.NONE);
    link(NEWLINK, 3, "tun0", UP_RUNNING);
    address(NEWADDR, 2, "192.0.2.77");
    route(NEWROUTE, 254);
    const whole = length;
    const before = addressCount();
    for (let cut = 0; cut < whole; cut++) {
      const p = atEdge(cut);
      memory.copy(p, buffer, cut);
      netlinkBytes(p, cut);
    }
    length = 0;
    expect(addressCount()).toBe(before + 1);
    for (let type = 0; type < 32; type++) {
      for (let bytes = 0; bytes < 16; bytes++) {
        begin(type, 0);
        memory.fill(payload(bytes), 2, bytes);
        end();
        deliver();
      }
    }
  });

  test("leaves out what is no name or no address", () => {
    dump();
    link(NEWLINK, 3, "sixteenletters-x", UP_RUNNING);
    link(NEWLINK, 4, "", UP_RUNNING);
    expect(deliver()).toBe(Change.NONE);
    expect(sourceOf("sixteenletters-x")).toBe("none");
    // IFA_LOCAL of two bytes, and one that reaches beyond its message.
    for (let wrong = 0; wrong < 2; wrong++) {
      begin(NEWADDR, 0);
      const p = payload(8);
      store<u8>(p, 2);
      store<i32>(p, 2, 4);
      attribute(2, put("ab"), wrong == 0 ? 2 : 0);
      if (wrong == 1) store<u16>(buffer + length - 4, 8);
      end();
      expect(deliver()).toBe(Change.NONE);
    }
    expect(addressCount()).toBe(2);
  });

  test("takes any bytes, and any change of right ones", () => {
    dump();
    seedRandom(1);
    for (let i = 0; i < 20_000; i++) {
      resetActions();
      length = 0;
      if (i % 4 == 0) {
        const bytes = random(200);
        const p = atEdge(bytes);
        randomBytes(p, bytes);
        // A message that is whole, of a type that is read.
        if (bytes >= 16) store<u32>(p, bytes);
        if (bytes >= 16) store<u16>(p, <u16>random(28), 4);
        netlinkBytes(p, bytes);
        continue;
      }
      link(random(2) == 0 ? NEWLINK : DELLINK, random(5), "tun0", random(256));
      address(
        random(2) == 0 ? NEWADDR : DELADDR,
        random(5),
        "192.0.2.77",
        random(256),
        random(256),
      );
      route(NEWROUTE, 254);
      if (random(8) == 0) done();
      for (let n = random(6); n > 0; n--) mutate(buffer, length);
      deliver();
      if (addressCount() > MAX_ADDRESSES) throw new Error("too many");
    }
    resetActions();
    expect(dump() & Change.FULL).toBe(0);
    expect(addressCount()).toBe(2);
    expect(sourceOf("eth0")).toBe("192.0.2.1");
  });
});
