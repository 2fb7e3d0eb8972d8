/** `rekeyctl doctor` finds real faults of real gateways, and nothing on healthy ones. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { host, lan, MONITOR, ROUTER, TARGETS } from "./lib/addresses.ts";
import { examine, waitFindings } from "./lib/doctor.ts";
import { vpnSpec, withLab, type Lab, type LabOptions } from "./lib/lab.ts";
import { VPN } from "./lib/recovery.ts";
import type { Rekeyd, VpnSpec } from "./lib/rekeyd.ts";
import type { ConnectionSpec } from "./lib/swanctl_conf.ts";
import { sleep, waitFor } from "./lib/wait.ts";

const GLOBAL = { interval: 0.25, threshold: 3 };
const GOOD: ConnectionSpec = { name: "s2s", both: { dpd_delay: "10s" } };
const GOOD_LAB: LabOptions = { connections: [GOOD] };
/** A table of policy routing as mwan3 makes it. */
const TABLE = 100;

async function start(lab: Lab, options = {}): Promise<Rekeyd> {
  await lab.startUp();
  const rekeyd = lab.a.rekeyd([vpnSpec(options)], GLOBAL);
  await rekeyd.start();
  await rekeyd.waitState(VPN, ["up"], 10_000);
  return rekeyd;
}

test("a healthy VPN gives no finding; each thing set otherwise gives its own", () =>
  withLab("doctor-settings", GOOD_LAB, async (lab) => {
    const rekeyd = await start(lab);
    await waitFindings(rekeyd);
    const text = await rekeyd.rekeyctl("doctor");
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^1 VPN looked at, none with findings$/m);
    assert.equal((await rekeyd.rekeyctl("doctor", "nobody")).code, 1);

    const reload = (options: VpnSpec["options"], ...ids: string[]): Promise<unknown> => {
      rekeyd.reload(lab.a.rekeydConf([vpnSpec(options)], GLOBAL));
      return waitFindings(rekeyd, ...ids);
    };
    await reload({ rekey: 0 }, "rekey-off");
    await reload({ gateway: "nobody" }, "unknown-connection");
    await reload({ child: "nobody" }, "unknown-child");
    await reload({ destination_ip: [host("b", TARGETS[0], 3)] }, "outside-selectors");
    await reload({ source_ip: "10.1.0.77" }, "not-our-source", "down");
    await reload({ interval: 60, threshold: 20 }, "slow");
    await reload({});
    rekeyd.reload("nonsense\n");
    await waitFindings(rekeyd, "refused-config");
    await reload({});

    const conf = lab.a.conf.replace("dpd_delay = 10s", "dpd_delay = 0s");
    await lab.a.charon.load(conf.replace("reauth_time = 0", "reauth_time = 3h"));
    await waitFindings(rekeyd, "dpd-off", "reauthentication");
    await lab.a.charon.load(lab.a.conf.replace("mode = tunnel", "mode = transport"));
    await waitFindings(rekeyd, "not-tunnel");
  }));

test("routes and rules that lead echoes past the tunnel", () =>
  withLab("doctor-routes", GOOD_LAB, async (lab) => {
    const rekeyd = await start(lab);
    const { namespace } = lab.a;
    const ip = (...lines: string[]): Promise<void> => namespace.batch(lines);
    const to = `to ${lan("b")}`;
    await ip(
      `route add default via ${ROUTER[4].a} table ${TABLE}`,
      `rule add priority 100 ${to} lookup ${TABLE}`,
    );
    const ruled = await waitFindings(rekeyd, "down", "stolen-by-rule");
    assert.match(ruled["stolen-by-rule"]!.text, /rule 100, table 100, by uplink$/);
    await ip(`rule del priority 100`);
    await rekeyd.waitState(VPN, ["up"], 10_000);
    await waitFindings(rekeyd);

    await ip(`rule add priority 101 fwmark 0x100/0x3f00 lookup ${TABLE}`);
    await waitFindings(rekeyd);
    await namespace.nft(`table ip lab_mark {
      chain marking {
        type route hook output priority mangle
        ip daddr ${lan("b")} icmp type echo-request meta mark set 0x100
      }
    }`);
    await sleep(1000);
    const clear = await lab.router.clear("a", "monitor");
    assert.equal(clear, 0, "the guard looks at the way that the mark led to");
    const marked = await waitFindings(rekeyd, "down", "stolen-by-mark");
    assert.match(marked["stolen-by-mark"]!.text, /rule 101 with mark 0x0*100\/0x0*3f00, table 100/);
    await namespace.nft("delete table ip lab_mark");
    await ip("rule del priority 101");
    await rekeyd.waitState(VPN, ["up"], 10_000);

    await ip(
      `route add unreachable ${lan("b")} table ${TABLE}`,
      `rule add priority 100 ${to} lookup ${TABLE}`,
    );
    const none = await waitFindings(rekeyd, "down", "no-route");
    assert.match(none["no-route"]!.text, /from 10\.1\.0\.1 to 10\.2\.0\.10 \(No route to host\)/);
    await ip("rule del priority 100", `route flush table ${TABLE}`);
    await rekeyd.waitState(VPN, ["up"], 10_000);
    assert.equal(await lab.router.clear("a", "monitor"), 0, "nothing left in the clear");
  }));

test("strongSwan's own route is gone: the guard holds the echoes back", () =>
  withLab("doctor-held", GOOD_LAB, async (lab) => {
    const rekeyd = await start(lab, { rekey: 0 });
    await lab.a.namespace.batch([`route del ${lan("b")} table 220`]);
    const found = await waitFindings(rekeyd, "down", "held-back", "rekey-off");
    assert.match(found["held-back"]!.text, /from 10\.1\.0\.1 to 10\.2\.0\.10/);
    assert.equal(await lab.router.clear("a", "monitor"), 0);
  }));

test("a target that is silent although traffic flows", () =>
  withLab("doctor-target", GOOD_LAB, async (lab) => {
    await lab.startUp();
    await lab.b.silence(TARGETS[0]);
    await lab.userPing(50);
    const rekeyd = lab.a.rekeyd([vpnSpec()], GLOBAL);
    await rekeyd.start();
    const found = await waitFindings(rekeyd, "down", "silent-target");
    assert.match(found["silent-target"]!.text, /^10\.2\.0\.10 has never answered/);
  }));

test("a peer that is down: who answers what, why, what was tried, what comes next", () =>
  withLab("doctor-peer", GOOD_LAB, async (lab) => {
    const rekeyd = await start(lab);
    await lab.b.charon.kill();
    const ike = await waitFindings(rekeyd, "down", "silent-ike");
    assert.match(ike["silent-ike"]!.text, /198\.51\.100\.1 answers a ping beside the tunnel/);
    const [vpn] = (await examine(rekeyd, [VPN])).vpns;
    assert.match(vpn!.why!, /^(3 rounds in a row had no answer|its SA is gone), for \d+ s$/);
    assert.match(vpn!.tried!, /198\.51\.100\.1 did not answer, \d+ times? in a row, \d+ s ago$/);
    assert.match(vpn!.next!, /(attempt|negotiations|IKE_SA).*, (now|in [\d.]+ s)$/);
    const detail = await rekeyd.rekeyctl("get", "vpn", VPN);
    assert.match(detail.stdout, /^ {2}Why .*\n {2}Tried last .* did not answer.*\n {2}Next /m);

    await lab.router.cut();
    const peer = await waitFindings(rekeyd, "down", "silent-peer");
    assert.match(peer["silent-peer"]!.text, /neither IKE nor a ping/);
    await lab.a.uplinkDown();
    const route = await waitFindings(rekeyd, "down", "no-route-to-peer");
    assert.match(route["no-route-to-peer"]!.text, /198\.51\.100\.1 \(Network is unreachable\)/);

    await lab.a.charon.kill();
    const away = await waitFindings(rekeyd, "vici-away", "down", "no-route-to-peer");
    assert.equal(away["vici-away"]!.vpn, null);
    await lab.a.uplinkUp();
    await lab.router.heal();
    await Promise.all([lab.a.charon.start(), lab.b.charon.start()]);
    await rekeyd.waitState(VPN, ["up"], 15_000);
    await waitFindings(rekeyd);
  }));

test("a peer that refuses", () =>
  withLab("doctor-refusal", GOOD_LAB, async (lab) => {
    const rekeyd = await start(lab);
    const other = lab.b.conf.replace(`remote_ts = ${lan("a")}`, `remote_ts = ${lan("a", 2)}`);
    await lab.b.charon.load(other);
    await lab.b.charon.terminate({ ike: "s2s" });
    await waitFindings(rekeyd, "down", "refused");
    const [vpn] = (await examine(rekeyd)).vpns;
    assert.match(vpn!.tried!, /refused/);
    await lab.b.charon.load(lab.b.conf);
  }));

test("both ends initiate", () =>
  withLab("doctor-both", GOOD_LAB, async (lab) => {
    await lab.start();
    const rekeyd = lab.a.rekeyd([vpnSpec({ rekey: 0 })], GLOBAL);
    await rekeyd.start();
    const ends = [lab.a.charon, lab.b.charon];
    await waitFor("both ends have made an SA", 40_000, async () => {
      await Promise.allSettled(ends.map((charon) => charon.terminate({ ike: "s2s" })));
      await Promise.allSettled(ends.map((charon) => charon.initiate("s2s", "net", 3000)));
      await sleep(500);
      return (await lab.a.charon.listSas()).length > 1;
    });
    const found = await waitFindings(rekeyd, "both-initiate", "rekey-off");
    assert.equal(found["both-initiate"]!.severity, "warning");
  }));

test("optimized beside a peer that monitors, too", () =>
  withLab("doctor-optimized", GOOD_LAB, async (lab) => {
    const rekeyd = await start(lab, { optimized: 1 });
    await waitFindings(rekeyd);
    const peer = lab.b.rekeyd([vpnSpec({}, VPN, 0, 4, "b")], GLOBAL);
    await peer.start();
    await waitFindings(rekeyd, "peer-monitors");
  }));

/**
 * A daemon that the kernel refuses its nth socket (raw IPv4 and IPv6, both again, netfilter, the
 * control socket, IPsec), as if it were built without: no namespace can be.
 */
function withoutSocket(lab: Lab, nth: number): string {
  const daemon = path.join(lab.state.folder, `rekeyd-without-${nth}`);
  const inject = `inject=socket:error=EAFNOSUPPORT:when=${nth}`;
  const strace = `exec strace -D -qq -o /dev/null -e trace=socket -e ${inject}`;
  fs.writeFileSync(daemon, `#!/bin/sh\n${strace} ${path.resolve("build/rekeyd")} "$@"\n`, {
    mode: 0o755,
  });
  return daemon;
}

test("echoes of IPv6 where the kernel has none, or where it is switched off", () => {
  const children = [{ name: "net", family: 6 as const }];
  return withLab("doctor-ipv6", { connections: [{ ...GOOD, children }] }, async (lab) => {
    await lab.startUp();
    const spec = [vpnSpec({}, VPN, 0, 6)];
    const without = lab.a.rekeyd(spec, GLOBAL, withoutSocket(lab, 2));
    await without.start();
    await waitFindings(without, "down", "no-ipv6", "unsendable");
    await without.stop();

    const rekeyd = lab.a.rekeyd(spec, GLOBAL);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 10_000);
    await waitFindings(rekeyd);
    await lab.a.namespace.sysctl({ "net.ipv6.conf.all.disable_ipv6": 1 });
    await waitFindings(rekeyd, "down", "not-our-source");
  });
});

test("no SA, no IPsec, nobody who pings, and nobody to be pinged", () => {
  const elsewhere = { local_ts: "10.8.0.0/24", remote_ts: lan("b") };
  const children = [{ name: "net" }, { name: "bare", a: elsewhere }];
  return withLab("doctor-none", { connections: [{ ...GOOD, children }] }, async (lab) => {
    await lab.start();
    const idle = vpnSpec({ rekey: 0 });
    const without = lab.a.rekeyd([idle], GLOBAL, withoutSocket(lab, 7));
    await without.start();
    await waitFindings(without, "no-ipsec", "no-sa", "rekey-off");
    await without.stop();
    const rekeyd = lab.a.rekeyd([idle], GLOBAL);
    await rekeyd.start();
    await waitFindings(rekeyd, "no-sa", "rekey-off");

    const reload = (options: VpnSpec["options"], ...ids: string[]): Promise<unknown> => {
      const vpn = { name: VPN, options: { gateway: "s2s", child: "net", ...options } };
      rekeyd.reload(lab.a.rekeydConf([vpn], GLOBAL));
      return waitFindings(rekeyd, ...ids);
    };
    await reload({}, "not-monitored");
    await reload({ monitor: 1, rekey: 1 }, "no-destination");
    const destination_ip = [host("b", TARGETS[0])];
    await reload({ monitor: 1, rekey: 1, child: "bare", destination_ip }, "no-source");

    await lab.a.namespace.batch([`addr add ${host("b", 77)}/32 dev lo`]);
    await reload(
      { monitor: 1, rekey: 1, destination_ip: [host("b", 77)] },
      ...["down", "our-destination"],
    );
  });
});

test("a lifetime that is shorter than a verdict", () => {
  const children = [{ name: "net", both: { life_time: "100s", rekey_time: "90s" } }];
  return withLab("doctor-brief", { connections: [{ ...GOOD, children }] }, async (lab) => {
    const rekeyd = await start(lab);
    await waitFindings(rekeyd);
    rekeyd.reload(lab.a.rekeydConf([vpnSpec()], { interval: 60, threshold: 2 }));
    const found = await waitFindings(rekeyd, "short-lifetime");
    assert.match(found["short-lifetime"]!.text, /lives for \d+ s, and a verdict on it takes 120 s/);
  });
});

test("what the kernel's IPsec drops while the doctor looks", () =>
  withLab("doctor-drops", GOOD_LAB, async (lab) => {
    const rekeyd = await start(lab);
    const [from, to] = [host("a", MONITOR), host("b", TARGETS[0])];
    const block = `xfrm policy add src ${from}/32 dst ${to}/32 dir out action block`;
    await lab.a.namespace.batch([block]);
    const found = await waitFindings(rekeyd, "down", "held-back", "kernel-drops");
    assert.match(found["kernel-drops"]!.text, /dropped \d+ packets? of IPsec .*XfrmOutPolBlock/);
  }));
