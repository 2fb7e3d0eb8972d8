/** How echoes of a VPN that is bound to a tunnel interface come into its SA. */
import { ADDRESS_BYTES, isUnset, parseAddress, writeAddress } from "../../assembly/bytes/address";
import { parseSelector, Selector, SELECTOR_BYTES } from "../../assembly/bytes/selector";
import { setName } from "../../assembly/bytes/slice";
import { Writer, WRITER_BYTES, writerAt } from "../../assembly/bytes/writer";
import { interfaceOf, nextHopOf, noteNextHops, Way, wayInto } from "../../assembly/monitor/way";
import { resolve } from "../../assembly/monitor/resolve";
import { removeInterface, setAddress, setInterface } from "../../assembly/netlink/interfaces";
import { addNextHop, initNextHops, removeNextHop } from "../../assembly/route/nhtb";
import { initRoutes } from "../../assembly/route/table";
import { initTunnels, takeTunnel, tunnelAt } from "../../assembly/route/tunnel";
import { gatewayAt, initGateways, takeGateway } from "../../assembly/sa/gateway";
import { Phase2, PHASE2_BYTES } from "../../assembly/sa/phase2";
import { initVpns, takeVpn, Vpn, vpnAt } from "../../assembly/sa/vpn";
import { put } from "./hostile";

const sa: Phase2 = changetype<Phase2>(memory.data(PHASE2_BYTES, 16));
const all: Selector = changetype<Selector>(memory.data(SELECTOR_BYTES, 8));
const scratch: usize = memory.data(ADDRESS_BYTES, 8);
const room: usize = memory.data(256);
const w: Writer = writerAt(memory.data(WRITER_BYTES));
const LAN: u32 = 2;
const TUNNEL: u32 = 7;

function address(text: string): usize {
  assert(parseAddress(put(text), text.length, scratch));
  return scratch;
}

function text(address: usize): string {
  w.reset(room, 256);
  if (!isUnset(address)) writeAddress(w, address);
  return String.UTF8.decodeUnsafe(w.start, w.length);
}

function addInterface(index: u32, name: string, its: string): void {
  setInterface(index, put(name), name.length, true);
  setAddress(index, address(its), 24, 0);
}

/** A VPN on a tunnel interface that is there, and its SA. */
function bound(if_id: u32): Vpn {
  initTunnels();
  initNextHops();
  initRoutes();
  initGateways();
  initVpns();
  const tunnel = tunnelAt(takeTunnel());
  setName(tunnel.config.name, 15, put("tunnel.1"), 8);
  tunnel.config.if_id = if_id;
  tunnel.ifindex = TUNNEL;
  tunnel.up = true;
  const vpn = vpnAt(takeVpn());
  vpn.gateway = takeGateway();
  vpn.tunnel = 0;
  vpn.static_next_hop = -1;
  vpn.current = -1;
  memory.copy(gatewayAt(vpn.gateway).peer_ip, address("198.51.100.1"), ADDRESS_BYTES);
  memory.fill(changetype<usize>(sa), 0, PHASE2_BYTES);
  sa.if_id = 3;
  sa.if_id_in = 3;
  return vpn;
}

/** Where it would ping, and from where, inside selectors of 0.0.0.0/0 or another. */
function aimed(remote: string = "0.0.0.0/0", local: string = "0.0.0.0/0"): string {
  const all_remote = changetype<Selector>(memory.data(SELECTOR_BYTES, 8));
  assert(parseSelector(put(remote), remote.length, all_remote));
  assert(parseSelector(put(local), local.length, all));
  resolve(0, changetype<usize>(all), 1, changetype<usize>(all_remote), 1);
  const to = vpnAt(0).target_count == 0 ? "nothing" : text(vpnAt(0).target(0).address);
  return text(vpnAt(0).source) + " to " + to;
}

describe("the way into the SA", () => {
  it("is open to a VPN that is bound to no interface", () => {
    const vpn = bound(0);
    vpn.tunnel = -1;
    sa.if_id = 0;
    expect(wayInto(vpn, sa)).toBe(Way.OPEN);
    expect(interfaceOf(vpn)).toBe(0);
  });

  it("leads through the interface", () => {
    const vpn = bound(3);
    expect(wayInto(vpn, sa)).toBe(Way.OPEN);
    expect(interfaceOf(vpn)).toBe(TUNNEL);
  });

  it("is not there while the interface is not, or is down", () => {
    const vpn = bound(3);
    tunnelAt(0).up = false;
    expect(wayInto(vpn, sa)).toBe(Way.NO_INTERFACE);
    tunnelAt(0).up = true;
    tunnelAt(0).ifindex = 0;
    expect(wayInto(vpn, sa)).toBe(Way.NO_INTERFACE);
  });

  it("is that of the interface's if_id, both ways", () => {
    const vpn = bound(4);
    expect(wayInto(vpn, sa)).toBe(Way.OTHER_IF_ID);
    sa.if_id = 4;
    expect(wayInto(vpn, sa)).toBe(Way.OTHER_IF_ID);
    sa.if_id_in = 4;
    expect(wayInto(vpn, sa)).toBe(Way.OPEN);
    sa.if_id = 0;
    expect(wayInto(vpn, sa)).toBe(Way.OTHER_IF_ID);
  });

  it("needs some if_id where several VPNs share the interface", () => {
    const vpn = bound(0);
    expect(wayInto(vpn, sa)).toBe(Way.OPEN);
    sa.if_id = 0;
    expect(wayInto(vpn, sa)).toBe(Way.OTHER_IF_ID);
  });
});

describe("the echoes of a bound VPN", () => {
  afterEach(() => {
    removeInterface(LAN);
    removeInterface(TUNNEL);
  });

  it("go from the interface's address to the next hop behind it", () => {
    const vpn = bound(0);
    addInterface(LAN, "lan0", "10.1.0.1");
    expect(aimed()).toBe("10.1.0.1 to 198.51.100.1");
    addInterface(TUNNEL, "tunnel.1", "10.9.0.1");
    expect(aimed()).toBe("10.9.0.1 to 198.51.100.1");
    addNextHop(0, 0, address("10.9.0.3"), false);
    noteNextHops();
    expect(nextHopOf(vpn) != 0).toBe(true);
    expect(aimed()).toBe("10.9.0.1 to 10.9.0.3");
  });

  it("stay inside the selectors", () => {
    bound(0);
    addInterface(LAN, "lan0", "10.1.0.1");
    addInterface(TUNNEL, "tunnel.1", "10.9.0.1");
    addNextHop(0, 0, address("10.9.0.3"), false);
    noteNextHops();
    expect(aimed("10.9.0.0/24", "10.1.0.0/16")).toBe("10.1.0.1 to 10.9.0.3");
    expect(aimed("198.51.100.0/24", "10.9.0.0/24")).toBe("10.9.0.1 to 198.51.100.1");
    expect(aimed("10.8.0.0/24")).toBe("10.9.0.1 to nothing");
  });

  it("go to the next hop that the configuration names first, of this VPN alone", () => {
    const vpn = bound(0);
    takeVpn();
    vpnAt(1).tunnel = 0;
    addNextHop(0, 1, address("10.9.0.4"), false);
    addNextHop(0, 0, address("10.9.0.3"), false);
    addNextHop(0, 0, address("10.9.0.5"), false);
    noteNextHops();
    expect(text(nextHopOf(vpn))).toBe("10.9.0.3");
    expect(text(nextHopOf(vpnAt(1)))).toBe("10.9.0.4");
    removeNextHop(1);
    removeNextHop(2);
    noteNextHops();
    expect(nextHopOf(vpn)).toBe(0);
  });

  it("take IPv6 likewise", () => {
    bound(3);
    addInterface(TUNNEL, "tunnel.1", "10.9.0.1");
    setAddress(TUNNEL, address("fd09::1"), 64, 0);
    addNextHop(0, 0, address("fd09::3"), false);
    noteNextHops();
    expect(aimed("::/0", "::/0")).toBe("fd09::1 to fd09::3");
  });
});
