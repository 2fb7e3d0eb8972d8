/** What the server tells by itself: states each second, events, and when there is no daemon. */
import { ask, isReachable, session } from "./api.ts";
import { joined, newIn } from "./logic/events.ts";
import { extended, type Sample } from "./logic/history.ts";
import type { LogEvent, Vpn } from "./logic/model.ts";
import { Store } from "./logic/store.ts";
import { leaveTurn, shareTurns, takeTurn } from "./tabs.ts";

export type Link =
  | { state: "opening" | "live" }
  /** The stream is broken, and opened again and again; or left to other tabs. */
  | { state: "lost" | "resting"; since_ms: number }
  /** The server is there, and no daemon answers it; or one that does not tell so much. */
  | { state: "away" | "refused"; since_ms: number; why: string };

export interface Configuration {
  path: string;
  saved: boolean;
  refused: { time: string; mistakes: number; first: string } | null;
}

export interface Overview {
  interval_ms: number;
  threshold: number;
  connected: boolean;
  vici: string;
  configuration: Configuration | null;
}

export const link = new Store<Link>({ state: "opening" });
/** null: not told yet. */
export const vpns = new Store<Vpn[] | null>(null);
export const histories = new Store<ReadonlyMap<string, readonly Sample[]>>(new Map());
export const log = new Store<readonly LogEvent[]>([]);
/** Counts what may have changed the configuration. */
export const changes = new Store(0);
export const overview = new Store<Overview | null>(null);

const AGAIN_MS = 2_000;
/** The daemon's own events: the configuration may be another. */
const DAEMON_EVENT = 767;

/** A stream without a beat for so long may be dead: a way that only swallows breaks nothing. */
const MAX_SILENCE_MS = 12_000;
const LOOK_MS = 2_000;

let source: EventSource | null = null;
/** When the stream said something last. */
let heard_ms = 0;
let look: ReturnType<typeof setInterval> | undefined;
let again: ReturnType<typeof setTimeout> | undefined;

shareTurns({
  rest() {
    if (session.value === "open") restFeed();
  },
  use() {
    if (session.value === "open") openFeed();
  },
});

/** Opens the stream; it heals by itself, until the session is over or other tabs need its place. */
export function openFeed(): void {
  takeTurn();
  connect();
}

function connect(): void {
  if (source !== null) return;
  const stream = new EventSource("stream");
  source = stream;
  heard_ms = Date.now();
  clearInterval(look);
  look = setInterval(lookForSilence, LOOK_MS);
  const hear = (kind: string, take: (data: string) => void): void =>
    stream.addEventListener(kind, (event: MessageEvent<string>) => {
      heard_ms = Date.now();
      take(event.data);
    });
  hear("vpns", (data) => {
    tellVpns((JSON.parse(data) as { vpns: Vpn[] }).vpns);
  });
  hear("log", (data) => {
    const { events } = JSON.parse(data) as { events: LogEvent[] };
    const fresh = newIn(events, log.value);
    if (fresh.length === 0) return;
    log.set(joined(log.value, fresh));
    if (fresh.some(({ id }) => id === DAEMON_EVENT)) noteChange();
  });
  hear("beat", () => {});
  hear("away", (data) => {
    const { error } = JSON.parse(data) as { error: string };
    breakLink({ state: "away", since_ms: Date.now(), why: error });
    void lookForDaemon();
  });
  stream.addEventListener("error", () => {
    breakLink({ state: "lost", since_ms: Date.now() });
    // The browser tries again by itself, but not after an answer that was no stream.
    if (stream.readyState === EventSource.CLOSED) void reopen();
  });
}

export function closeFeed(): void {
  disconnect();
  leaveTurn();
  link.set({ state: "opening" });
}

function restFeed(): void {
  disconnect();
  breakLink({ state: "resting", since_ms: Date.now() });
}

function disconnect(): void {
  clearTimeout(again);
  clearInterval(look);
  source?.close();
  source = null;
}

/** Who logs out leaves nothing behind in the page. */
export function forget(): void {
  vpns.set(null);
  histories.set(new Map());
  log.set([]);
  overview.set(null);
}

/** A stream that is opened anew tells all. */
function lookForSilence(): void {
  if (source === null || Date.now() - heard_ms < MAX_SILENCE_MS) return;
  heard_ms = Date.now();
  void isReachable().then((reachable) => {
    if (source === null) return;
    if (!reachable) breakLink({ state: "lost", since_ms: Date.now() });
    source.close();
    source = null;
    connect();
  });
}

/** Whether the session is over tells a request: an EventSource hides the status. */
async function reopen(): Promise<void> {
  source?.close();
  source = null;
  await refresh();
  if (session.value !== "open" || link.value.state === "resting") return;
  clearTimeout(again);
  again = setTimeout(connect, AGAIN_MS);
}

function tellVpns(told: Vpn[]): void {
  if (link.value.state !== "live") {
    if ("since_ms" in link.value) noteChange();
    link.set({ state: "live" });
    void refresh();
  }
  histories.set(extended(histories.value, told, Date.now()));
  vpns.set(told);
}

function noteChange(): void {
  changes.set(changes.value + 1);
  void refreshOverview();
}

/** One that answers has refused what the stream asks for: there are too many VPNs. */
async function lookForDaemon(): Promise<void> {
  const answers = await refreshOverview();
  const { value } = link;
  if (answers && value.state === "away") link.set({ ...value, state: "refused" });
}

/** It began when the first of these was told. */
function breakLink(broken: Extract<Link, { since_ms: number }>): void {
  const { value } = link;
  if ("since_ms" in value) link.set({ ...broken, since_ms: value.since_ms });
  else link.set(broken);
}

/** Asks for what the stream does not tell. */
async function refresh(): Promise<void> {
  await refreshOverview();
  try {
    const { events } = await ask<{ events: LogEvent[] }>("get", "event");
    // Who has logged out meanwhile leaves nothing behind.
    if (session.value === "open") log.set(joined(events, log.value));
  } catch {
    // The stream says what is wrong, and comes back.
  }
}

/** Whether there are changes that are not saved, among others. False: nobody answers. */
export async function refreshOverview(): Promise<boolean> {
  try {
    overview.set(await ask<Overview>("get", "vpnmonitor"));
    return true;
  } catch {
    return false;
  }
}
