import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { INITRAMFS, KERNEL, MANIFEST, ROUTER } from "../../tools/image/paths.ts";

/** Makes all of the image again from what has been downloaded, and the programs. */
const AGAIN = `
  const { assemble, downloadPackages, isKernel } = await import("./tools/image/build.ts");
  const { moduleNames, unpackKernel } = await import("./tools/image/kernel.ts");
  const [into, modules] = process.argv.slice(1);
  const packages = downloadPackages();
  unpackKernel(packages.find(isKernel), moduleNames("host/image/modules"), modules);
  assemble(packages, into, modules);`;

test("an image built again, at another time by another user's habits, has the same bytes", () => {
  const into = mkdtempSync(join(tmpdir(), "rekeyd-image-"));
  try {
    const node = [process.execPath, "--import", "tsx", "--input-type=module"];
    const command = [...node, "--eval", AGAIN, into, join(into, "modules")];
    const done = spawnSync("sh", ["-c", 'umask 077; exec "$@"', "again", ...command], {
      env: { ...process.env, TZ: "Pacific/Auckland", LC_ALL: "C.UTF-8" },
      encoding: "utf8",
    });
    assert.equal(done.status, 0, done.stderr);
    for (const path of [ROUTER, INITRAMFS, KERNEL, MANIFEST]) {
      const again = readFileSync(join(into, basename(path)));
      assert.ok(again.equals(readFileSync(path)), `${path} differs`);
    }
  } finally {
    rmSync(into, { recursive: true });
  }
});
