/** The metrics of many VPNs: bounded parts of one document, and never of two configurations. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { branches, monitored, World } from "./lib/world.ts";

const PART_BYTES = 64 << 10;
/** A part ends behind the VPN with which it is full. */
const VPN_BYTES = 1024;
const MANY = 2_000;
/** At most; of some there is no value yet. */
const SAMPLES_PER_VPN = 26;

function vpns(count: number): World {
  const world = new World(new Engine(), []);
  world.configure(monitored(branches(count)));
  return world;
}

/** All parts of an answer, and how many there were. */
function ask(world: World, line: string): { text: string; parts: number; refused: string } {
  let text = "";
  for (let parts = 1; ; parts++) {
    const answer = world.ask(line);
    const end = answer.indexOf("\n");
    const [head, body] = [answer.slice(0, end), answer.slice(end + 1)];
    assert.ok(body.length <= PART_BYTES + VPN_BYTES, `${body.length} bytes in a part`);
    if (head === "error") return { text, parts, refused: body };
    text += body;
    if (head === "ok") return { text, parts, refused: "" };
    assert.match(head, /^more metrics (textfile )?from [0-9.]+$/);
    line = head.slice("more ".length);
  }
}

/** The families of a document in their order: each has one head, in front of all its samples. */
function families(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let name = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const head = /^# TYPE (\S+) \w+$/.exec(line);
    if (head !== null) {
      name = head[1]!;
      assert.ok(!found.has(name), `${name} twice`);
      found.set(name, []);
    } else if (!line.startsWith("#")) {
      assert.ok(line.startsWith(name), `${line} belongs to ${name}`);
      found.get(name)!.push(line);
    }
  }
  return found;
}

test(`the metrics of ${MANY} VPNs come in parts that are one document`, () => {
  const world = vpns(MANY);
  for (const line of ["metrics", "metrics textfile"]) {
    const { text, parts, refused } = ask(world, line);
    assert.equal(refused, "");
    assert.ok(parts > 5, `${parts} parts`);
    assert.equal(text.endsWith("# EOF\n"), line === "metrics");
    const samples = [...families(text).entries()].filter(([name]) => /_vpn/.test(name));
    assert.equal(samples.length, 21);
    const all = samples.flatMap(([, lines]) => lines);
    assert.equal(new Set(all.map((line) => line.split(" ")[0])).size, all.length);
    for (const [name, lines] of samples.filter(([, lines]) => lines.length > 0)) {
      assert.equal(lines.length % MANY, 0, name);
    }
    assert.ok(all.length >= 15 * MANY && all.length <= SAMPLES_PER_VPN * MANY, `${all.length}`);
  }
});

test("no document is of two configurations", () => {
  const world = vpns(MANY);
  const answer = world.ask("metrics");
  const next = /^more (.*)\n/.exec(answer)![1]!;
  world.run(1000);
  assert.match(world.ask(next), /^more /);
  world.configure(monitored(branches(MANY).slice(1)));
  assert.match(world.ask(next), /^error\nthe configuration has changed/);
  assert.equal(ask(world, "metrics").refused, "");
});

test("VPNs that left the configuration are told no more; without any there is a document", () => {
  const world = vpns(3);
  world.configure(monitored(branches(3).slice(1)));
  const { text } = ask(world, "metrics");
  assert.deepEqual(families(text).get("rekeyd_vpn_up"), [
    'rekeyd_vpn_up{vpn="branch1"} 0',
    'rekeyd_vpn_up{vpn="branch2"} 0',
  ]);
  assert.match(world.command("snmp getnext .1.3.6.1.4.1.3224"), /1\.2\n.*\n2\n$/);
  world.configure("");
  assert.equal(families(ask(world, "metrics").text).get("rekeyd_vpn_up")!.length, 0);
  assert.equal(world.command("snmp getnext .1.3.6.1.4.1.3224"), "NONE\n");
});

test("labels are escaped, and bytes that are no text are written so that two stay two", () => {
  const world = new World(new Engine(), []);
  const config = [0xff, 0xfe].map((byte, i) =>
    Buffer.concat([
      Buffer.from(`config vpn 'a${i}'\n\toption gateway '"g\\h"'\n\toption child 'a\u2028`),
      Buffer.from([byte]),
      Buffer.from("'\n"),
    ]),
  );
  world.carryOut(world.engine.configure("test.conf", Buffer.concat(config)));
  const [first, second] = families(ask(world, "metrics").text).get("rekeyd_vpn")!;
  const of = (i: number, last: string): string =>
    `rekeyd_vpn_info{vpn="a${i}",gateway="\\"g\\\\h\\"",` +
    `child="a\\\\xe2\\\\x80\\\\xa8\\\\x${last}",id="0000000${i + 1}"} 1`;
  assert.deepEqual([first, second], [of(0, "ff"), of(1, "fe")]);
});

test("a fault counts, and its end does not take that back", () => {
  const world = new World(new Engine(), branches(1));
  const options = ["option interval '1'", "option threshold '3'", "option rekey '1'"];
  world.configure(monitored(branches(1), ...options));
  world.charon.establish("branch0");
  world.run(5_000);
  const of = (name: string): string => {
    const pattern = new RegExp(`^rekeyd_vpn_${name}\\{vpn="branch0"\\} (.*)$`, "m");
    return pattern.exec(world.command("metrics"))![1]!;
  };
  const protection = (): string[] => ["up", "protected"].map(of);
  assert.deepEqual(protection(), ["1", "1"]);
  const before = ["downs_total", "rounds_missed_total"].map((name) => Number(of(name)));
  world.charon.peer("branch0").silent = true;
  world.runUntil(() => world.said("is down") > 0, 10_000);
  world.run(2_000);
  assert.deepEqual(protection(), ["0", "1"], "it is down, and that is being seen to");
  world.charon.peer("branch0").silent = false;
  world.run(10_000);
  assert.deepEqual(protection(), ["1", "1"]);
  assert.equal(Number(of("downs_total")), before[0]! + 1);
  assert.ok(Number(of("rounds_missed_total")) >= before[1]! + 3);
  assert.ok(Number(of("negotiations_total")) >= 2 && Number(of("rekeys_total")) >= 1);
});

test("protected is what would be noticed and mended, up or not", () => {
  const connections = branches(5);
  const world = new World(new Engine(), connections.slice(0, 4));
  for (const { name } of connections.slice(0, 4)) world.charon.establish(name);
  const watched = ["option monitor '1'", "option interval '1'", "option source_ip '10.1.0.1'"];
  const section = (i: number, destination: string, ...more: string[]): string =>
    [`config vpn 'branch${i}'`, `option gateway 'branch${i}'`, ...more]
      .concat(`list destination_ip '${destination}'`)
      .join("\n");
  world.configure(
    [
      section(0, "10.2.0.10", ...watched, "option rekey '1'"),
      section(1, "10.99.0.10", ...watched, "option rekey '1'"),
      section(2, "10.2.2.10", "option source_ip '10.1.0.1'"),
      section(3, "10.2.3.10", ...watched),
      section(4, "10.2.4.10", ...watched, "option rekey '1'"),
    ].join("\n"),
  );
  world.run(10_000);
  const flags = (): string =>
    families(world.command("metrics"))
      .get("rekeyd_vpn_protected")!
      .map((line) => line.at(-1)!)
      .join("");
  // Well; a target outside the SA; not monitored; well; unknown to strongSwan.
  assert.equal(flags(), "10010");
  world.charon.removeAll("branch0");
  world.charon.removeAll("branch3");
  world.charon.peer("branch0").silent = true;
  world.run(10_000);
  // Of two without an SA the one with rekey is seen to.
  assert.equal(flags(), "10000");
});

test("tunnel interfaces are told, with what is on them", () => {
  const world = vpns(2);
  assert.doesNotMatch(ask(world, "metrics").text, /rekeyd_tunnel/);
  const bound = (name: string): string => `config vpn '${name}'\noption gateway 'g${name}'\n`;
  world.configure(
    "config tunnel 't1'; option create 1; option down 'metric 500'\n" +
      "config tunnel 't2'; option if_id 7\n" +
      `${bound("a")}option tunnel t1\n${bound("b")}option tunnel t1\n${bound("c")}` +
      "config nhtb; option interface t1; option nexthop 10.1.0.2; option vpn a\n" +
      "config route; option target 10.2.0.0/24; option interface t1; option gateway 10.1.0.2\n" +
      "config route; option target 10.3.0.0/24; option interface t1; option gateway 10.1.0.3\n",
  );
  world.run(1_000);
  const found = families(ask(world, "metrics").text);
  const of = (name: string): string[] =>
    found.get(`rekeyd_tunnel_${name}`)!.map((line) => line.slice(`rekeyd_tunnel_${name}`.length));
  assert.deepEqual(of("state"), [
    '{interface="t1",rekeyd_tunnel_state="ready"} 1',
    '{interface="t1",rekeyd_tunnel_state="up"} 0',
    '{interface="t1",rekeyd_tunnel_state="down"} 0',
    '{interface="t2",rekeyd_tunnel_state="ready"} 1',
    '{interface="t2",rekeyd_tunnel_state="up"} 0',
    '{interface="t2",rekeyd_tunnel_state="down"} 0',
  ]);
  assert.deepEqual(of("present"), ['{interface="t1"} 1', '{interface="t2"} 0']);
  assert.deepEqual(of("vpns"), ['{interface="t1"} 2', '{interface="t2"} 0']);
  assert.deepEqual(of("next_hops"), ['{interface="t1"} 1', '{interface="t2"} 0']);
  // The third is the one to the next hop.
  assert.deepEqual(of("routes"), ['{interface="t1"} 3', '{interface="t2"} 0']);
  assert.deepEqual(of("routes_active"), ['{interface="t1"} 0', '{interface="t2"} 0']);
  assert.match(ask(world, "metrics textfile").text, /^rekeyd_tunnel_present\{interface="t1"\} 1$/m);
});
