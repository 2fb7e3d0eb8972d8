/**
 * Announcements (docs/nhtb.md), as raw sockets deliver them. An input: packets, each behind its
 * length and a byte that says what is put right in it: a fuzzer guesses neither an SA nor our
 * challenge nor a checksum. Whatever comes, nothing is entered that `nhtb_accept` does not allow or
 * that came without our challenge, and we announce to the configured destinations alone, no faster
 * than we may.
 */
import { addressBytes } from "../../../host/node/sim/model/address.ts";
import { Action, UNGUARDED, type ActionRecord } from "../../../host/node/engine.ts";
import type { Random } from "../../../host/node/sim/random.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { Site } from "../lib/site.ts";
import { words, type Target } from "../lib/target.ts";

const ACCEPTED = ["10.0.0.0/8", "fd12::/16"];
const CONFIG = `config vpnmonitor 'global'
  option interval '10'
  option threshold '3'
config tunnel 'tunnel.1'
  option create '1'
  list address '10.1.0.1/24'
  list address 'fd11::1/64'
  list nhtb_announce '10.1.0.0/16'
  list nhtb_accept '${ACCEPTED[0]}'
  list nhtb_accept '${ACCEPTED[1]}'
config vpn 'net'
  option gateway 's2s'
  option child 'net'
  option monitor '1'
  option rekey '1'
  option tunnel 'tunnel.1'
  option source_ip '10.1.0.1'
  option destination_ip '10.2.0.1'
config vpn 'six'
  option gateway 'six'
  option monitor '1'
  option rekey '1'
  option tunnel 'tunnel.1'
  option source_ip 'fd11::1'
  option destination_ip 'fd12::1'
`;
const MAX_PACKETS = 64;
const MAX_MESSAGE_BYTES = 1_452;
const SLOT_BYTES = 1_536;
const SLOT = { destination: 16, message: 64 };
/** No two to one peer are closer (assembly/monitor/announce.ts). */
const GAP_MS = 100n;
/** After each packet, so that we could answer too fast. */
const PAUSE_MS = 30;
/** Contents are not taken faster (assembly/monitor/hear.ts). */
const TAKE_GAP_MS = 10_000;

/** Offsets (assembly/icmp/announcement.ts). */
const At = { SUM: 2, MAGIC: 8, FLAGS: 17, COUNTS: 18, SPIS: 20, SENT: 32, OURS: 40, ANSWER: 48 };
const HEAD_BYTES = 56;
const V4_HEAD = "00000000000000000000ffff";
const MAGIC = Buffer.from("rekeydNH");

/** What is put right in a packet, and how it comes. */
const How = {
  V6: 1,
  /** It is about the second VPN's SA, not the first one's. */
  SECOND: 2,
  SPIS: 4,
  ANSWER: 8,
  SUM: 16,
  /** What is learned may change after it. */
  WAIT: 32,
  /** It goes through a recording. */
  CONCEALED: 64,
  /** As if the peer's kernel had answered ours. */
  RETURNED: 128,
} as const;
const RIGHT = How.SPIS | How.ANSWER | How.SUM;

interface Packet {
  how: number;
  message: Buffer;
}

interface Peer {
  name: string;
  version: number;
  destination: Buffer;
  /** As ours say it. */
  spis: Buffer;
  challenge: Buffer;
}

let peers: Peer[] = [];

function announced({ kind, argument, bytes }: ActionRecord, to: (slot: Buffer) => void): void {
  if (kind !== Action.SEND_ECHOES) return;
  for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
    const slot = bytes.subarray(at, at + SLOT_BYTES);
    const magic = slot.subarray(SLOT.message + At.MAGIC, SLOT.message + At.MAGIC + MAGIC.length);
    if (!magic.equals(MAGIC)) continue;
    hold((argument & UNGUARDED) === 0, "announces in the clear", () => slot.toString("hex"));
    to(slot);
  }
}

function part(slot: Buffer, at: number, length: number): Buffer {
  return Buffer.from(slot.subarray(at, at + length));
}

/** Both VPNs are up, their peers have been told for so long, and have said `first`. */
function started(ms: number, first: Packet[]): (engine: FuzzedEngine) => void {
  return (engine) => {
    const told = new Map<string, Peer>();
    engine.watch = (action) => {
      announced(action, (slot) => {
        const destination = part(slot, SLOT.destination, 16);
        const version = action.argument & 15;
        const spis = part(slot, SLOT.message + At.SPIS, 8);
        const challenge = part(slot, SLOT.message + At.OURS, 8);
        const name = version === 4 ? "net" : "six";
        told.set(name, { name, version, destination, spis, challenge });
      });
    };
    const site = new Site(engine);
    site.if_id = "00000007";
    site.start().configure(CONFIG).run(ms);
    peers = ["net", "six"].map((name) => {
      const peer = told.get(name);
      if (peer === undefined) throw new Error(`nothing is announced to the peer of ${name}`);
      return peer;
    });
    for (const packet of first) deliver(site, packet);
    engine.watch = undefined;
  };
}

/** RFC 1071. */
function sum(bytes: Buffer): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    total += at + 1 < bytes.length ? bytes.readUInt16BE(at) : bytes[at]! << 8;
  }
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

/** The ICMP message with what is to be right. */
function made({ how, message }: Packet): Buffer {
  const bytes = Buffer.from(message);
  if (bytes.length < HEAD_BYTES) return bytes;
  const { spis, challenge } = peers[(how & How.SECOND) !== 0 ? 1 : 0]!;
  const returned = (how & How.RETURNED) !== 0;
  if ((how & How.SPIS) !== 0) {
    spis.copy(bytes, At.SPIS + (returned ? 0 : 4), 0, 4);
    spis.copy(bytes, At.SPIS + (returned ? 4 : 0), 4, 8);
  }
  if ((how & How.ANSWER) !== 0) challenge.copy(bytes, returned ? At.OURS : At.ANSWER);
  if ((how & How.SUM) !== 0) {
    bytes.writeUInt16BE(0, At.SUM);
    bytes.writeUInt16BE(sum(bytes), At.SUM);
  }
  return bytes;
}

/** Lets it come in, and answers the bytes. */
function deliver(site: Site, packet: Packet): Buffer {
  const { engine } = site;
  const version = (packet.how & How.V6) !== 0 ? 6 : 4;
  const bytes = made(packet);
  const header = Buffer.alloc(version === 4 ? 20 : 0);
  if (version === 4) {
    header[0] = 0x45;
    header.writeUInt16BE(20 + bytes.length, 2);
    header[9] = 1;
  }
  const received = { source: Buffer.alloc(16), message: Buffer.concat([header, bytes]) };
  site.take(engine.replies(version, [received], (packet.how & How.CONCEALED) !== 0));
  site.take(engine.call("chores"));
  site.work();
  site.run((packet.how & How.WAIT) !== 0 ? TAKE_GAP_MS + 1 : PAUSE_MS);
  return bytes;
}

interface Entry {
  flag: string;
  vpn: string | null;
  target?: string;
  next_hop?: string;
}

/** Networks that were learned of the VPN's peer; next hops are networks, too. */
function learned(site: Site): { vpn: string; network: string }[] {
  const { nhtb } = site.json("interface tunnel.1 nhtb") as { nhtb: Entry[] };
  const { routes } = site.json("route") as { routes: Entry[] };
  return [...nhtb, ...routes].flatMap(({ flag, vpn, target, next_hop = "" }) => {
    const network = target ?? `${next_hop}/${next_hop.includes(":") ? 128 : 32}`;
    return flag === "A" ? [{ vpn: vpn ?? "", network }] : [];
  });
}

function of(vpn: string, entries: { vpn: string; network: string }[]): string {
  const networks = entries.filter((entry) => entry.vpn === vpn).map(({ network }) => network);
  return networks.sort().join(" ");
}

/** IPv4 in IPv6's mapped form. */
function mapped(address: string): Buffer {
  const bytes = Buffer.from(addressBytes(address));
  return bytes.length === 16 ? bytes : Buffer.concat([Buffer.from(V4_HEAD, "hex"), bytes]);
}

/** Address and length of the prefix, IPv4 in IPv6's mapped form. */
function parsed(network: string): { address: string; bits: number } {
  const [text = "", prefix] = network.split("/");
  const bytes = [...mapped(text)];
  const address = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return { address, bits: Number(prefix) + (text.includes(":") ? 0 : 96) };
}

const RANGES = ACCEPTED.map(parsed);

function isAccepted(network: string): boolean {
  const { address, bits } = parsed(network);
  return RANGES.some(
    (range) => bits >= range.bits && address.startsWith(range.address.slice(0, range.bits)),
  );
}

function decode(input: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at + 3 <= input.length && packets.length < MAX_PACKETS;) {
    const end = at + 3 + (input.readUInt16LE(at) % (MAX_MESSAGE_BYTES + 1));
    packets.push({ how: input[at + 2]!, message: Buffer.from(input.subarray(at + 3, end)) });
    at = end;
  }
  return packets;
}

function encode(stage: number, packets: Packet[]): Buffer {
  const parts = packets.flatMap(({ how, message }) => [
    Buffer.from([message.length & 255, message.length >> 8, how]),
    message,
  ]);
  return Buffer.concat([Buffer.from([stage]), ...parts]);
}

/** An announcement as a peer begins it. */
function announcement(how: number, sent: number, addresses: string[], networks: string[]): Packet {
  const head = Buffer.alloc(HEAD_BYTES);
  const returned = (how & How.RETURNED) !== 0;
  head[0] = (how & How.V6) !== 0 ? (returned ? 129 : 128) : returned ? 0 : 8;
  MAGIC.copy(head, At.MAGIC);
  Buffer.from([1, sent & 1, addresses.length, networks.length]).copy(head, At.MAGIC + 8);
  head.writeBigUInt64BE(BigInt(sent), At.SENT);
  head.writeUInt32BE(0x1234 + (sent % 3), At.OURS);
  const contents = [
    ...addresses.map((address) => mapped(address)),
    ...networks.flatMap((network) => {
      const [address = ""] = network.split("/");
      return [Buffer.from([parsed(network).bits]), mapped(address)];
    }),
  ];
  return { how, message: Buffer.concat([head, ...contents]) };
}

const ADDRESSES = ["10.1.0.3", "10.1.0.1", "fd12::3", "192.0.2.9", "fd11::1"];
const NETWORKS = [
  "10.3.0.0/16",
  "10.2.0.0/16",
  "10.2.3.0/24",
  "10.0.0.0/7",
  "0.0.0.0/0",
  "::/0",
  "fd12:3::/32",
  "fd13::/16",
  "10.1.0.3/32",
];

function some<T>(random: Random, from: T[], at_most: number): T[] {
  return Array.from({ length: random.below(at_most + 1) }, () => random.one(from));
}

function any(random: Random): Packet {
  let how = random.percent(70) ? RIGHT : random.below(256);
  if (random.percent(40)) how |= How.V6;
  if (random.percent(40)) how |= How.SECOND;
  if (random.percent(30)) how |= How.WAIT;
  if (random.percent(20)) how |= How.CONCEALED;
  if (random.percent(10)) how |= How.RETURNED;
  const networks = some(random, NETWORKS, random.percent(10) ? 65 : 4);
  const sent = random.below(1_000);
  const packet = announcement(how, sent, some(random, ADDRESSES, 5), networks);
  const { message } = packet;
  if (random.percent(40)) message[random.below(message.length)] = random.below(256);
  if (random.percent(20)) message[At.FLAGS] = random.below(4);
  return packet;
}

const FIRST = announcement(RIGHT, 100, ["10.1.0.3"], ["10.3.0.0/16", "10.2.0.0/16"]);

export const announcement_target: Target = {
  name: "announcement",
  reads: "announcements of peers from the raw sockets",
  max_bytes: 4_096,
  // Peers are still told; they have been given up; one has been believed.
  stages: [started(500, []), started(60_000, []), started(500, [FIRST])],
  run(input, engine) {
    const site = new Site(engine);
    site.if_id = "00000007";
    const was = learned(site);
    const last = new Map<string, bigint>();
    const also = engine.watch;
    engine.watch = (action) => {
      also?.(action);
      announced(action, (slot) => {
        const to = part(slot, SLOT.destination, 16);
        const hex = to.toString("hex");
        hold(
          peers.some(({ destination }) => destination.equals(to)),
          "announces to a stranger",
          () => hex,
        );
        const gap = engine.now_ms - (last.get(hex) ?? -GAP_MS);
        hold(gap >= GAP_MS, "announces too fast", () => `${gap} ms after the last one`);
        last.set(hex, engine.now_ms);
      });
    };
    const came = decode(input).map((packet) => deliver(site, packet));
    site.run(TAKE_GAP_MS * 3);
    const is = learned(site);
    for (const { network } of is) {
      hold(isAccepted(network), "learns what is not allowed", () => network);
    }
    for (const { name, challenge } of peers) {
      if (came.some((bytes) => bytes.includes(challenge))) continue;
      const [then, now] = [of(name, was), of(name, is)];
      hold(then === now, "believes without an answer", () => `${name}: ${then}; ${now}`);
    }
    const { vpns } = site.json("vpn") as { vpns: { state: string }[] };
    hold(
      vpns.every(({ state }) => state === "up"),
      "leaves the VPNs up",
      () => JSON.stringify(vpns),
    );
  },
  seeds() {
    const v6 = RIGHT | How.V6 | How.SECOND;
    const samples = [
      [FIRST],
      [announcement(RIGHT | How.WAIT, 200, ADDRESSES.slice(0, 4), NETWORKS), FIRST],
      [announcement(v6, 201, ["fd12::3"], ["fd12:3::/32", "::/0"])],
      [announcement(RIGHT, 202, [], []), announcement(v6 | How.CONCEALED, 203, [], [])],
      [announcement(How.SPIS | How.SUM, 205, ["10.1.0.4"], ["10.4.0.0/16"]), FIRST],
      [announcement(RIGHT | How.RETURNED, 1, [], []), announcement(v6 | How.RETURNED, 2, [], [])],
      [announcement(How.SUM, 207, ["10.1.0.4"], [])],
      [7, 9, 11].map((sent) => announcement(RIGHT | How.WAIT, sent + 200, ["10.1.0.9"], [])),
    ];
    return samples.flatMap((packets) => [0, 1, 2].map((stage) => encode(stage, packets)));
  },
  dictionary: [...words("rekeydNH\x01"), ...ADDRESSES.map((address) => mapped(address))],
  mutate(random, input, other) {
    const packets = decode(input.subarray(1));
    packets.splice(random.below(packets.length + 1), 0, any(random));
    if (random.percent(20)) packets.push(...decode(other.subarray(1)));
    if (random.percent(30)) random.one(packets).how ^= 1 << random.below(8);
    return encode(random.percent(80) ? (input[0] ?? 0) : random.below(3), packets);
  },
};
