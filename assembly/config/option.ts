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
  /** A section with a mistake in its head: its options say nothing more. */
  UNKNOWN,
}

/** Options of both sections. */
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
    default:
      return "phase1_lifetime";
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
      return true;
    default:
      return false;
  }
}

/** Whether the option may stand in such a section. */
export function belongs(option: Option, section: Section): bool {
  if (section == Section.GLOBAL) return option <= Option.HOOK_TIMEOUT;
  return option <= Option.HOOK || option > Option.HOOK_TIMEOUT;
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
