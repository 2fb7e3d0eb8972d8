import { Lab, vpnSpec } from "../lib/lab.ts";
import type { ChildSa } from "../lib/charon.ts";
import type { Rekeyd, VpnState } from "../lib/rekeyd.ts";
import { BEST_CHILD, BEST_CONNECTION, type Options } from "../lib/swanctl_conf.ts";
import type { Outage, Ping } from "../lib/traffic.ts";
import { waitFor } from "../lib/wait.ts";
import { RekeydWeb } from "../lib/web.ts";
import type { Fault } from "./fault.ts";

const LOOK_MS = 50;
/** User traffic has stopped: longer than a moment's load on this machine. */
const SILENCE_MS = 200;
const VPN = "branch";
/** The event's id, screenos.md. */
const DOWN = 41;

export interface Verdict {
  /** From the fault to 'down'. */
  detect_ms: number | null;
  /** From 'down', or from the fault's end where that is later, until user traffic passes. */
  recover_ms: number | null;
  /** How long before its end the SA was replaced, for the fault that is the end of it. */
  renewed_before_ms: number | null;
  outage_ms: number;
  lost: number;
  /** User traffic passes again, and with rekeyd: over exactly one SA, and 'up'. */
  recovered: boolean;
  observed_ms: number;
}

/** What happened, for the timeline. */
export type Listener = (pair: Pair, text: string, at_ms?: number) => void;

/** Two gateways for one fault, with rekeyd in one of them or with strongSwan's settings alone. */
export class Pair {
  vpn: VpnState | null = null;
  private ping: Ping | null = null;
  private rekeyd: Rekeyd | null = null;
  private web: RekeydWeb | null = null;
  private listener: Listener = () => {};
  private begin_ms = 0;
  private played_ms = 0;
  private detected_ms = 0;
  private first: ChildSa | undefined;
  private installed: ChildSa[] = [];
  private renewed_ms = 0;
  private events_seen = 0;
  private silent = false;
  private watching = true;
  private watch: Promise<void> = Promise.resolve();

  private constructor(
    readonly fault: Fault,
    readonly with_rekeyd: boolean,
    readonly lab: Lab,
  ) {}

  static async create(fault: Fault, with_rekeyd: boolean): Promise<Pair> {
    const { life_time_s } = fault;
    const both: Options =
      life_time_s === undefined ? {} : { life_time: `${life_time_s}s`, rekey_time: 0 };
    // The far end waits to be called: the case that this side's remedy must cure alone.
    const children = [{ name: "net", both, a: with_rekeyd ? {} : BEST_CHILD }];
    const connection = { name: "s2s", a: with_rekeyd ? {} : BEST_CONNECTION, children };
    const lab = await Lab.create(`${fault.key}, ${with_rekeyd ? "rekeyd" : "strongSwan alone"}`, {
      kind: "demo",
      connections: [connection],
    });
    return new Pair(fault, with_rekeyd, lab);
  }

  /**
   * Starts both gateways; the tunnel comes up by rekeyd, or by strongSwan's start_action. rekeyd
   * gets a WebUI if one is wanted.
   */
  async start(listener: Listener, with_web: boolean): Promise<void> {
    this.listener = listener;
    await this.lab.start();
    if (this.with_rekeyd) {
      this.rekeyd = this.lab.a.rekeyd([vpnSpec({}, VPN)]);
      if (with_web) this.web = RekeydWeb.beside(this.rekeyd, this.lab.state);
      await this.rekeyd.start();
      await this.web?.start();
      this.vpn = await this.rekeyd.waitState(VPN, ["up"], 10_000);
    }
    this.first = await this.lab.a.charon.waitInstalled("net", 10_000);
    this.watch = this.watchAll();
    if (this.fault.life_time_s === undefined) await this.startUser();
  }

  /** A user begins to send, and the tunnel must carry it. */
  async startUser(): Promise<void> {
    const ping = await this.lab.userPing(this.fault.user_interval_ms);
    this.ping = ping;
    await waitFor("user traffic passes", 5000, () => ping.answers > 0);
  }

  /** Plays the fault. */
  async play(): Promise<void> {
    const end_of_life_ms = (this.fault.life_time_s ?? 0) * 1000;
    this.begin_ms = performance.now() + end_of_life_ms;
    await this.fault.play(this);
    this.played_ms = performance.now();
  }

  /** Whether there is nothing more to see. */
  isOver(): boolean {
    const settled_ms = (this.fault.life_time_s ?? 0) * 1000 + 5000;
    return (
      this.played_ms > 0 &&
      performance.now() - this.played_ms > settled_ms &&
      this.verdict().recovered
    );
  }

  /** The user's silence now, 0 while answers come. */
  silence_ms(): number {
    const silence_ms = this.ping?.silence_ms ?? 0;
    return silence_ms > SILENCE_MS ? silence_ms : 0;
  }

  async stop(): Promise<void> {
    this.watching = false;
    await this.watch;
    await this.ping?.stop();
  }

  verdict(): Verdict {
    const outages = this.outages();
    const last = outages[outages.length - 1];
    const passes = this.ping !== null && this.silence_ms() === 0 && last?.over !== false;
    const back_ms = last === undefined ? 0 : last.begin_ms + last.duration_ms;
    const from_ms = Math.max(this.detected_ms, this.played_ms);
    const tidy = this.vpn?.state === "up" && this.installed.length === 1;
    const renewed = this.fault.life_time_s === undefined || this.renewed_ms > 0;
    return {
      detect_ms: this.detected_ms > 0 ? this.detected_ms - this.begin_ms : null,
      recover_ms: passes && last !== undefined ? Math.max(0, back_ms - from_ms) : null,
      renewed_before_ms: this.renewed_ms > 0 ? this.begin_ms - this.renewed_ms : null,
      outage_ms: outages.reduce((sum, outage) => sum + outage.duration_ms, 0),
      lost: outages.reduce((sum, outage) => sum + outage.lost, 0),
      recovered: passes && renewed && (tidy || !this.with_rekeyd),
      observed_ms: performance.now() - this.begin_ms,
    };
  }

  private outages(): Outage[] {
    // Where no outage is expected, a single echo counts.
    const least = this.fault.life_time_s === undefined ? 2 : 1;
    return this.ping?.outages(least) ?? [];
  }

  private async watchAll(): Promise<void> {
    while (this.watching) {
      try {
        await this.look();
      } catch {
        // A daemon that is just being restarted; the next look tells.
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  private async look(): Promise<void> {
    this.installed = await this.lab.a.charon.installed("net");
    const replaced =
      this.first !== undefined &&
      this.installed.length > 0 &&
      this.installed.every((child) => child.spi_in !== this.first?.spi_in);
    if (replaced && this.renewed_ms === 0) {
      this.renewed_ms = performance.now();
      if (!this.with_rekeyd) this.listener(this, `new SA ${this.installed[0]?.spi_in}`);
    }
    this.lookAtUser();
    if (this.rekeyd === null) return;
    this.vpn = await this.rekeyd.vpn(VPN);
    const events = await this.rekeyd.events();
    for (const event of events.slice(this.events_seen)) {
      // The event knows the moment better than a look every now and then.
      const at_ms = Date.parse(event.time) - performance.timeOrigin;
      if (event.id === DOWN && this.detected_ms === 0) this.detected_ms = at_ms;
      this.listener(this, event.text, at_ms);
    }
    this.events_seen = events.length;
  }

  private lookAtUser(): void {
    const silent = this.silence_ms() > 0;
    if (silent === this.silent) return;
    this.silent = silent;
    if (silent) {
      this.listener(this, "user traffic stops", performance.now() - this.silence_ms());
    } else {
      const last = this.outages().at(-1);
      const after = last === undefined ? "" : ` after ${(last.duration_ms / 1000).toFixed(1)} s`;
      this.listener(this, `user traffic passes again${after}`);
    }
  }

  /** Where the WebUI is, with the token that lets in; empty: it has none. */
  get address(): string {
    return this.web?.address ?? "";
  }

  /** What a person at a shell can do to look around. */
  commands(): string[] {
    const { a, b } = this.lab;
    const lines = [`ip netns exec ${a.namespace.name} bash`, a.charon.swanctlLine("--list-sas")];
    if (this.rekeyd !== null) {
      lines.push(...["sa", "vpn", "event"].map((what) => this.rekeyd!.rekeyctlLine("get", what)));
      lines.push(`tail -f ${this.rekeyd.log_path}`);
    }
    lines.push(`tail -f ${a.charon.log_path} ${b.charon.log_path}`);
    return [...lines, ...this.lab.router.lines()];
  }
}
