/** What people are shown while things happen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../host/node/engine.ts";
import { branches, monitored, settled, World } from "./lib/world.ts";

const REKEY = ["option interval '1'", "option threshold '3'", "option rekey '1'"];

function events(world: World): string[] {
  return world
    .command("get event")
    .split("\n")
    .filter((line) => line.startsWith("[Root]"));
}

test("a fault and its end: get sa, get vpn and get event tell the same", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  world.configure(monitored(connections, ...REKEY));
  assert.match(world.command("get sa"), /^00000001< .* I\/I /m);

  world.charon.peer("branch0").exchange_ms = 100;
  world.run(5_000);
  const key = world.vpn("branch0").sas[0]!;
  const [inbound, outbound] = world.command("get sa").match(/^00000001[<>].*$/gm)!;
  assert.match(
    inbound!,
    new RegExp(`< +198.51.100.0 +4500 esp:aes128/sha256 +${key.spi_in} .*A/U`),
  );
  assert.match(
    outbound!,
    new RegExp(`> +198.51.100.0 +4500 esp:aes128/sha256 +${key.spi_out} .*A/U`),
  );

  world.charon.peer("branch0").silent = true;
  world.runUntil(() => world.said("is down") > 0, 10_000);
  assert.match(world.command("get sa"), /A\/D/);
  assert.match(world.command("get vpn branch0"), /^VPN branch0: down, Sta A\/D/);
  assert.match(world.command("get vpn branch0"), /Negotiation +rekeying Phase 2/);
  world.run(2_000);
  assert.match(world.command("get sa"), /I\/I/);
  assert.match(world.command("get vpn branch0"), /Negotiation +(initiating|removing Phase 1)/);

  world.charon.peer("branch0").silent = false;
  world.run(5_000);
  assert.match(world.command("get vpn branch0"), /^VPN branch0: up, Sta A\/U/);
  assert.notEqual(world.vpn("branch0").sas[0]!.spi_in, key.spi_in);
  assert.doesNotMatch(world.command("get vpn branch0"), /Negotiation/);

  assert.deepEqual(events(world), world.log);
  const order = [
    "is up.",
    "is down.",
    "has deactivated",
    "Phase 2: Initiated",
    "is up.",
    "rekeyed",
  ];
  let at = 0;
  for (const text of order) {
    at = world.log.findIndex((line, i) => i >= at && line.includes(text)) + 1;
    assert.notEqual(at, 0, text);
  }
});

test("every line of the log has ScreenOS's shape", () => {
  const world = settled(branches(3), ...REKEY);
  world.charon.forget("branch0");
  world.charon.peer("branch1").refuses = true;
  world.charon.removeAll("branch1");
  world.charon.establish("branch2");
  world.run(60_000);
  world.viciClosed();
  world.run(10_000);
  const severity = "(critical|error|warning|notification|information)";
  const date = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d";
  const shape = new RegExp(`^\\[Root\\]system-${severity}-\\d{5}: .+ \\(${date}\\)$`);
  assert.ok(world.log.length > 20);
  for (const line of world.log) assert.match(line, shape);
});

test("what strongSwan does not know is said once, and nothing is tried", () => {
  const world = new World(new Engine(), []);
  world.configure(monitored(branches(1), ...REKEY));
  world.run(600_000);
  assert.equal(world.said("strongSwan has no connection 'branch0'"), 1);
  assert.equal(world.said("negotiations"), 0);
  assert.match(world.command("get vpn branch0"), /Gateway +branch0, .*, unknown to strongSwan/);
  assert.equal(world.vpn("branch0").negotiation, "idle");
});

test("an outage of a day does not wipe the log", () => {
  const world = settled(branches(1), ...REKEY);
  world.charon.peer("branch0").silent = true;
  world.run(24 * 3_600_000);
  assert.ok(events(world).length < 200, `${events(world).length} lines`);
  assert.equal(world.said("is down"), 1);
});

test("interfaces and addresses are proposed if they can be set as they are typed", () => {
  const connections = branches(1);
  const world = new World(new Engine(), connections);
  world.kernel.interfaces.push(
    { name: "lo", addresses: ["127.0.0.1", "0.0.0.0"] },
    { name: "br-lan", addresses: ["10.1.0.1"] },
    { name: "br$(ls)", addresses: ["10.1.0.1", "169.254.3.4"] },
    ...['"quoted"', "back\\slash", "it's", "bell\x07", "zürich"].map((name) => ({
      name,
      addresses: [],
    })),
  );
  world.configure(monitored(connections));
  world.run(1000);
  const proposed = (line: string): string[] =>
    (JSON.parse(world.command(`json complete ${line}`)) as { completions: string[] }).completions;
  const monitor = "set vpn branch0 monitor";
  const names = proposed(`${monitor} source-interface `);
  assert.deepEqual(names, ["lo", "br-lan", "br$(ls)"]);
  const addresses = proposed(`${monitor} source-ip `);
  assert.deepEqual(addresses, ["10.1.0.1", "169.254.3.4"]);
  for (const name of names) world.command(`${monitor} source-interface ${name}`);
  for (const address of addresses) world.command(`${monitor} source-ip ${address}`);
});
