/**
 * Scenarios that are played twice: by the shipped engine with the model of charon in simulated
 * time, and by rekeyd with real strongSwan in the lab. The threshold is 3.
 */
import type { Conversation } from "./conversation.ts";

/** What can happen to the tunnel; every stage knows how to bring it about. */
export const DEEDS = [
  "rekeyd starts",
  "rekeyd is restarted",
  "the tunnel is made by hand",
  "the tunnel is asked for by hand",
  "nothing passes",
  "everything passes",
  "the SA goes dead",
  "the peer is restarted",
  "the peer is restarted and initiates",
  "our charon is restarted",
  "our charon stands still for a while",
  "the peer refuses the key",
  "the peer refuses the proposal",
  "the peer refuses the selectors",
  "the peer accepts",
  "the CHILD_SA is rekeyed by hand",
  "the peer rekeys the CHILD_SA",
  "the IKE_SA is rekeyed by hand",
  "the peer rekeys the IKE_SA",
  "both ends rekey the CHILD_SA",
  "both ends ask for the tunnel",
  "the CHILD_SA is terminated by hand",
  "the peer terminates the CHILD_SA",
  "the IKE_SA is terminated by hand",
  "the peer terminates the IKE_SA",
  "the connection is unloaded",
  "the connection is loaded",
  "time passes",
] as const;
export type Deed = (typeof DEEDS)[number];

/** When a step is over. */
export type End =
  /** Something was said, but for a while nothing but lists; and every VPN is up. */
  | "up"
  /** For a while nothing was said but lists. */
  | "quiet"
  /** Behind a line of the conversation (canonical.ts), the first or a later one, and a pause. */
  | { behind: RegExp; times?: number; pause_ms?: number };

export interface Setup {
  /** How many children the connection has, each monitored as a VPN; they are called net0 and on. */
  children?: number;
  version?: 1 | 2;
  /** Of the VPNs; default: 1. What takes a loaded machine some time must end within one. */
  interval_s?: number;
  /** Of the CHILD_SAs at our end, in seconds. */
  life_time_s?: number;
  rekey_time_s?: number;
  /** Of the IKE_SA at our end. */
  ike_rekey_time_s?: number;
  /** When our end authenticates anew. */
  reauth_time_s?: number;
  /** How long either charon waits for an answer, try by try; default: strongSwan's. */
  retransmit_ms?: number[];
  /** Whether the VPNs have `rekey`; default: yes. */
  rekey?: boolean;
}

export interface Scenario {
  name: string;
  /** Whether the course hangs on chance: the model then has several tries. */
  chance?: boolean;
  setup?: Setup;
  steps: [Deed, End][];
}

/** One side of the comparison. */
export interface Stage {
  readonly conversation: Conversation;
  do(deed: Deed): Promise<void>;
  /** Ends when the step does; throws if that takes too long. */
  until(end: End): Promise<void>;
}

/** For so long nothing happens, when it is quiet. */
export const QUIET_MS = 1_500;

/** Plays it to its end. */
export async function play({ steps }: Scenario, stage: Stage): Promise<void> {
  for (const [deed, end] of steps) {
    if (typeof end === "object") stage.conversation.begin(deed, end.behind, end.times);
    else stage.conversation.begin(deed);
    await stage.do(deed);
    await stage.until(end);
  }
  stage.conversation.stop();
}

const INITIATE = /^> initiate/;
/** While the third attempt waits for an answer. */
const IN_ATTEMPT: End = { behind: INITIATE, times: 3, pause_ms: 600 };
/** Long enough for faults that are to be over before it is given up. */
const PATIENT = Array<number>(15).fill(1_000);
/** Until charon acts by itself: not before the first step is over. */
const SOON_S = 12;
const UP: [Deed, End] = ["rekeyd starts", "up"];

export const SCENARIOS: Scenario[] = [
  { name: "cold", steps: [UP] },
  {
    name: "adopted",
    steps: [["the tunnel is made by hand", "quiet"], UP, ["rekeyd is restarted", "up"]],
  },
  { name: "dead-sa", steps: [UP, ["the SA goes dead", "up"]] },
  { name: "peer-restart", setup: { interval_s: 2 }, steps: [UP, ["the peer is restarted", "up"]] },
  {
    name: "peer-initiates",
    setup: { interval_s: 5 },
    steps: [UP, ["the peer is restarted and initiates", "up"]],
  },
  { name: "own-restart", steps: [UP, ["our charon is restarted", "up"]] },
  {
    name: "unreachable",
    setup: { interval_s: 2 },
    steps: [UP, ["nothing passes", IN_ATTEMPT], ["everything passes", "up"]],
  },
  {
    name: "never-reached",
    setup: { interval_s: 2 },
    steps: [
      ["nothing passes", "quiet"],
      ["rekeyd starts", IN_ATTEMPT],
      ["everything passes", "up"],
    ],
  },
  ...(["key", "proposal", "selectors"] as const).map((what): Scenario => ({
    name: `refused-${what}`,
    steps: [
      [`the peer refuses the ${what}`, "quiet"],
      ["rekeyd starts", { behind: INITIATE, times: 2, pause_ms: 400 }],
      ["the peer accepts", "up"],
    ],
  })),
  // What the two have agreed on is rekeyed, whatever has been configured since.
  {
    name: "outdated",
    steps: [UP, ["the peer refuses the selectors", "quiet"], ["the SA goes dead", "up"]],
  },
  {
    name: "rekeyed-child",
    steps: [
      UP,
      ["the CHILD_SA is rekeyed by hand", "up"],
      ["the peer rekeys the CHILD_SA", "up"],
      ["the IKE_SA is terminated by hand", "up"],
    ],
  },
  {
    name: "rekeyed-ike",
    steps: [
      UP,
      ["the IKE_SA is rekeyed by hand", "up"],
      ["the peer rekeys the IKE_SA", "up"],
      ["the CHILD_SA is rekeyed by hand", "up"],
    ],
  },
  {
    name: "terminated-child",
    steps: [
      UP,
      ["the CHILD_SA is terminated by hand", "up"],
      ["the peer terminates the CHILD_SA", "up"],
    ],
  },
  {
    name: "terminated-ike",
    steps: [
      UP,
      ["the IKE_SA is terminated by hand", "up"],
      ["the peer terminates the IKE_SA", "up"],
    ],
  },
  {
    name: "collision",
    chance: true,
    setup: { rekey: false, retransmit_ms: PATIENT },
    steps: [
      ["the tunnel is made by hand", "quiet"],
      UP,
      ["nothing passes", "quiet"],
      ["both ends rekey the CHILD_SA", "quiet"],
      ["everything passes", "quiet"],
    ],
  },
  {
    name: "duplicates",
    chance: true,
    setup: { rekey: false, retransmit_ms: PATIENT },
    steps: [
      ["nothing passes", "quiet"],
      ["rekeyd starts", "quiet"],
      ["both ends ask for the tunnel", "quiet"],
      ["everything passes", "up"],
    ],
  },
  {
    name: "reauthenticated",
    setup: { reauth_time_s: SOON_S },
    steps: [UP, ["time passes", { behind: /child-updown up/ }], ["time passes", "quiet"]],
  },
  {
    name: "soft-expiry",
    setup: { rekey_time_s: SOON_S, life_time_s: 60 },
    steps: [UP, ["time passes", { behind: /child-rekey/ }], ["time passes", "quiet"]],
  },
  {
    name: "ike-expiry",
    setup: { ike_rekey_time_s: SOON_S },
    steps: [UP, ["time passes", { behind: /ike-rekey/, pause_ms: 400 }]],
  },
  {
    name: "hard-expiry",
    setup: { life_time_s: SOON_S, rekey: false },
    steps: [
      ["the tunnel is made by hand", "quiet"],
      UP,
      ["time passes", { behind: /child-updown up/ }],
      ["time passes", "quiet"],
    ],
  },
  {
    name: "renewed",
    setup: { life_time_s: 2 * SOON_S },
    steps: [UP, ["time passes", { behind: /^> rekey/ }], ["time passes", "up"]],
  },
  {
    name: "given-up",
    setup: { rekey: false, retransmit_ms: [500, 500] },
    steps: [
      ["the tunnel is made by hand", "quiet"],
      UP,
      ["nothing passes", "quiet"],
      ["the CHILD_SA is rekeyed by hand", { behind: /ike-updown/ }],
      ["time passes", "quiet"],
    ],
  },
  {
    name: "given-up-connecting",
    setup: { rekey: false, retransmit_ms: [500, 500] },
    steps: [
      ["nothing passes", "quiet"],
      ["rekeyd starts", "quiet"],
      ["the tunnel is asked for by hand", "quiet"],
      ["everything passes", "quiet"],
    ],
  },
  {
    name: "unloaded",
    // The next attempt is to come well after the connection is there again.
    setup: { interval_s: 5 },
    steps: [
      UP,
      ["the connection is unloaded", "quiet"],
      ["the IKE_SA is terminated by hand", { behind: INITIATE, pause_ms: 200 }],
      ["the connection is loaded", "up"],
    ],
  },
  { name: "standstill", steps: [UP, ["our charon stands still for a while", "quiet"]] },
  {
    name: "siblings",
    chance: true,
    setup: { children: 2, interval_s: 2 },
    steps: [UP, ["the SA goes dead", "up"], ["the peer is restarted", "up"]],
  },
  {
    name: "siblings-terminated",
    chance: true,
    setup: { children: 2, interval_s: 2 },
    steps: [
      UP,
      ["the CHILD_SA is terminated by hand", "up"],
      ["the IKE_SA is rekeyed by hand", "up"],
      ["the IKE_SA is terminated by hand", "up"],
    ],
  },
  {
    name: "ikev1",
    setup: { version: 1, interval_s: 2 },
    steps: [UP, ["the SA goes dead", "up"], ["the peer is restarted", "up"]],
  },
];
