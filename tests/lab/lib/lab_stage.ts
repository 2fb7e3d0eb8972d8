/** A scenario played by rekeyd with real strongSwan. */
import * as path from "node:path";
import { show } from "../../model/compare.ts";
import { Conversation } from "../../model/conversation.ts";
import {
  play,
  QUIET_MS,
  type Deed,
  type End,
  type Scenario,
  type Setup,
  type Stage,
} from "../../model/scenario.ts";
import { vpnSpec, withLab, type Gateway, type Lab } from "./lab.ts";
import { Relay } from "./relay.ts";
import type { Rekeyd } from "./rekeyd.ts";
import { DEFAULT_CONNECTION, type ConnectionSpec, type Options } from "./swanctl_conf.ts";
import type { Section } from "../../../host/node/sim/model/vici.ts";
import { viciCommand } from "./vici.ts";
import { sleep, waitFor } from "./wait.ts";

const STEP_MS = 40_000;
const LOOK_MS = 20;
const STANDSTILL_MS = 1_500;
/** So much later the other end does the same. */
const ASIDE_MS = 400;
const FIRST = "net0";

/** What stands in the peer's swanctl.conf, and with what it refuses. */
const REFUSALS = {
  key: [/secret = "lab"/, 'secret = "another"'],
  proposal: [/aes128-sha256-x25519/, "aes256-sha512-x25519"],
  selectors: [/10\.(\d)\.0\.0\/24/g, "10.$1.3.0/24"],
} as const;

function connectionOf(setup: Setup): ConnectionSpec {
  const ours: Options = { life_time: setup.life_time_s ?? 0, rekey_time: setup.rekey_time_s ?? 0 };
  const ike: Options = {
    rekey_time: setup.ike_rekey_time_s ?? 0,
    reauth_time: setup.reauth_time_s ?? 0,
    over_time: 60,
  };
  const exactly: Options = { rand_time: 0 };
  return {
    name: DEFAULT_CONNECTION,
    version: setup.version ?? 2,
    a: { ...ike, ...exactly },
    children: Array.from({ length: setup.children ?? 1 }, (_, net) => ({
      name: `net${net}`,
      net,
      a: { ...ours, ...exactly },
    })),
  };
}

/** The same pause before each retransmission. */
function retransmission(waits_ms: number[] | undefined): string {
  if (waits_ms === undefined) return "";
  const timeout_s = waits_ms[0]! / 1000;
  return `retransmit_base = 1
  retransmit_timeout = ${timeout_s}
  retransmit_tries = ${waits_ms.length - 1}`;
}

export class LabStage implements Stage {
  readonly conversation = new Conversation(() => performance.now());
  private rekeyd!: Rekeyd;
  private relay!: Relay;

  private constructor(
    private readonly lab: Lab,
    private readonly setup: Setup,
  ) {}

  /** Plays it, and answers what was said. */
  static conversation(scenario: Scenario): Promise<Conversation> {
    const setup = scenario.setup ?? {};
    const settings = retransmission(setup.retransmit_ms);
    const options = {
      connections: [connectionOf(setup)],
      charon: { a: settings, b: settings },
    };
    return withLab(`model-${scenario.name}`, options, async (lab) => {
      const stage = new LabStage(lab, setup);
      try {
        await stage.start();
        await play(scenario, stage);
      } catch (error) {
        const told = `${show(stage.conversation.chapters)}\n${stage.rekeyd.log()}`;
        throw new Error(`${(error as Error).message}\n${told}`, { cause: error });
      } finally {
        stage.relay?.close();
      }
      return stage.conversation;
    });
  }

  private async start(): Promise<void> {
    const { a, state } = this.lab;
    const vici = path.join(state.folder, "relay.vici");
    const children = this.setup.children ?? 1;
    const vpns = Array.from({ length: children }, (_, net) =>
      vpnSpec({ child: `net${net}`, rekey: Number(this.setup.rekey ?? true) }, `net${net}`, net),
    );
    await this.lab.start();
    this.rekeyd = a.rekeyd(vpns, { vici, interval: this.setup.interval_s ?? 1 });
    this.relay = await Relay.open(vici, a.charon.vici_path, this.conversation);
  }

  async until(end: End): Promise<void> {
    const { conversation } = this;
    if (typeof end === "object") {
      await waitFor(`${end.behind}`, STEP_MS, () => conversation.hasEnded, LOOK_MS);
      await sleep(end.pause_ms ?? 0);
    } else {
      const begin_ms = performance.now();
      const quiet = (): boolean =>
        performance.now() - Math.max(begin_ms, conversation.last_ms) >= QUIET_MS;
      const over = async (): Promise<boolean> =>
        quiet() && (end === "quiet" || (conversation.hasLines && (await this.isUp())));
      await waitFor(end, STEP_MS, over, LOOK_MS);
      conversation.end(await this.listed());
    }
  }

  private async isUp(): Promise<boolean> {
    return (await this.rekeyd.vpns()).every(({ state }) => state === "up");
  }

  private async listed(): Promise<Section[]> {
    const { charon } = this.lab.a;
    return (await viciCommand(charon.vici_path, "list-sas", {}, "list-sa")).items;
  }

  async do(deed: Deed): Promise<void> {
    await this.deeds[deed]();
  }

  private readonly deeds: Record<Deed, () => Promise<unknown> | void> = {
    "rekeyd starts": () => this.rekeyd.start(),
    "rekeyd is restarted": async () => {
      await this.rekeyd.stop();
      await this.rekeyd.start();
    },
    "the tunnel is made by hand": () => this.lab.a.charon.initiate(DEFAULT_CONNECTION, FIRST),
    "the tunnel is asked for by hand": () => {
      const asked = { ike: DEFAULT_CONNECTION, child: FIRST, timeout: "-1" };
      return viciCommand(this.lab.a.charon.vici_path, "initiate", asked);
    },
    "nothing passes": () => this.lab.router.cut(),
    "everything passes": () => this.lab.router.heal(),
    "the SA goes dead": async () => {
      const { spi_in, spi_out } = await this.lab.a.charon.waitInstalled(FIRST);
      await this.lab.router.dropSpi(spi_in, spi_out);
    },
    "the peer is restarted": () => this.lab.b.charon.restart(),
    "the peer is restarted and initiates": async () => {
      await this.lab.b.charon.restart();
      await this.lab.b.charon.initiate(DEFAULT_CONNECTION, FIRST);
    },
    "our charon is restarted": async () => {
      // rekeyd finds it when it has its connections, not between.
      this.relay.refuses = true;
      await this.lab.a.charon.kill();
      this.conversation.newCharon();
      await this.lab.a.charon.start();
      this.relay.refuses = false;
    },
    "our charon stands still for a while": async () => {
      process.kill(this.lab.a.charon.pid, "SIGSTOP");
      await sleep(STANDSTILL_MS);
      process.kill(this.lab.a.charon.pid, "SIGCONT");
    },
    "the peer refuses the key": () => this.refuse("key"),
    "the peer refuses the proposal": () => this.refuse("proposal"),
    "the peer refuses the selectors": () => this.refuse("selectors"),
    "the peer accepts": () => this.lab.b.charon.load(this.lab.b.conf),
    "the CHILD_SA is rekeyed by hand": () => this.lab.a.charon.rekey({ child: FIRST }),
    "the peer rekeys the CHILD_SA": () => this.lab.b.charon.rekey({ child: FIRST }),
    "the IKE_SA is rekeyed by hand": () => this.lab.a.charon.rekey({ ike: DEFAULT_CONNECTION }),
    "the peer rekeys the IKE_SA": () => this.lab.b.charon.rekey({ ike: DEFAULT_CONNECTION }),
    "both ends rekey the CHILD_SA": () =>
      Promise.all([this.lab.a, this.lab.b].map(({ charon }) => charon.rekey({ child: FIRST }))),
    "both ends ask for the tunnel": async () => {
      const asked = { ike: DEFAULT_CONNECTION, child: FIRST, timeout: "-1" };
      await viciCommand(this.lab.a.charon.vici_path, "initiate", asked);
      await sleep(ASIDE_MS);
      await viciCommand(this.lab.b.charon.vici_path, "initiate", asked);
    },
    "the CHILD_SA is terminated by hand": () => this.terminate(this.lab.a, { child: FIRST }),
    "the peer terminates the CHILD_SA": () => this.terminate(this.lab.b, { child: FIRST }),
    "the IKE_SA is terminated by hand": () =>
      this.terminate(this.lab.a, { ike: DEFAULT_CONNECTION }),
    "the peer terminates the IKE_SA": () => this.terminate(this.lab.b, { ike: DEFAULT_CONNECTION }),
    "the connection is unloaded": () => this.lab.a.charon.load("connections {\n}\n"),
    "the connection is loaded": () => this.lab.a.charon.load(this.lab.a.conf),
    "time passes": () => {},
  };

  private refuse(what: keyof typeof REFUSALS): Promise<void> {
    const [stands, refuses] = REFUSALS[what];
    return this.lab.b.charon.load(this.lab.b.conf.replace(stands, refuses));
  }

  /** Without force: by a DELETE, as swanctl does it unless it is told otherwise. */
  private async terminate({ charon }: Gateway, what: Section): Promise<void> {
    await viciCommand(charon.vici_path, "terminate", { ...what, timeout: "-1" });
  }
}
