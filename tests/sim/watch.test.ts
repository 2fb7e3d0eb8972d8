/** A frame of the live screen fits the screen, and all its VPNs are found on it or by scrolling. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { Connection } from "../../host/node/sim/model/charon.ts";
import { branches, monitored, World } from "./lib/world.ts";

const SIZES = [1, 2, 3, 5, 10, 24, 49, 50, 59, 60, 75, 76, 80, 97, 98, 117, 118, 200, 512, 9999];
/** The summary and the head. */
const HEAD_ROWS = 2;
const WATCHED = 40;
const HOSTILE = /[^\x20-\x7e▁▃▅▇█░…]/;

interface Frame {
  first: number;
  shown: number;
  lines: string[];
}

const skip = (count: number): string => (count > 0 ? ` skip ${count}` : "");

function frame(world: World, command: string): Frame {
  const [head, ...lines] = world.ask(command).split("\n");
  const [, first, shown] = /^frame (\d+) (\d+)$/.exec(head!) ?? [];
  assert.ok(first !== undefined && shown !== undefined, `${command}: ${head}`);
  assert.equal(lines.pop(), "", "the last line is a whole one");
  return { first: Number(first), shown: Number(shown), lines };
}

/** The names in a frame that is wide enough for them. */
function names(world: World, command: string): string[] {
  const { shown, lines } = frame(world, command);
  return lines.slice(HEAD_ROWS, HEAD_ROWS + shown).map((line) => line.split(" ")[0]!);
}

/**
 * Of the first 40 VPNs every second one has an SA, and the targets of every tenth are silent;
 * nobody asked to have the others monitored.
 */
function mixed(count: number): World {
  const connections = branches(count);
  const world = new World(new Engine(), connections);
  const some = connections.slice(0, WATCHED);
  for (const { name } of some.filter((_, i) => i % 2 === 0)) world.charon.establish(name);
  const silent = new Set(some.filter((_, i) => i % 10 === 0).map(target));
  world.answers = ({ destination }) => !silent.has([...destination.subarray(-4)].join("."));
  const rest = monitored(connections.slice(WATCHED)).replaceAll("monitor '1'", "monitor '0'");
  world.configure(monitored(some, "option interval '1'", "option threshold '3'") + rest);
  world.run(20_000);
  return world;
}

const target = ({ remote_ts }: Connection): string => remote_ts.replace("0/24", "10");

/** States in their order on the screen; those that nobody asked to have monitored come last. */
const RANKS: Record<number, string[]> = {
  0: [],
  1: ["down"],
  40: ["down", "inactive", "up"],
  10_000: ["down", "inactive", "up", "inactive"],
};

for (const count of [0, 1, 40, 10_000]) {
  describe(`with ${count} VPNs`, () => {
    const world = mixed(count);

    test("no line is wider, and no frame higher than the screen", () => {
      for (const columns of SIZES) {
        for (const rows of count > 100 ? [1, 24, 9999] : SIZES) {
          for (const more of ["", " color", " ascii", skip(count)]) {
            const command = `watch size ${columns} ${rows}${more}`;
            const { first, shown, lines } = frame(world, command);
            assert.ok(lines.length <= rows, command);
            assert.ok(first >= 0 && first + shown <= count, command);
            for (const line of lines) {
              const text = more === " color" ? line.replaceAll(/\x1b\[\d+m/g, "") : line;
              assert.ok([...text].length <= columns, `${command}: ${line}`);
              assert.doesNotMatch(text, more === " ascii" ? /[^\x20-\x7e]/ : HOSTILE, command);
            }
          }
        }
      }
    });

    test("page by page all of them are shown, each once, what is wrong first", () => {
      const seen: string[] = [];
      const rank: string[] = [];
      while (seen.length < count) {
        const { first, shown, lines } = frame(world, `watch size 120 100${skip(seen.length)}`);
        // The last page is a whole one.
        for (const line of lines.slice(HEAD_ROWS + seen.length - first, HEAD_ROWS + shown)) {
          const [name, state] = line.split(/ +/);
          seen.push(name!);
          if (rank.at(-1) !== state) rank.push(state!);
        }
      }
      assert.equal(new Set(seen).size, count);
      assert.deepEqual(rank, RANKS[count]);
    });

    test("what is skipped beyond the end shows the end", () => {
      const most = "watch size 80 24 skip 1000000000";
      assert.deepEqual(names(world, most), names(world, `watch size 80 24${skip(count)}`));
    });
  });
}

test("as JSON it is the document of get vpn; alone it is asked for again, with a size not", () => {
  const world = mixed(1);
  const document = world.command("json get vpn");
  assert.equal(world.ask("json watch").replace(/^live 0 0\n/, ""), document);
  assert.equal(world.ask("json watch size 80 24"), `ok\n${document}`);
});
