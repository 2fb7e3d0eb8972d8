/**
 * The engine's echoes against those that Scapy (Debian's python3-scapy) builds from the same
 * numbers: headers, lengths and checksums, IPv4 and IPv6.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Action, Engine, type Echo, type Version } from "../../host/node/engine.ts";
import { Random } from "../../host/node/sim/random.ts";
import { addressText } from "../../host/node/address.ts";
import { freshSeeds } from "../sim/lib/fresh_seeds.ts";
import { World } from "../sim/lib/world.ts";

const MIN_BYTES = 64;
const MAX_BYTES = 1350;
const VPNS = 200;
/** So many sizes from either end. */
const EDGE_SIZES = 70;
const HEADER_BYTES = 8;

interface Sent {
  version: Version;
  echo: Echo;
}

/** An address of one family that a host could have. */
function address(random: Random, v4: boolean): string {
  if (v4) return `10.${random.below(256)}.${random.below(256)}.${random.between(1, 254)}`;
  const groups = Array.from({ length: 7 }, () => random.below(65_536).toString(16));
  return `fd00:${groups.join(":")}`;
}

/** The echoes of many VPNs with settings of all kinds, each once or more. */
function echoes(random: Random, sizes: number[]): Sent[] {
  const connections = sizes.map((_, i) => {
    const v4 = random.percent(50);
    const all = v4 ? "0.0.0.0/0" : "::/0";
    return {
      name: `vpn${i}`,
      local: "192.0.2.1",
      remote: `198.51.${100 + (i >> 8)}.${i & 255}`,
      local_ts: all,
      remote_ts: all,
      source: address(random, v4),
      destination: address(random, v4),
    };
  });
  const text = connections.flatMap(({ name, source, destination }, i) => [
    `config vpn '${name}'`,
    `option gateway '${name}'`,
    "option monitor '1'",
    `option size '${sizes[i]}'`,
    `option source_ip '${source}'`,
    `option destination_ip '${destination}'`,
  ]);
  const engine = new Engine();
  const sent: Sent[] = [];
  const { tick } = engine;
  engine.tick = () => {
    const actions = tick.call(engine);
    for (const action of actions.filter(({ kind }) => kind === Action.SEND_ECHOES)) {
      const version = action.argument as Version;
      sent.push(...engine.echoes(action).map((echo) => ({ version, echo })));
    }
    return actions;
  };
  const world = new World(engine, connections);
  for (const { name } of connections) world.charon.establish(name);
  world.configure(text.join("\n") + "\n");
  world.run(12_000);
  return sent;
}

/** What Scapy makes of the same numbers. */
function scapy(sent: Sent[]): string[] {
  const lines = sent.map(({ version, echo: { source, destination, message } }) =>
    [
      version,
      addressText(source),
      addressText(destination),
      message.readUInt16BE(4),
      message.readUInt16BE(6),
      message.toString("hex", HEADER_BYTES),
    ].join(" "),
  );
  // Debian's Python, for which the package is.
  const python = ["/usr/bin/python3", ["-W", "ignore", "tests/fuzz/icmp_scapy.py"]] as const;
  const output = execFileSync(python[0], python[1], {
    input: lines.join("\n"),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return output.trimEnd().split("\n");
}

function compare(sent: Sent[], sizes: number[]): void {
  const expected = scapy(sent);
  assert.equal(expected.length, sent.length);
  sent.forEach(({ echo }, i) => assert.equal(echo.message.toString("hex"), expected[i]));
  const seen = new Set(sent.map(({ echo }) => echo.message.length));
  for (const size of sizes) assert.ok(seen.has(size), `no echo of ${size} bytes was sent`);
}

const [seed = 0] = freshSeeds(1);

test(`echoes of any settings are those that Scapy builds (seed ${seed})`, () => {
  const random = new Random(seed);
  const sizes = Array.from({ length: VPNS }, () => random.between(MIN_BYTES, MAX_BYTES));
  const sent = echoes(random, sizes);
  assert.ok(sent.some(({ version }) => version === 4) && sent.some(({ version }) => version === 6));
  compare(sent, sizes);
});

test("so are the smallest and the largest echoes, byte by byte: of every alignment", () => {
  const small = Array.from({ length: EDGE_SIZES }, (_, i) => MIN_BYTES + i);
  const sizes = [...small, ...small.map((size) => MAX_BYTES + MIN_BYTES - size)];
  compare(echoes(new Random(1), sizes), sizes);
});
