/** SAs that a charon which was killed has left in the kernel. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { branches, monitored, settled, type World } from "./lib/world.ts";

const REKEY = ["option rekey '1'", "option interval '1'", "option threshold '3'"];
const EPERM = 1;
const EPROTONOSUPPORT = 93;
const REMOVED = "left in the kernel.";

/** charon is killed, and another is there soon. */
function kill(world: World, away_ms = 3_000): void {
  world.vici = false;
  world.charon.restart();
  world.viciClosed();
  world.run(away_ms);
  world.vici = true;
}

function killed(...options: string[]): World {
  const world = settled(branches(1), ...(options.length > 0 ? options : REKEY));
  kill(world);
  return world;
}

function left(world: World): number {
  return world.xfrm.left.length;
}

describe("an orphan", () => {
  test("is removed when its VPN has worked on another SA for a while, and is named", () => {
    const world = killed();
    const { spi_in, spi_out } = world.xfrm.left[0]!;
    const up_ms = world.runUntil(() => world.vpn("branch0").state === "up", 10_000);
    world.run(30_000);
    assert.equal(left(world), 1, "not before 30 s");
    assert.ok(up_ms + world.runUntil(() => left(world) === 0, 60_000) < 60_000);
    const names = `SPI ${spi_in.toString(16)} in, ${spi_out.toString(16)} out, which a strongSwan`;
    assert.equal(world.said(names), 1);
    assert.equal(world.vpn("branch0").state, "up");
    assert.deepEqual(world.xfrm.harmed, []);
    const { asked } = world.xfrm;
    world.run(600_000);
    assert.equal(world.xfrm.asked, asked, "nothing is asked any more");
  });

  test("stays while packets come through it, and goes when none do any more", () => {
    const world = killed();
    const [orphan] = world.xfrm.left;
    for (let i = 0; i < 60; i++) {
      world.run(10_000);
      orphan!.packets_in++;
    }
    assert.equal(left(world), 1);
    world.run(160_000);
    assert.equal(left(world), 0);
  });

  test("stays while packets leave through it", () => {
    const world = killed();
    const [orphan] = world.xfrm.left;
    for (let i = 0; i < 20; i++) {
      world.run(20_000);
      orphan!.packets_out++;
    }
    assert.equal(left(world), 1);
  });

  test("stays while its VPN is down, and the kernel is not asked", () => {
    const world = settled(branches(1), ...REKEY);
    world.charon.peer("branch0").silent = true;
    kill(world);
    world.run(600_000);
    assert.equal(left(world), 1);
    assert.equal(world.xfrm.asked, 0);
    world.charon.peer("branch0").silent = false;
    world.run(200_000);
    assert.equal(left(world), 0);
  });

  test("stays while the new SA is not seen to work", () => {
    const world = settled(branches(1), ...REKEY);
    world.answers = () => false;
    kill(world);
    world.run(300_000);
    assert.ok(world.charon.children("branch0").length > 0);
    assert.equal(left(world), 1);
  });

  test("stays where the new SA is between other hosts", () => {
    const [branch] = branches(1);
    const world = settled([branch!], ...REKEY);
    branch!.remote = "198.51.100.77";
    kill(world);
    world.run(300_000);
    assert.equal(world.vpn("branch0").state, "up");
    assert.equal(left(world), 1);
    assert.equal(world.xfrm.asked, 0);
  });

  test("stays where the new SA has other selectors", () => {
    const [branch] = branches(1);
    const world = settled([branch!], ...REKEY);
    // One object for all of its SAs: the orphan's hosts are what counts to the kernel.
    branch!.remote_ts = "10.2.0.0/23";
    kill(world);
    world.run(300_000);
    assert.equal(world.vpn("branch0").state, "up");
    assert.equal(left(world), 1);
  });

  test("stays without rekey", () => {
    const world = killed("option interval '1'", "option threshold '3'");
    world.charon.establish("branch0");
    world.run(300_000);
    assert.equal(world.vpn("branch0").state, "up");
    assert.equal(left(world), 1);
  });

  test("is forgotten when its VPN leaves the configuration, or becomes another", () => {
    for (const text of ["", monitored(branches(1), ...REKEY, "option child 'other'")]) {
      const world = killed();
      world.configure(text);
      world.run(100_000);
      world.configure(monitored(branches(1), ...REKEY));
      world.run(100_000);
      assert.equal(world.vpn("branch0").state, "up");
      assert.equal(left(world), 1);
    }
  });

  test("is every one of many", () => {
    const connections = branches(150);
    const world = settled(connections, ...REKEY);
    kill(world);
    world.run(300_000);
    assert.equal(left(world), 0);
    assert.equal(world.said(REMOVED), 150);
    assert.deepEqual(world.xfrm.harmed, []);
  });
});

describe("no orphan", () => {
  test("is what charon still has, when only the connection to it was lost", () => {
    const world = settled(branches(3), ...REKEY);
    for (let i = 0; i < 5; i++) {
      world.viciClosed(104);
      world.run(100_000);
    }
    assert.equal(world.xfrm.removed.size, 0);
    assert.equal(world.xfrm.asked, 0);
  });

  test("is a later SA with the same SPI", () => {
    const world = killed();
    const [orphan] = world.xfrm.left;
    orphan!.installed_s = Math.floor(world.now_ms / 1000) + 1;
    world.run(300_000);
    assert.equal(left(world), 1);
  });

  test("is judged by a list that was cut short", () => {
    const world = killed();
    world.runUntil(() => world.vpn("branch0").state === "up", 10_000);
    for (let i = 0; i < 300; i++) {
      world.charon.cuts_list = true;
      world.run(1_000);
    }
    assert.equal(left(world), 1);
    world.charon.cuts_list = false;
    world.run(150_000);
    assert.equal(left(world), 0);
  });
});

describe("a kernel", () => {
  test("without IPsec is not asked, and that is said once", () => {
    const world = settled(branches(2), ...REKEY);
    world.carryOut(world.engine.xfrmOpened(EPROTONOSUPPORT));
    for (let i = 0; i < 3; i++) {
      kill(world);
      world.run(100_000);
    }
    assert.equal(world.xfrm.asked, 0);
    assert.equal(world.said("are not looked for: error 93"), 1);
  });

  test("that refuses to be asked is left alone, and that is said once", () => {
    const world = killed();
    world.xfrm.errno = EPERM;
    world.run(100_000);
    assert.equal(world.said("are not looked for: error 1"), 1);
    const { asked } = world.xfrm;
    world.run(300_000);
    assert.equal(world.xfrm.asked, asked);
  });

  test("that refuses to remove one is not asked again", () => {
    const world = killed();
    world.runUntil(() => world.xfrm.asked >= 6, 100_000);
    const ask = world.xfrm.answer.bind(world.xfrm);
    const DELSA = 0x11;
    world.xfrm.answer = (bytes) => {
      if (bytes.readUInt16LE(4) === DELSA) world.xfrm.errno = EPERM;
      return ask(bytes);
    };
    world.run(300_000);
    assert.equal(world.said("Cannot remove the SA of VPN branch0"), 1);
    assert.equal(left(world), 1);
  });

  test("that does not answer is asked again later", () => {
    const world = killed();
    world.xfrm.is_silent = true;
    world.run(120_000);
    assert.equal(left(world), 1);
    world.xfrm.is_silent = false;
    world.run(160_000);
    assert.equal(left(world), 0);
  });
});
