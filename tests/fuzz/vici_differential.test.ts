/**
 * What the engine understood of a real charon's bytes, against what strongSwan's own library reads
 * in them, and against itself where the same bytes come in two pieces, cut anywhere.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FuzzedEngine } from "./lib/engine.ts";
import { instrument } from "./lib/instrument.ts";
import { fixture, frames, Site } from "./lib/site.ts";
import { listSas, type Section } from "./lib/swanctl.ts";

const CHILDREN = ["s2s/net", "s2s/net6", "s2s/host", "old/old", "six/six", "wrong/wrong"];
const CONFIG = CHILDREN.map((path) => {
  const [gateway, child] = path.split("/");
  return `config vpn '${child}'\noption gateway '${gateway}'\noption child '${child}'\n`;
}).join("");
const LISTS = ["list-sas", "list-sas-tasks", "rekey-child", "rekey-ikev1", "list-sas-ikev1-tasks"];
const RESPONSE = Buffer.from([0, 0, 0, 1, 1]);

interface Sa {
  id: number;
  [key: string]: unknown;
}
interface Vpn {
  ike: { sas: Sa[] };
  sas: Sa[];
}

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

function text(section: Section, key: string): string | null {
  return (section[key] as string | undefined) ?? null;
}

function number(section: Section, key: string): number | null {
  const value = text(section, key);
  // A time that was over before the SA was made is none (list_sas.ts, `future`).
  return value === null || Number(value) < 0 ? null : Number(value);
}

/** The engine says of a protocol only whether ICMP may pass. */
function selectors(list: string[]): string[] {
  return list.map((one) => one.replace("[icmp]", "").replace(/\[.*\]/, "[not ICMP]"));
}

/** What the engine must show of an IKE_SA and of a CHILD_SA; nothing about names of algorithms. */
function ikeSa(sa: Section): Record<string, unknown> {
  return {
    id: number(sa, "uniqueid"),
    state: text(sa, "state")!.toLowerCase(),
    initiator: text(sa, "initiator") === "yes",
    version: number(sa, "version"),
    local: text(sa, "local-host"),
    remote: text(sa, "remote-host"),
    remote_port: number(sa, "remote-port"),
    established_s: number(sa, "established"),
    rekey_s: number(sa, "rekey-time"),
    reauth_s: number(sa, "reauth-time"),
  };
}

function childSa(sa: Section, ike_id: unknown): Record<string, unknown> {
  return {
    id: number(sa, "uniqueid"),
    ike_id,
    state: text(sa, "state")!.toLowerCase(),
    spi_in: text(sa, "spi-in"),
    spi_out: text(sa, "spi-out"),
    lifetime_s: number(sa, "life-time"),
    rekey_s: number(sa, "rekey-time"),
    installed_s: number(sa, "install-time"),
    packets_in: number(sa, "packets-in"),
    packets_out: number(sa, "packets-out"),
    bytes_in: number(sa, "bytes-in"),
    bytes_out: number(sa, "bytes-out"),
    local_ts: selectors(sa["local-ts"] as string[]),
    remote_ts: selectors(sa["remote-ts"] as string[]),
  };
}

/** Only the members that are compared. */
function like(sa: Sa | undefined, expected: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(expected).map((key) => [key, sa?.[key]]));
}

describe("a list of SAs is understood as strongSwan's own library reads it:", () => {
  for (const name of LISTS) {
    test(name, async () => {
      const events = await listSas(list(name));
      assert.notEqual(events.length, 0);
      const { engine, site } = listing();
      engine.viciBytes(list(name));
      const { vpns } = site.json("vpn") as { vpns: Vpn[] };
      const ikes = new Map(vpns.flatMap(({ ike }) => ike.sas).map((sa) => [sa.id, sa]));
      const children = new Map(vpns.flatMap(({ sas }) => sas).map((sa) => [sa.id, sa]));
      let seen = 0;
      for (const event of events) {
        const ike = Object.values(event)[0] as Section;
        const expected = ikeSa(ike);
        assert.deepEqual(like(ikes.get(expected.id as number), expected), expected);
        for (const sa of Object.values(ike["child-sas"] ?? {}) as Section[]) {
          const child = childSa(sa, expected.id);
          assert.deepEqual(like(children.get(child.id as number), child), child);
          seen++;
        }
      }
      assert.equal(children.size, seen, "the engine shows SAs that are not there");
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
