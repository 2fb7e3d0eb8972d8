import assert from "node:assert/strict";
import { test } from "node:test";
import { host, UPLINK } from "./lib/addresses.ts";
import { vpnSpec, withLab } from "./lib/lab.ts";
import type { VpnSpec } from "./lib/rekeyd.ts";
import { DETECTION_MS, VPN } from "./lib/recovery.ts";
import { sleep, waitUntil } from "./lib/wait.ts";

function without(spec: VpnSpec, ...options: string[]): VpnSpec {
  const kept = Object.entries(spec.options).filter(([key]) => !options.includes(key));
  return { ...spec, options: Object.fromEntries(kept) };
}

test("no source is configured: one inside the local selectors is chosen", () =>
  withLab("source-chosen", {}, async (lab) => {
    await lab.start();
    const rekeyd = lab.a.rekeyd([without(vpnSpec(), "source_ip")]);
    await rekeyd.start();
    const vpn = await rekeyd.waitState(VPN, ["up"], 5000);
    assert.match(String(vpn["source"]), /^10\.1\.0\.\d+$/);
  }));

test("no destination is configured, and the peer is outside the selectors: they are named", () =>
  withLab("destination-missing", {}, async (lab) => {
    await lab.start();
    const rekeyd = lab.a.rekeyd([without(vpnSpec(), "destination_ip")]);
    await rekeyd.start();
    const [event] = await waitUntil(
      "an event says what is missing",
      5000,
      () => rekeyd.eventsLike(/outside the remote selectors/),
      (events) => events.length > 0,
    );
    assert.match(event!.text, /198\.51\.100\.1 .*10\.2\.0\.0\/24.*destination_ip/);
  }));

test("no destination is configured, and the peer is inside the selectors: it is the peer", () => {
  const b = UPLINK[4].b;
  const children = [{ name: "net", a: { remote_ts: `${b}/32` }, b: { local_ts: `${b}/32` } }];
  // The tunnel carries the peer's own address: charon's packets must not go into it.
  const mark = `plugins {
    kernel-libipsec { allow_peer_ts = yes }
    kernel-netlink { fwmark = !0x2a }
    socket-default { fwmark = 0x2a }
  }`;
  const options = { connections: [{ name: "s2s", children }], charon: { a: mark, b: mark } };
  return withLab("destination-peer", options, async (lab) => {
    await lab.start();
    const rekeyd = lab.a.rekeyd([without(vpnSpec(), "destination_ip")]);
    await rekeyd.start();
    await rekeyd.waitState(VPN, ["up"], 5000);
  });
});

test("an SA that does not cover the echo: told, no miss, no rekey, nothing sent", () =>
  withLab("not-covered", {}, async (lab) => {
    await lab.startUp();
    const old = await lab.a.charon.waitInstalled("net");
    const rekeyd = lab.a.rekeyd([vpnSpec({ destination_ip: [host("b", 10, 3)] })]);
    await rekeyd.start();
    await sleep(2 * DETECTION_MS);
    const vpn = await rekeyd.vpn(VPN);
    assert.deepEqual(
      { sent: vpn.echoes_sent, misses: vpn.misses, rekeys: vpn.rekeys },
      { sent: 0, misses: 0, rekeys: 0 },
    );
    const events = await rekeyd.eventsLike(/cannot ping 10\.2\.3\.10 from 10\.1\.0\.1/);
    assert.equal(events.length, 1);
    assert.match(events[0]!.text, /10\.1\.0\.0\/24 === 10\.2\.0\.0\/24/);
    assert.equal((await lab.a.charon.waitInstalled("net")).spi_in, old.spi_in);
  }));
