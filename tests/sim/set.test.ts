/** `set`, `unset` and `save`: what they do to the text of the configuration, and to what runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Action, Engine } from "../../host/node/engine.ts";
import { Random } from "../../host/node/sim/random.ts";
import { branches, settled, World } from "./lib/world.ts";

const COMMENTED = `\
# Branches of the north.
#   ask Anna before you change "gateway"
package rekeyd

config vpnmonitor 'global'   # for all
\toption interval "1"        # seconds
    option threshold 3

# The first one
config vpn branch0
\toption gateway 'branch0'
\toption monitor on     # since 2024
\t# option size '1000'
\tlist destination_ip '10.2.0.10'   # the server
\tlist destination_ip "10.2.0.11"
\toption source_ip '10.1.0.1'; option rekey '1'

config vpn 'spare' ; option gateway "branch1" ; option child 'branch1' # kept for \\
config vpn 'other' # the last
  option  gateway   'branch2'
# The end.
`;

/** A world with the text in force. */
function having(text: string | Buffer): World {
  const world = new World(new Engine(), branches(3));
  for (const { name } of branches(3)) world.charon.establish(name);
  world.configure(text.toString());
  return world;
}

/** The text in force, byte for byte. */
function textOf(world: World): string {
  return (JSON.parse(world.command("json get config")) as { text: string }).text;
}

/** Lines that went and came, of which none is twice in the text. */
function changes(before: string, ...commands: string[]): string[] {
  const world = having(before);
  for (const command of commands) assert.equal(world.command(command), "");
  const old_lines = before.split("\n");
  const new_lines = textOf(world).split("\n");
  return [
    ...old_lines.filter((line) => !new_lines.includes(line)).map((line) => `-${line}`),
    ...new_lines.filter((line) => !old_lines.includes(line)).map((line) => `+${line}`),
  ];
}

const CASES: [command: string, ...diff: string[]][] = [
  [
    "set vpnmonitor interval 2",
    '-\toption interval "1"        # seconds',
    '+\toption interval "2"        # seconds',
  ],
  ["set vpnmonitor threshold 5", "-    option threshold 3", "+    option threshold 5"],
  ["unset vpnmonitor interval", '-\toption interval "1"        # seconds'],
  ["set vpn branch0 threshold 7", "+\toption threshold '7'"],
  ["set vpn spare size 100", "+\toption size '100'"],
  ["set vpn other quorum all", "+  option quorum 'all'"],
  ["set vpn other gateway branch2"],
  [
    "set vpn other gateway hub child net",
    "-  option  gateway   'branch2'",
    "+  option  gateway   'hub'",
    "+  option child 'net'",
  ],
  [
    "set vpn branch0 monitor destination-ip 10.2.0.11 source-ip 10.1.0.1 rekey",
    "-\tlist destination_ip '10.2.0.10'   # the server",
    '-\tlist destination_ip "10.2.0.11"',
    "+\tlist destination_ip '10.2.0.11'   # the server",
  ],
  [
    "set vpn branch0 monitor",
    "-\tlist destination_ip '10.2.0.10'   # the server",
    '-\tlist destination_ip "10.2.0.11"',
    "-\toption source_ip '10.1.0.1'; option rekey '1'",
  ],
  [
    "unset vpn branch0 rekey",
    "-\toption source_ip '10.1.0.1'; option rekey '1'",
    "+\toption source_ip '10.1.0.1'; ",
  ],
  [
    "unset vpn branch0 source-ip",
    "-\toption source_ip '10.1.0.1'; option rekey '1'",
    "+\toption rekey '1'",
  ],
  ["unset vpn spare size"],
  [
    "unset vpn spare",
    "-config vpn 'spare' ; option gateway \"branch1\" ; option child 'branch1' # kept for \\",
  ],
  ["unset vpn other", "-config vpn 'other' # the last", "-  option  gateway   'branch2'"],
];

test("the lines that a command names change, and no other", () => {
  for (const [command, ...diff] of CASES) {
    assert.deepEqual(changes(COMMENTED, command), diff, command);
  }
});

const ROUTED = `\
config tunnel 'tunnel.1' # for all
\toption create on
\tlist address '10.254.0.1/24'
config vpn branch0; option gateway branch0; option tunnel tunnel.1
config vpn branch1; option gateway branch1; option tunnel tunnel.1

# To the north, by branch0.
config route 'north'
\toption target "10.7.0.0/16" # all of it
\toption interface tunnel.1
\toption gateway 10.254.0.2
\toption metric 10

config route; option target fd00:7:0::/48; option interface 'tunnel.1'; option gateway fd00::0:2
config nhtb # branch0's
\toption vpn branch0
\toption nexthop '10.254.0.2'
\toption interface tunnel.1
`;
const V6_ROUTE =
  "config route; option target fd00:7:0::/48; option interface 'tunnel.1'; " +
  "option gateway fd00::0:2";

const ROUTED_CASES: [command: string, ...diff: string[]][] = [
  [
    "set route 10.7.0.0/16 interface tunnel.1 gateway 10.254.0.2 metric 5",
    "-\toption metric 10",
    "+\toption metric 5",
  ],
  ["set vrouter trust-vr route 10.7.0.0/16 interface tunnel.1 gateway 10.254.0.2 metric 10"],
  ["set route 10.7.0.0/16 interface tunnel.1 gateway 10.254.0.2", "-\toption metric 10"],
  // Another next hop is another route.
  [
    "set route 10.7.0.0/16 interface tunnel.1 gateway 10.254.0.3 metric 5",
    "+config route",
    "+\toption target '10.7.0.0/16'",
    "+\toption interface 'tunnel.1'",
    "+\toption gateway '10.254.0.3'",
    "+\toption metric '5'",
  ],
  ["set route fd00:7::/48 interface tunnel.1 gateway fd00::2"],
  ["unset route fd00:7::/48 gateway fd00:0::2", `-${V6_ROUTE}`],
  [
    "unset route 10.7.0.0/16",
    "-config route 'north'",
    '-\toption target "10.7.0.0/16" # all of it',
    "-\toption gateway 10.254.0.2",
    "-\toption metric 10",
  ],
  [
    "set interface tunnel.1 nhtb 10.254.0.2 vpn branch1",
    "-\toption vpn branch0",
    "+\toption vpn branch1",
  ],
  [
    "unset interface tunnel.1 nhtb 10.254.0.2",
    "-config nhtb # branch0's",
    "-\toption vpn branch0",
    "-\toption nexthop '10.254.0.2'",
  ],
  ["set interface tunnel.1 down metric   700", "+\toption down 'metric 700'"],
  ["set interface tunnel.1 create"],
  [
    "set interface tunnel.1 ip 10.254.0.1/16 ip fd00::1/64",
    "-\tlist address '10.254.0.1/24'",
    "+\tlist address '10.254.0.1/16'",
    "+\tlist address 'fd00::1/64'",
  ],
];

test("routes and next hops are found by what they say, and nothing else changes", () => {
  for (const [command, ...diff] of ROUTED_CASES) {
    const lines = changes(ROUTED, command);
    // What stands in several sections shows no difference.
    const twice = /^-\toption interface tunnel.1$/;
    assert.deepEqual(
      lines.filter((line) => !twice.test(line)),
      diff,
      command,
    );
  }
});

test("a new VPN stands at the end, and leaves no trace when it goes", () => {
  const world = having(COMMENTED);
  world.command('set vpn new gateway "north\'s"');
  assert.equal(textOf(world), `${COMMENTED}\nconfig vpn 'new'\n\toption gateway "north's"\n`);
  world.command("unset vpn new");
  assert.equal(textOf(world), COMMENTED);
  const empty = having("");
  empty.command("set vpn branch0 gateway branch0");
  empty.command("set vpn branch0 monitor source-ip 10.1.0.1 destination-ip 10.2.0.10 rekey");
  assert.match(
    textOf(empty),
    /^config vpn 'branch0'\n\toption gateway 'branch0'\n\toption monitor/,
  );
  empty.run(15_000);
  assert.equal(empty.vpn("branch0").state, "up");
});

test("several destinations are a list, whatever one was", () => {
  const world = having(
    "config vpn 'a'\n\toption gateway 'branch0'\n\toption child 'branch0'\n" +
      "\toption destination_ip '10.2.0.9'\n",
  );
  world.run(1_000);
  world.command("set vpn a monitor destination-ip 10.2.0.8 destination-ip 10.2.0.7");
  assert.match(
    textOf(world),
    /'branch0'\n\tlist destination_ip '10.2.0.8'\n\toption monitor '1'\n\tlist des/,
  );
  const { targets } = world.vpn("a");
  assert.deepEqual(
    targets.map(({ address }) => address),
    ["10.2.0.8", "10.2.0.7"],
  );
  const many = Array.from({ length: 5 }, (_, i) => `destination-ip 10.2.0.${i + 1}`).join(" ");
  assert.match(world.ask(`set vpn a monitor ${many}`), /\^--- .*'10.2.0.5' is one too many/);
});

test("line ends stay, also where the last is missing", () => {
  const world = having("config vpn a\r\n option gateway g\r\nconfig vpn b\r\n option gateway h");
  world.command("set vpn a size 100");
  world.command("set vpn b size 100");
  const expected =
    "config vpn a\r\n option gateway g\r\n option size '100'\r\n" +
    "config vpn b\r\n option gateway h\r\n option size '100'\r\n";
  assert.equal(textOf(world), expected);
});

test("sections that share a line stay apart", () => {
  const world = having("config vpn a; option gateway g; config vpn b; option gateway h");
  world.command("set vpn a size 100");
  const expected =
    "config vpn a; option gateway g; option size '100'; config vpn b; option gateway h";
  assert.equal(textOf(world), expected);
  world.command("unset vpn a");
  assert.equal(textOf(world).replaceAll(/[; ]+/g, " "), "config vpn b option gateway h");
});

test("what is refused changes nothing, and names the word", () => {
  const world = having(COMMENTED);
  world.run(10_000);
  const before = world.command("json get vpn");
  const refused = (line: string, says: RegExp, column?: number): void => {
    const { error, ...more } = JSON.parse(world.ask(`json ${line}`).slice("error\n".length)) as {
      error: string;
      column?: number;
    };
    assert.match(error, says);
    assert.equal(more.column, column, line);
  };
  refused("set vpn branch0 interval 0", /^interval '0' is not possible; it is seconds/, 26);
  refused("set vpn branch0 monitor rekey source-ip here", /'here' is not the IP address/, 41);
  refused("set vpn no monitor", /^there is no VPN 'no'; set vpn NAME gateway GW makes one/, 9);
  refused("set vpn twice gateway branch1 child branch1", /same gateway 'branch1' and child/, 9);
  refused("set vpn a'b gateway x", /the VPN's name 'a'b' is not possible/, 9);
  refused(`set vpn ${"x".repeat(32)} gateway x`, /has 32 bytes; at most 31/, 9);
  refused("set vpn branch0 quorum 3", /^quorum 3 is more than the 2 destinations/, 24);
  refused("unset vpn branch0 monitor child", /unknown word/, 27);
  refused("unset vpn branch0 gateway", /unknown word/, 19);
  world.command("set vpn branch0 quorum 2");
  refused("set vpn branch0 monitor", /^line 14 of the changed .*: quorum 2 is more than the 1/);
  world.command("unset vpn branch0 quorum");
  assert.equal(textOf(world), COMMENTED);
  assert.equal(world.command("json get vpn"), before);
});

test("a command touches nothing but what it changes", () => {
  const world = settled(branches(2), "option interval '1'");
  const sent = world.vpn("branch1").echoes_sent;
  world.command("set vpn branch0 threshold 5");
  world.command("set vpn branch0 monitor source-ip 10.1.0.1 destination-ip 10.2.0.10 rekey");
  world.run(3_000);
  assert.deepEqual(Object.values(world.states()), ["up", "up"]);
  assert.equal(world.vpn("branch1").echoes_sent, sent + 3);
  world.command("unset vpn branch0 monitor");
  world.run(60_000);
  assert.equal(world.states().branch0, "ready");
  assert.deepEqual(world.requests(11_000), [], "no SA was touched");
});

test("save writes what is in force, and says what keeps it from that", () => {
  const world = having(COMMENTED);
  assert.equal(world.command("save"), "there are no changes to save\n");
  world.command("set vpn branch0 size 100");
  assert.match(world.command("get config"), /\n# Not saved: save writes it to test\.conf\n$/);
  assert.match(world.command("get vpnmonitor"), /with changes that are not saved$/m);
  for (const [errno, says] of [
    [-1, /somebody else has changed the file .* save force overwrites it/],
    [13, /may not write to its folder/],
    [28, /No space left/],
    [30, /Read-only file system/],
  ] as const) {
    world.save_errno = errno;
    assert.match(world.ask("save"), says);
    assert.match(world.command("json get config"), /"saved":false/);
  }
  world.save_errno = 0;
  assert.equal(world.command("save"), "saved to test.conf\n");
  assert.equal(world.file.toString(), textOf(world));
  assert.equal(world.command("get config"), textOf(world));
  assert.equal(world.said("Configuration has been saved to test.conf."), 1);
});

test("a reload takes the file, and says that changes are gone", () => {
  const world = having(COMMENTED);
  world.command("unset vpn spare");
  assert.deepEqual(world.reload("config vpn 'x'\n"), [
    "test.conf:1: the VPN has no gateway; name strongSwan's connection: option gateway 'NAME'",
  ]);
  assert.equal(world.states().spare, undefined, "a bad file changes nothing");
  assert.equal(world.said("not saved, and are gone"), 0);
  world.configure(COMMENTED);
  assert.equal(world.states().spare, "inactive");
  assert.equal(world.said("not saved, and are gone"), 1);
  assert.match(world.command("json get config"), /"saved":true/);
});

test("a fresh engine goes on with what commands have changed, and that is not saved", () => {
  const world = having(COMMENTED);
  world.command("unset vpn spare");
  world.restart();
  world.carryOut(world.engine.configure("test.conf", world.changed, true));
  assert.equal(world.states().spare, undefined);
  assert.equal(world.said("gone"), 0);
  assert.equal(world.command("save"), "saved to test.conf\n");
});

test("a text that is too long is refused", () => {
  const long = `config vpn a\n option gateway g\n#${"x".repeat((4 << 20) - 4096 - 60)}\n`;
  const world = having(long);
  world.command("set vpn a size 100");
  assert.match(
    world.ask("set vpn b gateway a-very-long-name"),
    /would have more than 4190208 bytes/,
  );
  const actions = world.engine.command(1, "set vpn a size 200");
  const told = actions.find(({ kind }) => kind === Action.CONFIG_CHANGED);
  assert.equal(told?.bytes.length, textOf(world).length);
});

/** A line of a random file: which section's it is, and which of its options stand in it. */
interface Line {
  text: string;
  section: string;
  options: string[];
}

const OPTIONS: Record<string, (random: Random) => string> = {
  size: (random) => `${64 + random.below(1000)}`,
  interval: (random) => random.one(["1", "0.5", "10", "3600"]),
  threshold: (random) => `${1 + random.below(20)}`,
  recover: (random) => `${1 + random.below(9)}`,
  quorum: (random) => random.one(["any", "all", "1"]),
  phase1_lifetime: (random) => random.one(["0", "3600"]),
};
const WILD = ["config vpn 'x'", "option gateway 'g'", "'\"", "\\", "; option size '64'", "\u00e4"];

function randomFile(random: Random): Line[] {
  const lines: Line[] = [];
  const maybe = (chance: number): boolean => random.below(chance) === 0;
  const add = (text: string, section: string, ...options: string[]): void => {
    const comment = maybe(4) ? `${random.one([" ", "\t"])}# ${random.one(WILD)}` : "";
    lines.push({ text: text + comment, section, options });
    while (maybe(4))
      lines.push({
        text: random.one(["", "  ", "# it's", `\t#${random.one(WILD)}`]),
        section: "",
        options: [],
      });
  };
  const quoted = (value: string): string => random.one([`'${value}'`, `"${value}"`, value]);
  const section = (head: string, name: string, options: Record<string, string>): void => {
    add(`config ${head} ${quoted(name)}`, name);
    const indent = random.one(["", "\t", "    "]);
    let entries = Object.entries(options);
    while (entries.length > 0) {
      const count = maybe(5) ? 2 : 1;
      const some = entries.slice(0, count);
      entries = entries.slice(count);
      const text = some.map(([key, value]) => `option ${key} ${quoted(value)}`).join(" ; ");
      add(indent + text, name, ...some.map(([key]) => key));
    }
  };
  const options = (): Record<string, string> => {
    const chosen = Object.entries(OPTIONS).filter(() => maybe(3));
    return Object.fromEntries(chosen.map(([key, value]) => [key, value(random)]));
  };
  const { interval, threshold } = options();
  const global = Object.entries({ interval, threshold }).filter(([, value]) => value !== undefined);
  if (maybe(2))
    section("vpnmonitor", "global", Object.fromEntries(global) as Record<string, string>);
  for (let i = 0; i < 3; i++) {
    const monitor: Record<string, string> = maybe(2)
      ? { monitor: "1", rekey: random.one(["0", "on"]) }
      : { monitor: "0" };
    section("vpn", `v${i}`, { gateway: `branch${i}`, ...monitor, ...options() });
  }
  return lines;
}

/** A command, the section that it changes, and the options that it may change there. */
function randomCommand(random: Random): [line: string, section: string, options: string[]] {
  const vpn = `v${random.below(5)}`;
  const option = random.one(Object.keys(OPTIONS));
  const word = option.replace("_", "-");
  const value =
    random.below(4) === 0 ? random.one(["0", "x", "''", '"a b"', "-1"]) : OPTIONS[option]!(random);
  const global = random.one(["interval", "threshold"]);
  const all = ["monitor", "rekey", "optimized", "source_ip", "source_interface", "destination_ip"];
  const parts = [
    "optimized",
    "rekey",
    "source-ip 10.1.0.1",
    "destination-ip 10.2.0.10",
    "destination-ip ::9",
  ];
  const monitor = parts.filter(() => random.below(3) === 0).join(" ");
  return random.one([
    [`set vpn ${vpn} ${word} ${value}`, vpn, [option]],
    [`unset vpn ${vpn} ${word}`, vpn, [option]],
    [`set vpn ${vpn} monitor ${monitor}`, vpn, all],
    [`unset vpn ${vpn} monitor`, vpn, [...all, "quorum"]],
    [`set vpn ${vpn} gateway branch${random.below(5)}`, vpn, ["gateway"]],
    [`unset vpn ${vpn}`, vpn, ["*"]],
    [`set vpnmonitor ${global} ${OPTIONS[global]!(random)}`, "global", [global]],
    [`unset vpnmonitor ${global}`, "global", [global]],
  ] as [string, string, string[]][]);
}

/** Whether the lines stand in the text in this order, whatever is between them. */
function assertKept(lines: string[], text: string, message: string): void {
  let at = 0;
  const there = text.split("\n").map((line) => line.replace("\r", ""));
  for (const line of lines) {
    at = there.indexOf(line, at) + 1;
    assert.ok(at > 0, `${message}\nlost: ${line}\nin:\n${text}`);
  }
}

test("random commands on random files keep every line that they do not name", () => {
  const random = new Random(20261124);
  let [done, refused] = [0, 0];
  for (let round = 0; round < 400; round++) {
    const lines = randomFile(random);
    const end = random.one(["\n", "\n", "\r\n"]);
    const before =
      random.one(["", "\ufeff"]) + lines.map(({ text }) => text).join(end) + random.one([end, ""]);
    const world = having(before);
    const changed: [string, string[]][] = [];
    for (let i = 0; i < 8; i++) {
      const [command, section, options] = randomCommand(random);
      const old = textOf(world);
      const answer = world.ask(command);
      const text = textOf(world);
      if (answer !== "ok\n") {
        refused++;
        assert.equal(text, old, command);
        continue;
      }
      done++;
      changed.push([section, options]);
      const isForeign = (line: Line): boolean =>
        line.text.trim() !== "" &&
        !changed.some(
          ([of, names]) =>
            line.section === of &&
            (names[0] === "*" || line.options.some((name) => names.includes(name))),
        );
      const foreign = lines.filter(isForeign).map(({ text }) => text);
      assertKept(foreign, text.replace("\ufeff", ""), `${command}\nbefore:\n${old}`);
      // What was asked for is so, and the text says the same to who reads it anew.
      const [, vpn = "", name = "", wanted = ""] =
        /^set vpn (\S+) (size|threshold) (\d+)$/.exec(command) ?? [];
      if (vpn !== "")
        assert.equal(`${(world.vpn(vpn) as unknown as Record<string, number>)[name]}`, wanted);
      const settings = (of: World): unknown =>
        (JSON.parse(of.command("json get vpn")) as { vpns: Record<string, unknown>[] }).vpns
          .map((each) =>
            [
              "name",
              "gateway",
              "child",
              "monitor",
              "rekey",
              "optimized",
              "interval_ms",
              "threshold",
              "recover",
              "quorum",
              "size",
            ].map((key) => each[key]),
          )
          .sort();
      if (i === 7) assert.deepEqual(settings(world), settings(having(text)), text);
    }
  }
  assert.ok(done > 1000 && refused > 300, `${done} done, ${refused} refused`);
});
