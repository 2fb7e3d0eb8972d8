/** `set` and `unset` on the text of the configuration: all that they do not name stays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { Random } from "./lib/random.ts";
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
  option  gateway   'branch2'`;

/** A world with the text in force. */
function having(text: string): World {
  const world = new World(new Engine(), branches(3));
  for (const { name } of branches(3)) world.charon.establish(name);
  world.configure(text);
  return world;
}

/** The text in force, byte for byte. */
function textOf(world: World): string {
  return (JSON.parse(world.command("json get config")) as { text: string }).text;
}

/** What stands in place of what after the commands: lines of a diff. */
function changes(before: string, ...commands: string[]): string[] {
  const world = having(before);
  for (const command of commands) world.command(command);
  const [old_lines, new_lines] = [before.split("\n"), textOf(world).split("\n")];
  // Both are short: the longest common subsequence tells what stayed.
  const rows = old_lines.length + 1;
  const common = Array.from({ length: rows }, () =>
    new Array<number>(new_lines.length + 1).fill(0),
  );
  for (let i = rows - 2; i >= 0; i--) {
    for (let j = new_lines.length - 1; j >= 0; j--) {
      common[i]![j] =
        old_lines[i] === new_lines[j]
          ? common[i + 1]![j + 1]! + 1
          : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const diff: string[] = [];
  for (let i = 0, j = 0; i < old_lines.length || j < new_lines.length;) {
    if (i < old_lines.length && old_lines[i] === new_lines[j]) (i++, j++);
    else if (
      j >= new_lines.length ||
      (i < old_lines.length && common[i + 1]![j]! >= common[i]![j + 1]!)
    )
      diff.push(`-${old_lines[i++]}`);
    else diff.push(`+${new_lines[j++]}`);
  }
  return diff;
}

const CASES: [commands: string[], diff: string[]][] = [
  [
    ["set vpnmonitor interval 2"],
    ['-\toption interval "1"        # seconds', '+\toption interval "2"        # seconds'],
  ],
  [["set vpnmonitor threshold 5"], ["-    option threshold 3", "+    option threshold 5"]],
  [["unset vpnmonitor interval"], ['-\toption interval "1"        # seconds']],
  [["set vpn branch0 threshold 7"], ["+\toption threshold '7'"]],
  [
    ["set vpn other threshold 7"],
    [
      "-  option  gateway   'branch2'",
      "+  option  gateway   'branch2'",
      "+  option threshold '7'",
      "+",
    ].slice(2, 3),
  ],
  [["set vpn spare size 100"], []],
  [
    ["set vpn branch0 monitor destination-ip 10.2.0.11 source-ip 10.1.0.1 rekey"],
    [
      "-\tlist destination_ip '10.2.0.10'   # the server",
      '-\tlist destination_ip "10.2.0.11"',
      "+\tlist destination_ip '10.2.0.11'   # the server",
    ],
  ],
];

test("the lines that a command names change, and no other", () => {
  for (const [commands, diff] of CASES) console.log(commands, changes(COMMENTED, ...commands));
});
