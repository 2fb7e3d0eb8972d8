/**
 * `npm run replay -- FILE`: plays a recording again and shows what happened in it
 * (docs/recording.md). A thread does that, which is ended if it comes to no end: a snapshot is a
 * whole memory, and one that somebody made up may have the engine go round for ever.
 */
import { parseArgs } from "node:util";
import { startThread } from "../thread.ts";
import { Progress, Status, type Answer, type Order } from "./order.ts";

const LIMIT_S = 120;

const USAGE = `usage: npm run replay -- FILE [OPTION...]
  --engine FILE    the engine (default build/engine.wasm)
  --all            every call and action, nothing folded
  --vpn NAME       only what is about this VPN, or about all
  --from TIME      only from then on: 2026-01-31T03:15, 03:15:30 (the first day's), or +600 (seconds
  --to TIME        after the beginning); and only before then
  --quiet          no timeline, only the verdict
  --limit SECONDS  how long it may take (default ${LIMIT_S})

exit status:
  0  the engine did as recorded
  1  it did something else; the first difference is shown
  2  the command line makes no sense, or the file is no recording
  3  the recording needs another engine, and was not replayed as a whole
  4  the replay did not come to an end in time
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      engine: { type: "string", default: "build/engine.wasm" },
      all: { type: "boolean", default: false },
      vpn: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      quiet: { type: "boolean", default: false },
      limit: { type: "string", default: String(LIMIT_S) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return Status.SAME;
  }
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(`one FILE is needed\n${USAGE}`);
  const { engine, all, quiet, vpn, from, to, limit } = values;
  const progress = new SharedArrayBuffer(Progress.BYTES);
  const order = { path, engine, all, quiet, vpn, from, to, progress };
  const answer = await replayWithin(seconds(limit), order);
  if (answer === undefined) {
    console.error(`replay: ${path}: ${tooLong(new Float64Array(progress), limit)}`);
    return Status.TOO_LONG;
  }
  if ("error" in answer) throw new Error(answer.error);
  for (const line of answer.lines) console.log(line);
  return answer.status;
}

/** Undefined: it has not come to an end within the limit. */
async function replayWithin(limit_s: number, order: Order): Promise<Answer | undefined> {
  const thread = startThread(new URL("./worker.ts", import.meta.url), order);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Answer | undefined>((resolve, reject) => {
      thread.on("message", resolve).on("error", reject);
      timer = setTimeout(() => resolve(undefined), 1000 * limit_s);
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}

function seconds(text: string): number {
  const limit_s = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit_s > 0) return limit_s;
  throw new Error(`--limit ${text}: whole seconds, 1 to 999999, would be right`);
}

function tooLong(progress: Float64Array, limit: string): string {
  const [calls, offset] = [progress[Progress.CALLS], progress[Progress.OFFSET]];
  return (
    `no end after ${limit} s, in call ${calls} (offset ${offset}). ` +
    "Either the engine never returns from it, as it may where a snapshot is damaged or made up, " +
    "or the recording is long: --limit SECONDS gives it more time"
  );
}

// Who reads only the beginning (head, less) has seen what they wanted.
process.stdout.on("error", () => process.exit());
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`replay: ${(error as Error).message}`);
  process.exitCode = Status.WRONG;
}
