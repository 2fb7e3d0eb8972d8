/**
 * `npm run replay -- FILE`: plays a recording again and shows what happened in it
 * (docs/recording.md).
 */
import { parseArgs } from "node:util";
import { conclusion } from "./conclusion.ts";
import { replay, type Verdict } from "./replay.ts";
import { report } from "./report.ts";
import { dateAndTime, type Moment } from "./timeline.ts";

const USAGE = `usage: npm run replay -- FILE [OPTION...]
  --engine FILE  the engine (default build/engine.wasm)
  --all          every call and action, nothing folded
  --vpn NAME     only what is about this VPN, or about all
  --from TIME    only from then on: 2026-01-31T03:15, 03:15:30 (the first day's), or +600 (seconds
  --to TIME      after the beginning); and only before then
  --quiet        no timeline, only the verdict

exit status:
  0  the engine did as recorded
  1  it did something else; the first difference is shown
  2  the command line makes no sense, or the file is no recording
  3  the recording needs another engine, and was not replayed as a whole
`;

const Status = { SAME: 0, DIFFERENT: 1, WRONG: 2, OTHER_ENGINE: 3 } as const;

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      engine: { type: "string", default: "build/engine.wasm" },
      all: { type: "boolean", default: false },
      vpn: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      quiet: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return Status.SAME;
  }
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(`one FILE is needed\n${USAGE}`);
  const verdict = named(path, () => replay(path, values.engine));
  if (!values.quiet) {
    const first_ms = Number(verdict.recording.segments[0]!.calls[0]?.wall_ms ?? 0);
    const [from, to] = [values.from, values.to].map((text) => text && moment(text, first_ms));
    const { all, vpn } = values;
    checkVpn(verdict, vpn);
    const view = { all, vpn, from: from || undefined, to: to || undefined };
    for (const line of report(verdict, view)) console.log(line);
  }
  for (const line of conclusion(verdict, values.engine)) console.log(line);
  if (verdict.difference !== undefined) return Status.DIFFERENT;
  return verdict.needs === undefined ? Status.SAME : Status.OTHER_ENGINE;
}

/** A name that no configuration has is a mistake. */
function checkVpn({ vpns }: Verdict, wanted?: string): void {
  const names = new Set([...vpns.values()].flat().map(({ name }) => name));
  if (wanted === undefined || names.size === 0 || names.has(wanted)) return;
  throw new Error(`--vpn: there is no '${wanted}', but ${[...names].join(", ")}`);
}

/** Errors name the file. */
function named<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** A time as a user writes it. */
function moment(text: string, first_ms: number): Moment {
  const after_s = /^\+(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (after_s !== undefined) return { after_ms: 1000 * Number(after_s) };
  const day = dateAndTime(first_ms)[0];
  const full = /^\d\d:\d\d/.test(text) ? `${day}T${text}` : text;
  const wall_ms = Date.parse(/Z$/.test(full) ? full : `${full}Z`);
  if (Number.isNaN(wall_ms)) throw new Error(`'${text}' is no time; 03:15:30 or +600 would be`);
  return { wall_ms };
}

// Who reads only the beginning (head, less) has seen what they wanted.
process.stdout.on("error", () => process.exit());
try {
  process.exitCode = main();
} catch (error) {
  console.error(`replay: ${(error as Error).message}`);
  process.exitCode = Status.WRONG;
}
