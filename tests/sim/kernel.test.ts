/** The modelled kernel does what Linux does (6.1 to 6.18, seen in a namespace of its own). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { netlinkItems } from "../../host/node/replay/netlink.ts";
import { Forwarding } from "../../host/node/sim/model/forwarding.ts";
import { Kernel, Protocol, RT_TABLE_MAIN, type Route } from "../../host/node/sim/model/kernel.ts";
import { routeMessage, ruleMessage, type Rule } from "../../host/node/sim/model/routes.ts";
import {
  AF_INET,
  attribute,
  Errno,
  Flag,
  message,
  nested,
  networkOf,
  text,
  Type,
  u32,
  u8,
} from "../../host/node/sim/model/rtnetlink.ts";

const ADD = Flag.ACK | Flag.CREATE | Flag.EXCL;

/** A kernel with a tunnel interface that is up; its number is 1. */
function withTunnel(if_id?: number): Kernel {
  const kernel = new Kernel();
  kernel.addInterface({ name: "tunnel.1", addresses: [], xfrm: if_id ? { if_id } : {} });
  kernel.addAddress("tunnel.1", "10.254.1.1/24");
  return kernel;
}

function route(target: string, more: Partial<Route> = {}): Route {
  const made = { table: RT_TABLE_MAIN, metric: 0, protocol: Protocol.REKEYD, oif: 1 };
  return { ...networkOf(target), ...made, ...more };
}

function add(kernel: Kernel, of: Route, flags: number = ADD): number[] {
  return errnos(kernel, routeMessage(Type.NEWROUTE, of, 7, flags));
}

function remove(kernel: Kernel, of: Route): number[] {
  return errnos(kernel, routeMessage(Type.DELROUTE, of, 7, Flag.ACK));
}

/** What the kernel acknowledges: 0, or why not. */
function errnos(kernel: Kernel, request: Buffer): number[] {
  const found: number[] = [];
  for (const datagram of kernel.take(request)) {
    if ("answer" in datagram) found.push(Math.abs(datagram.answer.readInt32LE(16)));
  }
  return found;
}

/** What a change is told by. */
function told(news: Buffer): string[] {
  return netlinkItems(news, new Map([[1, "tunnel.1"]])).map(({ text }) => text);
}

function link(name: string, if_id: number | undefined, flags: number, ...more: Buffer[]): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(1, 8);
  body.writeUInt32LE(1, 12);
  const own = if_id === undefined ? attribute(3, Buffer.alloc(0)) : attribute(2, u32(if_id));
  const info = nested(18, attribute(1, text("xfrm")), nested(2, own));
  const parts = [body, attribute(3, text(name)), info, ...more];
  return message(Type.NEWLINK, Buffer.concat(parts), 7, flags);
}

test("a route has its place by table, network and metric, whoever made it", () => {
  const kernel = withTunnel();
  kernel.putRoute(route("10.2.0.0/16", { protocol: Protocol.STATIC }));
  assert.deepEqual(add(kernel, route("10.2.0.0/16")), [Errno.EEXIST]);
  assert.deepEqual(add(kernel, route("10.2.0.0/16", { metric: 10 })), [0]);
  assert.deepEqual(add(kernel, route("10.2.0.0/16", { table: 77 })), [0]);
  assert.deepEqual(add(kernel, route("10.3.0.0/16", { oif: 9 })), [Errno.ENODEV]);
});

test("only what is named of a route must fit to remove it", () => {
  const kernel = withTunnel();
  kernel.putRoute(route("10.2.0.0/16", { metric: 3, protocol: Protocol.STATIC }));
  assert.deepEqual(remove(kernel, route("10.2.0.0/16")), [Errno.ESRCH]);
  add(kernel, route("10.2.0.0/16", { metric: 9 }));
  add(kernel, route("10.2.0.0/16", { metric: 7 }));
  // A metric of 0 is none: the lowest goes.
  assert.deepEqual(remove(kernel, route("10.2.0.0/16")), [0]);
  const left = kernel.routes.all.filter(({ metric }) => metric > 0).map(({ metric }) => metric);
  assert.deepEqual(left, [3, 9]);
});

test("IPv6 takes a metric of 1024 for none", () => {
  const kernel = withTunnel();
  assert.deepEqual(add(kernel, route("fd02::/64")), [0]);
  assert.equal(kernel.routes.all.at(-1)!.metric, 1024);
  assert.deepEqual(add(kernel, route("fd02::/64", { metric: 1024 })), [Errno.EEXIST]);
});

test("an own change is told of before it is acknowledged, by its number", () => {
  const datagrams = withTunnel().take(routeMessage(Type.NEWROUTE, route("10.2.0.0/16"), 7, ADD));
  assert.deepEqual(
    datagrams.map((datagram) => ("news" in datagram ? datagram.news.readUInt32LE(8) : "answer")),
    [7, "answer"],
  );
});

test("with an interface its routes go, of IPv4 untold, and come back by themselves never", () => {
  const kernel = withTunnel();
  add(kernel, route("10.2.0.0/16"));
  add(kernel, route("fd02::/64"));
  const down = told(kernel.setUp("tunnel.1", false));
  assert.deepEqual(down, ["tunnel.1 is down", "route fd02::/64 over tunnel.1 metric 1024 is gone"]);
  assert.deepEqual(add(kernel, route("10.2.0.0/16")), [Errno.ENETDOWN]);
  kernel.setUp("tunnel.1", true);
  assert.deepEqual(
    kernel.routes.all.map(({ protocol }) => protocol),
    [Protocol.KERNEL],
  );
});

test("one external interface, and one of each if_id", () => {
  const kernel = withTunnel();
  assert.deepEqual(errnos(kernel, link("tunnel.2", undefined, ADD)), [Errno.EEXIST]);
  assert.deepEqual(errnos(kernel, link("tunnel.2", 5, ADD)), [0]);
  assert.deepEqual(errnos(kernel, link("tunnel.3", 5, ADD)), [Errno.EEXIST]);
  assert.deepEqual(errnos(kernel, link("tunnel.3", 0, ADD)), [Errno.EINVAL]);
  kernel.has_xfrm = false;
  assert.deepEqual(errnos(kernel, link("tunnel.3", 6, ADD)), [Errno.EOPNOTSUPP]);
});

test("a dormant interface is up, and not running", () => {
  const kernel = withTunnel();
  const [DORMANT, UP] = [5, 6];
  const ask = (state: number): void => {
    kernel.take(link("tunnel.1", undefined, Flag.ACK, attribute(16, u8(state))));
  };
  const flags = (): number => kernel.plug("tunnel.1", true).readUInt32LE(16 + 8) & 0x41;
  ask(DORMANT);
  assert.equal(flags(), 0x01);
  ask(UP);
  assert.equal(flags(), 0x41);
});

test("a rule twice is refused, where that is asked for, and outlives its interface", () => {
  const kernel = withTunnel();
  const rule: Rule = { priority: 100, table: 77, oif: "tunnel.1", family: AF_INET, protocol: 114 };
  const ask = (flags: number): number[] =>
    errnos(kernel, ruleMessage(Type.NEWRULE, rule, 7, flags));
  assert.deepEqual([ask(ADD), ask(ADD), ask(Flag.ACK | Flag.CREATE)], [[0], [Errno.EEXIST], [0]]);
  kernel.removeInterface("tunnel.1");
  assert.equal(kernel.rules.length, 2);
});

test("what is to leave by an interface finds its table, and an external one drops the rest", () => {
  const kernel = withTunnel();
  const forwarding = new Forwarding(kernel);
  const host = networkOf("10.2.0.16").address;
  assert.deepEqual(forwarding.wayOut(1, host), { if_id: undefined });
  add(kernel, route("10.2.0.0/16", { if_id: 5 }));
  assert.deepEqual(forwarding.wayOut(1, host), { if_id: 5 });
  kernel.rules.push({ priority: 100, table: 77, oif: "tunnel.1" });
  add(kernel, route("10.2.0.16", { if_id: 6, table: 77 }));
  assert.deepEqual(forwarding.wayOut(1, host), { if_id: 6 });
  assert.equal(forwarding.wayOfUser("tunnel.1", host), 5);
  assert.deepEqual(forwarding.wayOut(1, networkOf("fd02::1").address), { errno: 101 });
  assert.deepEqual(forwarding.wayOut(9, host), { errno: Errno.ENODEV });
  kernel.setUp("tunnel.1", false);
  assert.deepEqual(forwarding.wayOut(1, host), { errno: Errno.ENETUNREACH });
});

test("a loose filter wants a way back, a strict one the same interface", () => {
  const kernel = withTunnel();
  const forwarding = new Forwarding(kernel);
  const host = networkOf("10.2.0.16").address;
  const lets = (filter: number): boolean => {
    kernel.named("tunnel.1").rp_filter = filter;
    return forwarding.letsIn("tunnel.1", host);
  };
  assert.deepEqual([0, 1, 2].map(lets), [true, false, false]);
  kernel.addInterface({ name: "eth0", addresses: [] });
  kernel.putRoute(route("0.0.0.0/0", { oif: 2 }));
  assert.deepEqual([0, 1, 2].map(lets), [true, false, true]);
  kernel.putRoute(route("10.2.0.0/16", { if_id: 5 }));
  assert.deepEqual([0, 1, 2].map(lets), [true, true, true]);
});
