/**
 * What the kernel says of tunnel interfaces, of their routes and rules, and of what it was asked
 * for. An input: reads, each behind its length. Whatever was said, a dump after it brings the truth
 * back, and with it what is configured into the kernel; what others have there stays.
 */
import {
  Kernel,
  Protocol,
  RT_TABLE_MAIN,
  type Route,
} from "../../../host/node/sim/model/kernel.ts";
import { networkOf } from "../../../host/node/sim/model/rtnetlink.ts";
import type { Random } from "../../../host/node/sim/random.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { Site } from "../lib/site.ts";
import type { Target } from "../lib/target.ts";
import { encode, message, reads } from "./netlink.ts";
import { wholeMessages } from "./netlink_strict.ts";

const CONFIG = `config tunnel 'tunnel.1'
  option create '1'
  option if_id '7'
  list address '10.254.1.1/24'
  list address 'fd0e::1/64'
config tunnel 'tunnel.2'
  option create '1'
config vpn 'net'
  option gateway 's2s'
  option child 'net'
  option monitor '1'
  option tunnel 'tunnel.1'
  option source_ip '10.21.0.1'
  option destination_ip '10.2.0.1'
config vpn 'lan6'
  option gateway 's2s'
  option child 'net6'
  option tunnel 'tunnel.2'
config route
  option target '10.7.0.0/16'
  option interface 'tunnel.1'
  option metric '10'
config route
  option target 'fd07::/16'
  option interface 'tunnel.1'
config nhtb
  option interface 'tunnel.2'
  option nexthop '10.9.0.2'
  option vpn 'lan6'
`;
const WANTED = ["10.7.0.0/16", "fd07::/16"];
/** The longest pause after refusals, and of what is ours and unknown. */
const PATIENCE_MS = 130_000;
/** Numbers of the engine's requests. */
const FIRST_SEQ = 0xd0c8_0000;

const Type = { NEWLINK: 16, DELLINK: 17, NEWADDR: 20, DELADDR: 21, NEWROUTE: 24, NEWRULE: 32 };
const FIXED_BYTES: Record<number, number> = { 2: 4, 3: 4, 16: 16, 20: 8, 24: 12, 32: 12 };
const TYPES = [2, 2, 3, 4, 16, 16, 17, 20, 21, 24, 24, 25, 32, 33];

function started(kernel_answers: boolean): (engine: FuzzedEngine) => void {
  return (engine) => {
    const site = new Site(engine);
    site.kernel_answers = kernel_answers;
    site.start().configure(CONFIG).run(5_000);
  };
}

function foreign(target: string): Route {
  const made = { table: RT_TABLE_MAIN, metric: 20, protocol: Protocol.STATIC, oif: 1 };
  return { ...networkOf(target), ...made };
}

/** A fresh kernel: all that is configured must come into it, and nothing else may go. */
function heal(engine: FuzzedEngine): void {
  const site = new Site(engine);
  const { kernel } = site;
  const others = [foreign("10.7.0.0/16"), foreign("10.8.0.0/16")];
  kernel.find("lan0");
  for (const route of others) kernel.putRoute(route);
  site.take(engine.call("networkLost"));
  site.work().run(PATIENCE_MS);
  const link = kernel.find("tunnel.1");
  hold(link?.xfrm?.if_id === 7 && !link.down, "an interface is not there", () => "tunnel.1");
  hold(kernel.find("tunnel.2") !== undefined, "an interface is not there", () => "tunnel.2");
  hold(kernel.find("lan0") !== undefined, "another's interface is gone", () => "lan0");
  for (const route of others) {
    hold(kernel.routes.like(route) === route, "another's route is gone", () => route.address);
  }
  for (const target of WANTED) {
    const { family, address } = networkOf(target);
    const found = kernel.routes.all.some(
      (route) =>
        route.protocol === Protocol.REKEYD && route.family === family && route.address === address,
    );
    hold(found, "a route is not there", () => target);
  }
}

/** What a kernel says that has all of it, and when it goes. */
function told(): Buffer[] {
  const kernel = new Kernel();
  const said: Buffer[] = [];
  kernel.interfaces.push({ name: "lan0", addresses: ["10.21.0.1"] });
  const link = { name: "tunnel.1", addresses: [], xfrm: { if_id: 7 } };
  said.push(kernel.addInterface(link), kernel.addAddress("tunnel.1", "10.254.1.1/24"));
  const oif = kernel.named("tunnel.1").index!;
  const made = { table: RT_TABLE_MAIN, metric: 10, protocol: Protocol.REKEYD, oif };
  const route: Route = { ...networkOf("10.7.0.0/16"), ...made };
  said.push(kernel.putRoute(route), kernel.putRoute({ ...route, metric: 11, if_id: 9 }));
  said.push(kernel.removeRoute(route), kernel.setUp("tunnel.1", false));
  said.push(kernel.removeInterface("tunnel.1"));
  said.push(kernel.addInterface({ name: "tunnel.2", addresses: [], xfrm: {} }));
  return said;
}

function acknowledged(seq: number, errno: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno, 0);
  return message(2, 0, seq, body);
}

function attribute(random: Random): Buffer {
  const payload = Buffer.from(
    random.one([
      "tunnel.1\0",
      "tunnel.2\0",
      "\x0a\x07\0\0",
      "\x02\0\x6b\x72",
      "\x07\0\0\0",
      "\x0a\0\0\0",
      "\x72",
      "\x05",
      "\x08\0\x01\0xfrm\0\x0c\0\x02\0\x08\0\x02\0\x07\0\0\0",
      "",
    ]),
    "latin1",
  );
  const bytes = Buffer.alloc((4 + payload.length + 3) & ~3);
  bytes.writeUInt16LE(random.percent(90) ? 4 + payload.length : random.below(40), 0);
  bytes.writeUInt16LE(random.one([1, 2, 3, 4, 6, 15, 16, 17, 18, 21, 22, random.below(65_536)]), 2);
  payload.copy(bytes, 4);
  return bytes;
}

export const routes_target: Target = {
  name: "routes",
  reads: "what the kernel says of tunnel interfaces and routes",
  max_bytes: 4_096,
  // In the first one the kernel has answered nothing yet.
  stages: [started(false), started(true)],
  run(input, engine) {
    for (const bytes of reads(input)) engine.network(bytes);
    engine.call("chores");
    // What was believed of it, which must not hang on what lies behind the input.
    engine.command(1, "json get route");
    engine.command(1, "json get interface tunnel.1");
    heal(engine);
  },
  alike(input) {
    return encode(input[0] ?? 0, reads(input.subarray(1)).map(wholeMessages));
  },
  seeds() {
    const samples = [
      told(),
      ...told().map((bytes) => [bytes]),
      [0, 17, 19, 95].map((errno, i) => acknowledged(FIRST_SEQ + i, errno)),
      [3, 4].map((type) => message(type, 0x10, FIRST_SEQ, Buffer.alloc(4))),
    ];
    return samples.flatMap((of) => [encode(0, of), encode(1, of)]);
  },
  dictionary: Object.values(Type).map((type) => message(type, 0, 0, Buffer.alloc(16))),
  mutate(random, input, other) {
    const of = reads(input.subarray(1));
    const type = random.one(TYPES);
    const body = Buffer.alloc(FIXED_BYTES[type & ~1] ?? FIXED_BYTES[type] ?? 4);
    for (let i = 0; i < body.length; i++) if (random.percent(20)) body[i] = random.below(256);
    body[0] = random.one([0, 2, 10, 0xef, random.below(256)]);
    if (body.length > 7 && random.percent(80)) body.writeUInt32LE(random.below(4), 4);
    if (type === Type.NEWROUTE || type === Type.NEWROUTE + 1) {
      Buffer.from([random.one([2, 10]), 16, 0, 0, 254, 114, 0, 1]).copy(body);
    }
    const attributes = Array.from({ length: random.below(6) }, () => attribute(random));
    const seq = random.percent(50) ? FIRST_SEQ + random.below(300) : random.below(6);
    const flags = random.one([0, 0, 0x10, 0x100]);
    const made = message(type, flags, seq, Buffer.concat([body, ...attributes]));
    of.splice(random.below(of.length + 1), 0, made);
    if (random.percent(30)) of.push(...reads(other.subarray(1)));
    return encode(input[0] ?? 0, of);
  },
};
