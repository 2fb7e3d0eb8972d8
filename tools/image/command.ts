/** Commands that the image's build runs: their output is shown only if they fail. */
import { spawnSync } from "node:child_process";

/** What the command prints; an error that holds what it complained of. */
export function run(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  cwd?: string,
): string {
  const done = spawnSync(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C", ...env },
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (done.error) throw new Error(`${command}: ${done.error.message}`);
  if (done.status !== 0) {
    throw new Error(`'${command} ${args.join(" ")}' failed: ${done.stderr}`);
  }
  return done.stdout;
}

/** A pipe of two commands, each given as words. */
export function pipe(from: string[], to: string[]): void {
  const quoted = (words: string[]): string =>
    words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  run("bash", ["-c", `set -o pipefail; ${quoted(from)} | ${quoted(to)}`]);
}
