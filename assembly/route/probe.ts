/**
 * The way of echoes, which stays while other routes are withdrawn: each interface has a table with
 * a route to each address that is monitored through it. A rule leads there whatever is sent by this
 * interface, as echoes are. A second one, behind all others, leads there what has no other route:
 * so the filter of reverse paths finds the answers' sources, too.
 */
import { isV4, sameAddress } from "../bytes/address";
import { VpnFlag } from "../config/model";
import { vpnAt } from "../sa/vpn";
import { chainRoute, dropOf } from "./chain";
import { addRoute, Origin, routeAt } from "./table";
import { Tunnel, tunnelAt } from "./tunnel";

/** Numbers of the interfaces' tables: `rk` in front. */
const FIRST_TABLE: u32 = 0x726b_0001;

/** The rules of an interface; bits of Tunnel.rules. */
export const enum Rule {
  BY_INTERFACE_V4 = 1,
  BY_INTERFACE_V6 = 2,
  LAST_V4 = 4,
  LAST_V6 = 8,
}
export const RULES: i32 = 4;
const ALL_V4: u32 = Rule.BY_INTERFACE_V4 | Rule.LAST_V4;
const ALL_V6: u32 = Rule.BY_INTERFACE_V6 | Rule.LAST_V6;

/** Where the rules stand: before `main`, and behind `default` (32767). */
const BY_INTERFACE_PRIORITY: u32 = 114;
const LAST_PRIORITY: u32 = 32_768;

/** The table of an interface. */
export function tableOfTunnel(tunnel: i32): u32 {
  return FIRST_TABLE + tunnel;
}

/** The interface that has this table, if there is a record of it; -1: it is none of ours. */
export function tunnelOfTable(table: u32, count: i32): i32 {
  const index = table - FIRST_TABLE;
  return index < <u32>count ? <i32>index : -1;
}

/** Where a rule stands. */
export function priorityOf(rule: Rule): u32 {
  const by_interface = Rule.BY_INTERFACE_V4 | Rule.BY_INTERFACE_V6;
  return (rule & by_interface) != 0 ? BY_INTERFACE_PRIORITY : LAST_PRIORITY;
}

/** Whether it is one of IPv4. */
export function isV4Rule(rule: Rule): bool {
  return (rule & ALL_V4) != 0;
}

/** The rule of one family that looks at the interface, or not. */
export function ruleOf(v4: bool, by_interface: bool): Rule {
  if (by_interface) return v4 ? Rule.BY_INTERFACE_V4 : Rule.BY_INTERFACE_V6;
  return v4 ? Rule.LAST_V4 : Rule.LAST_V6;
}

/** The rules that it is to have. */
export function wantedRules(tunnel: Tunnel): u32 {
  if (tunnel.leaving) return 0;
  return (tunnel.probes_v4 > 0 ? ALL_V4 : 0) | (tunnel.probes_v6 > 0 ? ALL_V6 : 0);
}

/** Has the VPN's probe routes lead to its targets. True: some are others now. */
export function followTargets(index: i32): bool {
  const vpn = vpnAt(index);
  const count = vpn.config.has(VpnFlag.MONITOR) ? <i32>vpn.target_count : 0;
  let found = 0;
  let stale = false;
  for (let i = vpn.first_route; i >= 0; i = routeAt(i).next) {
    if (!routeAt(i).probe) continue;
    if (isTarget(index, count, routeAt(i).target)) found++;
    else stale = true;
  }
  if (!stale && found == count) return false;
  dropProbes(index);
  for (let t = 0; t < count; t++) addProbe(index, vpn.target(t).address);
  return true;
}

function isTarget(index: i32, count: i32, address: usize): bool {
  for (let t = 0; t < count; t++) {
    if (sameAddress(vpnAt(index).target(t).address, address)) return true;
  }
  return false;
}

function addProbe(index: i32, target: usize): void {
  const tunnel = vpnAt(index).tunnel;
  const v4 = isV4(target);
  const table = tableOfTunnel(tunnel);
  const route = addRoute(Origin.PROBE, tunnel, index, target, v4 ? 32 : 128, table, 0);
  if (route < 0) return;
  chainRoute(route);
  count(tunnelAt(tunnel), v4, 1);
}

/** Drops the VPN's probe routes. */
export function dropProbes(index: i32): void {
  const vpn = vpnAt(index);
  for (let i = vpn.first_route; i >= 0; i = routeAt(i).next) {
    if (routeAt(i).probe) count(tunnelAt(vpn.tunnel), isV4(routeAt(i).target), -1);
  }
  dropOf(index, Origin.PROBE);
}

function count(tunnel: Tunnel, v4: bool, by: i32): void {
  if (v4) tunnel.probes_v4 += by;
  else tunnel.probes_v6 += by;
}
