import * as fs from "node:fs";
import type { Namespace } from "./namespace.ts";
import type { Program } from "./program.ts";
import { waitFor } from "./wait.ts";

const START_MS = 5000;
/** A pcap file with nanoseconds: its head, and the head of each packet (pcap-savefile(5)). */
const MAGIC = 0xa1b23c4d;
const FILE_HEAD_BYTES = 24;
const PACKET_HEAD_BYTES = 16;

export interface Packet {
  /** When the kernel saw it, by the clock that people use. */
  at_ms: number;
  bytes: Buffer;
}

/** tcpdump at a device. */
export class Capture {
  private constructor(
    private readonly program: Program,
    private readonly file: string,
  ) {}

  static async start(
    namespace: Namespace,
    device: string,
    filter: string,
    file: string,
  ): Promise<Capture> {
    const args = ["-i", device, "-w", file, "-U", "-Z", "root", "--time-stamp-precision", "nano"];
    const program = await namespace.spawn("tcpdump", [...args, "-s", "128", filter], {
      log: `${file}.log`,
    });
    await waitFor("tcpdump listens", START_MS, () => fs.existsSync(file));
    return new Capture(program, file);
  }

  /** Ends it; returns what it has seen. */
  async end(): Promise<Packet[]> {
    await this.program.end("SIGINT");
    const bytes = fs.readFileSync(this.file);
    if (bytes.readUInt32LE(0) !== MAGIC) throw new Error(`${this.file}: not what tcpdump writes`);
    const packets: Packet[] = [];
    for (let at = FILE_HEAD_BYTES; at < bytes.length;) {
      const [s, ns, length] = [0, 4, 8].map((offset) => bytes.readUInt32LE(at + offset));
      at += PACKET_HEAD_BYTES;
      packets.push({ at_ms: s! * 1e3 + ns! / 1e6, bytes: bytes.subarray(at, at + length!) });
      at += length!;
    }
    return packets;
  }
}
