export const sleep = (duration_ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, duration_ms));

export interface WaitOptions<T> {
  /** Between two looks. */
  every_ms?: number;
  /** What one look saw, as a text; distinct ones are listed when the wait fails. */
  show?: (seen: T) => string;
}

/** How much later than elsewhere everything may come on a machine that has other things to do. */
export const GRACE_MS = 5_000;

const HISTORY_LINES = 12;
const MAX_SHOWN = 400;

/**
 * Looks until `look` returns something `enough` accepts, and returns it. Every wait has a bound;
 * some time after it, it throws, and tells what it saw and when it changed.
 */
export async function waitUntil<T>(
  what: string,
  within_ms: number,
  look: () => T | Promise<T>,
  enough: (seen: T) => boolean,
  options: WaitOptions<T> = {},
): Promise<T> {
  const { every_ms = 50, show = (seen: T) => JSON.stringify(seen) } = options;
  const begin = performance.now();
  const history: string[] = [];
  let last = "";
  for (;;) {
    let text: string;
    try {
      const seen = await look();
      if (enough(seen)) return seen;
      text = (show(seen) ?? String(seen)).slice(0, MAX_SHOWN);
    } catch (error) {
      text = error instanceof Error ? error.message : String(error);
    }
    const elapsed_ms = performance.now() - begin;
    if (text !== last) {
      history.push(`  at ${(elapsed_ms / 1000).toFixed(2)} s: ${text}`);
      last = text;
    }
    if (elapsed_ms >= within_ms + GRACE_MS) {
      const lines = history.slice(-HISTORY_LINES).join("\n");
      throw new Error(`${what}: not within ${within_ms / 1000} s; seen\n${lines}`);
    }
    await sleep(every_ms);
  }
}

/** The same for a plain yes or no. */
export async function waitFor(
  what: string,
  within_ms: number,
  look: () => boolean | Promise<boolean>,
  every_ms = 50,
): Promise<void> {
  await waitUntil(what, within_ms, look, (seen) => seen, { every_ms });
}
