/** When a VPN is found to be down and up again, and what does not lead there. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine, type Echo, type Received } from "../../host/node/engine.ts";
import { addressText } from "../../host/node/address.ts";
import { branches, monitored, replyTo, settled, World } from "./lib/world.ts";

const INTERVAL_MS = 1_000;
const THRESHOLD = 3;
const EVERY_SECOND = ["option interval '1'", `option threshold '${THRESHOLD}'`];
const REKEY = [...EVERY_SECOND, "option rekey '1'"];
const TARGETS = ["10.2.0.10", "10.2.0.11", "10.2.0.12", "10.2.0.13"];

/** A VPN that pings all of TARGETS. */
function severalTargets(...options: string[]): World {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  world.charon.establish("branch0");
  const more = TARGETS.slice(1).map((address) => `list destination_ip '${address}'`);
  world.configure(monitored(connections, ...EVERY_SECOND, ...more, ...options));
  world.run(10_000);
  return world;
}

/** Makes only the first so many targets answer. */
function answering(world: World, count: number): void {
  world.answers = ({ destination }) => TARGETS.indexOf(addressText(destination)) < count;
}

/** Keeps the replies back, for the test to deliver. */
function intercept(world: World): Echo[] {
  const echoes: Echo[] = [];
  world.answers = (echo) => {
    echoes.push(echo);
    return false;
  };
  return echoes;
}

describe("a fault is found after the threshold and within one more interval:", () => {
  for (const offset_ms of [0, 1, 250, 500, 998, 999]) {
    for (const options of [EVERY_SECOND, REKEY]) {
      const mode = options === REKEY ? "with rekey" : "without rekey";
      test(`${mode}, ${offset_ms} ms after a second`, () => {
        const world = settled(branches(1), ...options);
        world.run(offset_ms);
        const fault_ms = world.now_ms;
        world.sent = [];
        world.charon.peer("branch0").silent = true;
        const down_ms = fault_ms + world.runUntil(() => world.said("is down") > 0, 10_000, 1);
        const detected_ms = down_ms - fault_ms;
        assert.ok(detected_ms >= THRESHOLD * INTERVAL_MS, `already after ${detected_ms} ms`);
        assert.ok(detected_ms <= (THRESHOLD + 1) * INTERVAL_MS, `only after ${detected_ms} ms`);
        // Each of the missed echoes has had its whole interval.
        assert.equal(world.sent.length, options === REKEY ? THRESHOLD + 1 : THRESHOLD);
        assert.ok(down_ms - world.sent[THRESHOLD - 1]!.at_ms >= INTERVAL_MS);
      });
    }
  }
});

test("fewer misses than the threshold are no fault, however often", () => {
  const world = settled(branches(1), ...EVERY_SECOND);
  let echo = 0;
  world.answers = () => ++echo % THRESHOLD === 0;
  world.run(300_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  assert.equal(world.said("is down"), 0);
  const { availability_percent } = world.vpn("branch0");
  assert.ok(availability_percent! >= 30 && availability_percent! <= 34);
});

test("at 20 ms intervals the bounds hold too", () => {
  const world = settled(branches(1), "option interval '0.02'", "option threshold '5'");
  const fault_ms = world.now_ms;
  world.charon.peer("branch0").silent = true;
  world.run(500);
  const detected_ms = world.saidAt("is down")[0]! - fault_ms;
  assert.ok(detected_ms >= 100 && detected_ms <= 120, `${detected_ms} ms`);
});

test("a late answer heals its sample, and counts as an answer until a decision is made", () => {
  const world = settled(branches(1), ...EVERY_SECOND);
  const echoes = intercept(world);
  world.run(2_500);
  assert.ok(world.vpn("branch0").misses > 0);
  const before = world.vpn("branch0").availability_percent!;
  world.deliver(4, [replyTo(echoes[0]!, 4)]);
  const { misses, availability_percent, state } = world.vpn("branch0");
  assert.equal(misses, 0);
  assert.ok(availability_percent! > before);
  assert.equal(state, "up");
});

for (const options of [EVERY_SECOND, REKEY]) {
  const mode = options === REKEY ? "with rekey" : "without rekey";
  test(`a late answer undoes no 'down', but heals its sample (${mode})`, () => {
    const world = settled(branches(1), ...options);
    const echoes = intercept(world);
    world.runUntil(() => world.said("is down") > 0, 10_000, 1);
    const before = world.vpn("branch0");
    world.deliver(4, [replyTo(echoes[THRESHOLD - 1]!, 4)]);
    const after = world.vpn("branch0");
    assert.equal(after.state, "down");
    assert.equal(world.said("is up"), 1);
    assert.ok(after.availability_percent! > before.availability_percent!);
    assert.equal(after.echoes_answered, before.echoes_answered + 1);
  });
}

test("an answer that comes twice counts once", () => {
  const world = settled(branches(1), ...EVERY_SECOND);
  const echoes = intercept(world);
  world.run(1_000);
  const before = world.vpn("branch0");
  const twice = replyTo(echoes[0]!, 4);
  world.deliver(4, [twice, twice]);
  world.deliver(4, [twice]);
  assert.equal(world.vpn("branch0").echoes_answered, before.echoes_answered + 1);
});

test("an answer that is older than what is remembered counts for nothing", () => {
  const world = settled(branches(1), "option interval '1'", "option threshold '100'");
  const echoes = intercept(world);
  world.run(70_000);
  const before = world.vpn("branch0");
  world.deliver(4, [replyTo(echoes[0]!, 4)]);
  const after = world.vpn("branch0");
  assert.equal(after.misses, before.misses);
  assert.equal(after.echoes_answered, before.echoes_answered);
  assert.equal(after.availability_percent, 0);
});

test("nobody who has not seen an echo can answer it", () => {
  const world = settled(branches(2), ...EVERY_SECOND);
  const echoes = intercept(world);
  world.run(1_000);
  const to = (address: string): Echo =>
    echoes.find(({ destination }) => addressText(destination) === address)!;
  const genuine = replyTo(to("10.2.0.10"), 4);
  const other = to("10.2.1.10");
  const forged = (change: (message: Buffer) => void): Received => {
    const message = Buffer.from(genuine.message);
    change(message);
    fixChecksum(message.subarray(20));
    return { source: genuine.source, message };
  };
  const before = world.vpn("branch0").echoes_answered;
  const IP_BYTES = 20;
  for (let at = IP_BYTES + 4; at < IP_BYTES + 8 + 26; at++) {
    // Identifier, sequence number, and everything the token is made of.
    world.deliver(4, [forged((message) => (message[at]! ^= 1))]);
  }
  // From somebody else, or the answer to another echo.
  world.deliver(4, [{ source: other.destination, message: genuine.message }]);
  // The echo itself, looped back.
  world.deliver(4, [forged((message) => (message[IP_BYTES] = 8))]);
  assert.equal(world.vpn("branch0").echoes_answered, before);
  world.deliver(4, [genuine]);
  assert.equal(world.vpn("branch0").echoes_answered, before + 1);
});

/** RFC 1071, over an ICMP message that was changed. */
function fixChecksum(message: Buffer): void {
  message.writeUInt16BE(0, 2);
  let sum = 0;
  for (let at = 0; at < message.length; at += 2) sum += message.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  message.writeUInt16BE(~sum & 0xffff, 2);
}

describe("several targets:", () => {
  const cases: [quorum: string, needed: number][] = [
    ["any", 1],
    ["2", 2],
    ["3", 3],
    ["all", 4],
  ];
  for (const [quorum, needed] of cases) {
    test(`quorum ${quorum} wants ${needed} of ${TARGETS.length}`, () => {
      const world = severalTargets(`option quorum '${quorum}'`);
      assert.deepEqual(world.states(), { branch0: "up" });
      answering(world, needed);
      world.run(60_000);
      assert.deepEqual(world.states(), { branch0: "up" });
      assert.equal(world.vpn("branch0").misses, 0);
      answering(world, needed - 1);
      world.run(5_000);
      assert.deepEqual(world.states(), { branch0: "down" });
      assert.equal(world.said("is down"), 1);
    });
  }

  test("each echo goes to each of them", () => {
    const world = severalTargets();
    world.sent = [];
    world.run(10_000);
    for (const address of TARGETS) {
      assert.equal(world.sent.filter(({ destination }) => destination === address).length, 10);
    }
  });

  test("answers of different rounds do not add up to a quorum", () => {
    const world = severalTargets("option quorum '2'");
    let round = 0;
    world.answers = ({ destination }) => {
      const target = TARGETS.indexOf(addressText(destination));
      if (target === 0) round++;
      return target === round % TARGETS.length;
    };
    world.run(5_000);
    assert.deepEqual(world.states(), { branch0: "down" });
  });
});

test("recover N: up after so many answers in a row, and not before", () => {
  const world = settled(branches(1), ...REKEY, "option recover '4'");
  assert.equal(world.said("is up"), 1);
  world.answers = () => false;
  world.run(6_000);
  assert.deepEqual(world.states(), { branch0: "down" });

  // Three and a miss, again and again, are not four in a row.
  let echo = 0;
  world.answers = () => ++echo % 4 !== 0;
  world.run(60_000);
  assert.equal(world.said("is up"), 1);

  world.answers = () => false;
  world.run(2_000);
  world.answers = () => true;
  const start_ms = world.now_ms;
  world.run(10_000);
  assert.deepEqual(world.states(), { branch0: "up" });
  const up_ms = world.saidAt("is up")[1]! - start_ms;
  assert.ok(up_ms >= 3_000 && up_ms <= 5_000, `${up_ms} ms`);
});

test("'up' and 'down' alternate, whatever the path does", () => {
  const world = settled(branches(1), ...REKEY);
  let state = 1;
  const flapping = (): boolean => {
    // A linear congruential generator: the same line in every run.
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state % 5 < 2;
  };
  world.answers = flapping;
  for (let minute = 0; minute < 60; minute++) {
    world.run(60_000);
    if (minute % 7 === 3) world.charon.removeAll();
    if (minute % 11 === 5) world.charon.forget("branch0");
  }
  const lines = world.log.filter((line) => /is (up|down)\./.test(line));
  assert.ok(lines.length > 20, `${lines.length} lines`);
  lines.forEach((line, i) => assert.ok(line.includes(i % 2 === 0 ? "is up." : "is down."), line));
});

describe("a clock that jumps brings no miss and no 'down':", () => {
  for (const jump_ms of [1_500, 9_000, 30 * 60_000]) {
    test(`${jump_ms / 1_000} s`, () => {
      const world = settled(branches(3), ...REKEY);
      for (let i = 0; i < 3; i++) {
        // Also right between an echo and its answer.
        world.run(334);
        const before = world.vpn("branch0").misses;
        world.setTime(world.now_ms + jump_ms / 3);
        world.run(0);
        assert.equal(world.vpn("branch0").misses, before);
        world.run(5_000);
      }
      assert.equal(world.said("is down"), 0);
      assert.equal(world.vpn("branch0").availability_percent, 100);
    });
  }

  test("a machine that stalls in the middle of an outage still finds it", () => {
    const world = settled(branches(1), ...EVERY_SECOND);
    world.charon.peer("branch0").silent = true;
    world.run(1_500);
    world.setTime(world.now_ms + 20_000);
    world.run(4_000);
    assert.deepEqual(world.states(), { branch0: "down" });
  });

  test("time that stands still stops nothing for good", () => {
    const world = settled(branches(1), ...EVERY_SECOND);
    for (let i = 0; i < 100; i++) world.run(0);
    world.run(5_000);
    assert.equal(world.vpn("branch0").misses, 0);
  });
});

test("1,000 VPNs: their first echoes are spread, and every one is monitored", () => {
  const connections = branches(1_000, { rekey_s: 0, lifetime_s: 0 });
  const world = new World(new Engine(), connections);
  for (const { name } of connections) world.charon.establish(name);
  world.sent = [];
  world.configure(monitored(connections, "option interval '10'"));
  world.run(30_000);
  assert.deepEqual([...new Set(Object.values(world.states()))], ["up"]);
  const first_ms = world.sent[0]!.at_ms;
  const per_second = new Array<number>(10).fill(0);
  for (const { at_ms } of world.sent) {
    const second = Math.floor((at_ms - first_ms) / 1_000);
    if (second < 10) per_second[second]!++;
  }
  for (const count of per_second) assert.ok(count > 50 && count < 150, per_second.join(" "));
});
