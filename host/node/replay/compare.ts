/** Two sides held against each other: what is recorded, and what the replay has come to. */
import { actionText, trapText } from "./action_text.ts";
import { PAGE_BYTES } from "./format.ts";
import type { Outcome } from "./instance.ts";
import type { Call, Snapshot, RecordedAction } from "./recording.ts";

/** Differences of two states that are shown; the rest is counted. */
const MAX_SHOWN = 8;
/** Bytes that are shown around the first that differs. */
const CONTEXT_BYTES = 16;

/** How a call's outcome differs from the one that is recorded; nothing: it is the same. */
export function compareOutcome(recorded: Call, replayed: Outcome): string[] {
  const { trap } = recorded;
  if (trap !== undefined) {
    if (!("trap" in replayed)) {
      return sides(trapText(trap), `no trap, but ${actionsText(replayed.actions)}`);
    }
    // A host's words for a trap are its own.
    const both = trap.own_words || replayed.trap.own_words;
    const same = trap.own_words === replayed.trap.own_words;
    if (!both || (same && trap.text === replayed.trap.text)) return [];
    return sides(trapText(trap), trapText(replayed.trap));
  }
  const actions = recorded.actions ?? [];
  if ("trap" in replayed) return sides(actionsText(actions), trapText(replayed.trap));
  const count = Math.max(actions.length, replayed.actions.length);
  for (let i = 0; i < count; i++) {
    const lines = compareAction(actions[i], replayed.actions[i]);
    if (lines.length > 0) return [`action ${i + 1} of ${count}:`, ...lines];
  }
  return [];
}

function compareAction(recorded?: RecordedAction, replayed?: RecordedAction): string[] {
  if (recorded === undefined) return sides("nothing more", actionText(replayed!));
  if (replayed === undefined) return sides(actionText(recorded), "nothing more");
  const same_head = recorded.kind === replayed.kind && recorded.argument === replayed.argument;
  if (same_head && recorded.bytes.equals(replayed.bytes)) return [];
  const lines = sides(actionText(recorded), actionText(replayed));
  return same_head ? [...lines, ...compareBytes(recorded.bytes, replayed.bytes)] : lines;
}

function compareBytes(recorded: Buffer, replayed: Buffer): string[] {
  let at = 0;
  while (at < recorded.length && recorded[at] === replayed[at]) at++;
  const begin = Math.max(0, at - CONTEXT_BYTES / 2);
  const hex = (bytes: Buffer): string => {
    const shown = [...bytes.subarray(begin, begin + CONTEXT_BYTES)];
    const octets = shown.map((byte, i) => {
      const text = byte.toString(16).padStart(2, "0");
      return begin + i === at ? `[${text}]` : text;
    });
    return `${octets.join(" ")} (${bytes.length} bytes)`;
  };
  return [
    `from byte ${begin} on, the first that differs is ${at}:`,
    ...sides(hex(recorded), hex(replayed)),
  ];
}

function sides(recorded: string, replayed: string): string[] {
  return [`  recorded: ${recorded}`, `  replayed: ${replayed}`];
}

function actionsText(actions: RecordedAction[]): string {
  if (actions.length === 0) return "no actions";
  const more = actions.length > 1 ? `, and ${actions.length - 1} more` : "";
  return `${actionText(actions[0]!)}${more}`;
}

/** How two states differ; nothing: they are the same. */
export function compareSnapshots(recorded: Snapshot, replayed: Snapshot): string[] {
  const lines: string[] = [];
  if (recorded.memory_pages !== replayed.memory_pages) {
    lines.push(...sides(`${recorded.memory_pages} pages`, `${replayed.memory_pages} pages`));
  }
  for (const name of new Set([...recorded.globals.keys(), ...replayed.globals.keys()])) {
    const [before, now] = [recorded.globals.get(name), replayed.globals.get(name)];
    if (before !== now) lines.push(`global ${name}: recorded ${before}, replayed ${now}`);
  }
  const addresses = new Set([...recorded.pages.keys(), ...replayed.pages.keys()]);
  for (const address of [...addresses].sort((a, b) => a - b)) {
    const [before, now] = [recorded.pages.get(address), replayed.pages.get(address)];
    lines.push(...comparePages(address, before ?? ZEROS, now ?? ZEROS));
  }
  if (lines.length <= MAX_SHOWN) return lines;
  return [...lines.slice(0, MAX_SHOWN), `and ${lines.length - MAX_SHOWN} differences more`];
}

const ZEROS = Buffer.alloc(PAGE_BYTES);

/** The first eight bytes that differ, of each page one place. */
function comparePages(address: number, recorded: Buffer, replayed: Buffer): string[] {
  if (recorded.equals(replayed)) return [];
  let at = 0;
  while (recorded[at] === replayed[at]) at++;
  at -= at % 8;
  const hex = (page: Buffer): string => page.toString("hex", at, at + 8);
  const where = `0x${(address + at).toString(16)}`;
  return [`memory at ${where}: recorded ${hex(recorded)}, replayed ${hex(replayed)}`];
}
