/**
 * The vici stream between rekeyd and charon, both directions, as text. Two conversations about the
 * same scenario can be compared, whoever was charon: lines must be the same, and what a list shows
 * in passing must be a state that the other went through at the same place (compare.ts).
 */
import { decode, Packet, type Section } from "../../host/node/sim/model/vici.ts";
import {
  answerText,
  connectionText,
  eventText,
  requestText,
  saText,
  type Detail,
} from "./canonical.ts";

export type Speaker = "rekeyd" | "charon";

/** What one step of a scenario brought. */
export interface Chapter {
  step: string;
  lines: string[];
  /** What lists showed, and after how many of the chapter's lines. */
  samples: { after: number; text: string }[];
  /** The SAs at its end. */
  end: string[];
}

const NONE = "none";
const ALERT = "alert";

export class Conversation {
  readonly chapters: Chapter[] = [];
  /** How many vici packets went to and fro. */
  packets = 0;
  /** When the last line came, by the clock of whoever records. */
  last_ms = 0;
  private readonly buffers = { rekeyd: Buffer.alloc(0), charon: Buffer.alloc(0) };
  /** Another charon counts its SAs from 1 again. */
  private generation = 0;
  /** The command that is not answered yet, and where its answer will stand. */
  private asked: { command: string; at: { chapter: Chapter; index: number } } | undefined;
  private connections: string[] = [];
  private known_connections = "";
  private items = 0;
  private registering: string[] = [];
  private confirmed: string[] = [];
  private until: { pattern: RegExp; times: number } | undefined;
  private following = "";
  private stopped = false;

  constructor(private readonly clock: () => number) {}

  /** The scenario goes on to its next step; it ends `behind` a line that comes so many times. */
  begin(step: string, behind?: RegExp, times = 1): void {
    if (this.following === "") this.chapters.push({ step, lines: [], samples: [], end: [] });
    else this.chapter.step = step;
    this.following = "";
    this.until = behind && { pattern: behind, times };
  }

  /** Whether that line has come. */
  get hasEnded(): boolean {
    return this.following !== "";
  }

  /** Whether the step has brought anything but lists. */
  get hasLines(): boolean {
    return this.chapter.lines.length > 0;
  }

  /** What is said from now on, because the stage is taken down, is no part of it. */
  stop(): void {
    this.stopped = true;
  }

  /** charon was started anew. */
  newCharon(): void {
    this.generation++;
  }

  opened(): void {
    this.buffers.rekeyd = this.buffers.charon = Buffer.alloc(0);
    this.registering = [];
    this.confirmed = [];
    this.asked = undefined;
    this.known_connections = "";
    this.say("opened");
  }

  closed(): void {
    this.say("closed");
  }

  /** Bytes of the stream, however they are cut. */
  hear(by: Speaker, bytes: Buffer): void {
    let buffer = Buffer.concat([this.buffers[by], bytes]);
    while (buffer.length >= 4) {
      const end = 4 + buffer.readUInt32BE(0);
      if (buffer.length < end) break;
      this.packets++;
      this.understand(by, buffer.subarray(4, end));
      buffer = buffer.subarray(end);
    }
    this.buffers[by] = buffer;
  }

  /** A state that charon is in: where a list would show it, if rekeyd asked now. */
  pass(sas: Section[]): void {
    for (const sa of this.saTexts(sas, "list")) this.sample(sa);
  }

  /** How it ends: the SAs when all is calm. */
  end(sas: Section[]): void {
    const chapter = this.hasEnded ? this.chapters.at(-2)! : this.chapter;
    chapter.end = this.saTexts(sas, "calm");
  }

  private get chapter(): Chapter {
    return this.chapters.at(-1)!;
  }

  private say(line: string): void {
    if (this.stopped) return;
    this.last_ms = this.clock();
    this.chapter.lines.push(line);
    if (this.until === undefined || !this.until.pattern.test(line)) return;
    if (--this.until.times > 0) return;
    this.until = undefined;
    this.following = "?";
    this.chapters.push({ step: this.following, lines: [], samples: [], end: [] });
  }

  private sample(text: string): void {
    const { samples, lines } = this.chapter;
    const after = lines.length;
    if (!samples.some((known) => known.after === after && known.text === text)) {
      samples.push({ after, text });
    }
  }

  private saTexts(sas: Section[], detail: Detail): string[] {
    const texts = sas.flatMap((message) =>
      Object.entries(message).map(([name, ike]) =>
        saText(name, ike as Section, this.generation, detail),
      ),
    );
    return texts.length > 0 ? texts : [NONE];
  }

  private understand(by: Speaker, packet: Buffer): void {
    const type = packet[0] as Packet;
    const named = [Packet.CMD_REQUEST, Packet.EVENT_REGISTER, Packet.EVENT].includes(type);
    const name_end = named ? 2 + packet[1]! : 1;
    const name = packet.toString("utf8", 2, name_end);
    const message = decode(packet.subarray(name_end));
    if (by === "rekeyd") this.request(type, name, message);
    else this.answer(type, name, message);
  }

  private request(type: Packet, name: string, message: Section): void {
    if (type === Packet.EVENT_REGISTER) {
      this.registering.push(name);
      return;
    }
    if (name !== "list-sas" && name !== "list-conns") {
      this.say(requestText(name, message, this.generation));
    }
    const { chapter } = this;
    this.asked = { command: name, at: { chapter, index: chapter.lines.length } };
    this.items = 0;
    this.connections = [];
  }

  private answer(type: Packet, name: string, message: Section): void {
    switch (type) {
      case Packet.EVENT_CONFIRM:
      case Packet.EVENT_UNKNOWN:
        this.registered(this.registering.shift()!, type);
        if (this.registering.length === 0) this.say(`register ${this.confirmed.join(", ")}`);
        break;
      case Packet.EVENT:
        this.event(name, message);
        break;
      case Packet.CMD_RESPONSE:
        this.finish(answerText(message));
        break;
      default:
        this.finish(`< ${Packet[type]}`);
    }
  }

  /** Whether charon knows alerts hangs on its version, and what it says in them is no line. */
  private registered(name: string, answer: Packet): void {
    if (name !== ALERT) this.confirmed.push(`${name} ${Packet[answer]}`);
  }

  private event(name: string, message: Section): void {
    if (name === ALERT) return;
    if (name === "list-sa") {
      this.items++;
      this.pass([message]);
    } else if (name === "list-conn") {
      this.connections.push(connectionText(message));
    } else {
      this.say(eventText(name, message, this.generation));
    }
  }

  private finish(answer: string): void {
    const { command, at } = this.asked!;
    this.asked = undefined;
    if (command === "list-sas") {
      if (this.items === 0) this.sample(NONE);
    } else if (command === "list-conns") {
      const shown = ["connections", ...this.connections.sort()].join("\n  ");
      if (shown !== this.known_connections) this.say(shown);
      this.known_connections = shown;
    } else {
      // Directly behind its request: charon's threads raise events without waiting for each other.
      this.last_ms = this.clock();
      at.chapter.lines.splice(at.index, 0, answer);
      for (const sample of at.chapter.samples) if (sample.after >= at.index) sample.after++;
    }
  }
}
