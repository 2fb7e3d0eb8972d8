import assert from "node:assert/strict";
import * as path from "node:path";
import { test } from "node:test";
import { FuzzedEngine } from "../fuzz/lib/engine.ts";
import { plain } from "../fuzz/lib/instrument.ts";
import { fixture, Site } from "../fuzz/lib/site.ts";
import { listSas } from "../fuzz/lib/swanctl.ts";
import { assertUnderstood, type Vpn } from "../fuzz/lib/understood.ts";
import { vpnSpec, withLab, type Lab } from "./lib/lab.ts";
import { Relay, type Listener } from "./lib/relay.ts";
import { uciText } from "./lib/rekeyd.ts";
import { Packet } from "../../host/node/sim/model/vici.ts";
import { viciCommand } from "./lib/vici.ts";
import type { Ping } from "./lib/traffic.ts";
import { waitFor, waitUntil } from "./lib/wait.ts";

/** Name, child and LAN: two children of one IKE_SA, and one of IKEv1. */
const VPNS = [
  ["s2s", "net0", 0],
  ["s2s", "net1", 1],
  ["old", "net2", 2],
] as const;
/** Far less than the minute after which rekeyd lists all SAs unasked: events have to tell it. */
const EVENT_MS = 15_000;
/** No event tells when an SA that was rekeyed is gone: the list of each minute shows it. */
const UNTOLD_MS = 75_000;
/** The first, and one for each deed that leaves SAs: several events may come to one list. */
const LISTS = 8;
/** That a list is over. */
const RESPONSE = Buffer.from([0, 0, 0, 1, Packet.CMD_RESPONSE]);

// rekeyd only looks on.
const vpns = VPNS.map(([gateway, child, net]) =>
  vpnSpec({ gateway, child, monitor: 0, rekey: 0 }, child, net),
);
const children = (of: string): { name: string; net: number }[] =>
  VPNS.filter(([gateway]) => gateway === of).map(([, name, net]) => ({ name, net }));

/** Hears what charon says to rekeyd, and keeps its lists of all SAs. */
class Lists implements Listener {
  /** The list-sa events of each. */
  readonly lists: Buffer[] = [];
  /** How often it has raised each event. */
  readonly heard = new Map<string, number>();
  private readonly rest = { rekeyd: Buffer.alloc(0), charon: Buffer.alloc(0) };
  private items: Buffer[] = [];
  private listing = false;

  times(event: string): number {
    return this.heard.get(event) ?? 0;
  }

  opened(): void {
    this.rest.rekeyd = this.rest.charon = Buffer.alloc(0);
    this.listing = false;
  }

  closed(): void {}

  hear(by: "rekeyd" | "charon", bytes: Buffer): void {
    let rest = Buffer.concat([this.rest[by], bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const end = 4 + rest.readUInt32BE(0);
      if (by === "rekeyd") this.asked(rest.subarray(0, end));
      else this.said(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    this.rest[by] = rest;
  }

  private asked(packet: Buffer): void {
    if (packet[4] !== Packet.CMD_REQUEST) return;
    this.listing = nameOf(packet) === "list-sas";
    this.items = [];
  }

  private said(packet: Buffer): void {
    if (packet[4] === Packet.EVENT) {
      const name = nameOf(packet);
      this.heard.set(name, this.times(name) + 1);
      if (name === "list-sa") this.items.push(packet);
    } else if (packet[4] === Packet.CMD_RESPONSE && this.listing) {
      this.lists.push(Buffer.concat(this.items));
      this.listing = false;
    }
  }
}

function nameOf(packet: Buffer): string {
  return packet.toString("latin1", 6, 6 + packet[5]!);
}

/** What a fresh engine shows when it was told this list. */
function shown(list: Buffer): Vpn[] {
  const engine = new FuzzedEngine(plain());
  const site = new Site(engine);
  engine.start([1n, 2n], 1);
  engine.configure(Buffer.from("x"), Buffer.from(uciText({}, vpns)));
  engine.call("viciOpened");
  for (const bytes of [fixture("register"), fixture("list-conns"), list, RESPONSE]) {
    engine.viciBytes(bytes);
  }
  return (site.json("vpn") as { vpns: Vpn[] }).vpns;
}

async function play(lab: Lab, lists: Lists): Promise<void> {
  const { charon } = lab.a;
  const vici = path.join(lab.state.folder, "relay.vici");
  await lab.start();
  const rekeyd = lab.a.rekeyd(vpns, { vici });
  const relay = await Relay.open(vici, charon.vici_path, lists);
  /** Until rekeyd shows what swanctl reads of charon at the same time. */
  const understood = async (deed: string, limit_ms: number): Promise<void> => {
    const look = async (): Promise<string> => {
      const { vpns } = (await rekeyd.get("vpn")) as { vpns: Vpn[] };
      assertUnderstood(vpns, await listSas(charon.vici_path), true);
      return "";
    };
    await waitUntil(`${deed}: understood`, limit_ms, look, () => true);
  };
  const terminate = (what: Record<string, string>): Promise<unknown> =>
    viciCommand(charon.vici_path, "terminate", { ...what, timeout: "-1" });
  const pings: Ping[] = [];
  /** What is done, and the event that tells of it. */
  const deeds: [name: string, deed: () => Promise<unknown>, event: string][] = [
    [
      "three VPNs are brought up, and used",
      async () => {
        for (const [ike, child] of VPNS) await charon.initiate(ike, child);
        for (const [, , net] of VPNS) pings.push(await lab.userPing(50, net));
      },
      "child-updown",
    ],
    ["a CHILD_SA is rekeyed", () => charon.rekey({ child: "net0" }), "child-rekey"],
    ["the CHILD_SA of IKEv1 is rekeyed", () => charon.rekey({ child: "net2" }), "child-rekey"],
    ["the peer rekeys a CHILD_SA", () => lab.b.charon.rekey({ child: "net1" }), "child-rekey"],
    ["the IKE_SA is rekeyed", () => charon.rekey({ ike: "s2s" }), "ike-rekey"],
    ["a CHILD_SA is terminated", () => terminate({ child: "net1" }), "child-updown"],
    ["the peer terminates an IKE_SA", () => lab.b.charon.terminate({ ike: "old" }), "ike-updown"],
    ["an IKE_SA is terminated", () => terminate({ ike: "s2s" }), "ike-updown"],
    ["one VPN is brought up again", () => charon.initiate("s2s", "net1"), "child-updown"],
  ];
  try {
    await rekeyd.start();
    await understood("rekeyd starts", EVENT_MS);
    for (const [name, deed, event] of deeds) {
      const before = lists.times(event);
      await deed();
      await waitFor(`${name}: ${event}`, EVENT_MS, () => lists.times(event) > before);
      await understood(name, event.endsWith("rekey") ? UNTOLD_MS : EVENT_MS);
    }
    assert.ok(pings.every(({ answers }) => answers > 0));
  } finally {
    relay.close();
  }
}

test("what a live charon says is understood as strongSwan's own library reads it", () => {
  const connections = [
    { name: "s2s", children: children("s2s") },
    { name: "old", version: 1 as const, children: children("old") },
  ];
  const lists = new Lists();
  return withLab("understood", { connections }, async (lab) => {
    await play(lab, lists);
    // Each list by itself, with its times and counters.
    const different = [...new Set(lists.lists.map((list) => list.toString("latin1")))];
    assert.ok(different.length >= LISTS, `${different.length} lists`);
    for (const text of different) {
      const list = Buffer.from(text, "latin1");
      assertUnderstood(shown(list), await listSas(Buffer.concat([list, RESPONSE])));
    }
  });
});
