/** What `json get vpn` must show of SAs, by what strongSwan's own library reads of a list. */
import assert from "node:assert/strict";
import type { Section } from "./swanctl.ts";

interface Sa {
  id: number;
  [key: string]: unknown;
}

/** Of a VPN what is compared. */
export interface Vpn {
  ike: { sas: Sa[] };
  sas: Sa[];
}

/** What goes on between a list and a look at what was made of it. */
const PASSING = /_s$|^packets_|^bytes_/;

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

/**
 * Whether the VPNs show the SAs that a list's events tell of, and no others. `settled` leaves out
 * what goes on between the list and the look: times and counters.
 */
export function assertUnderstood(vpns: Vpn[], events: Section[], settled = false): void {
  const shown_ikes = new Map(vpns.flatMap(({ ike }) => ike.sas).map((sa) => [sa.id, sa]));
  const shown_children = new Map(vpns.flatMap(({ sas }) => sas).map((sa) => [sa.id, sa]));
  const ikes = events.map((event) => Object.values(event)[0] as Section);
  const expected_ikes = ikes.map(ikeSa);
  const expected_children = ikes.flatMap((ike) =>
    Object.values((ike["child-sas"] ?? {}) as Section).map((sa) =>
      childSa(sa as Section, number(ike, "uniqueid")),
    ),
  );
  assertShown(shown_ikes, expected_ikes, settled);
  assertShown(shown_children, expected_children, settled);
}

/** SAs by their ids; only the members that are expected are compared. */
function assertShown(
  shown: Map<number, Sa>,
  expected: Record<string, unknown>[],
  settled: boolean,
): void {
  for (const sa of expected) {
    const keys = Object.keys(sa).filter((key) => !settled || !PASSING.test(key));
    const pick = (from: Record<string, unknown> | undefined): Record<string, unknown> =>
      Object.fromEntries(keys.map((key) => [key, from?.[key]]));
    assert.deepEqual(pick(shown.get(sa["id"] as number)), pick(sa));
  }
  const sorted = (ids: unknown[]): unknown[] => ids.sort((a, b) => Number(a) - Number(b));
  assert.deepEqual(sorted([...shown.keys()]), sorted(expected.map(({ id }) => id)));
}
