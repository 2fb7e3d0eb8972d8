/**
 * ICMP replies. An input: the IP version, whether it goes through a recording, and for each packet
 * its sender (a genuine one or bytes), its length and its bytes. The judge knows the echoes that
 * were sent, and nothing of tokens: a reply counts exactly if every byte that the engine answers
 * for is what the target would send.
 */
import type { Random } from "../../../host/node/sim/random.ts";
import type { Received } from "../../../host/node/engine.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { CONFIGURATION, genuine, Site } from "../lib/site.ts";
import { words, type Target } from "../lib/target.ts";

const MAX_PACKETS = 64;
const MAX_PACKET_BYTES = 1472;
const CHECKSUM = 2;

interface Genuine extends Received {
  version: 4 | 6;
}

/** So that each reply is a round of its own. */
const ONE_TARGET_EACH = CONFIGURATION.replace("  list destination_ip '10.2.0.2'\n", "");

/** Echoes are out, and these are the replies to them, the same in every run. */
function withEchoes(engine: FuzzedEngine): Genuine[] {
  const site = new Site(engine).start().configure(ONE_TARGET_EACH).run(25_000);
  site.answers = false;
  site.run(10_000);
  return site.echoes.map((out) => ({ version: out.version, ...genuine(out) }));
}

let replies: Genuine[] = [];

interface Packet extends Received {
  length: number;
}

/** Takes an input apart; what is cut off is left out. */
function decode(input: Buffer): { version: 4 | 6; concealed: boolean; packets: Packet[] } {
  const version = (input[0] ?? 0) & 1 ? 6 : 4;
  const packets: Packet[] = [];
  for (let at = 1; at + 3 <= input.length && packets.length < MAX_PACKETS;) {
    const size = input.readUInt16LE(at) % (MAX_PACKET_BYTES + 1);
    const from = replies[input[at + 2]! % (replies.length + 1)]?.source ?? Buffer.alloc(16, 0xfe);
    const message = Buffer.alloc(size);
    input.copy(message, 0, at + 3);
    packets.push({ source: from, message, length: size });
    at += 3 + size;
  }
  return { version, concealed: ((input[0] ?? 0) & 2) !== 0, packets };
}

function encode(version: 4 | 6, packets: { from: number; message: Buffer }[], flags = 0): Buffer {
  const parts = packets.flatMap(({ from, message }) => [
    Buffer.from([message.length & 255, message.length >> 8, from]),
    message,
  ]);
  return Buffer.concat([Buffer.from([0, (version === 4 ? 0 : 1) | flags]), ...parts]);
}

/** The ICMP message in a packet of a raw socket (RFC 791, 3.1), if it is a whole one. */
function icmp(version: 4 | 6, message: Buffer, length: number): Buffer | undefined {
  if (version === 6) return message.subarray(0, length);
  if (length < 20 || message[0]! >> 4 !== 4 || message[9] !== 1) return undefined;
  const header = 4 * (message[0]! & 15);
  const right = header >= 20 && header <= length && message.readUInt16BE(2) === length;
  return right ? message.subarray(header, length) : undefined;
}

/** Which of the genuine replies this is, or -1. */
function judge(version: 4 | 6, { source, message, length }: Packet): number {
  const inner = icmp(version, message, length);
  return replies.findIndex((right) => {
    if (inner === undefined || right.version !== version) return false;
    const bytes = version === 4 ? right.message.subarray(20) : right.message;
    if (version === 4) return right.source.equals(source) && bytes.equals(inner);
    // Of ICMPv6 the kernel checks the checksum.
    const same =
      bytes.length === inner.length &&
      bytes.subarray(0, CHECKSUM).equals(inner.subarray(0, CHECKSUM));
    return same && right.source.equals(source) && bytes.subarray(4).equals(inner.subarray(4));
  });
}

/** How many rounds were answered, over all VPNs, and how many VPNs are not up. */
function answered(engine: FuzzedEngine): number {
  const { vpns } = new Site(engine).json("vpn") as { vpns: { echoes_answered: number }[] };
  return vpns.reduce((sum, vpn) => sum + vpn.echoes_answered, 0);
}

let before = 0;

export const icmp_target: Target = {
  name: "icmp",
  reads: "replies from the raw sockets",
  max_bytes: 4096,
  stages: [
    (engine) => {
      replies = withEchoes(engine);
      before = answered(engine);
    },
  ],
  run(input, engine) {
    const { version, concealed, packets } = decode(input);
    const right = new Set(packets.map((packet) => judge(version, packet)));
    right.delete(-1);
    engine.replies(version, packets, concealed);
    const counted = answered(engine) - before;
    hold(
      counted === right.size,
      "judges replies",
      () => `${counted} count, ${right.size} are right`,
    );
  },
  seeds() {
    return replies.flatMap(({ version, message }, from) => [
      encode(version, [{ from, message }]),
      encode(
        version,
        replies.map((reply, i) => ({ from: i, message: reply.message })),
      ),
    ]);
  },
  dictionary: [...words("\x45\0", "\x46\0", "\x4f\0"), Buffer.from([0, 0]), Buffer.from([129, 0])],
  mutate(random: Random, input: Buffer): Buffer {
    const { version, packets } = decode(input.subarray(1));
    const changed = packets.map(({ message }) => ({
      from: random.below(replies.length + 1),
      message: random.percent(70) ? message : resized(random, message),
    }));
    const more = random.below(replies.length);
    if (random.percent(50))
      changed.push({ from: more, message: Buffer.from(replies[more]!.message) });
    for (const { message } of changed) {
      if (random.percent(30) && message.length > 0)
        message[random.below(message.length)]! ^= 1 << random.below(8);
    }
    const other = version === 4 ? 6 : 4;
    return encode(random.percent(80) ? version : other, changed, random.percent(20) ? 2 : 0);
  },
};

/** With options behind the IP header, or another total length, or cut. */
function resized(random: Random, message: Buffer): Buffer {
  if (message.length < 20) return Buffer.concat([message, Buffer.alloc(random.below(64))]);
  const options = 4 * random.below(11);
  const longer = Buffer.concat([
    message.subarray(0, 20),
    Buffer.alloc(options),
    message.subarray(20),
  ]);
  if (random.percent(80)) longer[0] = 0x40 | ((20 + options) / 4);
  if (random.percent(80)) longer.writeUInt16BE(longer.length, 2);
  return random.percent(80) ? longer : longer.subarray(0, random.below(longer.length));
}
