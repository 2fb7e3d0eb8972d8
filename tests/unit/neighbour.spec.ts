/** What announcements need: CHILD_SAs found by their SPIs, and the lists of networks. */
import { parseAddress } from "../../assembly/bytes/address";
import { setName } from "../../assembly/bytes/slice";
import { readConfig } from "../../assembly/config/read";
import { initConfig } from "../../assembly/config/staged";
import { phase2 } from "../../assembly/ike/strongswan/list_sas";
import { randomBelow, seedRandom } from "../../assembly/random";
import {
  firstAccepted,
  firstAnnounced,
  initPrefixes,
  isInside,
  nextPrefix,
  prefixAt,
  prefixCount,
  prefixesApply,
} from "../../assembly/route/prefixes";
import { findTunnel, initTunnels, takeTunnel, tunnelAt } from "../../assembly/route/tunnel";
import { gatewayAt, initGateways, takeGateway } from "../../assembly/sa/gateway";
import {
  beginListing,
  endListing,
  forgetPhase2,
  initListing,
  mergePhase2,
} from "../../assembly/sa/listing";
import { PHASE2_BYTES, phase2At } from "../../assembly/sa/phase2";
import { findSpis } from "../../assembly/sa/spi";
import { initVpns, takeVpn, vpnAt } from "../../assembly/sa/vpn";
import { put, random } from "./hostile";

const room: usize = memory.data(4096);
const address: usize = memory.data(16, 8);

/** Inbound SPIs of one bucket, so that chains are as long as can be. */
function spi(number: i32): u32 {
  return 0xc000_0000 + ((<u32>number) << 14);
}

function list(vpn: i32, id: u32, spi_in: u32, spi_out: u32): i32 {
  memory.fill(changetype<usize>(phase2), 0, PHASE2_BYTES);
  phase2.id = id;
  phase2.next = -1;
  phase2.spi_in = spi_in;
  phase2.spi_out = spi_out;
  return mergePhase2(vpn, phase2);
}

function begin(vpns: i32): void {
  initGateways();
  initVpns();
  initListing();
  const gateway = gatewayAt(takeGateway());
  gateway.first_phase1 = -1;
  gateway.first_vpn = 0;
  for (let i = 0; i < vpns; i++) {
    takeVpn();
    vpnAt(i).first_phase2 = -1;
    vpnAt(i).current = -1;
    vpnAt(i).next_of_gateway = -1;
  }
}

describe("sa/spi", () => {
  test("finds a CHILD_SA by both SPIs, and no other", () => {
    begin(1);
    beginListing();
    const sa = list(0, 1, spi(1), 7);
    expect(findSpis(spi(1), 7)).toBe(sa);
    expect(findSpis(spi(1), 8)).toBe(-1);
    expect(findSpis(spi(2), 7)).toBe(-1);
    expect(findSpis(7, spi(1))).toBe(-1);
    expect(findSpis(0, 0)).toBe(-1);
  });

  test("follows a record whose SPIs change, or are left out in passing", () => {
    begin(1);
    beginListing();
    const sa = list(0, 1, 0, 0);
    expect(findSpis(0, 0)).toBe(-1);
    list(0, 1, spi(1), 7);
    list(0, 1, 0, 0);
    expect(findSpis(spi(1), 7)).toBe(sa);
    // A restarted charon gives the number to another SA.
    list(0, 1, spi(2), 9);
    expect(findSpis(spi(1), 7)).toBe(-1);
    expect(findSpis(spi(2), 9)).toBe(sa);
    forgetPhase2(0);
    expect(findSpis(spi(2), 9)).toBe(-1);
  });

  test("is right after any row of listings", () => {
    seedRandom(40);
    begin(8);
    for (let round = 0; round < 2_000; round++) {
      beginListing();
      const vpn = random(8);
      vpnAt(vpn).next_of_gateway = -1;
      for (let n = random(6); n > 0; n--) {
        list(vpn, 1 + random(4), random(9) == 0 ? 0 : spi(random(12)), 1 + random(3));
      }
      if (random(3) == 0) forgetPhase2(vpn);
      check(round);
    }
  });

  test("forgets what a listing does not name", () => {
    begin(1);
    beginListing();
    list(0, 1, spi(1), 7);
    list(0, 2, spi(2), 7);
    beginListing();
    list(0, 2, spi(2), 7);
    endListing(0);
    expect(findSpis(spi(1), 7)).toBe(-1);
    expect(findSpis(spi(2), 7) >= 0).toBe(true);
  });
});

/** Each SA that is there is found, and what is found is there. */
function check(round: i32): void {
  for (let i = 0; i < 12; i++) {
    for (let out: u32 = 1; out <= 3; out++) {
      let there = false;
      for (let vpn = 0; vpn < 8; vpn++) {
        for (let sa = vpnAt(vpn).first_phase2; sa >= 0; sa = phase2At(sa).next) {
          if (phase2At(sa).spi_in == spi(i) && phase2At(sa).spi_out == out) there = true;
        }
      }
      const found = findSpis(spi(i), out);
      if (found >= 0 != there) throw new Error(`round ${round}: ${i}, ${out}`);
      if (there && phase2At(found).spi_in != spi(i)) throw new Error(`round ${round}`);
    }
  }
}

initConfig();

function apply(text: string): void {
  const len = <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, room);
  assert(readConfig(put("f"), 1, room, len) == 0);
  initTunnels();
  initPrefixes();
  for (let i = 0; i < 2; i++) {
    const name = i == 0 ? "tunnel.1" : "tunnel.2";
    setName(tunnelAt(takeTunnel()).config.name, 15, put(name), name.length);
  }
  prefixesApply();
}

function inside(first: i32, text: string, prefix: i32): bool {
  parseAddress(put(text), text.length, address);
  return isInside(first, address, prefix);
}

const LISTS =
  "config tunnel 'tunnel.1'\n" +
  "option create 1\noption if_id 1\n" +
  "list nhtb_announce '10.3.0.0/24'\n" +
  "list nhtb_accept '10.0.0.0/9'\n" +
  "list nhtb_announce '10.4.0.0/24'\n" +
  "list nhtb_accept 'fd00::/8'\n" +
  "config tunnel 'tunnel.2'\n" +
  "option create 1\n" +
  "list nhtb_accept '0.0.0.0/0'\n";

describe("route/prefixes", () => {
  test("finds the lists of each interface, and nobody else's", () => {
    apply(LISTS);
    expect(prefixCount()).toBe(5);
    const tunnel = findTunnel(put("tunnel.1"), 8);
    const first = firstAnnounced(tunnel);
    expect(prefixAt(first).prefix).toBe(24);
    const second = nextPrefix(first);
    expect(second > first).toBe(true);
    expect(nextPrefix(second)).toBe(-1);
    expect(firstAnnounced(findTunnel(put("tunnel.2"), 8))).toBe(-1);
    expect(nextPrefix(firstAccepted(findTunnel(put("tunnel.2"), 8)))).toBe(-1);
  });

  test("a network is inside if it is not wider, and begins alike", () => {
    apply(LISTS);
    const accepted = firstAccepted(findTunnel(put("tunnel.1"), 8));
    expect(inside(accepted, "10.0.0.0", 9)).toBe(true);
    expect(inside(accepted, "10.127.255.255", 32)).toBe(true);
    expect(inside(accepted, "10.0.0.0", 8)).toBe(false);
    expect(inside(accepted, "10.128.0.0", 9)).toBe(false);
    expect(inside(accepted, "11.0.0.0", 9)).toBe(false);
    expect(inside(accepted, "0.0.0.0", 0)).toBe(false);
    expect(inside(accepted, "fd12::", 16)).toBe(true);
    expect(inside(accepted, "fe00::", 16)).toBe(false);
    expect(inside(accepted, "fc00::", 7)).toBe(false);
    expect(inside(-1, "10.0.0.0", 9)).toBe(false);
    const all = firstAccepted(findTunnel(put("tunnel.2"), 8));
    expect(inside(all, "0.0.0.0", 0)).toBe(true);
    expect(inside(all, "192.0.2.1", 32)).toBe(true);
    // All of IPv4 is nothing of IPv6, although its addresses stand among those.
    expect(inside(all, "fd12::", 16)).toBe(false);
    expect(inside(all, "::", 96)).toBe(false);
  });

  test("agrees with a comparison bit by bit", () => {
    apply(LISTS);
    seedRandom(41);
    const accepted = firstAccepted(findTunnel(put("tunnel.1"), 8));
    const allowed = prefixAt(accepted);
    for (let i = 0; i < 5_000; i++) {
      const bits = random(33);
      store<u64>(address, 0);
      store<u32>(address, 0xffff0000, 8);
      store<u32>(address, bswap<u32>((10 << 24) ^ ((<u32>1) << random(32))), 12);
      let same = bits >= allowed.prefix;
      for (let bit = 96; bit < 96 + allowed.prefix; bit++) {
        const mask = 0x80 >> (bit & 7);
        const a = load<u8>(address + (bit >> 3)) & (<u8>mask);
        if (a != (load<u8>(allowed.network + (bit >> 3)) & (<u8>mask))) same = false;
      }
      if (isInside(accepted, address, bits) != same) throw new Error(`${i}: ${randomBelow(2)}`);
    }
  });

  test("another configuration has other lists", () => {
    apply(LISTS);
    apply("config tunnel 'tunnel.1'\noption create 1\n");
    expect(prefixCount()).toBe(0);
    expect(firstAccepted(0)).toBe(-1);
    expect(firstAnnounced(0)).toBe(-1);
  });
});
