import { isUnset, writeAddress } from "../../assembly/bytes/address";
import { writerAt, WRITER_BYTES } from "../../assembly/bytes/writer";
import { mistakeLine, mistakeLineLength, mistakeLines } from "../../assembly/config/mistakes";
import { readConfig } from "../../assembly/config/read";
import {
  initConfig,
  stagedNhtb,
  stagedNhtbCount,
  stagedPrefix,
  stagedPrefixCount,
  stagedRoute,
  stagedRouteCount,
  stagedTunnel,
  stagedTunnelCount,
  stagedVpn,
} from "../../assembly/config/staged";
import { summarize } from "../../assembly/config/summary";
import { PrefixKind, WITHDRAW } from "../../assembly/config/tunnel_model";

const ROOM: i32 = 1 << 18;
const text_room: usize = memory.data(ROOM);
const path_room: usize = memory.data(64);
const out: usize = memory.data(256);
const writer = writerAt(memory.data(WRITER_BYTES, 8));

initConfig();

/** Copies a string as UTF-8 and answers its length. */
function put(at: usize, s: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(s), s.length, at);
}

/** Reads the configuration; answers the mistakes, a line each. */
function read(content: string): string {
  readConfig(path_room, put(path_room, "f"), text_room, put(text_room, content));
  let all = "";
  for (let i = 0; i < mistakeLines(); i++) {
    if (i > 0) all += "\n";
    all += String.UTF8.decodeUnsafe(mistakeLine(i), mistakeLineLength(i));
  }
  return all;
}

/** Mistakes of a file with an interface in lines 1 to 3, and these lines. */
function readBelow(lines: string): string {
  return read("config tunnel 'tunnel.1'\noption create 1\noption if_id 3\n" + lines);
}

function name(field: usize): string {
  return String.UTF8.decodeUnsafe(field + 1, load<u8>(field));
}

function address(at: usize): string {
  writer.reset(out, 256);
  writeAddress(writer, at);
  return String.UTF8.decodeUnsafe(out, writer.length);
}

const EXAMPLE =
  "config tunnel 'tunnel.1'\n" +
  "\toption create '1'\n" +
  "\tlist address '10.1.0.1/24'\n" +
  "\tlist address 'fd00:1::1/64'\n" +
  "\toption mtu '1400'\n" +
  "\toption down 'metric 500'\n" +
  "\tlist nhtb_announce '10.3.0.0/24'\n" +
  "\tlist nhtb_accept '10.0.0.0/8'\n" +
  "\tlist nhtb_accept 'fd00::/8'\n" +
  "config tunnel 'tunnel.2'\n" +
  "\toption if_id '0xffffffff'\n" +
  "config vpn 'vpn1'\n" +
  "\toption gateway 'g1'\n" +
  "\toption tunnel 'tunnel.1'\n" +
  "\tlist nhtb_accept '10.1.0.0/16'\n" +
  "config vpn 'vpn2'\n" +
  "\toption gateway 'g2'\n" +
  "\toption tunnel 'tunnel.2'\n" +
  "config route\n" +
  "\toption target '10.1.2.0/24'\n" +
  "\toption interface 'tunnel.1'\n" +
  "\toption gateway '10.1.0.3'\n" +
  "\toption metric '10'\n" +
  "config route 'named'\n" +
  "\toption target 'fd00:2::5'\n" +
  "\toption interface 'tunnel.2'\n" +
  "config nhtb\n" +
  "\toption interface 'tunnel.1'\n" +
  "\toption nexthop '10.1.0.3'\n" +
  "\toption vpn 'vpn1'\n";

describe("config/read: tunnel interfaces, routes and next hops", () => {
  test("takes what the sections say", () => {
    expect(read(EXAMPLE)).toBe("");
    expect(stagedTunnelCount()).toBe(2);
    const first = stagedTunnel(0);
    expect(name(first.name)).toBe("tunnel.1");
    expect(first.create).toBe(true);
    expect(first.if_id).toBe(0);
    expect(first.mtu).toBe(1400);
    expect(first.down_metric).toBe(500);
    expect(first.address_count).toBe(2);
    expect(address(first.address(0))).toBe("10.1.0.1");
    expect(first.address_prefix(0)).toBe(24);
    expect(address(first.address(1))).toBe("fd00:1::1");
    expect(first.address_prefix(1)).toBe(64);
    const second = stagedTunnel(1);
    expect(second.create).toBe(false);
    expect(second.if_id).toBe(u32.MAX_VALUE);
    expect(second.mtu).toBe(0);
    expect(second.down_metric).toBe(WITHDRAW);
    expect(second.address_count).toBe(0);

    expect(name(stagedVpn(0).tunnel)).toBe("tunnel.1");
    expect(stagedRouteCount()).toBe(2);
    const route = stagedRoute(0);
    expect(name(route.tunnel)).toBe("tunnel.1");
    expect(address(route.target)).toBe("10.1.2.0");
    expect(route.prefix).toBe(24);
    expect(address(route.gateway)).toBe("10.1.0.3");
    expect(route.metric).toBe(10);
    const host = stagedRoute(1);
    expect(address(host.target)).toBe("fd00:2::5");
    expect(host.prefix).toBe(128);
    expect(isUnset(host.gateway)).toBe(true);
    expect(host.metric).toBe(0);

    expect(stagedNhtbCount()).toBe(1);
    expect(name(stagedNhtb(0).tunnel)).toBe("tunnel.1");
    expect(address(stagedNhtb(0).next_hop)).toBe("10.1.0.3");
    expect(name(stagedNhtb(0).vpn)).toBe("vpn1");

    expect(stagedPrefixCount()).toBe(4);
    const announced = stagedPrefix(0);
    expect(name(announced.owner)).toBe("tunnel.1");
    expect(announced.of_vpn).toBe(false);
    expect(announced.kind).toBe(PrefixKind.ANNOUNCE);
    expect(address(announced.network)).toBe("10.3.0.0");
    expect(announced.prefix).toBe(24);
    expect(stagedPrefix(2).kind).toBe(PrefixKind.ACCEPT);
    expect(address(stagedPrefix(2).network)).toBe("fd00::");
    expect(stagedPrefix(2).prefix).toBe(8);
    expect(stagedPrefix(3).of_vpn).toBe(true);
    expect(name(stagedPrefix(3).owner)).toBe("vpn1");
  });

  test("tells how many there are", () => {
    read(EXAMPLE);
    const w = summarize();
    expect(String.UTF8.decodeUnsafe(w.start, w.length)).toBe(
      "2 VPNs, 0 monitored, 0 with rekey; 2 tunnel interfaces, 2 routes, 1 next hop",
    );
  });

  test("nothing of it is left when another file is read", () => {
    expect(read(EXAMPLE)).toBe("");
    expect(read("config vpn 'a'\noption gateway g")).toBe("");
    expect(stagedTunnelCount()).toBe(0);
    expect(stagedRouteCount()).toBe(0);
    expect(stagedNhtbCount()).toBe(0);
    expect(stagedPrefixCount()).toBe(0);
    expect(name(stagedVpn(0).tunnel)).toBe("");
  });
});

describe("config/read: what is wrong with a tunnel interface", () => {
  test("its head", () => {
    expect(read("config tunnel")).toBe(
      "f:1: the tunnel interface has no name; write config tunnel 'tunnel.1'",
    );
    expect(read("config tunnel 'a' 'b'")).toBe(
      "f:1: too many words; write config tunnel 'tunnel.1'",
    );
    expect(read("config tunnel 'sixteen-letters.'")).toBe(
      "f:1: the tunnel interface's name 'sixteen-letters.' has 16 bytes; at most 15 are possible",
    );
    expect(read("config tunnel 'a/b'")).toBe(
      "f:1: the tunnel interface's name 'a/b' is not possible; Linux has no interface . or .. " +
        "and none with / or : in its name",
    );
    expect(read("config tunnel 'a b'")).toBe(
      "f:1: the tunnel interface's name 'a b' is not possible; it takes letters, digits and " +
        "signs such as - _ . but no space, quote or backslash",
    );
    expect(read("config tunnels 'a'")).toBe(
      "f:1: unknown section type 'tunnels'; did you mean 'tunnel'?",
    );
  });

  test("values of its options", () => {
    expect(readBelow("option if_id 4")).toBe(
      "f:4: if_id stands twice, first in line 3; keep one of them",
    );
    const ids = ["0", "4294967296", "0x", "0x100000000", "-1", "%unique"];
    for (let i = 0; i < ids.length; i++) {
      expect(read("config tunnel 't'\noption if_id '" + ids[i] + "'")).toBe(
        "f:2: if_id '" +
          ids[i] +
          "' is not possible; it is the if_id of the VPN's SAs, a whole number from 1 to " +
          "4294967295, also as 0x1f",
      );
    }
    expect(readBelow("option mtu 575")).toBe(
      "f:4: mtu '575' is not possible; it is a whole number of bytes from 576 to 65535",
    );
    expect(readBelow("option mtu 576")).toBe("");
    const downs = ["metric", "metric ", "metric 0", "metric x", "metric 2147483648", "100", ""];
    for (let i = 0; i < downs.length; i++) {
      expect(readBelow("option down '" + downs[i] + "'")).toBe(
        "f:4: down '" +
          downs[i] +
          "' is not possible; it is withdraw, or metric and a whole number from 1 to 2147483647",
      );
    }
    expect(readBelow("option down withdraw")).toBe("");
    expect(readBelow("option frobnicate 1")).toBe(
      "f:4: unknown option 'frobnicate' of a tunnel; it may have create, if_id, address, mtu, " +
        "down, nhtb_announce, nhtb_accept",
    );
  });

  test("its addresses", () => {
    expect(readBelow("list address 10.1.0.1")).toBe(
      "f:4: address '10.1.0.1' has no prefix; it is the interface's address with the bits of its " +
        "network, such as 10.1.0.1/24 or fd00:1::1/64",
    );
    const malformed = ["10.1.0.1/33", "fd00::1/129", "10.1.0/24", "10.1.0.1/", "/24", ""];
    for (let i = 0; i < malformed.length; i++) {
      expect(readBelow("list address '" + malformed[i] + "'")).toBe(
        "f:4: address '" +
          malformed[i] +
          "' is no address with a prefix; it is the interface's address with the bits of its " +
          "network, such as 10.1.0.1/24 or fd00:1::1/64",
      );
    }
    expect(readBelow("list address 127.0.0.1/8")).toBe(
      "f:4: address '127.0.0.1/8' is a loopback address, which never leaves this machine; it is " +
        "the interface's address with the bits of its network, such as 10.1.0.1/24 or " +
        "fd00:1::1/64",
    );
    expect(readBelow("list address fe80::1/64")).toBe("");
    expect(readBelow("list address 10.1.0.1/24\nlist address 10.1.0.1/16")).toBe(
      "f:5: address '10.1.0.1/16' is an address that stands twice; keep one of them",
    );
    let five = "";
    for (let i = 1; i <= 5; i++) five += "list address 10.1." + i.toString() + ".1/24\n";
    expect(readBelow(five)).toBe(
      "f:8: address '10.1.5.1/24' is one too many; at most 4 are possible",
    );
    expect(readBelow("option address 10.1.0.1/24\noption address 10.1.1.1/24")).toBe(
      "f:5: address stands twice, first in line 4; for several write, for each, " +
        "list address '10.1.0.1/24'",
    );
  });

  test("what only an interface of ours can be given", () => {
    expect(read("config tunnel 't'\nlist address 10.1.0.1/24\noption mtu 1400")).toBe(
      "f:2: address is only given to an interface that rekeyd makes; write option create '1' as " +
        "well\n" +
        "f:3: mtu is only given to an interface that rekeyd makes; write option create '1' as well",
    );
    // One mistake is enough where nobody knows what is meant.
    expect(read("config tunnel 't'\noption create maybe\noption mtu 1400")).toBe(
      "f:2: create 'maybe' is neither on nor off; it is 1 or 0",
    );
  });

  test("its lists of networks", () => {
    const malformed = ["10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/", "fd00::/129", "10.0.0.0/-1"];
    for (let i = 0; i < malformed.length; i++) {
      expect(readBelow("list nhtb_accept '" + malformed[i] + "'")).toBe(
        "f:4: nhtb_accept '" +
          malformed[i] +
          "' is no network; it is an address and the bits of its prefix, such as 10.0.0.0/8 or " +
          "fd00:1::/64",
      );
    }
    const long = ["10.0.0.1/8", "10.128.0.0/8", "10.0.1.0/23", "fd00::1/127", "0.0.0.1/0"];
    for (let i = 0; i < long.length; i++) {
      expect(readBelow("list nhtb_announce " + long[i])).toBe(
        "f:4: nhtb_announce '" +
          long[i] +
          "' has bits of a host behind its prefix; it is a network, such as 10.1.2.0/24 or " +
          "fd00:1::/64",
      );
    }
    expect(readBelow("list nhtb_accept 224.0.0.0/4")).toBe(
      "f:4: nhtb_accept '224.0.0.0/4' is a network of multicast addresses; it is one of hosts, " +
        "such as 10.0.0.0/8 or fd00:1::/64",
    );
    expect(readBelow("list nhtb_accept 10.0.0.0/8\nlist nhtb_accept 10.0.0.0/8")).toBe(
      "f:5: nhtb_accept '10.0.0.0/8' stands twice; keep one of them",
    );
    expect(
      readBelow(
        "list nhtb_accept 10.0.0.0/8\nlist nhtb_announce 10.0.0.0/8\n" +
          "list nhtb_accept 10.0.0.0/9\nlist nhtb_accept 0.0.0.0/0\nlist nhtb_accept ::/0",
      ),
    ).toBe("");
  });

  test("two of one name, of one if_id, or without any", () => {
    expect(readBelow("config tunnel 'tunnel.1'\noption if_id 4")).toBe(
      "f:4: tunnel interface 'tunnel.1' stands twice, first in line 1; each needs a name " +
        "of its own",
    );
    expect(readBelow("config tunnel 'tunnel.2'\noption if_id 0x3")).toBe(
      "f:5: if_id 3 is that of 'tunnel.1' in line 1 as well; each interface needs an if_id of " +
        "its own",
    );
    expect(readBelow("config tunnel 'tunnel.2'")).toBe("");
    expect(readBelow("config tunnel 'tunnel.2'\nconfig tunnel 'tunnel.3'")).toBe(
      "f:5: 'tunnel.3' has no if_id, nor has 'tunnel.2' in line 4; only one interface can take " +
        "several VPNs: give this one an option if_id",
    );
  });

  test("the limits", () => {
    let many = "";
    for (let i = 1; i <= 257; i++) {
      many += "config tunnel t" + i.toString() + "\noption if_id " + i.toString() + "\n";
    }
    expect(read(many)).toBe("f:513: too many tunnel interfaces; at most 256 are possible");
    expect(stagedTunnelCount()).toBe(256);
    let prefixes = "config tunnel t\n";
    for (let i = 0; i <= 4096; i++) {
      prefixes +=
        "list nhtb_accept 10." + (i >> 8).toString() + "." + (i & 255).toString() + ".0/24\n";
    }
    expect(read(prefixes)).toBe(
      "f:4098: nhtb_accept '10.16.0.0/24' is one too many; at most 4096 are possible in all " +
        "lists together",
    );
  });

  it("of what one interface announces fit into an announcement", () => {
    let lines = "";
    for (let i = 0; i <= 64; i++)
      lines += `list nhtb_announce 10.${i}.0.0/24\nlist nhtb_accept 10.${i}.0.0/24\n`;
    expect(readBelow(lines)).toBe(
      "f:132: nhtb_announce '10.64.0.0/24' is one too many; " +
        "at most 64 fit into an announcement: take wider ones",
    );
  });
});

/** A file with an interface of several VPNs in line 1, the VPN a in line 2, b in line 5. */
function readOf(lines: string): string {
  return read(
    "config tunnel 't'; option create 1; list address 10.1.0.1/24; list address fd00:1::1/64\n" +
      "config vpn 'a'\noption gateway a\noption tunnel t\n" +
      "config vpn 'b'\noption gateway b\noption tunnel t\n" +
      lines,
  );
}

describe("config/read: what is wrong between the sections", () => {
  test("a VPN's interface that is not there", () => {
    expect(read("config vpn 'a'\noption gateway g\noption tunnel t")).toBe(
      "f:3: tunnel 't' is no tunnel interface of this file; there is none: write config tunnel 't'",
    );
    expect(readBelow("config vpn 'a'\noption gateway g\noption tunnel tunnel1")).toBe(
      "f:6: tunnel 'tunnel1' is no tunnel interface of this file; there is 'tunnel.1'",
    );
    let five = "";
    for (let i = 1; i <= 5; i++) {
      five += "config tunnel t" + i.toString() + "; option if_id " + i.toString() + "\n";
    }
    expect(read(five + "config vpn 'a'\noption gateway g\noption tunnel t9")).toBe(
      "f:8: tunnel 't9' is no tunnel interface of this file; there are 't1', 't2', 't3' and 2 more",
    );
    // What is meant is there, and has a mistake of its own.
    expect(read("config tunnel t u\nconfig vpn 'a'\noption gateway g\noption tunnel t")).toBe(
      "f:1: too many words; write config tunnel 'tunnel.1'",
    );
    expect(read("config vpn 'a'\noption gateway g\nlist nhtb_accept 10.0.0.0/8")).toBe(
      "f:3: nhtb_accept is given without tunnel; bind the VPN: option tunnel 'tunnel.1'",
    );
  });

  test("several VPNs with one if_id", () => {
    expect(
      readBelow(
        "config vpn 'a'\noption gateway a\noption tunnel tunnel.1\n" +
          "config vpn 'b'\noption gateway b\noption tunnel tunnel.1",
      ),
    ).toBe(
      "f:9: tunnel 'tunnel.1' has an if_id, so it takes one VPN, and that is 'a' in line 6; " +
        "without option if_id it takes several",
    );
  });

  test("one destination of two VPNs on an interface of several", () => {
    expect(
      readOf(
        "list destination_ip 10.1.0.9\nlist destination_ip 10.1.0.8\n" +
          "config vpn 'c'\noption gateway c\noption tunnel t\noption destination_ip 10.1.0.8",
      ),
    ).toBe(
      "f:13: destination_ip 10.1.0.8 is that of VPN 'b' in line 8 as well; on 't' it leads " +
        "through one VPN only",
    );
    // Unbound, or through interfaces of their own, both may ask it.
    expect(
      readBelow(
        "config vpn 'a'\noption gateway a\noption tunnel tunnel.1\n" +
          "option destination_ip 10.1.0.8\n" +
          "config vpn 'b'\noption gateway b\noption destination_ip 10.1.0.8\n" +
          "config vpn 'c'\noption gateway c\noption destination_ip 10.1.0.8\n" +
          "config tunnel t2; option if_id 8\n" +
          "config vpn 'd'\noption gateway d\noption tunnel t2\noption destination_ip 10.1.0.8",
      ),
    ).toBe("");
  });

  test("a route that says too little", () => {
    expect(readOf("config route")).toBe(
      "f:8: the route has no target; name the network that it leads to: " +
        "option target '10.1.2.0/24'\n" +
        "f:8: the route has no interface; name the tunnel's: option interface 'tunnel.1'",
    );
    expect(readOf("config route a b")).toBe(
      "f:8: too many words; write config route\n" +
        "f:8: the route has no target; name the network that it leads to: " +
        "option target '10.1.2.0/24'\n" +
        "f:8: the route has no interface; name the tunnel's: option interface 'tunnel.1'",
    );
    expect(
      readOf(
        "config route\noption targett 10.2.0.0/16\noption interface t\n" +
          "option gateway 10.1.0.2",
      ),
    ).toBe("f:9: unknown option 'targett' of a route; did you mean 'target'?");
    expect(readOf("config route\noption target 10.2.0.0/16\noption interface t")).toBe(
      "f:8: gateway is missing, and 2 VPNs are bound to 't'; name the next hop: " +
        "option gateway '10.1.3.1'",
    );
    expect(readBelow("config route\noption target 10.2.0.0/16\noption interface tunnel.1")).toBe(
      "",
    );
  });

  test("a route's interface, gateway and metric", () => {
    const route = "config route\noption target 10.2.0.0/16\n";
    expect(readOf(route + "option interface eth0\noption gateway 10.1.0.2")).toBe(
      "f:10: interface 'eth0' is no tunnel interface of this file; there is 't'",
    );
    expect(readOf(route + "option interface t\noption gateway fd00:1::2")).toBe(
      "f:11: gateway and target mix IPv4 and IPv6; both must be of one family",
    );
    expect(readOf(route + "option interface t\noption gateway 10.1.0.1")).toBe(
      "f:11: gateway 10.1.0.1 is an address of 't' itself; it is that of a peer behind a VPN",
    );
    expect(readOf(route + "option interface t\noption gateway fe80::1%eth0")).toBe(
      "f:11: gateway 'fe80::1%eth0' names a zone; it is an address without %",
    );
    expect(
      readOf("config route\noption target ::/0\noption interface t\noption gateway fe80::1"),
    ).toBe("");
    expect(readOf(route + "option interface t\noption gateway 10.1.0.2\noption metric -1")).toBe(
      "f:12: metric '-1' is not possible; it is a whole number from 0 to 2147483647",
    );
    expect(
      read(
        "config tunnel t; option down 'metric 100'\n" +
          route +
          "option interface t\noption metric 100",
      ),
    ).toBe(
      "f:5: metric 100 is no better than 100, which the route has while 't' is down; it is a " +
        "number below that",
    );
  });

  test("one route twice", () => {
    const first =
      "config route\noption target 10.2.0.0/16\noption interface t\n" + "option gateway 10.1.0.2\n";
    expect(readOf(first + first)).toBe(
      "f:13: target 10.2.0.0/16 stands twice with this interface and gateway, first in line 8; " +
        "keep one of them",
    );
    expect(readOf(first + first + "option metric 5")).toBe(
      "f:13: target 10.2.0.0/16 stands twice with this interface and gateway, first in line 8; " +
        "keep one of them",
    );
    const second =
      "config route\noption target 10.2.0.0/16\noption interface t\n" + "option gateway 10.1.0.3\n";
    expect(readOf(first + second + "option metric 5")).toBe("");
    expect(readOf(first + second)).toBe(
      "f:12: metric 0 is that of the route to 10.2.0.0/16 in line 8 as well; one of them needs " +
        "another, and the lowest is taken",
    );
    // The kernel's own for IPv6.
    expect(
      readOf(
        "config route\noption target ::/0\noption interface t\noption gateway fd00:1::2\n" +
          "config route\noption target ::/0\noption interface t\noption gateway fd00:1::3\n" +
          "option metric 1024",
      ),
    ).toBe(
      "f:16: metric 1024 is that of the route to ::/0 in line 8 as well; one of them needs " +
        "another, and the lowest is taken",
    );
  });

  test("an entry of the next-hop table", () => {
    expect(readOf("config nhtb")).toBe(
      "f:8: the entry has no interface; name the tunnel's: option interface 'tunnel.1'\n" +
        "f:8: the entry has no next hop; name its address: option nexthop '10.1.3.1'\n" +
        "f:8: the entry has no VPN; name the one that leads to the next hop: option vpn 'NAME'",
    );
    const entry = "config nhtb\noption interface t\noption nexthop 10.1.0.2\n";
    expect(readOf(entry + "option vpn a\n" + entry + "option vpn b")).toBe(
      "f:14: nexthop 10.1.0.2 stands twice for 't', first in line 8; it leads through one VPN",
    );
    expect(readOf(entry + "option vpn c")).toBe(
      "f:11: vpn 'c' is no VPN of this file; it is the name of a section config vpn 'NAME'",
    );
    expect(readOf(entry + "option vpn c\nconfig vpn c\noption gateway c")).toBe(
      "f:11: vpn 'c' is not bound to 't'; write option tunnel 't' into its section",
    );
    expect(readOf("config nhtb\noption interface u\noption nexthop 10.1.0.2\noption vpn a")).toBe(
      "f:9: interface 'u' is no tunnel interface of this file; there is 't'",
    );
    expect(readOf("config nhtb\noption interface t\noption nexthop fd00:1::1\noption vpn a")).toBe(
      "f:10: nexthop fd00:1::1 is an address of 't' itself; it is that of a peer behind a VPN",
    );
    expect(
      readOf("config nhtb\noption interface t\noption nexthop 10.1.0.0/24\noption vpn a"),
    ).toBe("f:10: nexthop '10.1.0.0/24' is a network; it is the address of one host, without /");
  });
});
