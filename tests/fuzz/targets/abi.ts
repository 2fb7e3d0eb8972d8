/**
 * Any calls in any order. An input is a row of calls: a byte that picks one, and what it needs. Two
 * kinds of run: a lawful host, which keeps what assembly/index.ts asks of it (time does not go
 * backwards, lengths fit) and may never see a trap; and a lawless one, whose calls may be refused
 * by an assertion, but by nothing else, and never spin or ask for nonsense.
 */
import type { FuzzedEngine } from "../lib/engine.ts";
import { CONFIGURATION, fixture, Site } from "../lib/site.ts";
import { words, type Target } from "../lib/target.ts";

const TIMES_MS = [0, 1, 10, 100, 1_000, 10_000, 60_000, 3_600_000, 86_400_000, 31_536_000_000];
const MAX_CALLS = 200;
/** Of an input's byte that tells what the host is like. */
const LAWLESS_BIT = 1;
const STEADY_BIT = 2;
const MIN_I64 = -(2n ** 63n);
const ODD_TIMES = [0n, -1n, MIN_I64, 2n ** 63n - 1n, 2n ** 62n, 1n, 2n ** 53n, -(10n ** 15n)];

/** Reads numbers and bytes from an input; zeros behind its end. */
class Reader {
  private at = 0;
  constructor(private readonly input: Buffer) {}

  get done(): boolean {
    return this.at >= this.input.length;
  }
  u8(): number {
    return this.input[this.at++] ?? 0;
  }
  i32(): number {
    return this.u8() | (this.u8() << 8) | (this.u8() << 16) | (this.u8() << 24);
  }
  bytes(): Buffer {
    const length = this.u8() | (this.u8() << 8);
    const bytes = this.input.subarray(this.at, this.at + length);
    this.at += length;
    return bytes;
  }
  text(): Buffer {
    return this.bytes();
  }
  /** Of a VPN, mostly one that there is. */
  name(): Buffer {
    const number = this.u8();
    return number < 240 ? Buffer.from(["net", "six", "old"][number % 3]!) : this.bytes();
  }
}

type Op = (engine: FuzzedEngine, r: Reader) => void;
/** Numbers that lawful calls may have, and as many for the others. */
const NUMBERS = 32;

const OPS: Op[] = [
  (engine) => void engine.call("tick"),
  (engine) => void engine.call("chores"),
  (engine, r) => {
    engine.pass(TIMES_MS[r.u8() % TIMES_MS.length]!);
  },
  (engine, r) => void engine.viciBytes(r.bytes()),
  (engine) => void engine.call("viciOpened"),
  (engine, r) => void engine.call("viciClosed", r.u8()),
  (engine, r) => void engine.network(r.bytes()),
  (engine) => void engine.call("networkLost"),
  (engine, r) => void engine.command(r.i32(), r.text()),
  (engine, r) => void engine.configure(Buffer.from("f"), r.text()),
  (engine, r) => {
    const count = r.u8() % 65;
    const received = Array.from({ length: count }, () => ({
      source: Buffer.alloc(16, r.u8()),
      message: r.bytes().subarray(0, 1472),
    }));
    engine.replies(r.u8() & 1 ? 6 : 4, received);
  },
  (engine, r) => void engine.call("unsent", r.u8() & 1 ? 6 : 4, r.u8() % 64, r.u8()),
  (engine) => void engine.passToDeadline(86_400_000),
  (engine, r) =>
    void engine.viciBytes(fixture(["register", "list-conns", "list-sas"][r.u8() % 3]!)),
  (engine) => void engine.configure(Buffer.from("f"), Buffer.from(CONFIGURATION)),
  (engine, r) => void engine.call("recorder", r.u8() & 1, r.u8()),
  // The wall clock may jump anywhere.
  (engine, r) => {
    engine.wall_ms = ODD_TIMES[r.u8() % ODD_TIMES.length]!;
  },
  (engine, r) => {
    const [outcome, detail, name] = [r.u8() % 6, r.u8(), engine.write(r.name())];
    engine.call("hookEnded", outcome, detail, name);
  },
  (engine, r) => {
    const [told, runs, name] = [r.u8() % 4, r.u8() & 1, engine.write(r.name())];
    engine.call("hookTold", told, runs, name);
  },
  (engine, r) => void engine.call("saved", r.u8() - 1),
  (engine, r) => void engine.facts(r.text()),
  (engine, r) => void engine.call("xfrmOpened", r.u8()),
  (engine, r) => void engine.xfrm(r.bytes()),
];

/** What no host does: numbered from 32 on, so that a new call above changes no input. */
const LAWLESS: Op[] = [
  (engine, r) => {
    engine.now_ms = ODD_TIMES[r.u8() % ODD_TIMES.length]!;
  },
  (engine, r) => void engine.call("viciBytes", r.i32()),
  (engine, r) => void engine.call("network", r.i32()),
  (engine, r) => void engine.call("command", r.i32(), r.i32()),
  (engine, r) => void engine.call("configure", r.i32(), r.i32(), 0),
  (engine, r) => void engine.call("replies", r.i32(), r.i32()),
  (engine, r) => void engine.call("unsent", r.i32(), r.i32(), r.i32()),
  (engine, r) => {
    const [key, seed] = [BigInt(r.i32()), BigInt(r.i32())];
    engine.call("start", key, key, seed, r.i32(), r.i32());
  },
  (engine, r) => {
    const message = r.bytes();
    engine.replies(r.i32(), [{ source: Buffer.alloc(16), message, length: r.i32() }]);
  },
  (engine, r) => void engine.call("hookEnded", r.i32(), r.i32(), r.i32()),
  (engine, r) => void engine.call("hookTold", r.i32(), r.i32(), r.i32()),
  (engine, r) => void engine.call("saved", r.i32()),
  (engine, r) => void engine.call("facts", r.i32()),
  (engine, r) => void engine.call("xfrm", r.i32()),
];

function run(input: Buffer, engine: FuzzedEngine): void {
  const r = new Reader(input);
  const law = r.u8();
  const lawless = (law & LAWLESS_BIT) !== 0;
  engine.lawless = lawless;
  engine.steady = (law & STEADY_BIT) !== 0;
  for (let calls = 0; !r.done && calls < MAX_CALLS; calls++) {
    const number = r.u8() % (lawless ? 2 * NUMBERS : NUMBERS);
    const op = number < NUMBERS ? OPS[number] : LAWLESS[number - NUMBERS];
    op?.(engine, r);
  }
}

function sized(bytes: Buffer | string): Buffer {
  const content = Buffer.from(bytes);
  return Buffer.concat([Buffer.from([content.length & 255, content.length >> 8]), content]);
}

export const abi_target: Target = {
  name: "abi",
  reads: "any calls",
  max_bytes: 8_192,
  stages: [
    (engine) => void new Site(engine).start().warm(),
    (engine) => void new Site(engine).start().configure().run(25_000),
  ],
  run,
  alike(input) {
    // A clock that runs back is one that stands still.
    const other = Buffer.from(input);
    if (input.length > 1 && (input[1]! & LAWLESS_BIT) !== 0) other[1]! ^= STEADY_BIT;
    return other;
  },
  seeds() {
    const day = [
      14, 4, 13, 0, 13, 1, 13, 2, 12, 0, 1, 12, 0, 1, 2, 4, 0, 1, 12, 0, 1, 12, 0, 1, 5, 0,
    ];
    const config = Buffer.concat([Buffer.from([9]), sized(CONFIGURATION)]);
    const command = Buffer.concat([Buffer.from([8, 1, 0, 0, 0]), sized("json get vpn")]);
    const rows = [
      Buffer.from(day),
      Buffer.concat([config, Buffer.from(day), command]),
      Buffer.concat([Buffer.from([2, 9, 0, 1, 12, 0, 1]), command]),
      Buffer.from([10, 1, 1, 64, 0]),
      Buffer.from([38, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from([16, 1, 0, 1, 16, 2, 0, 1, 16, 3, 0, 1, 32, 1, 0]),
      Buffer.from([15, 1, 0, 15, 0, 5, 33, 255, 255, 255, 127]),
    ];
    return rows.flatMap((row) =>
      [0, 1].flatMap((stage) =>
        [0, 1].map((law) => Buffer.concat([Buffer.from([stage, law]), row])),
      ),
    );
  },
  dictionary: [
    ...words("\x00\x01", "\x0c\x00\x01", "\x0d\x00", "\x0d\x01", "\x0d\x02", "\x05\x00", "\x04"),
    Buffer.concat([
      Buffer.from([9]),
      sized("config vpn 'a'\noption gateway 's2s'\noption monitor 1\n"),
    ]),
    Buffer.concat([Buffer.from([8, 1, 0, 0, 0]), sized("get event")]),
    Buffer.from([0xff, 0xff, 0xff, 0x7f]),
    Buffer.from([0, 0, 64, 0]),
    Buffer.from([1, 0, 64, 0]),
    Buffer.from([64, 0, 0, 0]),
  ],
};
