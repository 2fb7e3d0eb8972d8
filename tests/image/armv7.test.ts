/**
 * The daemon for 32-bit ARM on a real kernel: that of the router's, which runs such programs, too.
 * QEMU alone, as in tests/cross, has no filters of system calls.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { crossFolder } from "../../tools/cross/targets.ts";
import { Console } from "../../tools/image/console.ts";

const PROGRAM = `${crossFolder("armv7-unknown-linux-musleabihf")}/rekeyd`;
const CONNECTED = "rekeyctl get vpnmonitor | grep ', connected$'";
const LIMIT_S = 90;

const skip = existsSync(PROGRAM) ? false : "there is no program for 32-bit ARM";
if (skip !== false) console.log(`note: skip armv7 on a real kernel: ${skip}`);

test("the daemon for 32-bit ARM works with its rights given up", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "rekeyd-armv7-"));
  const layer = join(folder, "layer");
  mkdirSync(join(folder, "root/usr/sbin"), { recursive: true });
  copyFileSync(PROGRAM, join(folder, "root/usr/sbin/rekeyd"));
  execFileSync("mksquashfs", [join(folder, "root"), layer, "-quiet", "-no-progress", "-all-root"]);
  const router = new Console({ layer });
  const say = async (command: string): Promise<string> => {
    const { output, status } = await router.run(command);
    assert.equal(status, 0, `${command}: ${output}`);
    return output;
  };
  try {
    await router.boot();
    await router.until(CONNECTED, LIMIT_S);
    // The fifth byte of a program: 1 is 32 bits.
    assert.match(await say("head -c 5 /usr/sbin/rekeyd | tail -c 1 | od -An -tx1"), /^ 01$/m);
    const rights = await say("cat $(printf '/proc/%s/status ' $(pidof rekeyd))");
    assert.match(rights, /^CapEff:\t0{12}1000$[^]*^Seccomp:\t2$/m);

    await say("rekeyctl record start");
    await say("rekeyctl set vpn branch gateway s2s && rekeyctl set vpn branch monitor rekey");
    await say("rekeyctl save && grep \"gateway 's2s'\" /etc/config/rekeyd");
    await say("killall -HUP rekeyd");
    await router.until("rekeyctl get event | grep -q 'loaded: 1 VPN, 1 monitored'", LIMIT_S);
    assert.match((await router.run("rekeyctl doctor")).output, /unknown-connection/);
    await say("rekeyctl record save /tmp/recording && rekeyd replay /tmp/recording");
    await say("killall -9 charon-systemd");
    await router.until("rekeyctl get event | grep -q 'closed it'", LIMIT_S);
    await router.until(CONNECTED, LIMIT_S);
    assert.doesNotMatch(await say("logread"), /Operation not permitted|rekeyd.*crit/);
  } finally {
    router.close();
    rmSync(folder, { recursive: true });
  }
});
