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

const TUNNELS = `${CONFIGURATION}
config tunnel 'tunnel.1'
  option create '1'
  list address '10.254.0.1/24'
  list address 'fd00:254::1/64'
  option mtu '1400'
  option down 'metric 500'
  list nhtb_announce '10.1.0.0/16'
  list nhtb_accept '10.0.0.0/8'
  list nhtb_accept 'fd00::/8'
config tunnel 'tunnel.2'
  option if_id '0x1f'; option down withdraw
config vpn 'a'
  option gateway 's2s'
  option child 'a'
  option tunnel 'tunnel.1'
  option nhtb_accept '10.2.0.0/16'
config vpn 'b'
  option gateway 's2s'
  option child 'b'
  option tunnel 'tunnel.1'
config vpn 'c'
  option gateway 's2s'
  option child 'c'
  option tunnel 'tunnel.2'
config route
  option target '10.2.0.0/16'
  option interface 'tunnel.1'
  option gateway '10.254.0.2'
  option metric '10'
config route 'second'
  option target '10.2.0.0/16'
  option interface 'tunnel.2'
  option metric '20'
config route
  option target 'fd00:2::/48'
  option interface 'tunnel.1'
  option gateway 'fe80::2'
config nhtb
  option interface 'tunnel.1'
  option nexthop '10.254.0.2'
  option vpn 'a'
`;

/** A word that is too long, in each place of a statement, by little and by much. */
const LONG_WORDS = [256, 2_000].flatMap((bytes) => {
  const long = "x".repeat(bytes);
  return [long, `config ${long}`, `config vpn ${long}`, `config vpn 'a'\noption gateway ${long}`];
});

/** What tells whether a configuration is in force: VPNs, and routes in whatever places. */
function look(engine: FuzzedEngine): string {
  const site = new Site(engine);
  const { routes } = site.json("route") as { routes: { id: number }[] };
  const placeless = routes.map((route) => JSON.stringify({ ...route, id: 0 }));
  return JSON.stringify([site.json("vpn"), placeless.sort()]);
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
      TUNNELS,
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
    "tunnel", "route", "nhtb", "create", "if_id", "address", "mtu", "down", "nhtb_announce", "nhtb_accept", "target",
    "interface", "metric", "nexthop", "tunnel.1", "tunnel.2", "withdraw", "metric 500", "0x1f", "4294967295", "/24", "10.254.0.2",
    "10.0.0.0/8", "::/0", "fe80::2", "\nconfig route\n", "\nconfig nhtb\n", "\nconfig tunnel 't'\n", "\n\toption tunnel 'tunnel.1'\n",
  ),
};
