/**
 * docs/install.md, command by command, on a gateway of a lab: two real strongSwans, the tunnel up
 * and monitored, a user's pings through it while the packages are upgraded.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withLab, type Lab } from "../lab/lib/lab.ts";
import { timeToPass } from "../lab/lib/recovery.ts";
import { Rekeyd, type VpnState } from "../lab/lib/rekeyd.ts";
import { sleep, waitFor } from "../lab/lib/wait.ts";
import { reader } from "./lib/document.ts";
import { Machine, obstacle } from "./lib/machine.ts";
import { bring, canPack, OLDER } from "./lib/packages.ts";
import { debianRoot, RELEASES } from "./lib/root.ts";

/** Long enough for a miss to show, and for threshold and interval of 1 s. */
const AFTER_MS = 5000;

/** The peer of the document's gateway. */
const PEER = `connections {
  branch {
    local_addrs = 198.51.100.1
    remote_addrs = 192.0.2.1
    encap = yes
    local {
      auth = psk
      id = 198.51.100.1
    }
    remote {
      auth = psk
      id = 192.0.2.1
    }
    children {
      net {
        local_ts = 10.2.0.0/24
        remote_ts = 10.1.0.0/24
        esp_proposals = aes128-sha256
      }
    }
  }
}
secrets {
  ike-branch {
    secret = "a secret that both ends have"
  }
}
`;

const HOOK = "/usr/local/sbin/vpn-hook";
const HOOK_TEXT = `#!/bin/sh
{
  id -un
  grep CapEff /proc/self/status
  touch /etc/hook 2>/dev/null || echo bounded
  ip link add hook0 type dummy 2>/dev/null || ip route replace 203.0.113.0/24 dev lo && echo routes
} >/var/lib/rekeyd/hook.out
`;

const why = (await obstacle()) ?? (canPack() ? undefined : "no static programs for this machine");
if (why !== undefined) console.log(`note: skip docs/install.md: ${why}`);

for (const release of RELEASES) {
  const archive = why === undefined ? await debianRoot(release) : undefined;
  test(`${release.name}: docs/install.md holds`, { skip: archive === undefined }, () =>
    withLab(`install-${release.suite}`, {}, (lab) => walk(lab, archive!)),
  );
}

async function walk(lab: Lab, archive: string): Promise<void> {
  const machine = await Machine.boot(lab.state, archive, {
    network: ["ip", "netns", "exec", lab.a.namespace.name],
  });
  await prepare(machine);
  await lab.b.charon.start();
  await lab.b.charon.load(PEER);

  const rekeyd = new Rekeyd(lab.a.namespace, join(lab.state.folder, "seen"));
  rekeyd.control_path = machine.path("/run/rekeyd/control");
  const follow = reader("Debian");
  bring(machine.tree, OLDER);
  await machine.run(follow("apt install"));
  await machine.run(follow("systemctl status"));
  await machine.run(follow("swanctl --load-all"));
  const configure = follow("systemctl reload rekeyd").replace(
    "interval '10'\n",
    `interval '1'\n\toption hook '${HOOK}'\n`,
  );
  assert.match(configure, /vpn-hook/);
  await machine.run(configure);
  await isUp(rekeyd, machine, lab);
  assert.match(await machine.run(follow("rekeyctl get vpn")), /VPN 'branch' .* is up/);
  assert.match(await machine.run(follow("rekeyd-web/secret")), /^[0-9a-f]{32}$/);
  await hookWasBounded(machine);

  const ping = await lab.userPing(50);
  await timeToPass(ping, 5000);
  const old = await lab.b.charon.waitInstalled("net");
  const pid = await machine.run("systemctl show -P MainPID rekeyd");
  bring(machine.tree);
  const upgrade = machine.run(follow("apt install")).then(() => sleep(AFTER_MS));
  const seen = await samplesUntil(upgrade, rekeyd);
  assert.notEqual(await machine.run("systemctl show -P MainPID rekeyd"), pid, "it was restarted");
  assert.ok(seen.length > 20, "rekeyd was asked before and after");
  assert.equal(seen.at(-1)?.state, "up");
  for (const { state, misses } of seen) {
    assert.equal(misses, 0, "a miss was charged");
    assert.notEqual(state, "down");
  }
  assert.equal(ping.lost, 0, "a user's echo was lost");
  const fresh = await lab.b.charon.waitInstalled("net");
  assert.deepEqual([fresh.spi_in, fresh.spi_out], [old.spi_in, old.spi_out], "an SA was touched");
  const log = await machine.run("journalctl --no-pager -u rekeyd");
  assert.doesNotMatch(log, /is down|has deactivated/);
  assert.match(await machine.run("journalctl --no-pager REKEYD_VPN=branch"), /is up/);
  console.log(`note: an upgrade under ${ping.answers} echoes of a user's: none lost, no miss`);

  await machine.run(follow("apt purge"));
  assert.equal(follow(), "", "a command that the test does not know");
  const before = ping.answers;
  await waitFor("the tunnel outlives the package", 5000, () => ping.answers > before + 20);
  assert.equal(ping.lost, 0);
  await machine.end();
}

/** As a lab needs it: ESP in user space, an administrator who always says yes, and a hook. */
async function prepare(machine: Machine): Promise<void> {
  const libipsec = "/etc/strongswan.d/charon/kernel-libipsec.conf";
  await machine.run(`sed -i 's/load = no/load = yes/' ${libipsec}; systemctl restart strongswan`);
  await machine.run(`echo 'APT::Get::Assume-Yes "1";' >/etc/apt/apt.conf.d/yes`);
  const keep = `Dpkg::Options { "--force-confdef"; "--force-confold"; };`;
  await machine.run(`echo '${keep}' >/etc/apt/apt.conf.d/keep`);
  machine.write(HOOK, HOOK_TEXT);
  await machine.run(`chmod 755 ${HOOK}`);
}

/** Else all that may tell why not. */
async function isUp(rekeyd: Rekeyd, machine: Machine, lab: Lab): Promise<void> {
  await rekeyd.waitState("branch", ["up"], 20_000).catch(async (error: Error) => {
    const look = "rekeyctl doctor || true; journalctl --no-pager | tail -n 60";
    const { stdout } = await machine.attempt(look);
    const peer = readFileSync(lab.b.charon.log_path, "utf8");
    throw new Error(`${error.message}\n${stdout}\nThe peer:\n${peer}`);
  });
}

/** What `get vpn` shows, some ten times a second, while rekeyd comes and goes. */
async function samplesUntil(end: Promise<void>, rekeyd: Rekeyd): Promise<VpnState[]> {
  const seen: VpnState[] = [];
  let is_over = false;
  const over = end.finally(() => (is_over = true));
  while (!is_over) {
    await rekeyd.vpn("branch").then(
      (vpn) => seen.push(vpn),
      () => {},
    );
    await sleep(100);
  }
  await over;
  return seen;
}

/** What docs/install.md says of the sandbox that hooks inherit. */
async function hookWasBounded(machine: Machine): Promise<void> {
  const read = (): Promise<string> =>
    machine.attempt("cat /var/lib/rekeyd/hook.out").then(({ stdout }) => stdout);
  await waitFor("the hook has run", 10_000, async () => (await read()).includes("routes"));
  assert.match(await read(), /^rekeyd\nCapEff:\t0000000000003000\nbounded\nroutes\n$/);
}
