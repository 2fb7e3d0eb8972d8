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
import { PrefixKind, WITHDRAW } from "../../assembly/config/tunnel_model";

const ROOM: i32 = 1 << 16;
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
