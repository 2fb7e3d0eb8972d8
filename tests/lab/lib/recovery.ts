import assert from "node:assert/strict";
import type { ChildSa } from "./charon.ts";
import { vpnSpec, withLab, type Lab, type LabOptions } from "./lab.ts";
import type { LogEvent, Rekeyd, VpnSpec } from "./rekeyd.ts";
import type { Family } from "./addresses.ts";
import { DEFAULT_CHILD } from "./swanctl_conf.ts";
import type { Ping } from "./traffic.ts";
import { sleep, waitFor, waitUntil } from "./wait.ts";

export const INTERVAL_MS = 1000;
export const THRESHOLD = 3;

/** threshold x interval + one interval: the longest time until 'down'. */
export const DETECTION_MS = (THRESHOLD + 1) * INTERVAL_MS;

/** From 'down' until user traffic passes. */
export const RECOVERY_MS = 2000;

/** How late a fault may be, and rekeyd, on a machine that has other things to do. */
export const SLACK_MS = 1000;

/** Duplicates are settled after a jittered wait, and charon lists a replaced SA for some time. */
const SETTLE_MS = 15_000;

export const VPN = "branch";

/** The event's id, screenos.md. */
const DOWN = 41;

interface Monitored {
  rekeyd: Rekeyd;
  ping: Ping;
}

/** A tunnel that is up, rekeyd that says so, and a user whose pings pass. */
export async function startMonitored(
  lab: Lab,
  options: VpnSpec["options"] = {},
  family: Family = 4,
): Promise<Monitored> {
  await lab.startUp();
  const rekeyd = lab.a.rekeyd([vpnSpec(options, VPN, 0, family)]);
  await rekeyd.start();
  await rekeyd.waitState(VPN, ["up"], 3000);
  const ping = await lab.userPing(100, 0, family);
  await timeToPass(ping, 2000);
  return { rekeyd, ping };
}

/**
 * Waits until rekeyd has said 'down' since `since` (Date.now()), which is soon enough by the time
 * that the event has. The event tells, not the state: a recovery can take less time than one look.
 */
export async function timeToDetect(
  rekeyd: Rekeyd,
  since: number,
  vpn: string = VPN,
): Promise<void> {
  const isDown = (event: LogEvent): boolean =>
    event.vpn === vpn && event.id === DOWN && Date.parse(event.time) >= since;
  const events = await waitUntil(
    `VPN ${vpn} is down`,
    DETECTION_MS,
    () => rekeyd.events(),
    (events) => events.some(isDown),
    { show: (events) => events.map((event) => event.text).join(" | ") },
  );
  const took_ms = Date.parse(events.find(isDown)!.time) - since;
  assert.ok(took_ms <= DETECTION_MS + SLACK_MS, `${vpn}: down after ${took_ms} ms`);
}

/** Waits until the user's pings pass; returns how long that took. */
export async function timeToPass(ping: Ping, within_ms: number): Promise<number> {
  const begin = performance.now();
  const before = ping.answers;
  await waitFor("user traffic passes", within_ms, () => ping.answers > before, 10);
  return performance.now() - begin;
}

/** Exactly one CHILD_SA of that name on either side, the same one; returns A's. */
export async function waitSettled(lab: Lab, name = DEFAULT_CHILD): Promise<ChildSa> {
  const [sides] = await waitUntil(
    `one and the same ${name} on both sides`,
    SETTLE_MS,
    async () => [await lab.a.charon.installed(name), await lab.b.charon.installed(name)],
    ([a, b]) =>
      a?.length === 1 &&
      b?.length === 1 &&
      a[0]?.spi_in === b[0]?.spi_out &&
      a[0]?.spi_out === b[0]?.spi_in,
  );
  return sides![0]!;
}

/**
 * What must hold after one recovery: 'up', one CHILD_SA on both sides with SPIs that are new in
 * both directions, and each event once.
 */
export async function assertRecovered(lab: Lab, rekeyd: Rekeyd, old: ChildSa): Promise<void> {
  await rekeyd.waitState(VPN, ["up"], 5000);
  const fresh = await waitSettled(lab, old.name);
  assert.notEqual(fresh.spi_in, old.spi_in);
  assert.notEqual(fresh.spi_out, old.spi_out);

  await sleep(INTERVAL_MS);
  const vpn = await rekeyd.vpn(VPN);
  assert.equal(vpn.state, "up", "it stays up");
  assert.equal(vpn.sta, "A/U");
  assert.equal(vpn.rekeys, 1);
  const count = async (pattern: RegExp): Promise<number> =>
    (await rekeyd.eventsLike(pattern)).length;
  assert.equal(await count(/^VPN monitoring for VPN branch has deactivated the SA/), 1);
  assert.equal(await count(/^VPN 'branch' from .* is down\./), 1);
  assert.equal(await count(/^VPN 'branch' from .* is up\./), 2, "at the start and now");
  assert.equal(await count(/^VPN monitoring for VPN branch has successfully rekeyed the SA/), 1);
}

/** One direction of the SA goes dead while IKE lives: only a probe through it can see that. */
export function recoverDeadSa(
  name: string,
  direction: "spi_in" | "spi_out",
  options: LabOptions = {},
  family: Family = 4,
): Promise<void> {
  return withLab(name, options, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab, {}, family);
    const old = await lab.a.charon.waitInstalled(DEFAULT_CHILD);
    const fault = Date.now();
    await lab.router.dropSpi(old[direction]);
    await timeToDetect(rekeyd, fault);
    await timeToPass(ping, RECOVERY_MS);
    await assertRecovered(lab, rekeyd, old);
  });
}

/** Nothing passes for a while, and then it does again: back within one interval and 2 s. */
export function recoverOutage(
  name: string,
  outage_ms: number,
  begin: (lab: Lab) => Promise<unknown>,
  end: (lab: Lab) => Promise<unknown>,
): Promise<void> {
  return withLab(name, {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const fault = Date.now();
    await begin(lab);
    await timeToDetect(rekeyd, fault);
    await sleep(outage_ms - (Date.now() - fault));
    await end(lab);
    await timeToPass(ping, INTERVAL_MS + RECOVERY_MS);
    await rekeyd.waitState(VPN, ["up"], INTERVAL_MS + RECOVERY_MS);
    await waitSettled(lab);
  });
}
