/**
 * The routing socket. An input: reads, each behind its length. A dump after it, as the host asks
 * for one when messages were lost, brings the truth back.
 */
import type { Random } from "../../../host/node/sim/random.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { Site } from "../lib/site.ts";
import type { Target } from "../lib/target.ts";
import { Kernel } from "../../../host/node/sim/model/kernel.ts";
import { wholeMessages } from "./netlink_strict.ts";

const LAN = "10.21.0.1";
/** In whose sources one sees which interfaces and addresses are believed in. */
const CONFIG = `config vpn 'old'
  option gateway 'old'
  option monitor '1'
  option rekey '1'
  option source_interface 'lan0'
  option destination_ip '10.22.0.1'
config vpn 'lan6'
  option gateway 's2s'
  option child 'net6'
  option monitor '1'
  option source_interface 'lan0'
  option destination_ip 'fd02::1'
config vpn 'wan'
  option gateway 's2s'
  option child 'net'
  option monitor '1'
  option source_interface 'wan'
  option destination_ip '10.2.0.1'
config vpn 'wan6'
  option gateway 'six'
  option monitor '1'
  option source_interface 'wan'
  option destination_ip 'fd12::1'
`;
const TYPES = [2, 3, 4, 16, 17, 20, 21, 24, 25, 32, 33];

function started(kernel_answers: boolean): (engine: FuzzedEngine) => void {
  return (engine) => {
    const site = new Site(engine);
    site.kernel_answers = kernel_answers;
    site.start().configure(CONFIG).run(5_000);
  };
}

/** Ends what is read with the truth: the source that the interface has is the one in use. */
function heal(engine: FuzzedEngine): void {
  const site = new Site(engine);
  site.take(engine.call("networkLost"));
  site.work();
  const { vpns } = site.json("vpn old") as { vpns: { source: string | null }[] };
  const source = vpns[0]?.source ?? null;
  hold(source === LAN, "knows the truth after a dump", () => String(source));
}

/** The reads in an input, without the byte in front that names its stage. */
export function reads(input: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 2 <= input.length && found.length < 100;) {
    const length = input.readUInt16LE(at);
    found.push(input.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

export function encode(stage: number, of: Buffer[]): Buffer {
  const parts = of.flatMap((bytes) => [
    Buffer.from([bytes.length & 255, bytes.length >> 8]),
    bytes,
  ]);
  return Buffer.concat([Buffer.from([stage]), ...parts]);
}

export function message(type: number, flags: number, seq: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(16 + ((body.length + 3) & ~3));
  bytes.writeUInt32LE(16 + body.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(seq, 8);
  body.copy(bytes, 16);
  return bytes;
}

function attribute(random: Random): Buffer {
  const payload = Buffer.from(
    random.one([
      "lan0\0",
      "wan",
      "\x0a\x15\0\x01",
      "\0\0\0\xfe",
      "x".repeat(16),
      "\0".repeat(16),
      "",
    ]),
    "latin1",
  );
  const bytes = Buffer.alloc((4 + payload.length + 3) & ~3);
  bytes.writeUInt16LE(random.percent(90) ? 4 + payload.length : random.below(40), 0);
  bytes.writeUInt16LE(random.one([1, 2, 3, 8, 15, random.below(65_536)]), 2);
  payload.copy(bytes, 4);
  return bytes;
}

function cutAddress(index: number): Buffer {
  const body = Buffer.from([2, 24, 0, 0, index, 0, 0, 0, 8, 0, 2, 0]);
  return message(20, 0, 0, body);
}

export const netlink_target: Target = {
  name: "netlink",
  reads: "the kernel's routing socket",
  max_bytes: 4_096,
  // In the first one the kernel has not answered the first dump yet.
  stages: [started(false), started(true)],
  run(input, engine) {
    for (const bytes of reads(input)) engine.network(bytes);
    engine.call("tick");
    // What was believed of it, which must not hang on what lies behind the input.
    engine.command(1, "json get vpn");
    heal(engine);
  },
  alike(input) {
    return encode(input[0] ?? 0, reads(input.subarray(1)).map(wholeMessages));
  },
  seeds() {
    const kernel = new Kernel();
    kernel.interfaces.push({ name: "lan0", addresses: [LAN, "fd21::1"] });
    kernel.interfaces.push({ name: "wan", addresses: ["192.0.2.1"] });
    const dump = (type: number, seq: number): Buffer =>
      kernel.answer(message(type, 0x301, seq, Buffer.alloc(16)));
    const samples = [
      [dump(18, 1), dump(22, 2)],
      [dump(18, 3)],
      [kernel.addAddress("wan", "192.0.2.7"), kernel.addRoute()],
      [message(17, 0, 0, Buffer.from([0, 0, 0, 0, 1, 0, 0, 0, 0x41, 0, 0, 0, 0, 0, 0, 0]))],
      [message(2, 0, 1, Buffer.from([0xf0, 0xff, 0xff, 0xff]))],
      [message(4, 0, 0, Buffer.alloc(0))],
      [message(3, 0x10, 1, Buffer.alloc(4))],
      // An address whose bytes would lie behind the message.
      ...[0, 1, 2, 3].map((n) => [cutAddress(n)]),
    ];
    return samples.flatMap((of) => [encode(0, of), encode(1, of)]);
  },
  dictionary: [3, 16, 17, 20, 21, 24].map((type) => message(type, 0, 0, Buffer.alloc(16))),
  mutate(random, input, other) {
    const of = reads(input.subarray(1));
    const body = Buffer.alloc(random.one([0, 4, 8, 12, 16, 20]));
    for (let i = 0; i < body.length; i++) if (random.percent(40)) body[i] = random.below(256);
    if (body.length > 4) body.writeUInt32LE(random.below(4), 4);
    if (body.length > 0) body[0] = random.one([0, 2, 10, random.below(256)]);
    const attributes = Array.from({ length: random.below(4) }, () => attribute(random));
    const made = message(
      random.one(TYPES),
      random.percent(20) ? 0x10 : 0,
      random.below(6),
      Buffer.concat([body, ...attributes]),
    );
    of.splice(random.below(of.length + 1), 0, made);
    if (random.percent(30)) of.push(...reads(other.subarray(1)));
    return encode(input[0] ?? 0, of);
  },
};
