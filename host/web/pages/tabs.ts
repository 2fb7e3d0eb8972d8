/**
 * A browser has six connections to a host for all of its tabs, and each stream holds one. So the
 * tabs that were used last have a stream, and the others rest until they are used again.
 */

/** Two connections stay free for requests. */
const MAX_LIVE = 4;
const USES = ["focus", "pointerdown", "keydown"];

const own = crypto.getRandomValues(new Uint32Array(4)).join("-");
/** Tabs that have been used since this one was. */
const later = new Set<string>();
const channel = new BroadcastChannel("rekeyd-web");

interface Told {
  tab: string;
  is_open: boolean;
}

const tell = (is_open: boolean): void => channel.postMessage({ tab: own, is_open } satisfies Told);

/** This tab is the one that is used. */
export function takeTurn(): void {
  later.clear();
  tell(true);
}

/** This tab needs no connection. */
export function leaveTurn(): void {
  tell(false);
}

/** Calls `rest` when others need the connection, and `use` when this tab is used after others. */
export function shareTurns({ rest, use }: { rest: () => void; use: () => void }): void {
  channel.addEventListener("message", ({ data: { tab, is_open } }: MessageEvent<Told>) => {
    if (is_open) later.add(tab);
    else later.delete(tab);
    if (later.size >= MAX_LIVE) rest();
  });
  for (const kind of USES) {
    addEventListener(kind, () => {
      if (later.size > 0) use();
    });
  }
  addEventListener("pagehide", leaveTurn);
}
