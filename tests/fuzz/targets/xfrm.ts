/**
 * The kernel's socket for SAs. An input: reads, each behind its length, while questions about SAs
 * are open that a charon which was killed has left. Whatever comes, none but those is removed, and
 * only one that the kernel has told of.
 */
import { message } from "../../../host/node/sim/model/rtnetlink.ts";
import type { Random } from "../../../host/node/sim/random.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { CONFIGURATION, Site } from "../lib/site.ts";
import type { Target } from "../lib/target.ts";
import { Action, type ActionRecord } from "../../../host/node/engine.ts";

const ERROR = 2;
const DELSA = 0x11;
const NEWAE = 0x1e;
const GETAE = 0x1f;
const HEADER_BYTES = 16;
const ID_BYTES = 24;
const ESRCH = -3;
const EPERM = -1;
const V4 = 2;

interface Sa {
  spi: number;
  to: string;
  from: string;
}

const V4_HOSTS = ["c0000201", "c0000202"];
const V6_HOSTS = ["20010db8000000000000000000000001", "20010db8000000000000000000000002"];

/** The fixture's, of VPNs with rekey: in and out, by turns. */
const SAS = [
  ...pair(0x65a7d991, 0xc78def04, V4_HOSTS),
  ...pair(0x3a087640, 0x370eb04f, V6_HOSTS),
  ...pair(0x03de1ce6, 0x6149e7ef, V4_HOSTS),
];

function pair(spi_in: number, spi_out: number, [local = "", remote = ""]: string[]): Sa[] {
  return [
    { spi: spi_in, to: local, from: remote },
    { spi: spi_out, to: remote, from: local },
  ];
}

function messages(bytes: Buffer): { type: number; seq: number; body: Buffer }[] {
  const found = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at)) {
    const body = bytes.subarray(at + HEADER_BYTES, at + bytes.readUInt32LE(at));
    found.push({ type: bytes.readUInt16LE(at + 4), seq: bytes.readUInt32LE(at + 8), body });
  }
  return found;
}

function told({ spi, to, from }: Sa, seq: number, packets = 7): Buffer {
  const body = Buffer.alloc(84);
  body.write(to, 0, "hex");
  body.writeUInt32BE(spi, 16);
  body.writeUInt16LE(to.length === 8 ? V4 : 10, 20);
  body.writeUInt8(50, 22);
  body.write(from, ID_BYTES, "hex");
  body.writeUInt16LE(36, 48);
  body.writeUInt16LE(9, 50);
  body.writeUInt32LE(packets, 60);
  body.writeUInt32LE(1, 68);
  return message(NEWAE, body, seq);
}

function refused(errno: number, seq: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeInt32LE(errno, 0);
  return message(ERROR, body, seq);
}

/** The kernel has them all, and no packet goes through them. */
function idle(asked: Buffer): Buffer {
  const answers = messages(asked).map(({ type, seq, body }) => {
    const sa = SAS.find(({ spi }) => spi === body.readUInt32BE(16));
    return type === GETAE && sa !== undefined ? told(sa, seq) : Buffer.alloc(0);
  });
  return Buffer.concat(answers);
}

/** Until the kernel is asked for the first time, or has been asked to remove something. */
function started(type: number): (engine: FuzzedEngine) => void {
  return (engine) => {
    const site = new Site(engine).start();
    engine.call("xfrmOpened", 0);
    site.configure(CONFIGURATION).run(25_000);
    let asked = false;
    site.tells_sas = (bytes) => {
      asked = messages(bytes).some((request) => request.type === type);
      return asked ? Buffer.alloc(0) : idle(bytes);
    };
    site.has_other_sas = true;
    site.take(engine.call("viciClosed", 104));
    for (let i = 0; i < 120 && !asked; i++) site.run(1_000);
    if (!asked) throw new Error(`the kernel is not asked by ${type}`);
  };
}

function reads(input: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 2 <= input.length && found.length < 100;) {
    const length = input.readUInt16LE(at);
    found.push(input.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

function encode(stage: number, of: Buffer[]): Buffer {
  const parts = of.flatMap((bytes) => [
    Buffer.from([bytes.length & 255, bytes.length >> 8]),
    bytes,
  ]);
  return Buffer.concat([Buffer.from([stage]), ...parts]);
}

function removesOnlyKnown({ kind, bytes }: ActionRecord): void {
  if (kind !== Action.XFRM_SEND) return;
  for (const { type, body } of messages(bytes)) {
    const known = SAS.some(({ spi, to }) => {
      return spi === body.readUInt32BE(16) && body.toString("hex").startsWith(to);
    });
    hold(known, "asks only for SAs that a charon had", () => body.toString("hex"));
    hold(type === GETAE || type === DELSA, "asks and removes", () => String(type));
  }
}

/** Numbers of the first questions that are open in each stage, and of later ones. */
const FIRST_SEQS = [64, 128, 192, 704, 768, 896];
const SEQS = FIRST_SEQS.flatMap((first) => SAS.map((_, i) => first + i));

function any(random: Random): Buffer {
  const seq = random.percent(90) ? random.one(SEQS) : random.below(1_024);
  if (random.percent(40)) {
    return refused(random.one([0, ESRCH, EPERM, -22, random.below(1 << 30)]), seq);
  }
  const bytes = told(random.one(SAS), seq, random.below(20));
  if (random.percent(30)) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

export const xfrm_target: Target = {
  name: "xfrm",
  reads: "the kernel's socket for SAs",
  max_bytes: 4_096,
  stages: [started(GETAE), started(DELSA)],
  run(input, engine) {
    const also = engine.watch;
    engine.watch = (action) => {
      also?.(action);
      removesOnlyKnown(action);
    };
    const site = new Site(engine);
    site.tells_sas = idle;
    site.has_other_sas = true;
    for (const bytes of reads(input)) {
      site.take(engine.xfrm(bytes));
      site.work();
    }
    site.run(60_000);
    const { vpns } = site.json("vpn net") as { vpns: { state: string }[] };
    hold(vpns[0]?.state === "up", "leaves the VPN up", () => JSON.stringify(vpns[0]));
  },
  seeds() {
    const samples = FIRST_SEQS.flatMap((first) => [
      [Buffer.concat(SAS.map((sa, i) => told(sa, first + i)))],
      SAS.map((sa, i) => told(sa, first + i, 9)),
      SAS.map((_, i) => refused(ESRCH, first + i)),
      SAS.map((_, i) => refused(i === 3 ? EPERM : 0, first + i)),
      [told(SAS[0]!, first).subarray(0, 90), refused(0, first + 1).subarray(0, 18)],
    ]);
    return samples.flatMap((of) => [encode(0, of), encode(1, of)]);
  },
  dictionary: [ERROR, NEWAE].map((type) => message(type, Buffer.alloc(84), 64)),
  mutate(random, input, other) {
    const of = reads(input.subarray(1));
    of.splice(random.below(of.length + 1), 0, any(random));
    if (random.percent(30)) of.push(...reads(other.subarray(1)));
    return encode(input[0] ?? 0, of);
  },
};
