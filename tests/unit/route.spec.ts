/** Tunnel interfaces and routes: the table of states, rtnetlink's bytes, records. */
import { ADDRESS_BYTES, parseAddress } from "../../assembly/bytes/address";
import { setName } from "../../assembly/bytes/slice";
import { builderAt, BUILDER_BYTES } from "../../assembly/netlink/builder";
import {
  buildAddress,
  buildInterface,
  buildLooseFilter,
  buildMtu,
  buildOper,
  buildRemoval,
  link_read,
  Oper,
  readLink,
} from "../../assembly/netlink/link";
import { HEADER_BYTES, Message } from "../../assembly/netlink/message";
import {
  buildRoute,
  buildRule,
  readRoute,
  readRule,
  route_read,
  rule_read,
} from "../../assembly/netlink/route";
import { seedRandom } from "../../assembly/random";
import { chainRoute } from "../../assembly/route/chain";
import { bind } from "../../assembly/route/follow";
import { forgetLearned, learn, learnNetwork } from "../../assembly/route/learn";
import { addNextHop, findNextHop, initNextHops, Learned } from "../../assembly/route/nhtb";
import { nextHopAt, removeNextHop } from "../../assembly/route/nhtb";
import { Follows, FOLLOWS, Seen, SEEN, stateAfter } from "../../assembly/route/state";
import {
  addRoute,
  dropRoute,
  firstRoute,
  giveRoute,
  hasRoutes,
  initRoutes,
  nextRoute,
  Origin,
  routeAt,
} from "../../assembly/route/table";
import { initTunnels, takeTunnel, tunnelAt, TUNNEL_STATES } from "../../assembly/route/tunnel";
import { TunnelState } from "../../assembly/route/tunnel";
import { initVpns, takeVpn, vpnAt } from "../../assembly/sa/vpn";
import { atEdge, copyAtEdge, mutate, put, random, randomBytes } from "./hostile";

const MAIN: u32 = 254;
const PROBE: u32 = 0x726b_0001;
const ROOM: i32 = 4096;
const room: usize = memory.data(ROOM, 8);
const builder = builderAt(memory.data(BUILDER_BYTES, 4));
const name_field: usize = memory.data(16);
const address_field: usize = memory.data(ADDRESS_BYTES, 8);

function name(text: string): usize {
  assert(setName(name_field, 15, put(text), text.length));
  return name_field;
}

function address(text: string): usize {
  assert(parseAddress(put(text), text.length, address_field));
  return address_field;
}

function begin(): void {
  builder.reset(room, ROOM);
}

/** What was built, in hexadecimal digits. */
function built(): string {
  let text = "";
  for (let i = 0; i < builder.length; i++) {
    const byte = load<u8>(room + i);
    text += "0123456789abcdef".charAt(byte >> 4) + "0123456789abcdef".charAt(byte & 15);
  }
  return text;
}

/** ScreenOS's table (KB6221), said once more: in words, not in cells. */
function expected(follows: i32, seen: i32, was: i32): i32 {
  if (follows == Follows.NOTHING) return TunnelState.READY;
  if (seen == Seen.ANSWERS) return TunnelState.UP;
  if (follows == Follows.MONITOR) return seen == Seen.SA ? TunnelState.UP : TunnelState.READY;
  // With rekey: from the first UP on only UP or DOWN.
  if (seen == Seen.DOWN) return TunnelState.DOWN;
  if (was == TunnelState.DOWN) return TunnelState.DOWN;
  if (seen == Seen.SA) return TunnelState.UP;
  return was == TunnelState.UP ? TunnelState.DOWN : TunnelState.READY;
}

describe("the state of a tunnel interface", () => {
  it("is ScreenOS's in every cell of the table", () => {
    let cells = 0;
    for (let follows = 0; follows < FOLLOWS; follows++) {
      for (let seen = 0; seen < SEEN; seen++) {
        for (let was = 0; was < TUNNEL_STATES; was++) {
          const state = stateAfter(follows, seen, was);
          assert(state == expected(follows, seen, was), `${follows} ${seen} ${was}: ${state}`);
          cells++;
        }
      }
    }
    expect(cells).toBe(36);
  });

  it("never leaves UP and DOWN once it is in them, with rekey", () => {
    for (let seen = 0; seen < SEEN; seen++) {
      for (let was = <i32>TunnelState.UP; was <= <i32>TunnelState.DOWN; was++) {
        expect(<i32>stateAfter(Follows.REKEY, seen, was)).not.toBe(TunnelState.READY);
      }
    }
  });
});

/** The bytes are those of iproute2 6.1, with another sequence number. */
describe("requests are those of ip", () => {
  const seq: u32 = 0x6b04da0d;

  it("link add tunnel.1 mtu 1400 up type xfrm", () => {
    begin();
    buildInterface(builder, seq, name("tunnel.1"), 0, 1400);
    expect(withoutMulticast(built())).toBe(
      "4c000000100005060dda046b000000000000000000000000010000000100000008000400780500000d000300" +
        "74756e6e656c2e310000000014001200080001007866726d0800020004000300",
    );
    begin();
    buildInterface(builder, seq, name("tunnel.1"), 3, 1400);
    expect(withoutMulticast(built())).toBe(
      "50000000100005060dda046b000000000000000000000000010000000100000008000400780500000d000300" +
        "74756e6e656c2e310000000018001200080001007866726d0c0002000800020003000000",
    );
  });

  it("link set state DORMANT, link set mtu 1400, link del", () => {
    begin();
    buildOper(builder, seq, 1, Oper.DORMANT);
    expect(built()).toBe(
      "28000000100005000dda046b00000000000000000100000000000000000000000500100005000000",
    );
    begin();
    buildMtu(builder, seq, 1, 1400);
    expect(built()).toBe(
      "28000000100005000dda046b00000000000000000100000000000000000000000800040078050000",
    );
    begin();
    buildRemoval(builder, seq, 1);
    expect(built()).toBe("20000000110005000dda046b0000000000000000010000000000000000000000");
  });

  it("addr add, addr del", () => {
    begin();
    buildAddress(builder, true, seq, 1, address("10.1.0.1"), 24);
    expect(built()).toBe(
      "28000000140005060dda046b000000000218000001000000080002000a010001080001000a010001",
    );
    begin();
    buildAddress(builder, false, seq, 1, address("fd00:1::1"), 64);
    expect(built()).toBe(
      "40000000150005000dda046b000000000a40000001000000" +
        "14000200fd000001000000000000000000000001" +
        "14000100fd000001000000000000000000000001",
    );
  });

  it("route add with encap, route add, route del, each with proto 114", () => {
    begin();
    buildRoute(builder, true, seq, address("10.1.2.0"), 24, MAIN, 10, 1, 3);
    expect(built()).toBe(
      "48000000180005060dda046b0000000002180000fe72fd0100000000080001000a010200080006000a000000" +
        "0c0016800800010003000000060015000a0000000800040001000000",
    );
    begin();
    buildRoute(builder, true, seq, address("fd01::"), 64, PROBE, 10, 1, 3);
    expect(built()).toBe(
      "5c000000180005060dda046b000000000a40000000720001000000001400" +
        "0100fd010000000000000000000000000000080006000a00000008000f0001006b72" +
        "0c0016800800010003000000060015000a0000000800040001000000",
    );
    begin();
    buildRoute(builder, true, seq, address("10.1.2.0"), 24, MAIN, 10, 1, 0);
    expect(built()).toBe(
      "34000000180005060dda046b0000000002180000fe72fd0100000000080001000a010200080006000a000000" +
        "0800040001000000",
    );
    begin();
    buildRoute(builder, false, seq, address("10.1.2.0"), 24, MAIN, 10, 1, 3);
    expect(built()).toBe(
      "34000000190005000dda046b0000000002180000fe72ff0100000000080001000a010200080006000a000000" +
        "0800040001000000",
    );
  });

  it("rule add oif, rule del, each with protocol 114", () => {
    begin();
    buildRule(builder, true, seq, true, name("tunnel.1"), PROBE, 114);
    expect(built()).toBe(
      "44000000200005060dda046b0000000002000000000000010000000008000600720000000d00110074756e6e" +
        "656c2e310000000008000f0001006b720500150072000000",
    );
    begin();
    buildRule(builder, false, seq, false, 0, PROBE, 32768);
    expect(built()).toBe(
      "34000000210005000dda046b000000000a0000000000000100000000080006000080000008000f0001006b72" +
        "0500150072000000",
    );
  });

  it("and one that has no room is left out whole", () => {
    builder.reset(room, 100);
    buildRoute(builder, true, seq, address("10.1.2.0"), 24, MAIN, 10, 1, 3);
    const one = builder.length;
    expect(one).toBe(72);
    store<u64>(room + one, 0x1122334455667788);
    buildInterface(builder, seq, name("tunnel.1"), 3, 1400);
    expect(builder.length).toBe(one);
    builder.reset(room, 8);
    buildLooseFilter(builder, seq, 1);
    expect(builder.length).toBe(0);
  });
});

/** IFF_MULTICAST, which ip is asked for apart. */
function withoutMulticast(bytes: string): string {
  return bytes.replace("0110000001100000", "0100000001000000");
}

describe("what the kernel says", () => {
  it("of a route of ours is what was asked for", () => {
    begin();
    buildRoute(builder, true, 1, address("10.1.2.0"), 24, MAIN, 10, 7, 3);
    expect(readRoute(changetype<Message>(room))).toBe(true);
    expect(route_read.prefix).toBe(24);
    expect(route_read.table).toBe(MAIN);
    expect(route_read.metric).toBe(10);
    expect(route_read.ifindex).toBe(7);
    expect(route_read.if_id).toBe(3);
    expect(route_read.protocol).toBe(114);
    expect(route_read.elsewhere).toBe(false);
    expect(memory.compare(route_read.target, address("10.1.2.0"), ADDRESS_BYTES)).toBe(0);
    begin();
    buildRoute(builder, true, 1, address("::"), 0, PROBE, 0, 7, 0);
    expect(readRoute(changetype<Message>(room))).toBe(true);
    expect(route_read.table).toBe(PROBE);
    expect(route_read.if_id).toBe(0);
  });

  it("of an interface and of a rule, likewise", () => {
    begin();
    buildInterface(builder, 1, name("tunnel.1"), 0x1234, 1400);
    expect(readLink(changetype<Message>(room))).toBe(true);
    expect(link_read.is_xfrm).toBe(true);
    expect(link_read.external).toBe(false);
    expect(link_read.if_id).toBe(0x1234);
    expect(link_read.mtu).toBe(1400);
    expect(link_read.name_len).toBe(8);
    begin();
    buildInterface(builder, 1, name("tunnel.1"), 0, 0);
    readLink(changetype<Message>(room));
    expect(link_read.external).toBe(true);
    begin();
    buildRule(builder, true, 1, false, name("tunnel.1"), PROBE, 114);
    expect(readRule(changetype<Message>(room))).toBe(true);
    expect(rule_read.table).toBe(PROBE);
    expect(rule_read.v4).toBe(false);
    expect(rule_read.by_interface).toBe(true);
  });

  it("may be any bytes, and any change of right ones", () => {
    seedRandom(7);
    for (let i = 0; i < 30_000; i++) {
      const bytes = HEADER_BYTES + random(120);
      let p = atEdge(bytes);
      randomBytes(p, bytes);
      if (i % 3 != 0) {
        begin();
        if (i % 3 == 1) buildRoute(builder, true, 1, address("fd01::"), 64, PROBE, 10, 1, 3);
        else buildInterface(builder, 1, name("tunnel.1"), 3, 1400);
        for (let n = random(5); n > 0; n--)
          mutate(room + HEADER_BYTES, builder.length - HEADER_BYTES);
        const cut = HEADER_BYTES + random(builder.length - HEADER_BYTES + 1);
        p = copyAtEdge(room, cut);
        store<u32>(p, cut);
      } else {
        store<u32>(p, bytes);
      }
      const message = changetype<Message>(p);
      if (readRoute(message)) assert(route_read.prefix <= 128);
      readLink(message);
      readRule(message);
    }
  });
});

function fresh(vpns: i32): void {
  initTunnels();
  initNextHops();
  initRoutes();
  initVpns();
  const tunnel = tunnelAt(takeTunnel());
  setName(tunnel.config.name, 15, put("tunnel.1"), 8);
  for (let i = 0; i < vpns; i++) bind(takeVpn(), 0);
}

describe("the table of routes", () => {
  it("finds all routes to a network, also where records come and go", () => {
    fresh(1);
    for (let round = 0; round < 2_000; round++) {
      const a = addRoute(Origin.CONFIGURED, 0, -1, address("10.1.0.0"), 16, MAIN, 0);
      const b = addRoute(Origin.CONFIGURED, 0, -1, address("10.1.0.0"), 16, MAIN, 10);
      addRoute(Origin.CONFIGURED, 0, -1, address("10.1.0.0"), 24, MAIN, 10);
      let found = 0;
      for (let i = firstRoute(address("10.1.0.0"), 16); i >= 0; i = nextRoute(i)) {
        assert(i == a || i == b);
        found++;
      }
      expect(found).toBe(2);
      dropRoute(a);
      dropRoute(b);
      dropRoute(firstRoute(address("10.1.0.0"), 24));
      expect(hasRoutes()).toBe(false);
    }
  });

  it("takes up a route that the kernel has and nothing wanted", () => {
    fresh(1);
    const old = addRoute(Origin.CONFIGURED, 0, -1, address("10.1.0.0"), 16, MAIN, 0);
    routeAt(old).there = true;
    dropRoute(old);
    expect(routeAt(old).used).toBe(true);
    expect(<i32>routeAt(old).origin).toBe(Origin.NONE);
    expect(addRoute(Origin.LEARNED, 0, 0, address("10.1.0.0"), 16, MAIN, 5)).not.toBe(old);
    expect(addRoute(Origin.LEARNED, 0, 0, address("10.1.0.0"), 16, MAIN, 0)).toBe(old);
    expect(routeAt(old).automatic).toBe(true);
    chainRoute(old);
    expect(vpnAt(0).first_route).toBe(old);
    routeAt(old).there = false;
    giveRoute(old);
  });
});

describe("what is learned", () => {
  it("has one VPN for each next hop: a static one wins, else the first stays", () => {
    fresh(2);
    expect(learn(0, address("10.254.1.2"))).toBe(Learned.TAKEN);
    expect(learn(0, address("10.254.1.2"))).toBe(Learned.KNOWN);
    expect(learn(1, address("10.254.1.2"))).toBe(Learned.CLAIMED);
    expect(learn(1, address("fd00::2"))).toBe(Learned.TAKEN);
    const fixed = addNextHop(0, 1, address("10.254.1.3"), false);
    expect(learn(0, address("10.254.1.3"))).toBe(Learned.STATIC_WINS);
    expect(nextHopAt(fixed).automatic).toBe(false);
    forgetLearned(0);
    expect(findNextHop(0, address("10.254.1.2"))).toBe(-1);
    expect(learn(1, address("10.254.1.2"))).toBe(Learned.TAKEN);
    expect(findNextHop(0, address("fd00::2"))).not.toBe(-1);
    forgetLearned(1);
    removeNextHop(fixed);
    expect(vpnAt(1).first_route).toBe(-1);
    expect(hasRoutes()).toBe(false);
  });

  it("has one VPN for networks that overlap, of one family", () => {
    fresh(2);
    expect(learnNetwork(0, address("10.3.0.0"), 16)).toBe(Learned.TAKEN);
    expect(learnNetwork(0, address("10.3.0.0"), 16)).toBe(Learned.KNOWN);
    expect(learnNetwork(0, address("10.3.7.0"), 24)).toBe(Learned.TAKEN);
    expect(learnNetwork(1, address("10.3.0.0"), 16)).toBe(Learned.CLAIMED);
    expect(learnNetwork(1, address("10.0.0.0"), 8)).toBe(Learned.CLAIMED);
    expect(learnNetwork(1, address("10.3.9.128"), 25)).toBe(Learned.CLAIMED);
    expect(learnNetwork(1, address("10.4.0.0"), 16)).toBe(Learned.TAKEN);
    expect(learnNetwork(1, address("::"), 0)).toBe(Learned.TAKEN);
    expect(learnNetwork(0, address("fd00::"), 8)).toBe(Learned.CLAIMED);
    addRoute(Origin.CONFIGURED, 0, -1, address("10.5.0.0"), 16, MAIN, 0);
    expect(learnNetwork(0, address("10.5.0.0"), 16)).toBe(Learned.STATIC_WINS);
    forgetLearned(0);
    expect(learnNetwork(1, address("10.3.0.0"), 16)).toBe(Learned.TAKEN);
  });

  it("is nothing of a VPN that is on no interface", () => {
    fresh(0);
    const vpn = takeVpn();
    expect(learn(vpn, address("10.254.1.2"))).toBe(Learned.FULL);
    expect(learnNetwork(vpn, address("10.3.0.0"), 16)).toBe(Learned.FULL);
  });
});
