/** `get route`: the routes over tunnel interfaces, in ScreenOS's form. */
import { isUnset, isV4, writeAddress } from "../bytes/address";
import {
  beginList,
  beginObject,
  beginText,
  boolValue,
  endList,
  endObject,
  key,
  nameValue,
  nullValue,
  numberValue,
  textValue,
} from "../bytes/json";
import { nameLength } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { isUsable } from "../route/nhtb";
import { isShown, Route, routeAt, routeCount } from "../route/table";
import { tunnelAt } from "../route/tunnel";
import { isActive } from "../route/ways";
import { vpnAt } from "../sa/vpn";
import { leftCell, newCell, rightCell } from "./cell";

/** ScreenOS's preferences of a static route and of one that it was told. */
const STATIC_PREFERENCE: i32 = 20;
const AUTO_PREFERENCE: i32 = 30;

/** ScreenOS's columns; addresses of IPv6 have wider ones. */
const V4_PREFIX_COLUMNS: i32 = 18;
const V4_GATEWAY_COLUMNS: i32 = 15;
const V6_PREFIX_COLUMNS: i32 = 26;
const V6_GATEWAY_COLUMNS: i32 = 23;
const INTERFACE_COLUMNS: i32 = 15;
const MIN_VPN_COLUMNS: i32 = 8;

/** Both tables; a family that has no route is left out, if the other has one. */
export function getRoute(w: Writer): void {
  const v6 = countOf(false);
  const v4 = countOf(true);
  w.text("*: active  S: static  A: automatic, by NHTB\n");
  if (v4 > 0 || v6 == 0) writeTable(w, true, v4);
  if (v6 > 0) writeTable(w, false, v6);
}

/** Whether the route is one to show: the worse way of a route is, while it is taken. */
function shows(route: Route): bool {
  return isShown(route) && (!route.standby || route.there);
}

function countOf(v4: bool): i32 {
  let count = 0;
  for (let i = 0; i < routeCount(); i++) {
    if (shows(routeAt(i)) && isV4(routeAt(i).target) == v4) count++;
  }
  return count;
}

function writeTable(w: Writer, v4: bool, count: i32): void {
  const vpn_columns = vpnColumns(v4);
  w.text(v4 ? "\nIPv4" : "\nIPv6").text(" Dest-Routes for <trust-vr> (");
  w.decimal(count).text(count == 1 ? " entry)\n" : " entries)\n");
  newCell().text("IP-Prefix");
  rightCell(w.text("       ID "), v4 ? V4_PREFIX_COLUMNS : V6_PREFIX_COLUMNS);
  newCell().text("Interface");
  rightCell(w.u8(0x20), INTERFACE_COLUMNS);
  newCell().text("Gateway");
  rightCell(w.u8(0x20), v4 ? V4_GATEWAY_COLUMNS : V6_GATEWAY_COLUMNS);
  newCell().text("VPN");
  leftCell(w.text(" P Pref        Mtr "), vpn_columns).text(" Why not\n");
  for (let i = 0; i < routeCount() && !w.truncated; i++) {
    const route = routeAt(i);
    if (shows(route) && isV4(route.target) == v4) writeRoute(w, i, vpn_columns);
  }
}

function vpnColumns(v4: bool): i32 {
  let columns = MIN_VPN_COLUMNS;
  for (let i = 0; i < routeCount(); i++) {
    const route = routeAt(i);
    if (route.vpn < 0 || !shows(route) || isV4(route.target) != v4) continue;
    columns = max(columns, nameLength(vpnAt(route.vpn).config.name));
  }
  return columns;
}

function writeRoute(w: Writer, i: i32, vpn_columns: i32): void {
  const route = routeAt(i);
  const v4 = isV4(route.target);
  w.u8(isActive(route) ? 0x2a : 0x20);
  newCell().decimal(i + 1);
  rightCell(w, 8).u8(0x20);
  writeAddress(newCell(), route.target).u8(0x2f).decimal(route.prefix);
  rightCell(w, v4 ? V4_PREFIX_COLUMNS : V6_PREFIX_COLUMNS).u8(0x20);
  newCell().name(tunnelAt(route.tunnel).config.name);
  rightCell(w, INTERFACE_COLUMNS).u8(0x20);
  writeGateway(newCell(), route);
  rightCell(w, v4 ? V4_GATEWAY_COLUMNS : V6_GATEWAY_COLUMNS).u8(0x20);
  w.u8(route.automatic ? 0x41 : 0x53);
  newCell().decimal(route.automatic ? AUTO_PREFERENCE : STATIC_PREFERENCE);
  rightCell(w, 5);
  newCell().decimal(route.metric);
  rightCell(w, 11).u8(0x20);
  if (route.vpn >= 0) newCell().name(vpnAt(route.vpn).config.name);
  else newCell().u8(0x2d);
  const why = whyNot(route);
  if (why.length == 0) newLine(w);
  else leftCell(w, vpn_columns).u8(0x20).text(why).u8(0x0a);
}

/** Ends the line behind the cell, without blanks. */
function newLine(w: Writer): void {
  leftCell(w, 0).u8(0x0a);
}

/** As ScreenOS has it where there is none. */
function writeGateway(w: Writer, route: Route): Writer {
  if (!isUnset(route.gateway)) return writeAddress(w, route.gateway);
  return w.text(isV4(route.target) ? "0.0.0.0" : "::");
}

/** Why no packet takes the route; empty: packets take it. */
export function whyNot(route: Route): string {
  if (isActive(route)) return "";
  if (tunnelAt(route.tunnel).ifindex == 0) return "no interface";
  if (route.foreign) return "another route is in its place";
  if (route.vpn < 0) return isUnset(route.gateway) ? "no VPN" : "no VPN has the next hop";
  if (!isUsable(vpnAt(route.vpn))) return "VPN is down";
  if (tunnelAt(route.tunnel).external && vpnAt(route.vpn).if_id == 0) return "no SA with an if_id";
  if (!tunnelAt(route.tunnel).up) return "interface is down";
  return route.errno != 0 ? "the kernel refuses it" : "on its way";
}

/** The same as JSON. */
export function getRouteJson(w: Writer): void {
  beginList(key(beginObject(w), "routes"));
  for (let i = 0; i < routeCount() && !w.truncated; i++) {
    if (shows(routeAt(i))) routeJson(w, i);
  }
  endObject(endList(w));
}

function routeJson(w: Writer, i: i32): void {
  const route = routeAt(i);
  numberValue(key(beginObject(w), "id"), i + 1);
  writeAddress(beginText(key(w, "target")), route.target);
  w.u8(0x2f).decimal(route.prefix).u8(0x22);
  nameValue(key(w, "interface"), tunnelAt(route.tunnel).config.name);
  key(w, "gateway");
  if (isUnset(route.gateway)) nullValue(w);
  else writeAddress(beginText(w), route.gateway).u8(0x22);
  textValue(key(w, "flag"), route.automatic ? "A" : "S");
  numberValue(key(w, "metric"), route.metric);
  key(w, "vpn");
  if (route.vpn < 0) nullValue(w);
  else nameValue(w, vpnAt(route.vpn).config.name);
  boolValue(key(w, "active"), isActive(route));
  boolValue(key(w, "standby"), route.standby);
  boolValue(key(w, "foreign"), route.foreign);
  key(w, "why_not");
  const why = whyNot(route);
  if (why.length == 0) nullValue(w);
  else textValue(w, why);
  endObject(w);
}
