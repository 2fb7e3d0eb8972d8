import assert from "node:assert/strict";
import { test } from "node:test";
import { UPLINK } from "./lib/addresses.ts";
import { withLab, type Gateway } from "./lib/lab.ts";
import { startMonitored, timeToPass, VPN, waitSettled } from "./lib/recovery.ts";
import { sleep, waitFor } from "./lib/wait.ts";

const AWAY_MS = 3000;
const BACK_MS = 5000;
/** rekeyd looks every 10 s, and waits until an SA was idle for 30 s. */
const REMOVED_MS = 60_000;

/** The labs' charons have SAs of their own, in user space: these are the kernel's. */
async function allocate({ namespace }: Gateway, spi: string, inbound: boolean): Promise<void> {
  const [to, from] = inbound ? [UPLINK[4].a, UPLINK[4].b] : [UPLINK[4].b, UPLINK[4].a];
  const range = ["min", `0x${spi}`, "max", `0x${spi}`];
  const sa = ["src", from, "dst", to, "proto", "esp", "mode", "tunnel", "reqid", "1"];
  await namespace.run("ip", ["xfrm", "state", "allocspi", ...sa, ...range]);
}

async function spis({ namespace }: Gateway): Promise<string[]> {
  const states = await namespace.run("ip", ["xfrm", "state"]);
  return [...states.matchAll(/spi 0x(\w+)/g)].map(([, spi]) => spi!).sort();
}

test("SAs of a charon that was killed are removed from the kernel, and no others", () =>
  withLab("orphan-sas", {}, async (lab) => {
    const { rekeyd, ping } = await startMonitored(lab);
    const { spi_in, spi_out } = await waitSettled(lab);
    // What is allocated and never made would be gone after 30 s.
    await lab.a.namespace.sysctl({ "net.core.xfrm_acq_expires": 3600 });
    const [foreign_in, foreign_out] = ["00001234", "00001235"];
    for (const spi of [spi_in, foreign_in]) await allocate(lab.a, spi, true);
    for (const spi of [spi_out, foreign_out]) await allocate(lab.a, spi, false);
    assert.deepEqual(await spis(lab.a), [spi_in, spi_out, foreign_in, foreign_out].sort());

    await lab.a.charon.kill();
    await sleep(AWAY_MS);
    await lab.a.charon.start();
    await timeToPass(ping, BACK_MS);
    await rekeyd.waitState(VPN, ["up"], BACK_MS);
    const left = async (): Promise<boolean> => (await spis(lab.a)).length === 2;
    await waitFor("two SAs are left in the kernel", REMOVED_MS, left);
    assert.deepEqual(await spis(lab.a), [foreign_in, foreign_out]);
    const named = new RegExp(`SPI ${spi_in} in, ${spi_out} out, which a strongSwan`);
    assert.equal((await rekeyd.eventsLike(named)).length, 1);
    await rekeyd.waitState(VPN, ["up"], 0);
  }));
