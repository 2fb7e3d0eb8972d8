/**
 * What the engine understood of a real charon's bytes, against what strongSwan's own library reads
 * in them, and against itself where the same bytes come in two pieces, cut anywhere.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FuzzedEngine } from "./lib/engine.ts";
import { instrument } from "./lib/instrument.ts";
import { fixture, frames, Site } from "./lib/site.ts";
import { listSas } from "./lib/swanctl.ts";
import { assertUnderstood, type Vpn } from "./lib/understood.ts";

const CHILDREN = ["s2s/net", "s2s/net6", "s2s/host", "old/old", "six/six", "wrong/wrong"];
const CONFIG = CHILDREN.map((path) => {
  const [gateway, child] = path.split("/");
  return `config vpn '${child}'\noption gateway '${gateway}'\noption child '${child}'\n`;
}).join("");
const LISTS = ["list-sas", "list-sas-tasks", "rekey-child", "rekey-ikev1", "list-sas-ikev1-tasks"];
/** The same of a later strongSwan, and its make before break. */
const NEWER = [...LISTS, "reauthenticate"].map((name) => `../vici-6.0.6/${name}`);
const RESPONSE = Buffer.from([0, 0, 0, 1, 1]);

const built = instrument();

/** An engine that has just asked for all SAs. */
function listing(): { engine: FuzzedEngine; site: Site } {
  const engine = new FuzzedEngine(built);
  const site = new Site(engine);
  engine.start([1n, 2n], 1);
  engine.configure(Buffer.from("x"), Buffer.from(CONFIG));
  engine.call("viciOpened");
  engine.viciBytes(fixture("register"));
  engine.viciBytes(fixture("list-conns"));
  return { engine, site };
}

/** The part of a fixture that is a list of SAs, and its end. */
function list(name: string): Buffer {
  const events = frames(fixture(name)).filter((packet) => packet.includes("list-sa"));
  return Buffer.concat([...events, RESPONSE]);
}

describe("a list of SAs is understood as strongSwan's own library reads it:", () => {
  for (const name of [...LISTS, ...NEWER]) {
    test(name, async () => {
      const events = await listSas(list(name));
      assert.notEqual(events.length, 0);
      const { engine, site } = listing();
      engine.viciBytes(list(name));
      const { vpns } = site.json("vpn") as { vpns: Vpn[] };
      assertUnderstood(vpns, events);
    });
  }
});

describe("cut in two at any byte it is understood the same:", () => {
  for (const name of [...LISTS, "list-sas-none"]) {
    test(name, () => {
      const { engine, site } = listing();
      engine.save();
      const stream = list(name);
      const understood = (cut: number): string => {
        engine.viciBytes(stream.subarray(0, cut));
        if (cut < stream.length) engine.viciBytes(stream.subarray(cut));
        const json = JSON.stringify([site.json("vpn"), site.json("vpnmonitor")]);
        assert.ok(engine.restore());
        return json;
      };
      const whole = understood(stream.length);
      for (let cut = 0; cut < stream.length; cut++) assert.equal(understood(cut), whole, `${cut}`);
    });
  }
});
