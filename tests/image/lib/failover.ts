/**
 * The race of docs/routing.md: the data path of both spokes is cut with IKE alive, and healed when
 * all traffic has found the other way. With rekeyd it must find it sooner.
 */
import assert from "node:assert/strict";
import { waitFor } from "../../lab/lib/wait.ts";
import { uplink } from "./plan.ts";
import type { Star } from "./star.ts";
import type { Station } from "./station.ts";
import {
  guestTime_s,
  PROTOCOLS,
  Traffic,
  waitWay,
  Ways,
  type Echo,
  type Protocol,
} from "./two_ways.ts";

/** What docs/routing.md configures: a VPN is down after this at the latest. */
const INTERVAL_S = 1;
const THRESHOLD = 3;
const DETECT_S = (THRESHOLD + 1) * INTERVAL_S;
/** For the protocol, and for a machine that has other things to do. */
const PROTOCOL_S = 10;

/** Until neighbours have found each other; OSPF's dead interval; a hello interval each way. */
const CONVERGE_MS = 60_000;
const DEAD_MS = 60_000;
const BACK_MS = 60_000;
/** rekeyd renews the IKE_SA, too, when new keys do not help. */
const IKE_MS = 20_000;

interface Times {
  /** From the fault to the first echo that went and came over the line. */
  to_line_s: number;
  /** From the end of the fault to the first one that went and came through the tunnel. */
  back_s: number;
}

interface Result {
  protocol: Protocol;
  with_rekeyd: Times;
  alone: Times;
}

const CUT = `table ip fault {
  chain forward {
    type filter hook forward priority filter;
    ip saddr ${uplink(0)} meta l4proto esp drop
    ip daddr ${uplink(0)} meta l4proto esp drop
  }
}`;

/** Cuts, heals, prints the table of times, and judges them. */
export async function race(star: Star, title: string): Promise<void> {
  await waitWay(star, "tunnel", CONVERGE_MS);
  const traffic = await Traffic.start(star);
  await star.fault(`nft -f - <<'RULES'\n${CUT}\nRULES`);
  const fault_s = await guestTime_s(star.hub);
  await waitWay(star, "line", DEAD_MS);
  await waitFor("IKE lives", IKE_MS, () => ikeLives(star));
  await star.fault("nft delete table ip fault");
  const healed_s = await guestTime_s(star.hub);
  await waitWay(star, "tunnel", BACK_MS);
  const echoes = await traffic.stop();

  const results = PROTOCOLS.map((protocol): Result => {
    const [with_rekeyd, alone] = echoes[protocol].map((each) => timesOf(each, fault_s, healed_s));
    return { protocol, with_rekeyd: with_rekeyd!, alone: alone! };
  });
  print(title, results);
  for (const result of results) judge(result);
  for (const station of [star.hub, star.spokes[0]!]) await checkEvents(station);
}

/** The log tells of both, for those who read events. */
async function checkEvents(station: Station): Promise<void> {
  const told = (await station.events()).map(({ text }) => text);
  for (const state of ["Down", "Up"]) {
    const text = `The state of interface tunnel.1 has changed to ${state}.`;
    assert.ok(told.includes(text), `${station.name}: ${text}`);
  }
}

async function ikeLives({ hub, spokes }: Star): Promise<boolean> {
  const sas = await hub.swanctl("--list-sas");
  return spokes.every(({ name }) => new RegExp(`^${name}: .*ESTABLISHED`, "m").test(sas));
}

function timesOf(echoes: Echo[], fault_s: number, healed_s: number): Times {
  const first = (ways: number, after_s: number): number =>
    (echoes.find(({ time_s, ttl }) => ttl === ways && time_s > after_s)?.time_s ?? Infinity) -
    after_s;
  return { to_line_s: first(Ways.LINE, fault_s), back_s: first(Ways.TUNNEL, healed_s) };
}

function print(title: string, results: Result[]): void {
  const seconds = (time_s: number): string => `${time_s.toFixed(1)} s`;
  const rows = [
    ["", "to line", "", "back", ""],
    [title, "rekeyd", "alone", "rekeyd", "alone"],
    ...results.map(({ protocol, with_rekeyd, alone }) => [
      protocol.toUpperCase(),
      ...[with_rekeyd.to_line_s, alone.to_line_s, with_rekeyd.back_s, alone.back_s].map(seconds),
    ]),
  ];
  for (const [first = "", ...cells] of rows) {
    console.log(`note: ${first.padEnd(6)}${cells.map((cell) => cell.padStart(9)).join("")}`);
  }
}

function judge({ protocol, with_rekeyd, alone }: Result): void {
  const { to_line_s, back_s } = with_rekeyd;
  assert.ok(to_line_s <= DETECT_S + PROTOCOL_S, `${protocol} took ${to_line_s} s to the line`);
  assert.ok(to_line_s < alone.to_line_s, `${protocol} alone was sooner: ${alone.to_line_s} s`);
  assert.ok(Number.isFinite(back_s), `${protocol} did not come back`);
}
