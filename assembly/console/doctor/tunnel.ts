/** What keeps packets from a tunnel interface, or its routes from where they should be. */
import { isUnset, writeAddress } from "../../bytes/address";
import { Writer } from "../../bytes/writer";
import { Way, wayInto } from "../../monitor/way";
import { isComplete } from "../../route/kernel";
import { isShown, Route, routeAt, routeCount } from "../../route/table";
import { Tunnel, tunnelAt, tunnelCount } from "../../route/tunnel";
import { phase2At } from "../../sa/phase2";
import { vpnAt } from "../../sa/vpn";
import { begin, end, Finding } from "./finding";

/** Looks at all tunnel interfaces, or at the one alone that the VPN is bound to. */
export function checkTunnels(vpn: i32): void {
  // Before the kernel has shown everything there is nothing to say.
  if (!isComplete()) return;
  for (let i = 0; i < tunnelCount(); i++) {
    if (!tunnelAt(i).used || (vpn >= 0 && vpnAt(vpn).tunnel != i)) continue;
    checkInterface(tunnelAt(i));
    checkNextHops(i);
    checkPlaces(i);
  }
}

function checkInterface(tunnel: Tunnel): void {
  const name = tunnel.config.name;
  if (tunnel.ifindex != 0) {
    if (tunnel.up) return;
    begin(Finding.INTERFACE_DOWN).name(name).text(" is set down: no packet passes it");
  } else if (tunnel.named_index != 0) {
    const w = begin(Finding.OTHER_INTERFACE).name(name).text(" is another interface than ");
    w.text("configured: it is no XFRM interface ");
    if (tunnel.config.if_id == 0) w.text("in external mode");
    else w.text("with if_id ").decimal(tunnel.config.if_id);
  } else if (tunnel.config.create) {
    const w = begin(Finding.NO_INTERFACE).name(name).text(" is not there: the kernel makes none");
    if (tunnel.errno != 0) w.text(" (error ").decimal(tunnel.errno).u8(0x29);
  } else {
    begin(Finding.NO_INTERFACE).name(name).text(" is not there, and rekeyd is not to make it");
  }
  end(0);
}

/** Routes whose next hop nobody has: one finding, with the first of them. */
function checkNextHops(tunnel: i32): void {
  let count = 0;
  let first = -1;
  for (let i = 0; i < routeCount(); i++) {
    if (!isMeant(routeAt(i), tunnel)) continue;
    if (routeAt(i).vpn >= 0 || isUnset(routeAt(i).gateway)) continue;
    if (count++ == 0) first = i;
  }
  if (count == 0) return;
  const w = begin(Finding.NO_NEXT_HOP).counted(count, "route").text(" over ");
  w.name(tunnelAt(tunnel).config.name).text(count == 1 ? " has" : " have");
  w.text(" a next hop that no VPN has: ");
  writeRoute(w, routeAt(first)).text(" by ");
  writeAddress(w, routeAt(first).gateway);
  if (count > 1) w.text(", and others");
  end(0);
}

/** Routes in whose place somebody else's is, likewise. */
function checkPlaces(tunnel: i32): void {
  let count = 0;
  let first = -1;
  for (let i = 0; i < routeCount(); i++) {
    if (!isMeant(routeAt(i), tunnel) || !routeAt(i).foreign) continue;
    if (count++ == 0) first = i;
  }
  if (count == 0) return;
  const w = begin(Finding.FOREIGN_ROUTE).text("another's route is in the place of ");
  w.counted(count, "route").text(" over ").name(tunnelAt(tunnel).config.name).text(": ");
  writeRoute(w, routeAt(first)).text(" with metric ").decimal(routeAt(first).metric);
  if (count > 1) w.text(", and others");
  end(0);
}

/** The worse way of a route is no route of its own. */
function isMeant(route: Route, tunnel: i32): bool {
  return isShown(route) && route.tunnel == tunnel && !route.standby;
}

function writeRoute(w: Writer, route: Route): Writer {
  return writeAddress(w, route.target).u8(0x2f).decimal(route.prefix);
}

/** Whether the VPN's SA is its interface's. */
export function checkBinding(index: i32): void {
  const vpn = vpnAt(index);
  if (vpn.tunnel < 0 || vpn.current < 0) return;
  const sa = phase2At(vpn.current);
  if (wayInto(vpn, sa) != Way.OTHER_IF_ID) return;
  const config = tunnelAt(vpn.tunnel).config;
  const w = begin(Finding.OTHER_IF_ID).text("it is bound to ").name(config.name);
  if (config.if_id == 0) w.text(", which tells VPNs apart by if_id");
  else w.text(", whose if_id is ").decimal(config.if_id);
  if (sa.if_id == 0 && sa.if_id_in == 0) w.text(", and its SA has none");
  else
    w.text(", and its SA has ")
      .decimal(sa.if_id_in)
      .text(" in and ")
      .decimal(sa.if_id)
      .text(" out");
  end(vpn.config.name);
}
