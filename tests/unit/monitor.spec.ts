/** What is arithmetic in the monitor, negotiations and jitter; tests/sim has the behaviour. */
import { NEVER, setTime } from "../../assembly/clock";
import { ANSWERED_STEP_MS, backOff, initiateLimit, rekeyLimit } from "../../assembly/ike/attempt";
import { phase2SoftAt } from "../../assembly/monitor/lifetime";
import { gatewayOwner, isGateway, ownerIndex, vpnOwner } from "../../assembly/monitor/owner";
import {
  availability,
  closeRound,
  disownRounds,
  forgetSamples,
  measure,
  REMEMBERED,
} from "../../assembly/monitor/samples";
import { beginTraffic, lookAtTraffic, Traffic } from "../../assembly/monitor/traffic";
import { jittered, randomBelow, seedRandom } from "../../assembly/random";
import { initPhase2, Phase2, phase2At, PHASE2_BYTES, phase2s } from "../../assembly/sa/phase2";
import { Note, Vpn, VPN_BYTES } from "../../assembly/sa/vpn";

const vpn: Vpn = changetype<Vpn>(memory.data(VPN_BYTES, 16));
const sa: Phase2 = changetype<Phase2>(memory.data(PHASE2_BYTES, 16));

function freshVpn(): void {
  memory.fill(changetype<usize>(vpn), 0, VPN_BYTES);
  memory.fill(changetype<usize>(sa), 0, PHASE2_BYTES);
  vpn.seq = 1;
  vpn.target_count = 2;
  forgetSamples(vpn);
}

/** A round that is answered, or missed, and then over. */
function round(answered: bool): void {
  vpn.note(Note.PROBED);
  if (answered) vpn.samples |= 1;
  closeRound(vpn);
}

describe("jitter", () => {
  it("is +-10 %, both ends included, and depends on the seed alone", () => {
    seedRandom(7);
    let least = i64.MAX_VALUE;
    let most = i64.MIN_VALUE;
    for (let i = 0; i < 20_000; i++) {
      const ms = jittered(1_000);
      least = min(least, ms);
      most = max(most, ms);
    }
    expect(least).toBe(900);
    expect(most).toBe(1_100);
    seedRandom(42);
    const first = randomBelow(i64.MAX_VALUE);
    seedRandom(42);
    expect(randomBelow(i64.MAX_VALUE)).toBe(first);
  });

  it("of nothing is nothing, and of very little is little", () => {
    expect(jittered(0)).toBe(0);
    for (let i = 0; i < 100; i++) expect(jittered(1)).toBe(1);
  });

  it("stays below its bound", () => {
    for (let i = 0; i < 1_000; i++) expect(randomBelow(3) < 3).toBe(true);
    for (let i = 0; i < 10; i++) expect(randomBelow(1)).toBe(0);
    expect(() => {
      randomBelow(0);
    }).toThrow();
  });
});

describe("the limit of a step", () => {
  it("of a rekey is max(1 s, 4 x average delay)", () => {
    expect(rekeyLimit(-1)).toBe(1_000);
    expect(rekeyLimit(0)).toBe(1_000);
    expect(rekeyLimit(250 << 4)).toBe(1_000);
    expect(rekeyLimit(251 << 4)).toBe(1_004);
    expect(rekeyLimit(5_000 << 4)).toBe(20_000);
  });

  it("of an attempt is the interval +-10 %, between 1 s and 10 s", () => {
    for (let i = 0; i < 1_000; i++) {
      const short = initiateLimit(20, -1);
      expect(short >= 900 && short <= 1_100).toBe(true);
      const usual = initiateLimit(5_000, 10 << 4);
      expect(usual >= 4_500 && usual <= 5_500).toBe(true);
      const long = initiateLimit(3_600_000, -1);
      expect(long >= 9_000 && long <= 11_000).toBe(true);
    }
  });

  it("of an attempt is long enough for a slow line", () => {
    const limit = initiateLimit(1_000, 2_000 << 4);
    expect(limit >= 7_200 && limit <= 8_800).toBe(true);
    expect(ANSWERED_STEP_MS).toBe(10_000);
  });
});

describe("the pause after refusals", () => {
  it("doubles from the interval, to at most 5 min +-10 %", () => {
    for (let count = 0; count < 200; count++) {
      const exact = <f64>2_000 * Math.pow(2, <f64>count);
      const ms = <f64>backOff(2_000, count);
      const expected = Math.min(exact, 300_000);
      expect(ms >= 0.9 * expected && ms <= 1.1 * expected).toBe(true, count.toString());
    }
  });

  it("is at least a second, however short the interval; at most 5 min, however long", () => {
    expect(backOff(20, 0) >= 900).toBe(true);
    expect(backOff(3_600_000, 0) <= 330_000).toBe(true);
    expect(backOff(3_600_000, i32.MAX_VALUE) <= 330_000).toBe(true);
  });
});

describe("samples", () => {
  it("are none before the first round", () => {
    freshVpn();
    expect(availability(vpn)).toBe(-1);
    expect(vpn.delay_last_ms).toBe(-1);
  });

  it("count the last 30 rounds, and not the one under way", () => {
    freshVpn();
    round(true);
    expect(availability(vpn)).toBe(100);
    round(false);
    expect(availability(vpn)).toBe(50);
    vpn.note(Note.PROBED);
    expect(availability(vpn)).toBe(50);
    for (let i = 0; i < 30; i++) round(true);
    expect(availability(vpn)).toBe(100);
    for (let i = 0; i < 10; i++) round(false);
    expect(availability(vpn)).toBe(66);
    for (let i = 0; i < 100; i++) round(false);
    expect(availability(vpn)).toBe(0);
    expect(vpn.sample_count).toBe(REMEMBERED);
  });

  it("keep each target's answers beside the round's", () => {
    freshVpn();
    vpn.target(1).answered = 1;
    round(true);
    round(false);
    expect(vpn.target(1).answered).toBe(4);
    expect(vpn.samples).toBe(4);
    expect(vpn.seq).toBe(3);
  });

  it("of disowned rounds stay, and their answers come too late to say 'up'", () => {
    freshVpn();
    round(true);
    vpn.note(Note.PROBED);
    vpn.sent_seq = vpn.seq;
    disownRounds(vpn);
    expect(vpn.noted(Note.PROBED)).toBe(false);
    expect(vpn.stale_seq).toBe(2);
    expect(vpn.seq).toBe(3);
    expect(availability(vpn)).toBe(50);
    // Without a round that is out nothing is added.
    disownRounds(vpn);
    expect(vpn.seq).toBe(3);
    expect(vpn.sample_count).toBe(2);
  });

  it("survive the round numbers' end", () => {
    freshVpn();
    vpn.seq = u32.MAX_VALUE;
    round(true);
    expect(vpn.seq).toBe(0);
    expect(availability(vpn)).toBe(100);
  });

  it("average the delay with a gain of 1/8 (RFC 6298)", () => {
    freshVpn();
    measure(vpn, 80);
    expect(vpn.delay_last_ms).toBe(80);
    expect(vpn.delay_avg_16).toBe(80 << 4);
    measure(vpn, 160);
    expect(vpn.delay_last_ms).toBe(160);
    expect(vpn.delay_avg_16).toBe(90 << 4);
    for (let i = 0; i < 200; i++) measure(vpn, 10);
    expect(vpn.delay_avg_16 >> 4 >= 10 && vpn.delay_avg_16 >> 4 <= 10).toBe(true);
  });
});

describe("user traffic", () => {
  it("is what the SA has carried less what we sent and got", () => {
    freshVpn();
    initPhase2();
    expect(phase2s.ensure(1)).toBe(true);
    vpn.current = 0;
    const used = phase2At(0);
    used.packets_in = 100;
    used.packets_out = 200;
    beginTraffic(vpn, used, 0);
    setTime(5_000, 0);
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.NONE);
    vpn.own_in = 3;
    vpn.own_out = 4;
    used.packets_in = 103;
    used.packets_out = 204;
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.NONE);
    expect(vpn.inbound_at_ms).toBe(0);
    used.packets_in = 104;
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.IN);
    expect(vpn.inbound_at_ms).toBe(5_000);
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.NONE);
    used.packets_out = 205;
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.OUT);
    used.packets_in = 105;
    used.packets_out = 206;
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.BOTH);
    // An echo that was counted by us before the SA's counter is no traffic the other way round.
    vpn.own_in = 10;
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.NONE);
    used.packets_in = 112;
    expect(<i32>lookAtTraffic(vpn, 5_000)).toBe(Traffic.NONE);
  });
});

describe("the soft lifetime of Phase 2", () => {
  it("ends a tenth before the hard one, at least 10 s, at most a third", () => {
    const lifetimes_s: StaticArray<i32> = [1, 10, 30, 60, 100, 600, 3_600, 86_400];
    for (let i = 0; i < lifetimes_s.length; i++) {
      const lifetime_ms = <i64>lifetimes_s[i] * 1_000;
      freshVpn();
      sa.installed_at_ms = 1_000_000;
      sa.expires_at_ms = 1_000_000 + lifetime_ms;
      for (let n = 0; n < 100; n++) {
        const before = <f64>(sa.expires_at_ms - phase2SoftAt(sa));
        const margin = Math.min(Math.max(<f64>lifetime_ms / 10, 10_000), <f64>lifetime_ms / 3);
        expect(before >= 0.89 * margin && before <= 1.11 * margin).toBe(true, before.toString());
      }
    }
  });

  it("never ends without a hard one", () => {
    freshVpn();
    sa.installed_at_ms = 5;
    expect(phase2SoftAt(sa)).toBe(NEVER);
  });

  it("gives strongSwan's own rekey its time, if there is time", () => {
    freshVpn();
    sa.installed_at_ms = 1;
    sa.expires_at_ms = 600_001;
    sa.rekey_at_ms = 560_000;
    expect(phase2SoftAt(sa)).toBe(565_000);
    // It is long over when ours would come anyway.
    sa.rekey_at_ms = 100_000;
    expect(phase2SoftAt(sa) >= 533_000).toBe(true);
    // It comes too late to be waited for.
    sa.rekey_at_ms = 599_000;
    expect(phase2SoftAt(sa) <= 547_000).toBe(true);
  });
});

describe("a timer's owner", () => {
  it("is a VPN or a gateway, and which", () => {
    for (let i = 0; i < 1_000_000; i = i * 3 + 1) {
      expect(isGateway(vpnOwner(i))).toBe(false);
      expect(isGateway(gatewayOwner(i))).toBe(true);
      expect(ownerIndex(vpnOwner(i))).toBe(i);
      expect(ownerIndex(gatewayOwner(i))).toBe(i);
    }
  });
});
