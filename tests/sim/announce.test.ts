/** Announcements between engines that are each other's peers (docs/nhtb.md). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Echo } from "../../host/node/engine.ts";
import type { World } from "./lib/world.ts";
import { Ends, type Announcement, type End, type Link, type Lists } from "./lib/ends.ts";

const ACCEPTS = ["10.0.0.0/8"];
const HUB = { announces: ["10.100.0.0/16"], accepts: ACCEPTS };
const SPOKE = { announces: ["10.11.0.0/16", "10.12.0.0/16"], accepts: ACCEPTS };
/** Announcements in a row to a peer that does not answer (assembly/limits.ts). */
const MAX_ANNOUNCEMENTS = 10;
/** No two to one peer are closer (assembly/monitor/announce.ts). */
const GAP_MS = 100;
/** Contents are not taken faster (assembly/monitor/hear.ts). */
const TAKE_GAP_MS = 10_000;

function pair(hub: Lists = HUB, spoke: Lists = SPOKE): Ends & { link: Link } {
  const ends = new Ends({ hub, spokes: [spoke] });
  return Object.assign(ends, { link: ends.links[0]! });
}

/** How often the end has learned of its peer, in words. */
function learned({ world }: End, peer: string): string[] {
  const news = / (\d+ next hops? and \d+ networks?) of VPN (\S+) learned from its peer/;
  return world.log.flatMap((line) => {
    const [, what, vpn] = news.exec(line) ?? [];
    return what !== undefined && vpn === peer ? [what] : [];
  });
}

function assertLearned(ends: Ends, of_hub: number, of_spoke: number): void {
  const { spoke, hub } = ends.links[0]!;
  assert.equal(learned(hub, "spoke0").length, of_spoke, hub.world.log.join("\n"));
  assert.equal(learned(spoke, "hub").length, of_hub, spoke.world.log.join("\n"));
}

/** Whoever stands on the way has it arrive once more, or changed. */
function inject(ends: Ends, to: End, { message }: Announcement): void {
  const from = Buffer.alloc(16);
  const echo: Echo = { ifindex: 0, source: from, destination: from, message: summed(message) };
  ends.deliver(to, echo);
}

/** With the checksum made right (RFC 1071). */
function summed(message: Buffer): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(0, 2);
  let sum = 0;
  for (let at = 0; at < copy.length; at += 2) {
    sum += at + 1 < copy.length ? copy.readUInt16BE(at) : copy[at]! << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  copy.writeUInt16BE(~sum & 0xffff, 2);
  return copy;
}

/** Offsets in an announcement (assembly/icmp/announcement.ts). */
const FLAGS = 17;
const SPIS = 20;
const SENT = 32;
const ANSWER = 48;
const NETWORK = 56 + 16 + 1;

function changed({ at_ms, message }: Announcement, change: (copy: Buffer) => void): Announcement {
  const copy = Buffer.from(message);
  change(copy);
  return { at_ms, message: copy };
}

describe("when a VPN comes up", () => {
  test("each end learns the other's address and networks within a second, then is silent", () => {
    const ends = pair();
    ends.run(1_000);
    assert.deepEqual(learned(ends.hub, "spoke0"), ["1 next hop and 2 networks"]);
    assert.deepEqual(learned(ends.link.spoke, "hub"), ["1 next hop and 1 network"]);
    const { out, back } = ends.link;
    assert.ok(out.length <= 4 && back.length <= 4, `${out.length}, ${back.length}`);
    ends.run(600_000);
    assert.ok(out.length <= 4 && back.length <= 4, `${out.length}, ${back.length}`);
  });

  test("so they do where half of all announcements are lost", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const ends = pair();
      let state = seed;
      ends.link.is_heard = () => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return (state >> 16) % 2 === 0;
      };
      ends.run(120_000);
      assertLearned(ends, 1, 1);
    }
  });

  test("so they do whichever announcements are lost, of the first six", () => {
    for (let lost = 0; lost < 64; lost++) {
      const ends = pair();
      let number = 0;
      ends.link.is_heard = () => ((lost >> number++) & 1) === 0;
      ends.run(30_000);
      assertLearned(ends, 1, 1);
      const quiet = ends.link.out.length + ends.link.back.length;
      ends.run(120_000);
      assert.equal(ends.link.out.length + ends.link.back.length, quiet);
    }
  });

  test("so they do where all packets come in twice, and out of order", () => {
    const ends = pair();
    const { link } = ends;
    let kept: Announcement | undefined;
    link.passes = (towards_spoke) => {
      const came = (towards_spoke ? link.out : link.back).at(-1);
      const to = towards_spoke ? link.spoke : link.hub;
      if (kept !== undefined) inject(ends, to, kept);
      if (came !== undefined) inject(ends, to, came);
      kept = came;
      return true;
    };
    ends.run(60_000);
    assertLearned(ends, 1, 1);
  });

  test("in IPv6 likewise", () => {
    const lists = { announces: ["fd11::/32"], accepts: ["fd00::/8"] };
    const ends = new Ends({ hub: lists, spokes: [lists] }, true);
    ends.run(1_000);
    assertLearned(ends, 1, 1);
  });
});

describe("a peer that does not answer", () => {
  test("is left in peace after a while, until there is another SA", () => {
    const ends = pair();
    const { link } = ends;
    link.is_heard = () => false;
    ends.run(3_600_000);
    assert.equal(link.out.length, MAX_ANNOUNCEMENTS);
    assertLearned(ends, 0, 0);
    link.rekey();
    ends.run(1_000);
    assert.equal(link.out.length, MAX_ANNOUNCEMENTS + 1);
    link.is_heard = () => true;
    ends.run(10_000);
    assertLearned(ends, 1, 1);
  });

  test("is heard when it speaks after all", () => {
    const ends = pair(HUB, {});
    const { link } = ends;
    ends.run(3_600_000);
    assert.equal(link.out.length, MAX_ANNOUNCEMENTS);
    assert.equal(link.back.length, 0);
    link.spoke.lists = SPOKE;
    ends.configure(link.spoke);
    ends.run(1_000);
    assertLearned(ends, 1, 1);
  });
});

describe("where only one end is told to", () => {
  test("announce, the other learns", () => {
    const ends = pair({ announces: HUB.announces }, { accepts: ACCEPTS });
    ends.run(1_000);
    assert.deepEqual(learned(ends.link.spoke, "hub"), ["1 next hop and 1 network"]);
    assert.deepEqual(learned(ends.hub, "spoke0"), []);
    assert.equal(ends.hub.world.said("does not allow"), 0);
    ends.run(600_000);
    assert.ok(ends.link.out.length + ends.link.back.length <= 8);
  });

  test("neither, nothing is sent", () => {
    const ends = pair({}, {});
    ends.run(60_000);
    assert.equal(ends.link.out.length + ends.link.back.length, 0);
  });
});

describe("what is learned", () => {
  test("is something else when the peer's configuration is", () => {
    const ends = pair();
    ends.run(20_000);
    ends.hub.lists = { ...HUB, announces: ["10.100.0.0/16", "10.101.0.0/16"] };
    ends.configure(ends.hub);
    ends.run(1_000);
    const news = ["1 next hop and 1 network", "1 next hop and 2 networks"];
    assert.deepEqual(learned(ends.link.spoke, "hub"), news);
    assert.equal(learned(ends.hub, "spoke0").length, 1);
  });

  test("is so also when that change was not heard the first six times", () => {
    const ends = pair();
    ends.run(20_000);
    let lost = 6;
    ends.link.is_heard = () => lost-- <= 0;
    ends.hub.lists = { ...HUB, announces: ["10.101.0.0/16", "10.102.0.0/16"] };
    ends.configure(ends.hub);
    ends.run(120_000);
    assert.equal(learned(ends.link.spoke, "hub").length, 2);
  });

  test("leaves with the last SA, and is learned anew with the next one", () => {
    const ends = pair();
    ends.run(20_000);
    ends.link.lose();
    ends.run(100);
    ends.link.establish();
    ends.run(5_000);
    assertLearned(ends, 2, 2);
  });

  test("stays through a rekey, at any moment of the exchange", () => {
    for (let after_ms = 0; after_ms <= 400; after_ms += 20) {
      const ends = pair();
      ends.run(after_ms);
      ends.link.rekey(50);
      ends.run(10_000);
      assertLearned(ends, 1, 1);
      ends.link.rekey(50);
      ends.run(60_000);
      assertLearned(ends, 1, 1);
      const { out, back } = ends.link;
      assert.ok(out.length + back.length <= 24, `${out.length}, ${back.length}`);
    }
  });

  test("is learned where both ends have another SA in use", () => {
    const ends = pair();
    const { link } = ends;
    ends.run(20_000);
    // Each end has made one, and holds another one for the newest.
    const [hub_old, spoke_old] = [link.sa(true), link.sa(false)];
    spoke_old.id = 1_000;
    for (const [{ charon }, { ike, config }] of [
      [link.hub.world, hub_old],
      [link.spoke.world, spoke_old],
    ] as const) {
      charon.tell("child-updown", ike, { up: "yes" }, [charon.addChild(ike, config)]);
    }
    ends.run(20);
    ends.hub.lists = { ...HUB, announces: [] };
    ends.configure(ends.hub);
    // Before one of them is settled to be a duplicate.
    ends.run(1_000);
    const in_use = (world: World, vpn: string): string =>
      world.vpn(vpn).sas.find(({ current }) => current)!.spi_in;
    assert.equal(in_use(ends.hub.world, "spoke0"), "c0010002");
    assert.equal(in_use(link.spoke.world, "hub"), "d0010001");
    assert.equal(learned(link.spoke, "hub").at(-1), "1 next hop and 0 networks");
    const quiet = link.out.length + link.back.length;
    ends.run(400);
    assert.equal(link.out.length + link.back.length, quiet);
  });

  test("outlives a fresh engine at the peer", () => {
    const ends = pair();
    ends.run(20_000);
    const { spoke } = ends.link;
    spoke.world.trap(ends.configuration(spoke));
    ends.run(5_000);
    assert.equal(learned(spoke, "hub").length, 2);
    assert.equal(learned(ends.hub, "spoke0").length, 1);
    const quiet = ends.link.out.length;
    ends.run(60_000);
    assert.equal(ends.link.out.length, quiet);
  });

  test("is what the list allows, and the rest is named once", () => {
    const ends = pair({ ...HUB, accepts: ["10.1.0.0/16", "10.12.0.0/15"] });
    ends.run(60_000);
    assert.deepEqual(learned(ends.hub, "spoke0"), ["1 next hop and 1 network"]);
    const refused =
      "The peer of VPN spoke0 announced 10.11.0.0/16, which nhtb_accept does not allow.";
    assert.equal(ends.hub.world.said(refused), 1);
    assert.equal(ends.hub.world.said("does not allow"), 1);
  });

  test("is no next hop that is an address of this machine", () => {
    const ends = pair({ ...HUB, accepts: ["10.1.0.11/32"] }, SPOKE);
    ends.hub.world.kernel.interfaces.push({ name: "lan9", addresses: ["10.1.0.11"] });
    ends.hub.world.network(ends.hub.world.kernel.addAddress("lan9", "10.1.0.12"));
    ends.run(5_000);
    assert.deepEqual(learned(ends.hub, "spoke0"), []);
  });

  test("goes when the list no longer allows it", () => {
    const ends = pair();
    ends.run(20_000);
    ends.hub.lists = { ...HUB, accepts: ["10.12.0.0/16"] };
    ends.configure(ends.hub);
    ends.run(2_000);
    assert.deepEqual(learned(ends.hub, "spoke0").at(-1), "0 next hops and 1 network");
  });
});

describe("nobody is believed", () => {
  /** Ends that have learned, and what the spoke said last. */
  function settled(): { ends: Ends & { link: Link }; said: Announcement } {
    const ends = pair();
    ends.run(20_000);
    assertLearned(ends, 1, 1);
    const said = ends.link.back
      .filter(({ message }) => message.readBigUInt64BE(ANSWER) !== 0n)
      .at(-1)!;
    return { ends, said };
  }

  test("who repeats what was said", () => {
    const { ends } = settled();
    const { back } = ends.link;
    const heard = [...back];
    ends.hub.lists = { ...HUB };
    for (const said of heard) inject(ends, ends.hub, said);
    ends.run(20_000);
    assert.equal(learned(ends.hub, "spoke0").length, 1);
  });

  test("who changes what was said, without the answer", () => {
    const { ends, said } = settled();
    for (let bit = 0; bit < 64; bit++) {
      const forged = changed(said, (copy) => {
        copy.writeBigUInt64BE(copy.readBigUInt64BE(SENT) + 1_000_000n, SENT);
        copy[NETWORK + 13] = 77;
        copy[ANSWER + (bit >> 3)]! ^= 1 << (bit & 7);
      });
      inject(ends, ends.hub, forged);
      ends.run(200);
    }
    assert.equal(learned(ends.hub, "spoke0").length, 1);
    // With the answer it would have been: the test can fail.
    const right = changed(said, (copy) => {
      copy.writeBigUInt64BE(copy.readBigUInt64BE(SENT) + 1_000_000n, SENT);
      copy[NETWORK + 13] = 77;
    });
    inject(ends, ends.hub, right);
    ends.run(1_000);
    assert.equal(learned(ends.hub, "spoke0").length, 2);
  });

  test("who repeats on a new SA what was said on the last one", () => {
    const { ends, said } = settled();
    ends.link.rekey();
    ends.run(20_000);
    const later = changed(said, (copy) => {
      copy.writeBigUInt64BE(BigInt(ends.hub.world.now_ms), SENT);
      copy.writeUInt32BE(ends.link.sa(false).spi_in, SPIS);
      copy.writeUInt32BE(ends.link.sa(false).spi_out, SPIS + 4);
      copy[NETWORK + 13] = 77;
    });
    inject(ends, ends.hub, later);
    ends.run(2_000);
    assert.equal(learned(ends.hub, "spoke0").length, 1);
  });

  test("who is at another VPN's end", () => {
    const ends = new Ends({
      hub: HUB,
      spokes: [SPOKE, { announces: ["10.21.0.0/16"], accepts: ACCEPTS }],
    });
    ends.run(20_000);
    const [first, second] = ends.links as [Link, Link];
    const said = second.back
      .filter(({ message }) => message.readBigUInt64BE(ANSWER) !== 0n)
      .at(-1)!;
    const forged = changed(said, (copy) => {
      copy.writeBigUInt64BE(copy.readBigUInt64BE(SENT) + 1_000n, SENT);
      copy.writeUInt32BE(first.sa(false).spi_in, SPIS);
      copy.writeUInt32BE(first.sa(false).spi_out, SPIS + 4);
    });
    inject(ends, ends.hub, forged);
    ends.run(2_000);
    assert.equal(learned(ends.hub, "spoke0").length, 1);
    assert.equal(learned(ends.hub, "spoke1").length, 1);
  });
});

describe("whoever asks", () => {
  test("gets no more answers than there may be, through the VPN's SA alone", () => {
    const ends = pair();
    ends.run(20_000);
    const { out, back } = ends.link;
    const asks = changed(back[0]!, (copy) => void (copy[FLAGS] = 1));
    const before = out.length;
    const end_ms = 5_000;
    for (let ms = 0; ms < end_ms; ms += 5) {
      const forged = changed(asks, (copy) => copy.writeUInt32BE(ms, ANSWER));
      inject(ends, ends.hub, forged);
      ends.run(5);
    }
    assert.ok(out.length - before <= end_ms / GAP_MS + 1, `${out.length - before}`);
    assert.ok(out.length - before >= end_ms / GAP_MS - 2, `${out.length - before}`);
    assertLearned(ends, 1, 1);
    // Nor does it keep the peer from being heard.
    ends.link.spoke.lists = { ...SPOKE, announces: ["10.13.0.0/16"] };
    ends.configure(ends.link.spoke);
    ends.run(2_000);
    assert.equal(learned(ends.hub, "spoke0").length, 2);
  });

  test("of an SA that is none gets nothing", () => {
    const ends = pair();
    ends.run(20_000);
    const before = ends.link.out.length;
    const unknown = changed(ends.link.back[0]!, (copy) => copy.writeUInt32BE(12345, SPIS + 4));
    for (let i = 0; i < 100; i++) inject(ends, ends.hub, unknown);
    ends.run(2_000);
    assert.equal(ends.link.out.length, before);
  });
});

test("a peer whose networks change all the time is not followed all the time", () => {
  const ends = pair();
  ends.run(20_000);
  const { spoke } = ends.link;
  const for_ms = 100_000;
  for (let ms = 0, i = 0; ms < for_ms; ms += 500, i++) {
    const announces = Array.from({ length: 1 + (i % 2) }, (_, n) => `10.${11 + n}.0.0/16`);
    spoke.lists = { ...SPOKE, announces };
    ends.configure(spoke);
    ends.run(500);
  }
  const times = learned(ends.hub, "spoke0").length;
  assert.ok(times <= 2 + for_ms / TAKE_GAP_MS, `${times}`);
  ends.run(60_000);
  const last = spoke.lists.announces!.length === 1 ? "1 network" : "2 networks";
  assert.equal(learned(ends.hub, "spoke0").at(-1), `1 next hop and ${last}`);
});

describe("of a peer that does not announce", () => {
  const LISTED = { remote_ts: "10.1.0.11/32,10.11.0.0/16", remote_vips: ["10.1.0.11"] };
  const said =
    "NHTB of interface tunnel.1: 1 next hop and 2 networks of VPN spoke0 learned from its";

  test("virtual IPs and narrowed selectors are entered, and leave with the SA", () => {
    const ends = pair(HUB, LISTED);
    ends.run(5_000);
    assert.equal(ends.hub.world.said(`${said} SA.`), 1, ends.hub.world.log.join("\n"));
    ends.link.rekey();
    ends.run(5_000);
    assert.equal(ends.hub.world.said(`${said} SA.`), 1);
    ends.link.lose();
    ends.run(100);
    ends.link.establish();
    ends.run(5_000);
    assert.equal(ends.hub.world.said(`${said} SA.`), 2);
  });

  test("they are entered only where the list allows it, and nothing is said of the rest", () => {
    const ends = pair({ ...HUB, accepts: ["10.12.0.0/16"] }, LISTED);
    ends.run(5_000);
    assert.equal(ends.hub.world.said("learned from"), 0);
    assert.equal(ends.hub.world.said("does not allow"), 0);
  });

  test("selectors of everything are no network", () => {
    const ends = pair(HUB, {});
    ends.run(5_000);
    assert.equal(ends.hub.world.said("learned from"), 0);
  });

  test("its announcement takes their place when it comes", () => {
    const ends = pair(HUB, { ...SPOKE, ...LISTED });
    ends.run(5_000);
    assert.deepEqual(learned(ends.hub, "spoke0"), ["1 next hop and 2 networks"]);
    ends.link.rekey();
    ends.run(5_000);
    assert.equal(ends.hub.world.said(`${said} SA.`), 1);
  });
});
