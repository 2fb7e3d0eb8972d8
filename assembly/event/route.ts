/** Events about tunnel interfaces, their routes and their next hops. */
import { writeAddress } from "../bytes/address";
import { Writer } from "../bytes/writer";
import { beginEvent, endEvent } from "./log";
import { Severity } from "./severity";
import { Id } from "./text";

/** 00017: the VPN's traffic takes this interface now, or no longer. */
export function vpnBound(vpn: usize, tunnel: usize, bound: bool): void {
  beginEvent(Severity.NOTIFICATION, Id.CONFIGURATION, vpn)
    .text('VPN "')
    .name(vpn)
    .text(bound ? '" has been bound to' : '" has been unbound from')
    .text(" tunnel interface ")
    .name(tunnel)
    .u8(0x2e);
  endEvent();
}

/** 00513: `word` is ScreenOS's for the state. */
export function tunnelChanged(tunnel: usize, word: string): void {
  beginEvent(Severity.NOTIFICATION, Id.INTERFACE, 0)
    .text("The state of interface ")
    .name(tunnel)
    .text(" has changed to ")
    .text(word)
    .u8(0x2e);
  endEvent();
}

/** 00513: it is not there, and its section does not say that rekeyd is to make it. */
export function tunnelMissing(tunnel: usize): void {
  about(Severity.WARNING, tunnel).text(
    " is not there: nothing is routed over it. Make it, or set option create '1'.",
  );
  endEvent();
}

/** 00513: something else has its name. `if_id` 0: it should be in external mode. */
export function tunnelAnother(tunnel: usize, if_id: u32): void {
  const w = about(Severity.ERROR, tunnel).text(" is not an XFRM interface ");
  if (if_id == 0) w.text("in external mode");
  else w.text("with if_id ").decimal(if_id);
  w.text(": nothing is routed over it. Remove it, or mend its section.");
  endEvent();
}

/** 00513: somebody has removed it. */
export function tunnelLost(tunnel: usize, made_again: bool): void {
  const w = about(Severity.WARNING, tunnel).text(" has been removed");
  w.text(made_again ? "; it is made again with its addresses and routes." : ".");
  endEvent();
}

/** 00513: the kernel refuses to make or to change it. */
export function tunnelRefused(tunnel: usize, errno: i32): void {
  const w = about(Severity.ERROR, tunnel).text(" cannot be set up: ");
  writeRouteReason(w, errno).text("; trying again.");
  endEvent();
}

/** A route that somebody else made stands where one of ours should. */
export function routeForeign(
  tunnel: usize,
  target: usize,
  prefix: i32,
  metric: u32,
  is_main: bool,
): void {
  const w = beginEvent(Severity.WARNING, Id.ROUTE, 0).text("Route ");
  network(w, target, prefix).text(" with metric ").decimal(metric);
  if (!is_main) w.text(" for echoes");
  w.text(" over ")
    .name(tunnel)
    .text(" has to wait: there is one that rekeyd has not made, and it is left alone.");
  endEvent();
}

/** The kernel refuses a route for another reason. */
export function routeRefused(tunnel: usize, target: usize, prefix: i32, errno: i32): void {
  const w = beginEvent(Severity.ERROR, Id.ROUTE, 0).text("Route ");
  network(w, target, prefix).text(" over ").name(tunnel).text(" cannot be set: ");
  writeRouteReason(w, errno).text("; trying again.");
  endEvent();
}

/** A VPN's peer claims the next hop that another VPN leads to. */
export function nextHopClaimed(vpn: usize, next_hop: usize, holder: usize): void {
  const w = claim(vpn).text("the next hop ");
  writeAddress(w, next_hop).text(", which VPN ").name(holder).text(" leads to: that stays.");
  endEvent();
}

/** Likewise a network, which is one of another VPN's or overlaps with one. */
export function networkClaimed(vpn: usize, target: usize, prefix: i32, holder: usize): void {
  const w = claim(vpn).text("the network ");
  network(w, target, prefix).text(", in which VPN ").name(holder).text(" has one: that stays.");
  endEvent();
}

function claim(vpn: usize): Writer {
  return beginEvent(Severity.WARNING, Id.ROUTE, vpn)
    .text("The peer of VPN ")
    .name(vpn)
    .text(" claims ");
}

function about(severity: Severity, tunnel: usize): Writer {
  return beginEvent(severity, Id.INTERFACE, 0).text("Interface ").name(tunnel);
}

function network(w: Writer, target: usize, prefix: i32): Writer {
  return writeAddress(w, target).u8(0x2f).decimal(prefix);
}

/** What an error of rtnetlink means here (errno(3), Linux). */
function writeRouteReason(w: Writer, errno: i32): Writer {
  switch (errno) {
    case 1:
      return w.text("not permitted (CAP_NET_ADMIN is missing)");
    case 17:
      return w.text("there is one already; the kernel has one interface in external mode");
    case 19:
      return w.text("No such device");
    case 22:
      return w.text("Invalid argument");
    case 95:
      return w.text("not supported: has the kernel xfrm_interface, of Linux 6.1 or later?");
    case 100:
      return w.text("Network is down");
    case 110:
      return w.text("no answer in time");
    default:
      return w.text("errno ").decimal(errno);
  }
}
