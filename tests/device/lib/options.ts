import { readFileSync } from "node:fs";

/** Where the programs read their command lines. */
const PARSERS = {
  rekeyd: ["host/device/src/cli.rs", "parse_daemon"],
  rekeyctl: ["host/device/src/cli.rs", "parse_client"],
  "rekeyd-web": ["host/web/server/src/cli.rs", "parse"],
} as const;

/** The options that a program takes, as its source has them: `--control`, `-f`. */
export function optionsOf(program: keyof typeof PARSERS): string[] {
  const [path, parser] = PARSERS[program];
  const code = readFileSync(path, "utf8");
  const [parsing] = new RegExp(`^(?:pub )?fn ${parser}\\b[^]*?^}`, "m").exec(code)!;
  const taken = [...parsing!.matchAll(/(?:Long\("([\w-]+)"\)|Short\('(\w)'\))/g)];
  return taken.map(([, long, short]) => (long ? `--${long}` : `-${short!}`));
}
