/**
 * `npm run image`: builds the router's image as far as it is not built, boots it in QEMU, and shows
 * that its service runs. With --shell it gives a console in it, with --build nothing is booted.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { UNAVAILABLE, Unavailable } from "./image/apt.ts";
import { buildImage, downloadPackages } from "./image/build.ts";
import { Console } from "./image/console.ts";
import { INITRAMFS, KERNEL, MANIFEST, ROUTER, TARGET } from "./image/paths.ts";
import { QEMU, qemuArguments } from "./image/qemu.ts";

const USAGE = `usage: npm run image [-- OPTION]
  --build   only build it
  --shell   a console in it; Ctrl-A x ends the machine
  --layer FILE   a squashfs that lies above the root: a configuration, or more programs`;

/** How long the service may take after the boot. */
const SERVICE_LIMIT_S = 60;

function readOptions() {
  try {
    return parseArgs({
      options: {
        build: { type: "boolean", default: false },
        shell: { type: "boolean", default: false },
        layer: { type: "string" },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

/** What the service answers once it runs; and what the image is made of. */
async function show(layer: string | undefined): Promise<void> {
  const start_ms = Date.now();
  const router = new Console({ layer });
  try {
    await router.boot();
    await router.until("rekeyctl get vpnmonitor | grep ', connected$'", SERVICE_LIMIT_S);
    const answer = (await router.run("rekeyctl get vpnmonitor")).output;
    console.log(
      `rekeyd and strongSwan run ${((Date.now() - start_ms) / 1000).toFixed(1)} s after power-on:`,
    );
    console.log(answer.trim().replaceAll(/^/gm, "    "));
    const versions = "rekeyd --version; swanctl --version 2>&1; uname -sr";
    console.log((await router.run(versions)).output.trim().replaceAll(/^/gm, "    "));
  } finally {
    router.close();
  }
}

const { build, shell, layer } = readOptions();
try {
  downloadPackages();
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  console.error(error.message);
  process.exit(UNAVAILABLE);
}
const programs = spawnSync("node_modules/.bin/tsx", ["tools/cross.ts", TARGET], {
  stdio: "inherit",
});
if (programs.status !== 0) process.exit(programs.status ?? 1);
buildImage();
for (const path of [KERNEL, INITRAMFS, ROUTER]) {
  console.log(`${path}: ${(statSync(path).size / 1000).toFixed(0)} kB`);
}
console.log(`${MANIFEST}: what is in it`);
if (shell) {
  const serial = ["-chardev", "stdio,id=console,mux=on", "-serial", "chardev:console"];
  const monitor = ["-mon", "chardev=console,mode=readline"];
  const machine = qemuArguments({ layer, more: [...serial, ...monitor] });
  process.exit(spawnSync(QEMU, machine, { stdio: "inherit" }).status ?? 1);
}
if (!build) await show(layer);
