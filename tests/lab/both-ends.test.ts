import assert from "node:assert/strict";
import { test } from "node:test";
import { vpnSpec, withLab, type Lab } from "./lib/lab.ts";
import type { ChildSa } from "./lib/charon.ts";
import { timeToPass, VPN, waitSettled } from "./lib/recovery.ts";

/** Shorter than elsewhere, for both ends alike: what matters is that they act at once. */
const GLOBAL = { interval: 0.25, threshold: 3 };
const FAULTS = 20;
const RECOVERY_MS = 15_000;

type Fault = (lab: Lab, child: ChildSa) => Promise<void>;

const FAULT_KINDS: [string, Fault][] = [
  ["both directions dead", (lab, { spi_in, spi_out }) => lab.router.dropSpi(spi_in, spi_out)],
  ["dead from A to B", (lab, { spi_out }) => lab.router.dropSpi(spi_out)],
  ["IKE SA forced away at A", (lab, c) => lab.a.charon.terminate({ "ike-id": c.ike_unique_id })],
  ["dead from B to A", (lab, { spi_in }) => lab.router.dropSpi(spi_in)],
  ["CHILD_SA deleted at B", (lab) => lab.b.charon.terminate({ child: "net" })],
];

test(`both ends run rekeyd with rekey: ${FAULTS} faults, exactly one CHILD_SA after each`, () =>
  withLab("both-ends", {}, async (lab) => {
    await lab.start();
    const ends = [
      lab.a.rekeyd([vpnSpec({}, VPN, 0, 4, "a")], GLOBAL),
      lab.b.rekeyd([vpnSpec({}, VPN, 0, 4, "b")], GLOBAL),
    ];
    await Promise.all(ends.map((rekeyd) => rekeyd.start()));
    const allUp = (): Promise<unknown> =>
      Promise.all(ends.map((rekeyd) => rekeyd.waitState(VPN, ["up"], RECOVERY_MS)));
    await allUp();
    await waitSettled(lab);
    const ping = await lab.userPing(50);

    for (let i = 0; i < FAULTS; i++) {
      const [title, fault] = FAULT_KINDS[i % FAULT_KINDS.length]!;
      try {
        const old = await waitSettled(lab);
        await fault(lab, old);
        await lab.a.charon.waitReplaced(old, RECOVERY_MS);
        await timeToPass(ping, RECOVERY_MS);
        await allUp();
        const fresh = await waitSettled(lab);
        assert.notEqual(fresh.spi_out, old.spi_out);
        assert.equal((await lab.a.charon.listSas()).length, 1, "one IKE SA");
      } catch (error) {
        throw new Error(`fault ${i + 1}, ${title}: ${(error as Error).message}`);
      }
      await lab.router.heal();
    }
  }));
