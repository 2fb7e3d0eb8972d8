/** What a person is shown of a recording: the timeline, and each VPN in short. */
import type { Verdict } from "./replay.ts";
import { summary } from "./summary.ts";
import { tell } from "./tell.ts";
import { timeline, type View } from "./timeline.ts";

/** All of it, line by line. */
export function report(verdict: Verdict, view: View = { all: false }): string[] {
  const lines = tell(verdict);
  const vpns = new Set([...verdict.vpns.values()].flat().map(({ name }) => name));
  return [...timeline(lines, view), "", ...summary(lines, vpns)];
}
