/** Commands of the control socket. Each has one answer, and one in JSON is a document. */
import { Action } from "../../../host/node/engine.ts";
import { REPLY } from "../lib/actions.ts";
import type { FuzzedEngine } from "../lib/engine.ts";
import { hold } from "../lib/finding.ts";
import { CONFIGURATION, Site } from "../lib/site.ts";
import { words, type Target } from "../lib/target.ts";

/** Of one event. */
const LOGS: number[] = [Action.LOG, Action.LOG_JSON, Action.LOG_FIELDS];

/** `clear` and `exec` do something, and are told by their first letter. */
const DEEDS = /^[\x00-\x20]*(json[\x00-\x20]+)?[ce]/;

const LINES = [
  "get sa",
  "get sa active",
  "get sa inactive",
  "get sa id 0x00000001",
  "json get sa id 2",
  "get vpn",
  "get vpn net",
  "json get vpn",
  "json get vpn six",
  "get vpnmonitor",
  "json get vpnmonitor",
  "get event",
  "json get event",
  "help",
  "json ?",
  "get ?",
  "get vpn nobody",
  "metrics",
  "metrics textfile",
  "metrics from 1.2.3",
  "snmp get .1.3.6.1.4.1.3224.4.1.1.1.4.1",
  "snmp getnext .1.3.6.1.4.1.3224.4.1.1",
  "snmp getnext .1.3.6.1.4.1.3224.4.1.1.1.29.4294967295",
  "watch",
  "watch size 80 24",
  "watch size 200 60 skip 1 color",
  "watch size 20 4 ascii color",
  "json watch",
  "record start",
  "doctor net",
  "json doctor",
  "json record stop",
  "record save",
  "set vpn net monitor source-ip 10.1.0.1 destination-ip 10.2.0.10 optimized rekey",
  "set vpn new gateway s2s child new",
  "set vpn six interval 0.5",
  "json set vpnmonitor threshold 7",
  "unset vpn net monitor",
  "clear sa id 1",
  "json exec vpn net rekey",
  "clear event",
  "unset vpn old",
  "json unset vpn six quorum",
  "save force",
  "set interface tunnel.1 create ip 10.254.0.1/24 mtu 1400",
  "set interface tunnel.1 down metric 500",
  "set interface tunnel.1 nhtb-announce 10.1.0.0/16 nhtb-announce fd00:1::/64",
  "set interface tunnel.2 if-id 0x1f",
  "set vpn net bind interface tunnel.1",
  "set vpn six nhtb-accept 10.2.0.0/16",
  "set interface tunnel.1 nhtb 10.254.0.3 vpn six",
  "json set route 10.3.0.0/16 interface tunnel.1 gateway 10.254.0.2 metric 7",
  "set vrouter trust-vr route fd00:3::/48 interface tunnel.1 gateway fe80::2",
  "unset interface tunnel.1 nhtb 10.254.0.2",
  "unset interface tunnel.1 mtu",
  "json unset route 10.2.0.0/16 interface tunnel.1",
  "unset vpn six bind",
  "get interface tunnel.1",
  "json get interface tunnel.1 nhtb",
  "json get route",
  "get route",
  "",
];

const TUNNEL = `${CONFIGURATION}
config tunnel 'tunnel.1'
  option create '1'
  list address '10.254.0.1/24'
config vpn 'a'
  option gateway 's2s'
  option child 'a'
  option tunnel 'tunnel.1'
config nhtb
  option interface 'tunnel.1'
  option nexthop '10.254.0.2'
  option vpn 'a'
config route
  option target '10.2.0.0/16'
  option interface 'tunnel.1'
  option gateway '10.254.0.2'
`;

export const command_target: Target = {
  name: "command",
  reads: "commands of the control socket",
  max_bytes: 1_100,
  stages: [
    (engine: FuzzedEngine) => void new Site(engine).start().warm(),
    (engine: FuzzedEngine) => void new Site(engine).start().configure().run(45_000),
    (engine: FuzzedEngine) => {
      const site = new Site(engine).start().configure(`${CONFIGURATION}nonsense\n`).configure();
      site.run(15_000);
      site.answers = false;
      site.run(60_000);
    },
    (engine: FuzzedEngine) => void new Site(engine).start().configure(TUNNEL).run(15_000),
  ],
  run(input, engine) {
    let actions = engine.command(7, input);
    const [asked] = actions;
    if (asked?.kind === Action.SAVE_RECORDING) return;
    if (actions.some(({ kind }) => kind === Action.TELL_FACTS)) {
      // The answer comes when nobody has told anything for long enough.
      while (engine.passToDeadline(5000)) {
        actions = engine.call("chores");
        if (actions.some(({ kind }) => kind === Action.REPLY)) break;
        engine.call("tick");
      }
      actions = actions.filter(({ kind }) => kind === Action.REPLY);
    }
    if (asked?.kind === Action.RECORDER) {
      // The host's answer to that is logged, too.
      const told = engine.call("recorder", asked.argument, 0);
      actions = told.filter(({ kind }) => !LOGS.includes(kind));
    }
    if (asked?.kind === Action.SAVE_CONFIG) {
      const told = engine.call("saved", 0);
      actions = told.filter(({ kind }) => !LOGS.includes(kind));
    }
    const changed = actions.find(({ kind }) => kind === Action.CONFIG_CHANGED);
    // What the change itself brings about is the monitor's, or strongSwan's.
    if (changed !== undefined || DEEDS.test(input.toString("latin1")))
      actions = actions.filter(({ kind }) => kind === Action.REPLY);
    const [reply] = actions;
    const alone = actions.length === 1 && reply!.kind === Action.REPLY && reply!.argument === 7;
    hold(alone, "one reply", () => `${actions.length} actions`);
    const body = REPLY.exec(reply!.bytes.toString("utf8"))!.at(-1)!;
    hold(body === "" || body.endsWith("\n"), "ends its line", () =>
      JSON.stringify(body.slice(-40)),
    );
    if (changed !== undefined) {
      const errors = engine
        .configure(Buffer.from("f"), changed.bytes)
        .filter(({ kind }) => kind === Action.CONFIG_ERROR);
      hold(errors.length === 0, "is a configuration", () => `${errors[0]?.bytes.toString()}`);
    }
    const [, word] = /^[\x00-\x20]*([^\x00-\x20]*)/.exec(input.toString("latin1"))!;
    if (word !== "json" || input.length > 1024) return;
    try {
      JSON.parse(body);
    } catch (error) {
      hold(false, "is JSON", () => (error as Error).message.replaceAll(/\d+/g, "N"));
    }
  },
  seeds: () =>
    LINES.flatMap((line) =>
      [0, 1, 2, 3].map((stage) => Buffer.from(String.fromCharCode(stage) + line)),
    ),
  // prettier-ignore
  dictionary: words(
    "json ", "get ", "sa", "vpn", "vpnmonitor", "event", "active", "inactive", "id ", "0x", "?",
    "set ", "unset ", "monitor", "gateway ", "child ", "interval ", "threshold ", "rekey", "destination-ip ", "10.2.0.10", "force",
    "interface ", "tunnel.1", "route ", "vrouter trust-vr ", "nhtb ", "bind ", "create", "if-id ", "ip ", "mtu ", "down ", "withdraw", "metric ",
    "nhtb-accept ", "nhtb-announce ", "10.2.0.0/16", "10.254.0.2", "::/0",
    "metrics", "textfile", "from ", "snmp ", "getnext ", ".1.3.6.1.4.1.3224.4.1.1", ".", "4294967296",
    "help", "watch", "clear ", "exec ", "size ", "skip ", "ascii", "color", "doctor", "record", "start", "stop", "save", "net", "six", "old", " ", "\n", "\0", "\t", "ffffffff", "'", '"', "\\", "é", "\x80", "\x1b[2J",
    "a".repeat(47), "a".repeat(64), "\u0085", "\u{1f600}",
  ),
};
