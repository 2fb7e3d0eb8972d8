/** Which VPNs an engine monitors: the names to the numbers that its echoes carry. */
import { Action } from "../engine.ts";
import { printable } from "./action_text.ts";
import type { Instance } from "./instance.ts";

const QUESTION = Buffer.from("json get vpn");
const ANSWERED = "ok\n";

export interface VpnEntry {
  /** As echoes carry it. */
  index: number;
  name: string;
  gateway: string;
  child: string;
}

/** Asks a copy of the instance, so that nothing changes. */
export function listVpns(
  instance: Instance,
  { now_ms, wall_ms }: { now_ms: bigint; wall_ms: bigint },
): VpnEntry[] {
  const outcome = instance.ask({
    offset: 0,
    name: "command",
    numbers: [0, QUESTION.length],
    seed: 0n,
    now_ms,
    wall_ms,
    bytes: QUESTION,
    actions: undefined,
    trap: undefined,
  });
  if ("trap" in outcome) return [];
  const reply = outcome.actions.find(({ kind }) => kind === Action.REPLY)?.bytes.toString("utf8");
  if (reply === undefined || !reply.startsWith(ANSWERED)) return [];
  return parse(reply.slice(ANSWERED.length));
}

function parse(json: string): VpnEntry[] {
  try {
    const { vpns } = JSON.parse(json) as { vpns: (Omit<VpnEntry, "index"> & { id: string })[] };
    return vpns.map(({ id, name, gateway, child }) => {
      return { index: parseInt(id, 16) - 1, name: printable(name), gateway, child };
    });
  } catch {
    // More VPNs than one answer holds.
    return [];
  }
}
