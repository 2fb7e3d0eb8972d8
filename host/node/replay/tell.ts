/** A recording told call by call: what came in, what the engine made of it. */
import { getSystemErrorName } from "node:util";
import { Action } from "../engine.ts";
import { printable, severityWord, trapText } from "./action_text.ts";
import { CharonTeller, type Told } from "./charon.ts";
import { receivedReply, sentEcho } from "./echo.ts";
import { hookOutcome, hookText } from "./hook_text.ts";
import { netlinkItems, type InterfaceNames } from "./netlink.ts";
import { echoOutcomes, type EchoOutcome } from "./outcomes.ts";
import { cutSlots } from "./read_call.ts";
import type { Call, Segment, RecordedAction } from "./recording.ts";
import { followsOn, type Verdict } from "./replay.ts";
import { ViciStream } from "./vici_message.ts";
import type { VpnEntry } from "./vpns.ts";
import { xfrmTexts } from "./xfrm.ts";

/** Something that happened, in one line. */
export interface Line {
  /** Since the beginning. */
  since_ms: number;
  wall_ms: number;
  /** Who speaks: a word. */
  who: string;
  text: string;
  /** VPNs that it is about; none: all. */
  about: string[];
  /** Boring for whoever wants to know what went wrong. */
  is_detail: boolean;
  /** Lines with the same key may become one, with a count. */
  fold: string | undefined;
  /** Of an echo. */
  outcome: EchoOutcome | undefined;
}

/** The wall clock and the monotonic one may drift apart so far before it is told. */
const MAX_DRIFT_MS = 500;
/** Netlink items in one line. */
const MAX_ITEMS = 6;
const LOG_FRAME = /^\[Root\]system-(?:\w+-)?(\d{5}: .*?)(?: \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\))?$/s;

/** All lines of a recording, in order. */
export function tell(verdict: Verdict): Line[] {
  const { segments } = verdict.recording;
  const outcomes = echoOutcomes(segments.flatMap(({ calls }) => calls));
  const lines: Line[] = [];
  const teller = new Teller(verdict, outcomes, lines);
  segments.forEach((segment, i) => {
    teller.segment(segment, followsOn(segment, segments[i - 1]));
  });
  return lines;
}

class Teller {
  private now_ms = 0;
  private wall_ms = 0;
  /** The monotonic time of the beginning. */
  private begin_ms: number | undefined;
  private drift_ms: number | undefined;
  private readonly interfaces: InterfaceNames = new Map();
  private readonly to_charon = new ViciStream();
  private readonly from_charon = new ViciStream();
  private readonly charon = new CharonTeller();
  private vpns = new Map<number, VpnEntry>();
  private readonly answered = new Set<string>();

  constructor(
    private readonly verdict: Verdict,
    private readonly outcomes: Map<string, EchoOutcome>,
    private readonly lines: Line[],
  ) {}

  segment(segment: Segment, follows: boolean): void {
    const { engine, snapshot, calls } = segment;
    this.know(segment);
    const which = `version ${engine.version}, engine.wasm ${engine.sha256.slice(0, 12)}`;
    const begin = snapshot ?? calls[0];
    if (begin !== undefined) {
      if (Number(begin.now_ms) < this.now_ms) this.reboot(begin);
      this.setTime(begin);
    }
    if (snapshot === undefined) this.plain("engine", `starts: ${which}`);
    else if (follows) this.detail("engine", `segment ${engine.number} begins`);
    else {
      const names = this.vpns.size > 0 ? `; VPNs ${this.names()}` : "";
      this.plain("engine", `is running already: ${which}${names}`);
      this.to_charon.reset(true);
      this.from_charon.reset(true);
    }
    for (const call of calls) this.call(call);
  }

  private call(call: Call): void {
    this.setTime(call);
    this.know(call);
    this.input(call);
    for (const action of call.actions ?? []) this.action(action, call);
    if (call.trap !== undefined) this.plain("TRAP", `${trapText(call.trap)}, as recorded`);
    else if (call.actions === undefined) {
      this.plain("TRAP", `the recording ends within this call, '${call.name}': rekeyd was killed`);
    }
  }

  private input(call: Call): void {
    const { name, numbers, bytes } = call;
    switch (name) {
      case "configure":
        return this.configured(call);
      case "network":
        return this.network(bytes);
      case "networkLost":
        return this.plain("kernel", "messages were lost; all is listed again");
      case "xfrmOpened":
        return this.detail("kernel", ipsecText(numbers[0]!));
      case "xfrm":
        return this.detail("kernel", xfrmTexts(bytes).join("; "));
      case "replies":
        return cutSlots(bytes).forEach((slot) => this.reply(slot, numbers[0]!));
      case "viciOpened":
        this.to_charon.reset();
        this.from_charon.reset();
        this.charon.reset();
        return this.plain("charon", "is connected");
      case "viciClosed":
        return this.foldable("charon", `is not connected: ${errnoText(numbers[0]!)}`);
      case "viciBytes":
        return this.stream("charon", this.from_charon, bytes, (all) => this.charon.answers(all));
      case "command":
        return this.command(call);
      case "recorder":
        return this.plain("recorder", recorderText(numbers[0]!, numbers[1]!));
      case "hookEnded":
        return this.plain("hook", `${printable(bytes.toString("utf8"))}: ${hookOutcome(numbers)}`);
      case "saved":
        return this.plain("config", savedText(numbers[0]!));
      default:
        return this.detail("host", `${name} ${numbers.join(" ")}`.trimEnd());
    }
  }

  private configured({ numbers, bytes, actions }: Call): void {
    const path = bytes.toString("utf8", 0, Math.max(0, numbers[0]!));
    const taken = actions?.find(({ kind }) => kind === Action.CONFIG_TAKEN);
    const summary = taken?.bytes.toString("utf8") ?? "has mistakes, and nothing changes";
    this.plain("config", `${path}: ${summary}`);
    if (taken !== undefined && this.vpns.size > 0) this.detail("config", `VPNs ${this.names()}`);
  }

  private network(bytes: Buffer): void {
    const items = netlinkItems(bytes, this.interfaces);
    const shown = items.slice(0, MAX_ITEMS).map(({ text }) => text);
    if (items.length > MAX_ITEMS) shown.push(`and ${items.length - MAX_ITEMS} more`);
    const listed = items.length > 0 && items.every(({ listed }) => listed);
    const text = `${listed ? "lists " : ""}${shown.join("; ")}`;
    if (items.every(({ listed, is_local }) => listed || is_local)) this.detail("kernel", text);
    else this.foldable("kernel", text);
  }

  private reply(slot: Buffer, version: number): void {
    const reply = receivedReply(slot, version);
    if (typeof reply === "string") return this.foldable("echo", `${reply}: does not count`);
    const delay_ms = this.now_ms - reply.sent_ms;
    const { text, about } = this.vpnOf(reply.vpn, reply.peer);
    const more = `round ${reply.round}, after ${delay_ms} ms`;
    if (this.answered.has(reply.key)) {
      this.add("echo", `${text}: answered once more`, { about, fold: `again ${text}` });
    } else if (!this.outcomes.has(reply.key)) {
      this.add("echo", `${text}: reply to an echo of before, ${more}`, {
        about,
        fold: `old ${text}`,
      });
    } else this.add("echo", `${text}: reply, ${more}`, { about, is_detail: true });
    this.answered.add(reply.key);
  }

  private command({ bytes, actions }: Call): void {
    const reply = actions?.find(({ kind }) => kind === Action.REPLY)?.bytes.toString("utf8") ?? "";
    const error = reply.startsWith("error\n") ? `: ${reply.slice("error\n".length).trimEnd()}` : "";
    const text = `${bytes.toString("utf8")}${error}`;
    // So programs ask, again and again.
    if (error === "" && text.startsWith("json ")) this.detail("rekeyctl", text);
    else this.foldable("rekeyctl", text);
  }

  private action({ kind, argument, bytes }: RecordedAction, call: Call): void {
    const text = bytes.toString("utf8");
    switch (kind) {
      case Action.SEND_ECHOES:
        return cutSlots(bytes).forEach((slot) => this.echo(slot));
      case Action.VICI_CONNECT:
        return this.detail("to charon", `connect to ${text}`);
      case Action.VICI_SEND:
        return this.stream("to charon", this.to_charon, bytes, (all) => this.charon.requests(all));
      case Action.VICI_CLOSE:
        return this.plain("to charon", "the connection is closed");
      case Action.LOG: {
        const [, line = text] = LOG_FRAME.exec(text) ?? [];
        return this.add("log", `${severityWord(argument)} ${line}`, { about: this.named(line) });
      }
      case Action.CONFIG_ERROR:
        return this.plain("config", text);
      case Action.NETLINK_SEND: {
        const items = netlinkItems(bytes, this.interfaces);
        const text = items.map((item) => item.text).join("; ");
        const changes = items.some((item) => item.changes);
        return changes ? this.foldable("to kernel", text) : this.detail("to kernel", text);
      }
      case Action.XFRM_SEND:
        return this.detail("to kernel", xfrmTexts(bytes).join("; "));
      case Action.REPLY:
        return this.detail("rekeyctl", `is answered ${bytes.length} bytes`);
      case Action.RUN_HOOK:
        return this.plain("hook", hookText(bytes));
      case Action.CONFIG_TAKEN:
      case Action.LOG_JSON:
      case Action.LOG_FIELDS:
        return;
      default:
        return this.detail("engine", `action ${kind} (${argument}) of '${call.name}'`);
    }
  }

  private echo(slot: Buffer): void {
    const echo = sentEcho(slot);
    if (echo === undefined) return this.plain("echo", `${slot.length} bytes that are no echo`);
    const { text, about } = this.vpnOf(echo.vpn, echo.peer);
    const outcome = this.outcomes.get(echo.key)!;
    this.add("echo", text, { about, outcome, fold: outcomeWord(outcome) });
  }

  private vpnOf(index: number, peer: string): { text: string; about: string[] } {
    const shown = this.vpns.get(index)?.name ?? `VPN ${index + 1}`;
    return { text: `${shown} to ${peer}`, about: [shown] };
  }

  private stream(
    who: string,
    stream: ViciStream,
    bytes: Buffer,
    told: (packets: ReturnType<ViciStream["take"]>["packets"]) => Told[],
  ): void {
    const { packets, skipped_bytes } = stream.take(bytes);
    for (const { text, about, is_detail } of told(packets)) {
      const names = about.flatMap((connection) => this.vpnsOver(connection));
      this.add(who, text, { about: names, is_detail });
    }
    if (skipped_bytes > 0) this.plain(who, `${skipped_bytes} bytes that are no vici packet`);
  }

  private know(at: Call | Segment): void {
    const known = this.verdict.vpns.get(at);
    if (known !== undefined) this.vpns = new Map(known.map((vpn) => [vpn.index, vpn]));
  }

  private names(): string {
    return [...this.vpns.values()].map(({ name }) => name).join(", ");
  }

  /** VPNs that a text names, itself or by their peer. */
  private named(text: string): string[] {
    const words = new Set(text.split(/[\s'",;()]+/).map((word) => word.replace(/[.:]$/, "")));
    const named = [...this.vpns.values()].filter(({ name }) => words.has(name));
    if (named.length > 0) return named.map(({ name }) => name);
    const connections = [...words].map((word) => this.charon.connectionOf(word));
    return connections.flatMap((name) => (name === undefined ? [] : this.vpnsOver(name)));
  }

  /** VPNs over an IKE connection, and its own name. */
  private vpnsOver(connection: string): string[] {
    const over = [...this.vpns.values()].filter(({ gateway }) => gateway === connection);
    return [connection, ...over.map(({ name }) => name)];
  }

  /** The monotonic clock begins anew: what has passed is known from the other one. */
  private reboot({ now_ms, wall_ms }: { now_ms: bigint; wall_ms: bigint }): void {
    const passed_ms = Math.max(0, Number(wall_ms) - this.wall_ms);
    const since_ms = this.now_ms - (this.begin_ms ?? this.now_ms) + passed_ms;
    this.begin_ms = Number(now_ms) - since_ms;
    this.drift_ms = undefined;
  }

  private setTime({ now_ms, wall_ms }: { now_ms: bigint; wall_ms: bigint }): void {
    this.now_ms = Number(now_ms);
    this.wall_ms = Number(wall_ms);
    this.begin_ms ??= this.now_ms;
    const drift_ms = this.wall_ms - this.now_ms;
    const jump_ms = drift_ms - (this.drift_ms ?? drift_ms);
    if (Math.abs(jump_ms) > MAX_DRIFT_MS) {
      const how =
        jump_ms > 0 ? "the machine slept, or the clock was set forward" : "it was set back";
      this.plain("clock", `jumps by ${(jump_ms / 1000).toFixed(1)} s: ${how}`);
    }
    this.drift_ms = drift_ms;
  }

  private plain(who: string, text: string): void {
    this.add(who, text, {});
  }

  private detail(who: string, text: string): void {
    this.add(who, text, { is_detail: true });
  }

  private foldable(who: string, text: string): void {
    this.add(who, text, { fold: text });
  }

  private add(who: string, text: string, more: Partial<Line>): void {
    const { wall_ms } = this;
    const since_ms = this.now_ms - (this.begin_ms ?? this.now_ms);
    const rest = { about: [], is_detail: false, fold: undefined, outcome: undefined, ...more };
    this.lines.push({ since_ms, wall_ms, who, text: printable(text), ...rest });
  }
}

/** Echoes that fared alike have the same. */
function outcomeWord({ errno, delay_ms, is_open }: EchoOutcome): string {
  if (errno !== undefined) return `errno ${errno}`;
  if (delay_ms !== undefined) return "answered";
  return is_open ? "open" : "lost";
}

function ipsecText(errno: number): string {
  return errno === 0 ? "has a socket for IPsec" : `has no socket for IPsec: ${errnoText(errno)}`;
}

function recorderText(on: number, errno: number): string {
  if (on !== 0) return "records from here on";
  return `records no longer${errno === 0 ? "" : `: ${errnoText(errno)}`}`;
}

function savedText(errno: number): string {
  if (errno === 0) return "saved to its file";
  return `not saved: ${errno < 0 ? "somebody else has changed the file" : errnoText(errno)}`;
}

/** An error number of Linux in words. */
export function errnoText(errno: number): string {
  if (errno === 0) return "it closed the connection";
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
