/**
 * The vici stream. An input: how it is cut into reads, and its bytes. It begins with the
 * connection, or with the first answers behind it; the conversation up to there, and in one of
 * eight inputs the one that must come about after it, is a real charon's.
 */
import type { Random } from "../../../host/node/sim/random.ts";
import { Action } from "../../../host/node/engine.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { fixture, frame, frames, Site } from "../lib/site.ts";
import { words, type Target } from "../lib/target.ts";
import { judge, Verdict } from "./vici_judge.ts";
import { changeMessage } from "./vici_message.ts";

const FIXTURES = [
  "initiate",
  "initiate-refused",
  "initiate-unauthenticated",
  "initiate-unknown",
  "list-conns",
  "list-sas",
  "list-sas-ikev1-tasks",
  "list-sas-none",
  "list-sas-tasks",
  "register",
  "rekey-child",
  "rekey-ike",
  "rekey-ikev1",
  "terminate-ike",
  "terminate-unknown",
  "unknown-command",
];
const HEALING_MS = 60_000;
/** At which a packet's length is judged. */
const LENGTHS = [0, 1, 2, 512 * 1024, 512 * 1024 + 1, 0x7fffffff, 0x80000000, 0xffffffff];

function started(engine: FuzzedEngine): Site {
  const site = new Site(engine).start();
  site.take(engine.configure(Buffer.from("x"), Buffer.from(CONFIG)));
  engine.call("viciOpened");
  return site;
}

const CONFIG = `config vpn 'net'
  option gateway 's2s'
  option child 'net'
  option monitor '1'
  option rekey '1'
  option source_ip '10.1.0.1'
  option destination_ip '10.2.0.1'
config vpn 'old'
  option gateway 'old'
  option monitor '1'
  option optimized '1'
  option source_ip '10.21.0.1'
  option destination_ip '10.22.0.1'
config vpn 'six'
  option gateway 'six'
config vpn 'road'
  option gateway 'road'
  option child 'road'
  option monitor '1'
`;

/** After the garbage the host connects anew, and everything is as if it had not been. */
function heal(engine: FuzzedEngine): void {
  const site = new Site(engine);
  site.take(engine.call("viciClosed", 0));
  site.work().run(HEALING_MS);
  const { vpns } = site.json("vpn") as { vpns: { name: string; state: string; sas: unknown[] }[] };
  const states = vpns.map(({ name, state, sas }) => `${name} ${state} ${sas.length}`).join(", ");
  hold(states === "net up 1, old up 1, six ready 1, road inactive 0", "heals", () => states);
}

/** A length, and the type of the packet or not even that. */
function cutPacket(random: Random): Buffer {
  const bytes = Buffer.alloc(4 + random.below(2), random.below(8));
  bytes.writeUInt32BE(random.one(LENGTHS));
  return bytes;
}

export const vici_target: Target = {
  name: "vici",
  reads: "charon's stream",
  max_bytes: 16_384,
  stages: [
    (engine) => void started(engine),
    (engine) => {
      started(engine);
      engine.viciBytes(fixture("register"));
    },
    (engine) => {
      started(engine);
      for (const name of ["register", "list-conns"]) engine.viciBytes(fixture(name));
    },
    (engine) => {
      started(engine);
      for (const name of ["register", "list-conns", "list-sas"]) engine.viciBytes(fixture(name));
    },
    (engine) => void started(engine).work().run(5_000),
  ],
  run(input, engine) {
    const step = input[0] ?? 0;
    const stream = input.subarray(1);
    const size = step === 0 ? stream.length : step;
    const verdict = judge(stream);
    let closed = false;
    for (let at = 0; at < stream.length; at += size) {
      const actions = engine.viciBytes(stream.subarray(at, at + size));
      closed ||= actions.some(({ kind }) => kind === Action.VICI_CLOSE);
    }
    if (verdict !== Verdict.OPEN) {
      hold(closed === (verdict === Verdict.BROKEN), "judges the stream", () => `closed: ${closed}`);
    }
    engine.pass(1_000);
    engine.call("tick");
    engine.call("chores");
    if ((input.reduce((sum, byte) => sum + byte, 0) & 7) === 0) heal(engine);
  },
  seeds() {
    const one = FIXTURES.flatMap((name) =>
      [0, 1, 2, 3, 4].map((stage) => Buffer.concat([Buffer.from([stage, 0]), fixture(name)])),
    );
    const all = ["register", "list-conns", "list-sas", "rekey-child", "list-sas-none"].map(fixture);
    return [...one, Buffer.concat([Buffer.from([0, 7]), ...all])];
  },
  // prettier-ignore
  dictionary: words(
    "uniqueid", "version", "state", "local-host", "remote-host", "remote-port", "initiator",
    "responder-spi", "established", "rekey-time", "reauth-time", "child-sas", "name", "spi-in",
    "spi-out", "packets-in", "packets-out", "bytes-in", "install-time", "life-time", "local-ts",
    "remote-ts", "protocol", "encr-alg", "encr-keysize", "integ-alg", "prf-alg", "mode", "TUNNEL",
    "INSTALLED", "REKEYED", "REKEYING", "DELETING", "DELETED", "ESTABLISHED", "CONNECTING",
    "tasks-active", "tasks-queued", "CHILD_CREATE", "QUICK_MODE", "yes", "no", "success", "errmsg",
    "local_addrs", "remote_addrs", "%any", "dynamic", "10.1.0.0/16", "10.1.0.1-10.1.0.9",
    "0.0.0.0/0", "::/0", "10.2.0.0/16[tcp/80]", "s2s", "net", "six", "old", "list-sa", "list-conn",
    "child-updown", "ike-updown", "child-rekey", "ike-rekey", "alert", "children", "up",
    "\0\0\0\x01", "\x01\x01a", "\x02", "\x04\x01a", "\x05\0\x01a", "\x06", "\x03\x01a\0\x01a",
  ),
  mutate(random: Random, input: Buffer, other: Buffer): Buffer {
    const packets = frames(input.subarray(2));
    if (packets.length === 0) return input;
    const foreign = frames(other.subarray(2));
    const at = random.below(packets.length);
    switch (random.below(7)) {
      case 0:
        packets.splice(at, 1);
        break;
      case 6:
        // The stream pauses in a packet, or behind one that says it has no bytes.
        packets.splice(at, packets.length, cutPacket(random));
        break;
      case 1:
        if (foreign.length > 0) packets.splice(at, 0, random.one(foreign));
        break;
      case 2:
        packets.splice(at, 0, ...packets.slice(at, at + 1 + random.below(8)));
        break;
      default:
        packets[at] = frame(
          changeMessage(random, packets[at]!.subarray(4), vici_target.dictionary),
        );
    }
    const head = [random.percent(80) ? input[0]! : random.below(5)];
    head.push(random.percent(70) ? 0 : random.below(256));
    return Buffer.concat([Buffer.from(head), ...packets]);
  },
};
