/** Hooks: which are run, when, with what; whatever they do, the monitor goes on. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Outcome, SUCCESS, type HookRun } from "../../host/node/sim/hooks.ts";
import { branches, monitored, settled, type World } from "./lib/world.ts";

const HOOK = "/etc/rekeyd/hook";
const OPTIONS = ["option interval '1'", "option threshold '3'", `option hook '${HOOK}'`];
const REKEY = [...OPTIONS, "option rekey '1'"];
const HANGS = { after_ms: Infinity, outcome: Outcome.EXITED, detail: 0 };
const ONE = branches(1);

/** `down 1`: the event, and how many were skipped before it. */
const brief = ({ variables }: HookRun): string =>
  `${variables["REKEYD_EVENT"]} ${variables["REKEYD_SKIPPED"]}`;
const told = (world: World, vpn = "branch0"): string[] =>
  world.hooks.runs.filter((run) => run.vpn === vpn).map(brief);

/** All SAs go dead, until a new one is made. */
function die(world: World): void {
  for (const sa of world.charon.children("branch0")) sa.dead = true;
}

describe("what a hook is told:", () => {
  test("down, up and rekeyed, in this order, with all variables", () => {
    const world = settled(ONE, ...REKEY);
    assert.deepEqual(told(world), ["up 0"]);
    die(world);
    world.run(20_000);
    assert.deepEqual(told(world), ["up 0", "down 0", "up 0", "rekeyed 0"]);
    const run = world.hooks.runs[2]!;
    const [sa] = world.vpn("branch0").sas;
    assert.equal(run.path, HOOK);
    assert.equal(run.limit_ms, 30_000);
    const { REKEYD_TIME: time, ...variables } = run.variables;
    assert.match(time!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(variables, {
      REKEYD_EVENT: "up",
      REKEYD_VPN: "branch0",
      REKEYD_ID: "00000001",
      REKEYD_STATE: "up",
      REKEYD_GATEWAY: "branch0",
      REKEYD_CHILD: "branch0",
      REKEYD_PEER: "198.51.100.0",
      REKEYD_SOURCE: "10.1.0.1",
      REKEYD_DESTINATION: "10.2.0.10",
      REKEYD_TUNNEL: "",
      REKEYD_TUNNEL_STATE: "",
      REKEYD_SPI_IN: sa!.spi_in,
      REKEYD_SPI_OUT: sa!.spi_out,
      REKEYD_DELAY_MS: "1",
      REKEYD_SKIPPED: "0",
    });
  });

  test("a target that never answers", () => {
    const world = settled(ONE, ...REKEY);
    world.answers = () => false;
    const flow = setUserTraffic(world);
    world.run(60_000);
    flow.on = false;
    const [, ...after] = told(world);
    assert.equal(after[0], "down 0");
    assert.ok(after.includes("target-silent 0"), after.join());
  });

  test("nothing where there is no hook, and where it says 'none'", () => {
    const text = (vpn: string): string =>
      `config vpnmonitor 'global'\noption hook '${HOOK}'\noption hook_timeout '5'\n` +
      monitored(ONE, "option interval '1'", vpn);
    const global = settled(ONE);
    assert.deepEqual(told(global), []);
    global.configure(text("option rekey '1'"));
    die(global);
    global.run(20_000);
    assert.equal(told(global)[0], "down 0");
    assert.equal(global.hooks.runs[0]!.limit_ms, 5_000);
    const count = global.hooks.runs.length;
    global.configure(text("option hook 'none'"));
    die(global);
    global.run(60_000);
    assert.equal(global.said("is down"), 2);
    assert.equal(global.hooks.runs.length, count);
  });
});

describe("a hook that hangs", () => {
  test("holds up no echo; told next is the latest state, and what passed is counted", () => {
    const world = settled(ONE, ...REKEY);
    const reference = settled(ONE, ...REKEY);
    world.hooks.behaviour = () => HANGS;
    for (const each of [world, reference]) {
      each.sent = [];
      die(each);
      each.run(12_000);
      die(each);
      each.run(12_000);
    }
    assert.deepEqual(world.sent, reference.sent, "an echo came at another time");
    assert.deepEqual(told(world), ["up 0", "down 0"], "one at a time");
    world.run(10_000);
    // up, rekeyed, down, up, rekeyed came meanwhile: the last two are true.
    assert.deepEqual(told(world), ["up 0", "down 0", "up 3"]);
    assert.equal(world.said("skipped 3 events that had passed"), 1);
    world.hooks.behaviour = () => SUCCESS;
    world.run(60_000);
    assert.deepEqual(told(world), ["up 0", "down 0", "up 3", "rekeyed 0"]);
    assert.equal(world.said("ran longer than 30 s"), 1, "the same failure is said once");
  });

  test("of a VPN that is removed and comes back: still one at a time", () => {
    const world = settled(ONE, ...REKEY);
    world.hooks.behaviour = () => HANGS;
    die(world);
    world.run(8_000);
    world.configure("");
    world.configure(monitored(ONE, ...REKEY));
    world.run(10_000);
    assert.deepEqual(told(world), ["up 0", "down 0"]);
    world.hooks.behaviour = () => SUCCESS;
    world.run(30_000);
    assert.deepEqual(told(world), ["up 0", "down 0", "up 0"]);
  });

  test("beside those of many VPNs: no more than 8, and everyone has a turn", () => {
    const many = branches(50);
    const world = settled(many, ...OPTIONS);
    let most = 0;
    world.hooks.behaviour = () => {
      most = Math.max(most, world.hooks.running.length);
      return { ...SUCCESS, after_ms: 1_000 };
    };
    world.answers = () => false;
    world.run(20_000);
    const down = world.hooks.runs.filter((run) => brief(run) === "down 0").map(({ vpn }) => vpn);
    assert.equal(new Set(down).size, 50);
    assert.equal(down.length, 50);
    assert.equal(most, 8);
  });
});

describe("a hook that fails", () => {
  test("is said once, until it has succeeded", () => {
    const world = settled(ONE, ...REKEY);
    world.hooks.behaviour = () => ({ after_ms: 0, outcome: Outcome.NOT_STARTED, detail: 2 });
    for (let i = 0; i < 3; i++) {
      die(world);
      world.run(15_000);
    }
    const text = `Hook ${HOOK} for VPN branch0 could not be started: No such file or directory`;
    assert.equal(world.said(text), 1);
    world.hooks.behaviour = () => SUCCESS;
    die(world);
    world.run(15_000);
    world.hooks.behaviour = () => ({ after_ms: 0, outcome: Outcome.EXITED, detail: 3 });
    die(world);
    world.run(15_000);
    assert.equal(world.said("ended with status 3."), 1);
  });

  test("with its helper: said once, and nothing is asked for any more", () => {
    const world = settled(ONE, ...REKEY);
    for (let i = 0; i < 2; i++) {
      world.carryOut(world.engine.hookEnded(Outcome.HELPER_GONE, 0, ""));
    }
    die(world);
    world.run(15_000);
    assert.deepEqual(told(world), ["up 0"]);
    assert.equal(world.said("no hook runs until rekeyd is started anew"), 1);
    assert.equal(world.vpn("branch0").state, "up");
  });
});

describe("an engine that traps", () => {
  const text = monitored(ONE, ...REKEY);

  test("tells nothing again", () => {
    const world = settled(ONE, ...REKEY);
    world.trap(text);
    world.run(10_000);
    assert.equal(world.vpn("branch0").state, "up");
    assert.deepEqual(told(world), ["up 0"]);
    die(world);
    world.run(15_000);
    assert.deepEqual(told(world), ["up 0", "down 0", "up 0", "rekeyed 0"]);
  });

  test("knows that a hook still runs", () => {
    const world = settled(ONE, ...OPTIONS);
    world.hooks.behaviour = () => HANGS;
    world.answers = () => false;
    world.run(8_000);
    assert.deepEqual(told(world), ["up 0", "down 0"]);
    world.trap(text);
    world.answers = () => true;
    world.run(10_000);
    assert.equal(world.vpn("branch0").state, "up");
    assert.deepEqual(told(world), ["up 0", "down 0"]);
    world.run(30_000);
    assert.deepEqual(told(world), ["up 0", "down 0", "up 0"]);
    assert.deepEqual(world.hooks.running, ["branch0"]);
  });

  test("a daemon that starts anew tells the state it finds", () => {
    const world = settled(ONE, ...REKEY);
    world.restart();
    world.configure(text);
    world.run(10_000);
    assert.deepEqual(told(world), ["up 0", "up 0"]);
  });
});

/** User packets come in, each half second. */
function setUserTraffic(world: World): { on: boolean } {
  const flow = { on: true };
  const next = (): void => {
    if (!flow.on) return;
    for (const sa of world.charon.children("branch0")) sa.packets_in += 5;
    world.after(500, next);
  };
  next();
  return flow;
}
