import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../lab/lib/command.ts";
import { waitUntil } from "../lab/lib/wait.ts";
import { VERSION } from "../../tools/version.ts";
import { obstacle, withMachine, type Machine } from "./lib/machine.ts";
import { bring, canPack, OLDER, pack, packAnew } from "./lib/packages.ts";
import { debianRoot, RELEASES } from "./lib/root.ts";
import { files } from "./lib/tree.ts";

const CONF = "/etc/rekeyd/rekeyd.conf";
const BRANCH = `config vpn 'branch'\n\toption gateway 'g'\n\toption child 'c'\n`;
/** Told in docs/install.md. */
const EXPOSURE = { rekeyd: 1.8, "rekeyd-web": 1.3 };
const PACKAGES = "./rekeyd_*.deb ./rekeyd-web_*.deb";
const KEEP = "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";

const why = (await obstacle()) ?? (canPack() ? undefined : "no static programs for this machine");
if (why !== undefined) console.log(`note: skip Debian's packages: ${why}`);

for (const release of RELEASES) {
  const archive = why === undefined ? await debianRoot(release) : undefined;
  const skip = archive === undefined;
  test(`${release.name}: installed, used, upgraded, removed, purged`, { skip }, () =>
    withMachine(`package-${release.suite}`, archive!, walk),
  );
}

async function walk(machine: Machine): Promise<void> {
  await machine.run("useradd --no-create-home admin");
  const before = await files(machine);
  bring(machine.tree, OLDER);
  await machine.run(`apt-get install -y ${PACKAGES}`);
  await isRunning(machine);
  await manPagesAndCompletion(machine);
  await security(machine);
  await webAnswers(machine);
  await configurationIsTaken(machine);
  await comesBack(machine);
  await factsAreSeen(machine);
  await adminMayAsk(machine);

  bring(machine.tree);
  await machine.run(`apt-get install -y ${KEEP} ${PACKAGES}`);
  await isRunning(machine);
  assert.equal(await machine.run("dpkg-query -Wf '${Version}' rekeyd"), `${VERSION}-1`);
  const kept = await machine.run(`cat ${CONF}`);
  assert.ok(kept.includes("config vpn 'branch'"), "what the user wrote is kept");
  assert.ok(kept.includes("# as it was"), "and so is the rest of the file");

  await machine.run("apt-get remove -y rekeyd rekeyd-web");
  assert.equal(await machine.run("pidof rekeyd rekeyd-web || true"), "");
  await machine.run(`test -e ${CONF} -a -e /etc/rekeyd-web/secret`);
  await machine.run("apt-get purge -y rekeyd rekeyd-web");
  assert.deepEqual(difference(before, await files(machine)), []);
  assert.equal(await machine.run("ls /run | grep rekeyd || true"), "");
  assert.equal(await machine.run("systemctl list-units --all | grep rekeyd || true"), "");
}

/** Each line that one has and the other has not. */
function difference(before: string[], after: string[]): string[] {
  const [was, is] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !was.has(line)).map((line) => `+ ${line}`),
  ];
}

/** Both services run as systemd wants it, and systemd knows that the configuration is in force. */
async function isRunning(machine: Machine): Promise<void> {
  for (const unit of ["rekeyd", "rekeyd-web"]) {
    const states = await machine.run(`systemctl is-active ${unit}; systemctl is-enabled ${unit}`);
    assert.equal(states, "active\nenabled", await journal(machine, unit));
  }
  assert.match(await machine.run("systemctl show -P StatusText rekeyd"), /^\d VPNs?, \d monitored/);
  assert.notEqual(await machine.run("systemctl show -P WatchdogTimestampMonotonic rekeyd"), "0");
  await machine.run("rekeyctl get vpnmonitor");
}

function journal(machine: Machine, unit: string): Promise<string> {
  return machine.run(`journalctl --no-pager -u ${unit} | tail -20`);
}

async function manPagesAndCompletion(machine: Machine): Promise<void> {
  for (const page of ["rekeyd", "rekeyctl", "rekeyd.conf", "rekeyd-web"]) {
    assert.match(await machine.run(`man ${page} | head -5`), new RegExp(page, "i"));
  }
  const shell = (line: string): string =>
    `bash -c '. /usr/share/bash-completion/bash_completion; ${line}'`;
  for (const command of ["rekeyctl", "rekeyd", "rekeyd-web"]) {
    const known = await machine.run(shell(`_completion_loader ${command}; complete -p ${command}`));
    assert.match(known, /^complete .*-F /);
  }
}

/** What each service may still do, as systemd counts it: 0 is nothing, 10 is everything. */
async function security(machine: Machine): Promise<void> {
  await machine.run("systemd-analyze verify rekeyd.service rekeyd-web.service");
  const status = await machine.run("cat /proc/$(systemctl show -P MainPID rekeyd)/status");
  // CAP_NET_ADMIN alone.
  assert.match(status, /^CapPrm:\t0000000000001000$/m);
  assert.match(status, /^NoNewPrivs:\t1\nSeccomp:\t2$/m);
  assert.doesNotMatch(status, /^Uid:.*\b0\b/m);
  for (const [unit, most] of Object.entries(EXPOSURE)) {
    const judged = await machine.run(`systemd-analyze security --no-pager ${unit} | tail -1`);
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(judged)?.[1]);
    console.log(`note: ${judged.replace(/[^\x20-\x7e]+/g, "").trim()}`);
    assert.ok(exposure <= most, judged);
  }
}

async function webAnswers(machine: Machine): Promise<void> {
  const secret = '"Authorization: Bearer $(cat /etc/rekeyd-web/secret)"';
  const page = "http://127.0.0.1:8380/json/get/vpnmonitor";
  assert.match(await machine.run(`curl -sSf -H ${secret} ${page}`), /"interval/);
  const status = await machine.run(`curl -s -o /dev/null -w '%{http_code}' ${page}`);
  assert.equal(status, "401");
  const user = await machine.run("stat -c %u /proc/$(pidof rekeyd-web)");
  assert.notEqual(user, "0");
}

/** By reload, by a command that saves, and a file with mistakes is refused. */
async function configurationIsTaken(machine: Machine): Promise<void> {
  const file = join(machine.tree, CONF);
  const first = readFileSync(file, "utf8");
  writeFileSync(file, first + BRANCH);
  await machine.run("systemctl reload rekeyd");
  const statusIs = (status: RegExp): Promise<string> =>
    waitUntil(
      "the status",
      5000,
      () => machine.run("systemctl show -P StatusText rekeyd"),
      (text) => status.test(text),
    );
  await statusIs(/^1 VPN, /);
  writeFileSync(file, `${first}${BRANCH}\toption nonsense '1'\n`);
  assert.notEqual((await machine.attempt("systemctl reload rekeyd")).code, 0);
  assert.match(await journal(machine, "rekeyd"), /unknown option|nonsense/);
  await machine.run("systemctl is-active rekeyd");
  writeFileSync(file, first + BRANCH);
  await machine.run("systemctl reload rekeyd");
  await machine.run("rekeyctl set vpn branch monitor; rekeyctl save");
  assert.match(readFileSync(file, "utf8"), /option monitor '1'/);
  assert.equal(await machine.run(`stat -c '%U %G %a' ${CONF}`), "rekeyd rekeyd 640");
}

/** The sandbox hides none of the files that the daemon tells the engine of. */
async function factsAreSeen(machine: Machine): Promise<void> {
  const source = readFileSync("host/device/src/facts.rs", "utf8");
  const [, path] = /const DROPS: &str = "(\/proc\/\S+)"/.exec(source) ?? [];
  assert.ok(path);
  const look = "nsenter --target $(systemctl show -P MainPID rekeyd) --mount";
  assert.match(await machine.run(`${look} cat ${path}`), /^XfrmInError/);
}

/** Somebody in the group may use the control socket, others may not. */
async function adminMayAsk(machine: Machine): Promise<void> {
  // A user's PATH has no sbin.
  const ask = "su - admin -c 'rekeyctl get vpn'";
  assert.notEqual((await machine.attempt(ask)).code, 0);
  await machine.run("usermod --append --groups rekeyd admin");
  await machine.run(ask);
}

/** However often it ends: systemd by itself would give up after five times. */
async function comesBack(machine: Machine): Promise<void> {
  for (let times = 0; times < 6; times++) {
    const pid = await machine.run("systemctl show -P MainPID rekeyd");
    await machine.run(`kill -KILL ${pid}`);
    await waitUntil(
      "rekeyd is back",
      10_000,
      async () => (await machine.attempt("rekeyctl get vpn branch")).code,
      (code) => code === 0,
      { every_ms: 100 },
    );
    assert.notEqual(await machine.run("systemctl show -P MainPID rekeyd"), pid);
  }
}

test("packages that are built twice are the same to the byte", { skip: !canPack() }, async () => {
  const [once, twice] = [pack(), packAnew()];
  assert.equal(once.length, 2);
  once.forEach((path, i) => assert.ok(readFileSync(path).equals(readFileSync(twice[i]!)), path));
  const judge = ["--allow-root", "--fail-on", "error,warning", ...once];
  assert.equal(await run("lintian", judge), "");
});
