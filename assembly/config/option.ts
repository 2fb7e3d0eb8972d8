import { equalText } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { resembles } from "./nearest";

/** Section types. */
export const enum Section {
  /** Before the first section. */
  NONE,
  /** `config vpnmonitor 'global'` */
  GLOBAL,
  /** `config vpn 'NAME'` */
  VPN,
  /** `config tunnel 'INTERFACE'` */
  TUNNEL,
  /** `config route`, with or without a name */
  ROUTE,
  /** `config nhtb`, likewise */
  NHTB,
  /** A section with a mistake in its head: its options say nothing more. */
  UNKNOWN,
}

/** Options of all sections. */
export const enum Option {
  INTERVAL,
  THRESHOLD,
  HOOK,
  VICI,
  RECORDER,
  HOOK_TIMEOUT,
  GATEWAY,
  CHILD,
  MONITOR,
  REKEY,
  OPTIMIZED,
  SOURCE_IP,
  SOURCE_INTERFACE,
  DESTINATION_IP,
  SIZE,
  QUORUM,
  RECOVER,
  PHASE1_LIFETIME,
  /** The tunnel interface that a VPN is bound to. */
  TUNNEL,
  CREATE,
  IF_ID,
  ADDRESS,
  MTU,
  DOWN,
  NHTB_ANNOUNCE,
  NHTB_ACCEPT,
  TARGET,
  INTERFACE,
  /** A route's next hop; a VPN's GATEWAY is strongSwan's connection. */
  ROUTE_GATEWAY,
  METRIC,
  NEXTHOP,
  VPN,
  COUNT,
}

/** The option as the file has it. */
export function optionName(option: Option): string {
  switch (option) {
    case Option.INTERVAL:
      return "interval";
    case Option.THRESHOLD:
      return "threshold";
    case Option.HOOK:
      return "hook";
    case Option.VICI:
      return "vici";
    case Option.RECORDER:
      return "recorder";
    case Option.HOOK_TIMEOUT:
      return "hook_timeout";
    case Option.GATEWAY:
    case Option.ROUTE_GATEWAY:
      return "gateway";
    case Option.CHILD:
      return "child";
    case Option.MONITOR:
      return "monitor";
    case Option.REKEY:
      return "rekey";
    case Option.OPTIMIZED:
      return "optimized";
    case Option.SOURCE_IP:
      return "source_ip";
    case Option.SOURCE_INTERFACE:
      return "source_interface";
    case Option.DESTINATION_IP:
      return "destination_ip";
    case Option.SIZE:
      return "size";
    case Option.QUORUM:
      return "quorum";
    case Option.RECOVER:
      return "recover";
    case Option.PHASE1_LIFETIME:
      return "phase1_lifetime";
    case Option.TUNNEL:
      return "tunnel";
    case Option.CREATE:
      return "create";
    case Option.IF_ID:
      return "if_id";
    case Option.ADDRESS:
      return "address";
    case Option.MTU:
      return "mtu";
    case Option.DOWN:
      return "down";
    case Option.NHTB_ANNOUNCE:
      return "nhtb_announce";
    case Option.NHTB_ACCEPT:
      return "nhtb_accept";
    case Option.TARGET:
      return "target";
    case Option.INTERFACE:
      return "interface";
    case Option.METRIC:
      return "metric";
    case Option.NEXTHOP:
      return "nexthop";
    default:
      return "vpn";
  }
}

/** A value that would be right, for the messages. */
export function optionExample(option: Option): string {
  switch (option) {
    case Option.INTERVAL:
    case Option.THRESHOLD:
      return "10";
    case Option.HOOK:
      return "/etc/rekeyd/hook";
    case Option.VICI:
      return "/var/run/charon.vici";
    case Option.HOOK_TIMEOUT:
      return "30";
    case Option.GATEWAY:
    case Option.CHILD:
      return "NAME";
    case Option.SOURCE_IP:
      return "10.1.0.1";
    case Option.SOURCE_INTERFACE:
      return "br-lan";
    case Option.DESTINATION_IP:
      return "10.2.0.10";
    case Option.SIZE:
      return "64";
    case Option.QUORUM:
      return "any";
    case Option.PHASE1_LIFETIME:
      return "28800";
    case Option.TUNNEL:
    case Option.INTERFACE:
      return "tunnel.1";
    case Option.ADDRESS:
      return "10.1.0.1/24";
    case Option.MTU:
      return "1400";
    case Option.DOWN:
      return "withdraw";
    case Option.NHTB_ANNOUNCE:
    case Option.TARGET:
      return "10.1.2.0/24";
    case Option.NHTB_ACCEPT:
      return "10.0.0.0/8";
    case Option.ROUTE_GATEWAY:
    case Option.NEXTHOP:
      return "10.1.3.1";
    case Option.METRIC:
      return "10";
    case Option.VPN:
      return "NAME";
    default:
      return "1";
  }
}

/** Whether the option is on or off. */
export function isFlag(option: Option): bool {
  switch (option) {
    case Option.RECORDER:
    case Option.MONITOR:
    case Option.REKEY:
    case Option.OPTIMIZED:
    case Option.CREATE:
      return true;
    default:
      return false;
  }
}

/** Whether the option may have several values, each in a `list`. */
export function mayRepeat(option: Option): bool {
  switch (option) {
    case Option.DESTINATION_IP:
    case Option.ADDRESS:
    case Option.NHTB_ANNOUNCE:
    case Option.NHTB_ACCEPT:
      return true;
    default:
      return false;
  }
}

/** Whether the option may stand in such a section. */
export function belongs(option: Option, section: Section): bool {
  switch (option) {
    case Option.INTERVAL:
    case Option.THRESHOLD:
    case Option.HOOK:
      return section == Section.GLOBAL || section == Section.VPN;
    case Option.VICI:
    case Option.RECORDER:
    case Option.HOOK_TIMEOUT:
      return section == Section.GLOBAL;
    case Option.CREATE:
    case Option.IF_ID:
    case Option.ADDRESS:
    case Option.MTU:
    case Option.DOWN:
    case Option.NHTB_ANNOUNCE:
      return section == Section.TUNNEL;
    case Option.NHTB_ACCEPT:
      return section == Section.TUNNEL || section == Section.VPN;
    case Option.INTERFACE:
      return section == Section.ROUTE || section == Section.NHTB;
    case Option.TARGET:
    case Option.ROUTE_GATEWAY:
    case Option.METRIC:
      return section == Section.ROUTE;
    case Option.NEXTHOP:
    case Option.VPN:
      return section == Section.NHTB;
    default:
      return section == Section.VPN;
  }
}

/** The section's type as the file has it. */
export function sectionName(section: Section): string {
  switch (section) {
    case Section.GLOBAL:
      return "vpnmonitor";
    case Section.VPN:
      return "vpn";
    case Section.TUNNEL:
      return "tunnel";
    case Section.ROUTE:
      return "route";
    default:
      return "nhtb";
  }
}

/** The option of the section with this name, or Option.COUNT. */
export function findOption(section: Section, p: usize, len: i32): Option {
  for (let i = 0; i < Option.COUNT; i++) {
    if (belongs(i, section) && equalText(p, len, optionName(i))) return i;
  }
  return Option.COUNT;
}

/** What would be right instead of an unknown option: the one that it resembles, or all. */
export function writeKnownOptions(w: Writer, section: Section, p: usize, len: i32): Writer {
  for (let i = 0; i < Option.COUNT; i++) {
    if (belongs(i, section) && resembles(p, len, optionName(i))) {
      return w.text("did you mean '").text(optionName(i)).text("'?");
    }
  }
  w.text("it may have ");
  let first = true;
  for (let i = 0; i < Option.COUNT; i++) {
    if (!belongs(i, section)) continue;
    if (!first) w.text(", ");
    first = false;
    w.text(optionName(i));
  }
  return w;
}
