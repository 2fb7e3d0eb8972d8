/**
 * The configuration. An input is the file. A file with a mistake changes nothing, and its mistakes
 * are lines that name it; one without is taken, and taken again without a difference.
 */
import { Action } from "../../../host/node/engine.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { CONFIGURATION, Site } from "../lib/site.ts";
import { words, type Target } from "../lib/target.ts";

const PATH = Buffer.from("vpnmonitor");
const LINE = /^vpnmonitor(:\d+)?: \S/;
const MAX_LINES = 51;

const EVERYTHING = `package vpnmonitor
config vpnmonitor "global" # comment
\toption interval '0.5';\toption threshold 10
  option vici '/run/other.vici'
config vpn branch-1
  option gateway gw\\ 1
  option monitor yes
  option rekey on
  option optimized 0
  option source_interface 'lan0'
  list destination_ip '10.2.0.1'
  list destination_ip '10.2.0.2'
  list destination_ip '10.2.0.3'
  option quorum 2
  option recover '3'
  option size 1350
  option interval 3600
  option threshold 1
  option phase1_lifetime 3600
config vpn 'v6'
  option gateway 'six'
  option monitor '1'
  option source_ip 'fd11::1'
  option destination_ip '2001:db8::ffff:192.0.2.33'
`;

/** A word that is too long, in each place of a statement, by little and by much. */
const LONG_WORDS = [256, 2_000].flatMap((bytes) => {
  const long = "x".repeat(bytes);
  return [long, `config ${long}`, `config vpn ${long}`, `config vpn 'a'\noption gateway ${long}`];
});

/** What tells whether a configuration is in force. */
function look(engine: FuzzedEngine): string {
  return JSON.stringify(new Site(engine).json("vpn"));
}

export const uci_target: Target = {
  name: "uci",
  reads: "the configuration",
  max_bytes: 8_192,
  stages: [
    (engine) => {
      new Site(engine).start().warm();
    },
    (engine) => {
      new Site(engine).start().configure().run(25_000);
    },
  ],
  run(input, engine) {
    const was = look(engine);
    const actions = engine.configure(PATH, input);
    const errors = actions.filter(({ kind }) => kind === Action.CONFIG_ERROR);
    const taken = actions.filter(({ kind }) => kind === Action.CONFIG_TAKEN).length;
    hold((taken === 1) !== errors.length > 0, "answers", () => `${taken}, ${errors.length} errors`);
    hold(errors.length <= MAX_LINES, "answers", () => `${errors.length} errors`);
    if (taken === 0) {
      const odd = errors.find(({ bytes }) => !LINE.test(bytes.toString("utf8")));
      hold(odd === undefined, "names the line", () => odd!.bytes.toString("latin1"));
      hold(look(engine) === was, "a bad file changes nothing", () => "get vpn");
      return;
    }
    // Whatever the engine now asks for is answered; then the same again changes nothing.
    const site = new Site(engine);
    site.take(actions);
    site.work();
    const now = look(engine);
    const again = engine.configure(PATH, input);
    hold(
      again.some(({ kind }) => kind === Action.CONFIG_TAKEN),
      "taken twice",
      () => "refused",
    );
    hold(look(engine) === now, "taken twice", () => "get vpn");
    site.run(3_000);
  },
  seeds: () =>
    [
      CONFIGURATION,
      EVERYTHING,
      "",
      "config",
      "config vpn 'a'\noption gateway 'b'\n",
      "\xef\xbb\xbf#\n",
      ...LONG_WORDS,
    ].flatMap((text) =>
      [0, 1].map((stage) => Buffer.from(`${String.fromCharCode(stage)}${text}`, "latin1")),
    ),
  // prettier-ignore
  dictionary: words(
    "config ", "vpn", "vpnmonitor", "global", "option ", "list ", "package ", "interval", "threshold", "recorder",
    "vici", "gateway", "child", "monitor", "rekey", "optimized", "source_ip", "source_interface",
    "destination_ip", "size", "quorum", "recover", "phase1_lifetime", "hook", "hook_timeout", "/bin/hook", "\n", "'", '"', "\\", "#", ";",
    "\t", "\r\n", "all", "any", "1", "0.5", "0.02", "3600", "65536", "64", "1350", "10.1.0.1", "fd00::1",
    "::", "::ffff:10.0.0.1", "255.255.255.255", "\n\toption ", "\nconfig vpn 'b'\n", "' '", "lan0", "é", "\x80",
    "\u0085", "\u2028", "config vpn 'net'\noption gateway 's2s'\noption monitor 1\n",
  ),
};
