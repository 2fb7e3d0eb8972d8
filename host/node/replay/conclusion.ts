/** What came of a replay. */
import type { Verdict } from "./replay.ts";

/** What came of it, for a person. */
export function conclusion(verdict: Verdict, engine: string): string[] {
  const { recording, same_calls, same_snapshots, difference, needs, unanswered } = verdict;
  const lines = [""];
  if (recording.cut !== undefined) lines.push(`The recording is not whole: ${recording.cut}.`);
  if (needs !== undefined) {
    lines.push(
      "Not replayed: what begins with a running engine, for only that very engine can go on.",
      `It needs version ${needs.version}, whose engine.wasm has SHA-256 ${needs.sha256};`,
      `${engine} is another one. Check that version out, 'npm run build', and replay there,`,
      "or name its module with --engine. The timeline is what was recorded.",
    );
    if (same_calls === 0 && difference === undefined) return lines;
  }
  if (unanswered !== undefined) {
    lines.push(`The recording does not say what came of its last call; now: ${unanswered}.`);
  }
  const snapshots = same_snapshots === 1 ? "1 snapshot" : `${same_snapshots} snapshots`;
  const same = `${same_calls} calls${same_snapshots > 0 ? ` and ${snapshots}` : ""}`;
  if (difference === undefined)
    return [...lines, `The engine did as recorded: ${same} are the same.`];
  const { call, segment } = difference;
  const where =
    call === undefined
      ? `at the snapshot that begins segment ${segment.engine.number}`
      : `in call ${same_calls + 1}, '${call.name}', at ${call.now_ms} ms (offset ${call.offset})`;
  return [
    ...lines,
    `DIFFERENT ${where}, after ${same} that are the same:`,
    ...difference.lines.map((line) => `  ${line}`),
  ];
}
