/** `doctor`: each of its findings provoked in a simulated world, and none in a healthy one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import type { Connection } from "../../host/node/sim/model/ike_sa.ts";
import { networkOf } from "../../host/node/sim/model/rtnetlink.ts";
import { branches, EPERM, hub, monitored, monitoredChildren, settled, World } from "./lib/world.ts";

interface Finding {
  id: string;
  severity: "fatal" | "warning" | "note";
  vpn: string | null;
  text: string;
  advice: string;
}

interface Report {
  status: string;
  findings: Finding[];
  vpns: { name: string; state: string; why?: string; tried?: string; next?: string }[];
}

function examine(world: World, vpn = ""): Report {
  const [status = "", ...body] = world.ask(`json doctor ${vpn}`).split("\n");
  const { findings, vpns } = JSON.parse(body.join("\n")) as Report;
  return { status, findings, vpns };
}

const ids = (report: Report): string[] => report.findings.map(({ id }) => id);

const HEALTHY: Partial<Connection> = { dpd_s: 10 };
const LAN = ["config vpn 'branch0'", "option gateway 'branch0'", "option monitor '1'"];

/** A world with one VPN that is up; its configuration may say more. */
function healthy(connection: Partial<Connection> = {}, ...options: string[]): World {
  const quick = ["option interval '1'", "option threshold '3'"];
  const chosen = options.some((option) => option.includes("threshold")) ? quick.slice(0, 1) : quick;
  const all = branches(1, { ...HEALTHY, ...connection });
  return withLan(settled(all, ...chosen, ...options));
}

/** The world's machine has the address that echoes come from. */
function withLan(world: World): World {
  const { kernel } = world;
  kernel.interfaces.push({ name: "uplink", addresses: [] }, { name: "lan", addresses: [] });
  world.network(kernel.plug("uplink", true));
  world.network(kernel.plug("lan", true));
  world.network(kernel.addAddress("lan", "10.1.0.1"));
  return world;
}

/** What is found; the status says whether it is more than notes. */
function findsIn(world: World, ...expected: string[]): Finding[] {
  const report = examine(world);
  assert.deepEqual(ids(report).sort(), [...expected].sort(), JSON.stringify(report));
  const serious = report.findings.some(({ severity }) => severity !== "note");
  assert.equal(report.status, serious ? "found" : "ok");
  for (const { text, advice } of report.findings) assert.ok(text.length > 10 && advice.length > 5);
  return report.findings;
}

test("a healthy VPN gives no finding, at once", () => {
  const world = healthy({}, "option rekey '1'");
  const before_ms = world.now_ms;
  findsIn(world);
  assert.ok(world.now_ms - before_ms < 50, "nothing was waited for");
  const text = world.ask("doctor branch0");
  assert.equal(
    text,
    "ok\nrekeyd and strongSwan:\n  nothing found\nVPN branch0: up\n  nothing found\n",
  );
});

test("a hundred healthy VPNs are one line", () => {
  const world = settled(branches(100, HEALTHY), "option rekey '1'");
  const text = world.ask("doctor");
  assert.match(text, /^ok\n.*\n  nothing found\n100 VPNs looked at, none with findings\n$/);
});

test("what is only set so is a note or a warning, and the VPN stays up", () => {
  findsIn(healthy({ dpd_s: 0 }, "option rekey '1'"), "dpd-off");
  findsIn(healthy({ dpd_s: 0, reauth_s: 3000, version: 1 }, "option rekey '1'"), "dpd-off");
  findsIn(healthy({ reauth_s: 3000 }, "option rekey '1'"), "reauthentication");
  findsIn(healthy(), "rekey-off");
  findsIn(healthy({}, "option rekey '1'", "option threshold '600'"), "slow");
  const brief = { lifetime_s: 40, rekey_s: 30 };
  findsIn(healthy(brief, "option rekey '1'", "option threshold '60'"), "short-lifetime");
});

test("a VPN that is not monitored is a note", () => {
  const world = healthy({}, "option rekey '1'");
  world.configure("config vpn 'branch0'\noption gateway 'branch0'\n");
  findsIn(world, "not-monitored");
});

test("strongSwan away is found, whether or not there is time to ask it", () => {
  const world = healthy({}, "option rekey '1'");
  world.vici = false;
  world.viciClosed(104);
  const [finding] = findsIn(world, "vici-away");
  assert.match(finding!.text, /connection re/);
  // It goes while it is asked.
  const other = healthy({}, "option rekey '1'");
  other.engine.command(9, "json doctor");
  other.vici = false;
  other.viciClosed(104);
  other.run(5000);
  findsIn(other, "vici-away");
});

test("a refused reload is found", () => {
  const world = healthy({}, "option rekey '1'");
  world.reload("nonsense\n");
  findsIn(world, "refused-config");
});

test("a connection, a child or a mode that strongSwan does not have", () => {
  const world = healthy({}, "option rekey '1'");
  const text = (more: string): string => `${LAN.join("\n")}\noption rekey '1'\n${more}\n`;
  world.configure(text("option child 'other'").replace("gateway 'branch0'", "gateway 'nobody'"));
  world.run(3000);
  findsIn(world, "unknown-connection");
  world.configure(text("option child 'other'"));
  world.run(3000);
  findsIn(world, "unknown-child");
  const transport = new World(new Engine(), branches(1, { ...HEALTHY, mode: "TRANSPORT" }));
  transport.configure(monitored(branches(1), "option rekey '1'"));
  transport.run(3000);
  findsIn(transport, "not-tunnel");
});

test("a connection that was unloaded under a VPN that is up", () => {
  const connections = branches(1, HEALTHY);
  const world = settled(connections, "option rekey '1'");
  connections.length = 0;
  findsIn(world, "unknown-connection");
});

test("source and destination outside the selectors, or missing", () => {
  const world = healthy({}, "option rekey '1'");
  const base = `${LAN.join("\n")}\noption rekey '1'\n`;
  world.configure(`${base}option source_ip '10.1.0.1'\nlist destination_ip '10.9.0.1'\n`);
  world.run(3000);
  const [finding] = findsIn(world, "outside-selectors");
  assert.match(finding!.text, /10\.1\.0\.1 to 10\.9\.0\.1 .*10\.1\.0\.0\/16 === 10\.2\.0\.0\/24/);
  world.configure(`${base}option source_ip '10.1.0.1'\n`);
  world.run(3000);
  findsIn(world, "no-destination");
  world.network(world.kernel.removeAddress("lan", "10.1.0.1"));
  world.configure(`${base}list destination_ip '10.2.0.10'\n`);
  world.run(3000);
  findsIn(world, "no-source");
});

/** A world whose VPN is bound to an interface with these options; the lines go below. */
function bound(options: string, lines = "", connection: Partial<Connection> = {}): World {
  const world = healthy({ if_id: 11, ...connection }, "option rekey '1'");
  world.configure(boundConfig(options, lines));
  world.run(3000);
  return world;
}

const boundConfig = (options: string, lines = ""): string =>
  `config tunnel 'tunnel.1'\n${options}\n${LAN.join("\n")}\noption rekey '1'\n` +
  `option interval '1'\noption source_ip '10.1.0.1'\nlist destination_ip '10.2.0.10'\n` +
  `option tunnel 'tunnel.1'\n${lines}`;

/** What is found of tunnel interfaces, also for the one VPN that is bound to one. */
function findsOfTunnels(world: World, ...expected: [id: string, text: RegExp][]): void {
  const OF_TUNNELS = /interface|if-id|next-hop|foreign/;
  for (const vpn of ["", "branch0"]) {
    const found = examine(world, vpn).findings.filter(({ id }) => OF_TUNNELS.test(id));
    assert.deepEqual(found.map(({ id }) => id).sort(), expected.map(([id]) => id).sort());
    for (const [id, text] of expected) {
      assert.match(found.find((finding) => finding.id === id)!.text, text);
    }
  }
}

test("a tunnel interface that is not there, is another one, or was set down", () => {
  findsOfTunnels(bound("option create 1"));
  findsOfTunnels(bound("option if_id 11"), ["no-interface", /tunnel\.1 is not there, and rekeyd/]);
  const world = bound("option create 1");
  world.network(world.kernel.setUp("tunnel.1", false));
  world.run(100);
  findsOfTunnels(world, ["interface-down", /tunnel\.1 is set down/]);
  const other = healthy({ if_id: 11 }, "option rekey '1'");
  other.network(other.kernel.addInterface({ name: "tunnel.1", addresses: [] }));
  other.configure(boundConfig("option create 1"));
  other.run(3000);
  findsOfTunnels(other, ["other-interface", /no XFRM interface in external mode$/]);
  other.configure(boundConfig("option if_id 11"));
  other.run(3000);
  findsOfTunnels(other, ["other-interface", /no XFRM interface with if_id 11$/]);
});

test("an SA that is not its interface's", () => {
  const none = bound("option create 1", "", { if_id: 0 });
  findsOfTunnels(none, ["other-if-id", /tunnel\.1, which tells VPNs .*, and its SA has none$/]);
  const another = bound("option create 1; option if_id 12");
  findsOfTunnels(another, ["other-if-id", /whose if_id is 12, and its SA has 11 in and 11 out$/]);
  findsOfTunnels(bound("option create 1; option if_id 11"));
});

test("routes whose next hop nobody has, or in whose place another is", () => {
  const nhtb = "config nhtb; option interface tunnel.1; option nexthop 10.254.1.2; option vpn ";
  const route = (target: string, gateway: string): string =>
    `config route; option target ${target}; option interface tunnel.1; option gateway ${gateway}\n`;
  const lines =
    `${nhtb}branch0\n` +
    route("10.7.0.0/16", "10.254.1.2") +
    route("10.8.0.0/16", "10.254.1.8") +
    route("10.9.0.0/16", "10.254.1.9");
  const world = bound("option create 1", lines);
  const no_next_hop: [string, RegExp] = [
    "no-next-hop",
    /2 routes over tunnel\.1 have .*: 10\.8\.0\.0\/16 by 10\.254\.1\.8, and others$/,
  ];
  findsOfTunnels(world, no_next_hop);
  const taken = healthy({ if_id: 11 }, "option rekey '1'");
  const foreign = { family: 2 as const, table: 254, metric: 0, protocol: 4, oif: 1 };
  taken.network(taken.kernel.putRoute({ ...foreign, ...networkOf("10.7.0.0/16") }));
  taken.configure(boundConfig("option create 1", lines));
  taken.run(3000);
  findsOfTunnels(taken, no_next_hop, [
    "foreign-route",
    /in the place of 1 route over tunnel\.1: 10\.7\.0\.0\/16 with metric 0$/,
  ]);
});

/** A world whose VPN has an SA that the kernel does not use: the guard holds its echoes back. */
function held(): World {
  const world = healthy({}, "option rekey '1'");
  world.send_errno = EPERM;
  world.runUntil(() => world.states()["branch0"] === "down", 60_000);
  return world;
}

test("the guard that holds echoes back, and whoever leads them there", () => {
  const world = held();
  findsIn(world, "down", "held-back");
  world.kernel.rules.push({ priority: 0, table: 255 }, { priority: 1001, table: 1, mark: 0x100 });
  world.kernel.rules.push({ priority: 1500, table: 7 });
  world.kernel.way = (_, mark) => (mark === 0x100 ? { oif: 2, table: 1 } : { oif: 1, table: 220 });
  const [, marked] = findsIn(world, "down", "stolen-by-mark");
  assert.match(marked!.text, /rule 1001 with mark 0x00000100.*, table 1, by lan and not by /);
  world.kernel.way = () => ({ oif: 2, table: 7 });
  const [, ruled] = findsIn(world, "down", "stolen-by-rule");
  assert.match(ruled!.text, /10\.2\.0\.10 past the tunnel: rule 1500, table 7, by lan/);
  world.kernel.way = (to) => (to.startsWith("10.") ? { errno: 101 } : { oif: 1 });
  findsIn(world, "down", "no-route");
  world.kernel.way = () => ({ table: 255, local: true });
  findsIn(world, "down", "our-destination");
});

test("an echo that the kernel refuses, and a source that nobody has", () => {
  const world = healthy({}, "option rekey '1'");
  world.send_errno = 22;
  world.runUntil(() => world.states()["branch0"] === "down", 60_000);
  findsIn(world, "down", "unsendable");
  world.network(world.kernel.removeAddress("lan", "10.1.0.1"));
  findsIn(world, "down", "not-our-source");
});

/** A world whose peer is gone. */
function lost(): World {
  const world = healthy({}, "option rekey '1'");
  world.charon.peer("branch0").silent = true;
  world.runUntil(() => world.states()["branch0"] === "down", 60_000);
  world.run(20_000);
  return world;
}

test("a peer that is gone: in the clear, too, or for IKE alone, or for want of a route", () => {
  const world = lost();
  world.answers_clear = () => false;
  const [, silent] = findsIn(world, "down", "silent-peer");
  assert.match(silent!.text, /198\.51\.100\.0 answers neither IKE nor a ping/);
  world.answers_clear = (address) => address === "198.51.100.0";
  findsIn(world, "down", "silent-ike");
  world.kernel.way = (address) => (address.startsWith("198.") ? { errno: 101 } : { oif: 1 });
  findsIn(world, "down", "no-route-to-peer");
  const { vpns } = examine(world);
  assert.match(vpns[0]!.why!, /had no answer, for \d+ s|its SA is gone/);
  assert.match(vpns[0]!.tried!, /198\.51\.100\.0 did not answer, \d+ times in a row, \d+ s ago/);
  assert.match(vpns[0]!.next!, /(attempt|initiated).*, (in [\d.]+ s|now)/);
  const text = world.command("get vpn branch0");
  assert.match(text, /Why .*\n.*Tried last .*did not answer.*\n.*Next /);
});

test("VPNs that take turns at a peer that is gone: each tells of the other and its turn", () => {
  const connection = hub();
  const world = new World(new Engine(), [connection]);
  const options = ["option rekey '1'", "option interval '1'", "option threshold '3'"];
  world.configure(monitoredChildren(connection, connection.children, ...options));
  world.run(10_000);
  world.charon.peer("hub").silent = true;
  world.run(12_000);
  const asked = world.requests().length;
  const told = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const { vpns } = examine(world);
    for (const { name, tried, next } of vpns) {
      assert.match(tried!, /198\.51\.100\.1 did not answer, \d+ times? in a row/, name);
      told.add(next!.replace(/[\d.]+ s$/, "SECONDS"));
      const [, after] = /after that for VPN (.*)$/.exec(next!) ?? [];
      assert.ok(after !== name, `${name} waits for itself`);
    }
    world.run(130);
  }
  assert.ok(world.requests().length > asked);
  assert.ok([...told].some((text) => /^an attempt, after that for VPN net[01]$/.test(text)));
});

test("a peer that refuses, in strongSwan's words", () => {
  const world = healthy({}, "option rekey '1'");
  world.charon.peer("branch0").refuses = true;
  world.charon.removeAll("branch0");
  world.run(5000);
  const [, refused] = findsIn(world, "down", "refused");
  assert.match(refused!.text, /refuses to negotiate \(/);
});

test("a silent target is a warning beside 'down', and its SA is left alone", () => {
  const world = withLan(new World(new Engine(), branches(1, HEALTHY)));
  world.answers = () => false;
  world.charon.establish("branch0");
  const quick = ["option interval '1'", "option threshold '3'"];
  world.configure(monitored(branches(1), "option rekey '1'", ...quick));
  world.run(1100);
  findsIn(world, "misses");
  for (let i = 0; i < 60; i++) {
    world.charon.ikes[0]!.children[0]!.packets_in++;
    world.run(500);
  }
  findsIn(world, "down", "silent-target");
});

test("no SA, and nobody who makes one", () => {
  const world = withLan(new World(new Engine(), branches(1, HEALTHY)));
  world.configure(monitored(branches(1)));
  world.run(5000);
  findsIn(world, "no-sa", "rekey-off");
});

test("both ends that initiate: what is there now, and what was there", () => {
  const world = healthy({}, "option rekey '1'");
  world.charon.establish("branch0", false);
  world.run(500);
  findsIn(world, "both-initiate");
  world.run(60_000);
  const [finding] = findsIn(world, "both-initiate");
  assert.match(finding!.text, /duplicate SAs? came about, the last one \d+ s ago/);
  world.run(3_600_000);
  findsIn(world);
  // An IKE_SA of each end, although nothing is on the one of them.
  const bare = healthy({}, "option rekey '1'");
  bare.charon.establish("branch0", false).ike.children.length = 0;
  const [both] = findsIn(bare, "both-initiate");
  assert.match(both!.text, /each end has made an IKE_SA/);
});

/** What `optimized` makes of a minute in which other packets, too, go both ways each second. */
function besideTraffic(packets_in: number, packets_out: number, long_bytes_in: number): World {
  const world = healthy({}, "option rekey '1'", "option optimized '1'");
  for (let i = 0; i < 60; i++) {
    const sa = world.charon.ikes[0]!.children[0]!;
    sa.packets_in += packets_in;
    sa.packets_out += packets_out;
    sa.long_bytes_in += long_bytes_in;
    world.run(1000);
  }
  return world;
}

test("optimized beside a peer that monitors, too, and beside users' traffic", () => {
  const world = besideTraffic(1, 1, 0);
  findsIn(world, "peer-monitors");
  world.charon.ikes[0]!.children[0]!.packets_in += 20;
  world.run(1500);
  findsIn(world);
  findsIn(besideTraffic(0, 0, 0));
  findsIn(besideTraffic(3, 1, 0));
  findsIn(besideTraffic(1, 1, 1400));
});

test("what a VPN does not need is not missed", () => {
  const world = healthy({}, "option rekey '1'");
  world.facts = () => "# host\nxfrm 0\nipv6 0\n# xfrm_stat\n";
  findsIn(world);
});

test("one round missed is no news, two are", () => {
  const world = healthy({}, "option rekey '1'", "option threshold '9'");
  const misses = (): number => world.vpn("branch0")["misses"] as number;
  world.answers = () => false;
  world.runUntil(() => misses() === 1, 5000);
  findsIn(world);
  world.runUntil(() => misses() === 2, 5000);
  findsIn(world, "misses");
});

test("a way through a table of the user's is none past the tunnel while IPsec takes it", () => {
  const world = healthy({}, "option rekey '1'");
  world.kernel.way = () => ({ oif: 2, table: 7 });
  world.answers = () => false;
  world.runUntil(() => world.states()["branch0"] === "down", 60_000);
  const found = ids(examine(world));
  assert.ok(found.includes("down") && !found.some((id) => id.startsWith("stolen")), `${found}`);
});

test("a kernel without IPsec or IPv6, and one that drops", () => {
  const world = new World(new Engine(), branches(1, HEALTHY));
  world.charon.peer("branch0").silent = true;
  world.facts = () => "# host\nxfrm 0\nipv6 0\n";
  world.configure(monitored(branches(1), "option rekey '1'"));
  world.run(500);
  assert.ok(ids(examine(world)).includes("no-ipsec"));
  let drops = 5;
  world.facts = () => `# host\nxfrm 1\n# xfrm_stat\nXfrmInNoStates   \t${(drops += 3)}\nX 1\n`;
  const { findings } = examine(world);
  const dropped = findings.find(({ id }) => id === "kernel-drops");
  assert.match(dropped!.text, /3 packets of IPsec.*XfrmInNoStates/);
});

test("echoes of IPv6 in a kernel that has none", () => {
  const [local_ts, remote_ts] = ["fd00:1::/64", "fd00:2::/64"];
  const world = new World(new Engine(), branches(1, { ...HEALTHY, local_ts, remote_ts }));
  const options = ["option rekey '1'", "option source_ip 'fd00:1::1'"];
  world.configure([...LAN, ...options, "list destination_ip 'fd00:2::10'", ""].join("\n"));
  world.run(500);
  assert.ok(!ids(examine(world)).includes("no-ipv6"));
  world.facts = () => "# host\nxfrm 1\nipv6 0\n";
  assert.ok(ids(examine(world)).includes("no-ipv6"));
});

test("a host that tells no facts holds nobody up for long", () => {
  const world = healthy({}, "option rekey '1'");
  world.facts = undefined;
  const before_ms = world.now_ms;
  findsIn(world);
  assert.ok(world.now_ms - before_ms <= 1300);
});

test("any facts, in any pieces, are read to their end", () => {
  const world = healthy({}, "option rekey '1'");
  const junk = ["# host\nxfrm", "#", "# host\nxfrm 99999999999999999999\n", "\n".repeat(9000)];
  junk.push("# xfrm_stat\nXfrmInNoStates -1\n", "# \xff host\n\0\0", "x".repeat(100_000), "");
  for (const text of junk) {
    world.facts = () => text;
    findsIn(world);
  }
});

test("whatever the kernel answers about routes and rules, there is an answer", () => {
  const world = held();
  const { kernel } = world;
  const right = kernel.answer.bind(kernel);
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let i = 0; i < 300; i++) {
    kernel.rules.push({ priority: random(2 ** 16), table: random(300), mark: random(20) });
    kernel.answer = (request) => {
      const bytes = Buffer.concat([right(request), right(request)]);
      for (let j = random(8); j > 0; j--) bytes[random(bytes.length)] = random(256);
      return bytes.subarray(0, random(4) === 0 ? random(bytes.length) : bytes.length);
    };
    assert.ok(ids(examine(world)).includes("down"));
  }
});

test("askers are answered one after the other, within five seconds, and not too many", () => {
  const world = lost();
  const replies: number[] = [];
  const refused: string[] = [];
  const carry = world.carryOut.bind(world);
  world.carryOut = (actions) => {
    for (const action of actions) {
      if (action.kind !== 6) continue;
      if (action.bytes.toString().startsWith("error")) refused.push(action.bytes.toString());
      else replies.push(action.argument);
    }
    carry(actions);
  };
  for (let client = 10; client < 16; client++) {
    world.carryOut(world.engine.command(client, "doctor branch0"));
  }
  assert.equal(refused.length, 2);
  assert.match(refused[0]!, /others are being examined/);
  world.run(1100);
  assert.deepEqual(replies, [10]);
  // One whose VPN is gone by then is told so.
  world.configure("config vpn 'else'\noption gateway 'branch0'\noption child 'branch0'\n");
  world.run(3900);
  assert.deepEqual(replies, [10]);
  assert.equal(refused.length, 5);
  assert.match(refused[4]!, /there is no VPN 'branch0' any more/);
});
