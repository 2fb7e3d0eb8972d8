import { spawn } from "node:child_process";

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; never throws for an exit status, only when it cannot be started. */
export function attempt(program: string, args: string[], input = ""): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code: code ?? -1, stdout, stderr: signal ? `${stderr}(${signal})` : stderr });
    });
    // A program that does not read its input closes the pipe early: not an error of ours.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Runs a program to its end and returns its standard output; an exit status but 0 throws. */
export async function run(program: string, args: string[], input = ""): Promise<string> {
  const result = await attempt(program, args, input);
  if (result.code !== 0) {
    const said = (result.stderr || result.stdout).trim();
    throw new Error(`${program} ${args.join(" ")}: exit status ${result.code}: ${said}`);
  }
  return result.stdout;
}
