/** The console takes any line: 10,000 of them, wild ones and such as the grammar almost has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { filesBelow } from "../../tools/tree.ts";
import { branches, monitored, settled, type World } from "./lib/world.ts";

const LINES = 10_000;
const REKEY = ["option rekey '1'", "option interval '1'"];

/** mulberry32: the same numbers in every run. */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}

/** Every line of the transcripts, good or bad. */
function knownLines(): string[] {
  return filesBelow("tests/sim/transcripts", ".txt")
    .flatMap((path) => readFileSync(path, "utf8").split("\n"))
    .filter((line) => line.startsWith("> "))
    .map((line) => line.slice(2));
}

/** An answer is one, and says which kind it is; one to `json` is a document. */
function check(world: World, line: Buffer): void {
  const answer = world.ask(line);
  assert.match(answer, /^(ok|found|error|save .+|(live|frame) \d+ \d+)\n/);
  const text = line.toString("latin1");
  if (answer.startsWith("save ") || !/^[\0- ]*json[\0- ]/.test(text)) return;
  assert.doesNotThrow(() => JSON.parse(answer.slice(answer.indexOf("\n"))), text);
}

test(`${LINES} random lines are answered, and the monitor works on`, () => {
  const world = settled(branches(3), ...REKEY);
  const random = randomFrom(20261123);
  const one = <T>(of: T[]): T => of[random(of.length)] as T;
  const lines = knownLines();
  const words = [...new Set(lines.flatMap((line) => line.split(" "))), "branch0", '"', "?", "\t"];
  const bytes = (at_most: number): Buffer =>
    Buffer.from(Array.from({ length: random(at_most) }, () => random(256)));

  const kinds: (() => Buffer)[] = [
    () => bytes(64),
    () => bytes(2000),
    () => Buffer.concat([Buffer.from(one(["json ", "get ", "complete ", "help "])), bytes(40)]),
    () => Buffer.from(Array.from({ length: random(40) }, () => one(words)).join(" ")),
    () => {
      const mutated = Buffer.from(one(lines) + one(["", "?", " ?", '"', " "]));
      for (let n = random(3); n > 0 && mutated.length > 0; n--) {
        mutated[random(mutated.length)] = random(256);
      }
      return random(4) === 0 ? mutated.subarray(0, random(mutated.length + 1)) : mutated;
    },
  ];
  for (let i = 0; i < LINES; i++) {
    check(world, one(kinds)());
    if (random(20) === 0) world.run(random(500));
  }
  // Some of the lines have changed the configuration.
  world.configure(monitored(branches(3), ...REKEY));
  world.run(120_000);
  assert.deepEqual(Object.values(world.states()), ["up", "up", "up"]);
});

/** What to write for a value, by its name in the notations. */
const SAMPLES: Record<string, string> = {
  NAME: "branch0",
  LOGGED: "branch0",
  ID: "1",
  LEVEL: "error",
  N: "5",
  FILE: "file",
  PLACE: "1.2.3",
  OID: ".1.3.6.1",
  VPN: "branch0",
  GW: "branch0",
  CHILD: "branch0",
  IF: "eth0",
  SOURCE: "10.1.0.1",
  IP: "10.2.0.10",
  SECONDS: "2",
  ROUNDS: "3",
  QUORUM: "any",
  BYTES: "64",
  LIFETIME: "3600",
  TUNNEL: "tunnel.1",
  INTERFACE: "tunnel.1",
  IFID: "7",
  ADDRESS: "10.1.0.1/24",
  MTU: "1400",
  METRIC: "20",
  NETWORK: "10.0.0.0/8",
  TARGET: "10.3.0.0/16",
  NEXTHOP: "10.1.0.3",
  COLUMNS: "80",
  ROWS: "24",
};

/** These may stand as often as one likes. */
const REPEATED = ["destination-ip", "ip", "nhtb-announce", "nhtb-accept"];

/** Every line that the grammar has, found by asking what may stand where. */
function* everyLine(world: World, line: string): Generator<string> {
  const answer = JSON.parse(world.command(`json help ${line}`)) as { help: { word: string }[] };
  for (const { word } of answer.help) {
    const [next = ""] = word.split(" ");
    if (next === "<return>") {
      yield line;
    } else {
      const value = /^[A-Z]/.test(next) ? SAMPLES[next] : next.split("|")[0];
      assert.ok(value !== undefined, `${next} needs a sample here, and a case in parameter.ts`);
      if (REPEATED.includes(next) && line.split(" ").includes(next)) continue;
      yield* everyLine(world, `${line} ${value}`.trim());
    }
  }
}

test("every line of the grammar is one command, in text and as JSON", () => {
  const world = settled(branches(3), ...REKEY);
  world.configure(`${monitored(branches(3), ...REKEY)}\nconfig tunnel 'tunnel.1'\n`);
  const lines = [...everyLine(world, "")];
  // Half of them are orders of the parts of get event.
  assert.ok(lines.length >= 30, lines.join("\n"));
  for (const line of lines) {
    check(world, Buffer.from(line));
    check(world, Buffer.from(`json ${line}`));
    world.run(100);
  }
});
