/**
 * Makes tests/sim/recordings/night.rec.gz again: a bad night of one tunnel between real
 * strongSwans, as rekeyd's recorder keeps it. Beside it night.txt, its timeline. The tests replay
 * it: so make it anew when the engine is meant to behave in another way.
 *
 *     npm run build && npm run record-night        (root, strongSwan, /dev/net/tun)
 *     npm run record-night -- --timeline           (only night.txt)
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readRecording } from "../../host/node/replay/read.ts";
import { report } from "../../host/node/replay/report.ts";
import { NIGHT, replayedNight } from "../sim/lib/recorded.ts";
import { closeAll, Lab, vpnSpec } from "./lib/lab.ts";
import type { Rekeyd } from "./lib/rekeyd.ts";
import { VPN, waitSettled } from "./lib/recovery.ts";
import { sleep } from "./lib/wait.ts";

/** Until a fault is seen, and what it takes to get over it. */
const DOWN_MS = 6_000;
const UP_MS = 30_000;
const CALM_MS = 4_000;

/** One fault, from calm to calm. */
async function fault(
  lab: Lab,
  rekeyd: Rekeyd,
  begin: () => Promise<unknown>,
  end: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  await begin();
  // A recovery can take less time than one look.
  await rekeyd.waitState(VPN, ["down"], DOWN_MS).catch(() => undefined);
  await end();
  await rekeyd.waitState(VPN, ["up"], UP_MS);
  await waitSettled(lab);
  await sleep(CALM_MS);
}

async function night(lab: Lab, rekeyd: Rekeyd): Promise<void> {
  await rekeyd.waitState(VPN, ["up"], UP_MS);
  await sleep(CALM_MS);
  // The SA dies in one direction; IKE notices nothing.
  const { spi_in } = await lab.a.charon.waitInstalled("net");
  await fault(lab, rekeyd, () => lab.router.dropSpi(spi_in));
  // The peer is restarted and has forgotten everything.
  await fault(lab, rekeyd, () => lab.b.charon.restart());
  // The uplink's cable.
  await fault(
    lab,
    rekeyd,
    async () => {
      await lab.a.uplinkDown();
      await sleep(8_000);
    },
    () => lab.a.uplinkUp(),
  );
  // Our own charon.
  await fault(
    lab,
    rekeyd,
    async () => {
      await lab.a.charon.kill();
      await sleep(3_000);
    },
    () => lab.a.charon.start(),
  );
  assert.equal((await rekeyd.rekeyctl("get", "vpn", VPN)).code, 0);
}

async function record(): Promise<void> {
  const lab = await Lab.create("record-night");
  try {
    await lab.startUp();
    const rekeyd = lab.a.rekeyd([vpnSpec()], { recorder: 1 });
    await rekeyd.start();
    await night(lab, rekeyd);
    const saved = join(lab.state.folder, "night.rec");
    const { code, stderr } = await rekeyd.rekeyctl("record", "save", saved);
    assert.equal(code, 0, stderr);
    const bytes = readFileSync(saved);
    const { segments } = readRecording(bytes);
    assert.equal(segments[0]!.snapshot, undefined, "it begins with the engine's start");
    writeFileSync(NIGHT, gzipSync(bytes, { level: 9 }));
    console.log(`${bytes.length} bytes, ${readFileSync(NIGHT).length} compressed`);
  } finally {
    await closeAll();
  }
}

if (!process.argv.includes("--timeline")) await record();
writeFileSync(NIGHT.replace(".rec.gz", ".txt"), report(replayedNight()).join("\n") + "\n");
