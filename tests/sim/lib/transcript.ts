/**
 * Transcripts of the console: files that read as a session, and are played to a world in which
 * every run is the same.
 *
 *     # said to the reader
 *     @ wait 5 s             something happens (HAPPENINGS)
 *     > get vpn              a line for the console (␣: with a space at its end); what it answers
 *                            follows behind `| `, an error behind `! `
 */
import { Engine } from "../../../host/node/engine.ts";
import type { Connection } from "../../../host/node/sim/model/ike_sa.ts";
import { VERSION } from "../../../tools/version.ts";
import { branches, World } from "./world.ts";

const CONFIG = `\
# Two branches and a spare.
config vpnmonitor 'global'
  option interval '1'
  option threshold '3'

config vpn 'branch0'
  option gateway 'branch0'
  option monitor '1'
  option rekey '1'
  option source_ip '10.1.0.1'
  list destination_ip '10.2.0.10'

config vpn 'branch1'
  option gateway 'branch1'
  option monitor '1'
  option source_ip '10.1.0.1'
  list destination_ip '10.2.1.10'

config vpn 'spare'
  option gateway 'branch2'
  option child 'branch2'
`;
/** 2026-11-23 13:20:01 UTC, less what passes until the first line. */
const WALL_MS = 1_795_439_991_000;

/** strongSwan's configuration in each world. */
const CONNECTIONS = new WeakMap<World, Connection[]>();

/** The connection gets the if_id, and new SAs. */
function giveIfId(world: World, name: string, if_id: number): void {
  CONNECTIONS.get(world)!.find((connection) => connection.name === name)!.if_id = if_id;
  world.charon.removeAll(name);
  world.charon.establish(name);
}

/** What can happen between the lines. */
const HAPPENINGS: Record<string, (world: World, what: string) => void> = {
  wait: (world, what) => world.run(1000 * Number.parseFloat(what)),
  silent: (world, name) => void (world.charon.peer(name).silent = true),
  answers: (world, name) => void (world.charon.peer(name).silent = false),
  if_id: (world, what) => {
    const [name = "", id] = what.split(" ");
    giveIfId(world, name, Number(id));
  },
  removed: (world, name) => world.charon.removeAll(name),
  unwritable: (world, errno) => void (world.save_errno = Number.parseInt(errno)),
  disconnected: (world) => {
    world.vici = false;
    world.viciClosed(104);
  },
};

/** A world with three VPNs: `branch0` has rekey, `branch1` is watched, `spare` is not. */
function scene(): World {
  const connections = branches(3);
  const world = new World(new Engine(), connections);
  CONNECTIONS.set(world, connections);
  world.engine.wall_ms = WALL_MS;
  world.kernel.interfaces.push({ name: "lan", addresses: ["10.1.0.1"] });
  for (const { name } of connections.slice(0, 2)) world.charon.establish(name);
  world.configure(CONFIG);
  world.run(10_000);
  return world;
}

/** The transcript as it is now: its comments, happenings and lines, with what they answer. */
export function play(transcript: string): string {
  const world = scene();
  const played: string[] = [];
  for (const line of transcript.split("\n")) {
    const [mark, rest] = [line.slice(0, 2), line.slice(2)];
    if (line === "" || line.startsWith("#")) {
      played.push(line);
    } else if (mark === "@ ") {
      const [what = "", ...more] = rest.split(" ");
      const happen = HAPPENINGS[what];
      if (happen === undefined) throw new Error(`nothing is called '${what}'`);
      happen(world, more.join(" "));
      played.push(line);
    } else if (line === ">" || mark === "> ") {
      played.push(line, ...answer(world, rest.replace(/␣$/, " ")));
    }
  }
  return played.join("\n");
}

/** The lines of an answer; none of them looks like one of the transcript's own. */
function answer(world: World, line: string): string[] {
  const [status, ...body] = world.ask(line).trimEnd().split("\n");
  const text = body.map((said) => (status === "error" ? `! ${said}` : `| ${said}`));
  const stamp = `version="${VERSION}"`;
  return text.map((said) => said.trimEnd().replace(stamp, 'version="VERSION"'));
}
