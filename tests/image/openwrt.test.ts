/**
 * What of OpenWrt's package runs in this router, whose init is busybox's and which has no procd, no
 * uci, no rpcd and no hotplug: the configuration that is installed, the hook for hotplug, and what
 * LuCI asks. Stand-ins are `hotplug-call`, which runs the scripts of a folder as OpenWrt's does,
 * and `jsonfilter`.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import type { VpnState } from "../lab/lib/rekeyd.ts";
import { waitUntil } from "../lab/lib/wait.ts";
import { uplink } from "./lib/plan.ts";
import { withStar } from "./lib/star.ts";
import { section, tunnel, vpn } from "./lib/uci.ts";

const FILES = "host/openwrt/rekeyd/files";
const PLUGIN = "host/openwrt/luci-app-rekeyd/root/usr/libexec/rpcd/rekeyd";
const CONTROL = "/var/run/rekeyd.sock";
const HOOK = "/usr/lib/rekeyd/hotplug";
const LOG = "/tmp/hotplug";
const SPOKE = "spoke1";
const UP_MS = 30_000;
const HOTPLUG_MS = 10_000;

const HOTPLUG_CALL = `#!/bin/sh
for script in /etc/hotplug.d/"$1"/*; do
  (. "$script")
done
`;
const SCRIPT = `[ -n "$REKEYD_EVENT" ] || exit 0
echo "$ACTION $INTERFACE $REKEYD_TUNNEL" >>${LOG}
`;

/** Enough of it for a list of words and for a line. */
const JSONFILTER = `#!/bin/sh
sed -e 's/^{"[a-z]*":\\[*//' -e 's/\\]*}$//' -e 's/","/\\n/g' -e 's/"//g' "$3"
`;

/** A folder with the package's hook, a script of a user's, and the stand-in. */
function layer(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rekeyd-openwrt-"));
  fs.chmodSync(folder, 0o755);
  const put = (file: string, text: string | Buffer, mode: number): void => {
    fs.mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text, { mode });
  };
  put(HOOK, fs.readFileSync(`${FILES}/rekeyd-hotplug.sh`), 0o755);
  put("usr/sbin/hotplug-call", HOTPLUG_CALL, 0o755);
  put("usr/bin/jsonfilter", JSONFILTER, 0o755);
  put("usr/libexec/rpcd/rekeyd", fs.readFileSync(PLUGIN), 0o755);
  put("etc/hotplug.d/ipsec/50-log", SCRIPT, 0o644);
  return folder;
}

test("OpenWrt's package: hotplug's scripts run as a VPN goes, rpcd is answered", async () => {
  const more = layer();
  try {
    await withStar(
      "openwrt",
      1,
      async (star) => {
        const { hub, guest } = star;
        const installed = fs.readFileSync(`${FILES}/rekeyd.config`, "utf8");
        const global = { interval: 0.5, threshold: 4, hook: HOOK, vici: "/star/hub/charon.vici" };
        const head = /config vpnmonitor 'global'\n(?:\t.*\n)*/;
        const config = installed.replace(head, section("vpnmonitor", "global", global));
        await hub.startRekeyd(config + tunnel(0) + vpn(1));
        const told = async (): Promise<string[]> =>
          (await guest.run(`cat ${LOG} 2>/dev/null || true`)).trim().split("\n");
        const wait = (last: string): Promise<string[]> =>
          waitUntil(`hotplug: ${last}`, HOTPLUG_MS, told, (lines) => lines.at(-1) === last);

        const ask = async (method: string, args: object): Promise<Record<string, unknown>> => {
          const call = `ln -sf ${hub.folder}/rekeyd.control ${CONTROL}
echo '${JSON.stringify(args)}' | /usr/libexec/rpcd/rekeyd call ${method}`;
          return JSON.parse(await guest.run(call)) as Record<string, unknown>;
        };

        await hub.waitState("up", UP_MS);
        assert.equal((await wait(`ifup ${SPOKE} tunnel.1`))[0], `ifup ${SPOKE} tunnel.1`);
        await star.fault(`nft -f - <<'NFT'
table ip fault {
  chain forward {
    type filter hook forward priority 0
    ip saddr ${uplink(1)} drop
  }
}
NFT`);
        await wait(`ifdown ${SPOKE} tunnel.1`);
        await star.fault("nft delete table ip fault");
        await hub.waitState("up", UP_MS);
        const all = await waitUntil("hotplug: up again", HOTPLUG_MS, told, (lines) =>
          lines.includes(`ifup ${SPOKE} tunnel.1`, lines.indexOf(`ifdown ${SPOKE} tunnel.1`)),
        );
        const { vpns } = (await ask("get", { words: ["vpn", SPOKE] })) as { vpns: VpnState[] };
        assert.equal(vpns[0]!.state, "up");
        const renewed = await ask("command", { line: `exec vpn ${SPOKE} rekey` });
        assert.match(`${renewed["message"]}`, /a new SA is being negotiated/);
        assert.match(
          `${(await ask("command", { line: "record save /x" }))["error"]}`,
          /begins with/,
        );
        assert.ok(all.every((line) => /^(?:ifup|ifdown|ifupdate) spoke1 tunnel\.1$/.test(line)));
      },
      { layer: more },
    );
  } finally {
    fs.rmSync(more, { recursive: true });
  }
});
