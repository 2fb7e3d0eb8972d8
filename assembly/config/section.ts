/** The options of one section: each by itself, and those of a VPN together. */
import { ADDRESS_BYTES, isUnset, isV4, sameAddress } from "../bytes/address";
import { equalText, indexOf, nameBytes, nameLength, setName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import {
  DEFAULT_HOOK_TIMEOUT_S,
  DEFAULT_PHASE1_LIFETIME_S,
  MAX_DESTINATIONS,
  MAX_ECHO_BYTES,
  MAX_HOOK_TIMEOUT_S,
  MAX_IKE_NAME_BYTES,
  MAX_INTERFACE_BYTES,
  MAX_INTERVAL_MS,
  MAX_PATH_BYTES,
  MAX_PHASE1_LIFETIME_S,
  MAX_RECOVER,
  MAX_THRESHOLD,
  MIN_ECHO_BYTES,
  MIN_INTERVAL_MS,
  MIN_THRESHOLD,
} from "../limits";
import { endMistake, mistake, quoted } from "./mistakes";
import { GlobalConfig, VpnConfig, VpnFlag } from "./model";
import { resembles } from "./nearest";
import { Option, optionExample, optionName } from "./option";
import { statementLine, word, wordLength } from "./uci";
import {
  Host,
  isInterfaceName,
  isNoHook,
  parseBool,
  parseHost,
  parseNumber,
  parseSeconds,
} from "./value";

/** `quorum`: `all`, and `any`, which holds where nothing is said. */
const ALL: i32 = 0;
const ANY: i32 = 1;

/** For each option, the line in which the section has it; 0: not. */
const given_in: usize = memory.data(Option.COUNT * sizeof<i32>(), 4);
const address: usize = memory.data(ADDRESS_BYTES, 8);
/** Whether `monitor` is neither on nor off: then nobody knows what goes with it. */
let monitor_unclear: bool = false;
/** Whether an option is `gateway` misspelt: that it is missing is then no second mistake. */
let gateway_misspelt: bool = false;

/** Begins a new section. */
export function forgetOptions(): void {
  memory.fill(given_in, 0, Option.COUNT * sizeof<i32>());
  monitor_unclear = false;
  gateway_misspelt = false;
}

/** The section has an unknown option with this name. */
export function noteUnknown(p: usize, len: i32): void {
  if (resembles(p, len, optionName(Option.GATEWAY))) gateway_misspelt = true;
}

/** The line in which the section has the option; 0: it has not. */
export function optionLine(option: Option): i32 {
  return load<i32>(given_in + option * sizeof<i32>());
}

/** Sets the option to the statement's value, or reports the mistake. */
export function setGlobalOption(config: GlobalConfig, option: Option): void {
  note(option);
  switch (option) {
    case Option.INTERVAL:
      config.interval_ms = interval(config.interval_ms);
      break;
    case Option.THRESHOLD:
      config.threshold = number(option, MIN_THRESHOLD, MAX_THRESHOLD, config.threshold);
      break;
    case Option.HOOK:
      setHook(config.hook);
      break;
    case Option.HOOK_TIMEOUT:
      config.hook_timeout_ms = 1000 * number(option, 1, MAX_HOOK_TIMEOUT_S, DEFAULT_HOOK_TIMEOUT_S);
      break;
    case Option.VICI:
      setVici(config.vici);
      break;
    default:
      config.recorder = onOrOff(option) > 0;
  }
}

/** Sets the option to the statement's value, or reports the mistake. */
export function setVpnOption(config: VpnConfig, option: Option): void {
  note(option);
  switch (option) {
    case Option.INTERVAL:
      config.interval_ms = interval(0);
      break;
    case Option.THRESHOLD:
      config.threshold = number(option, MIN_THRESHOLD, MAX_THRESHOLD, 0);
      break;
    case Option.HOOK:
      setHook(config.hook);
      break;
    case Option.GATEWAY:
      setIkeName(option, config.gateway);
      break;
    case Option.CHILD:
      setIkeName(option, config.child);
      break;
    case Option.MONITOR:
      setFlag(config, option, VpnFlag.MONITOR);
      break;
    case Option.REKEY:
      setFlag(config, option, VpnFlag.REKEY);
      break;
    case Option.OPTIMIZED:
      setFlag(config, option, VpnFlag.OPTIMIZED);
      break;
    case Option.SOURCE_IP:
      if (host(option)) memory.copy(config.source_ip, address, ADDRESS_BYTES);
      break;
    case Option.SOURCE_INTERFACE:
      setInterface(config.source_interface);
      break;
    case Option.DESTINATION_IP:
      if (host(option)) addDestination(config);
      break;
    case Option.SIZE:
      config.size = number(option, MIN_ECHO_BYTES, MAX_ECHO_BYTES, MIN_ECHO_BYTES);
      break;
    case Option.QUORUM:
      setQuorum(config);
      break;
    case Option.RECOVER:
      config.recover = number(option, 1, MAX_RECOVER, 1);
      break;
    default:
      config.phase1_lifetime_s = number(option, 0, MAX_PHASE1_LIFETIME_S, 0);
  }
}

/** Fills in what the section does not say, and checks what only its options together can tell. */
export function checkVpn(config: VpnConfig, section_line: i32): void {
  if (optionLine(Option.GATEWAY) == 0 && !gateway_misspelt) {
    mistake(section_line).text(
      "the VPN has no gateway; name strongSwan's connection: option gateway 'NAME'",
    );
    endMistake();
  }
  if (optionLine(Option.CHILD) == 0) {
    setName(config.child, MAX_IKE_NAME_BYTES, nameBytes(config.name), nameLength(config.name));
  }
  if (config.size == 0) config.size = MIN_ECHO_BYTES;
  if (config.recover == 0) config.recover = 1;
  if (optionLine(Option.QUORUM) == 0) config.quorum = ANY;
  if (optionLine(Option.PHASE1_LIFETIME) == 0) {
    config.phase1_lifetime_s = DEFAULT_PHASE1_LIFETIME_S;
  }
  needsMonitor(config, Option.REKEY, VpnFlag.REKEY);
  needsMonitor(config, Option.OPTIMIZED, VpnFlag.OPTIMIZED);
  checkSource(config);
  checkQuorum(config);
}

function needsMonitor(config: VpnConfig, option: Option, flag: VpnFlag): void {
  if (!config.has(flag) || config.has(VpnFlag.MONITOR) || monitor_unclear) return;
  mistake(optionLine(option))
    .text(optionName(option))
    .text(" is on without monitor; write option monitor '1' as well, or option ")
    .text(optionName(option))
    .text(" '0'");
  endMistake();
}

function checkSource(config: VpnConfig): void {
  const source_line = optionLine(Option.SOURCE_IP);
  const interface_line = optionLine(Option.SOURCE_INTERFACE);
  if (source_line > 0 && interface_line > 0) {
    mistake(max(source_line, interface_line)).text(
      "source_ip and source_interface are both given; keep one of them",
    );
    endMistake();
  }
  if (isUnset(config.source_ip) || config.destination_count == 0) return;
  if (isV4(config.source_ip) == isV4(config.destination_ip(0))) return;
  mistake(max(source_line, optionLine(Option.DESTINATION_IP))).text(
    "source_ip and destination_ip mix IPv4 and IPv6; both must be of one family",
  );
  endMistake();
}

function checkQuorum(config: VpnConfig): void {
  const destinations = max(config.destination_count, 1);
  if (config.quorum <= destinations) return;
  mistake(optionLine(Option.QUORUM))
    .text("quorum ")
    .decimal(config.quorum)
    .text(" is more than the ")
    .decimal(destinations)
    .text(destinations == 1 ? " destination" : " destinations")
    .text("; it is any, all or a number from 1 to ")
    .decimal(destinations);
  endMistake();
}

function note(option: Option): void {
  const at = given_in + option * sizeof<i32>();
  if (load<i32>(at) == 0) store<i32>(at, statementLine());
}

/** Begins `NAME 'VALUE'`, the subject of every message about a value. */
function badValue(option: Option): Writer {
  return quoted(mistake(statementLine()).text(optionName(option)).u8(0x20), word(2), wordLength(2));
}

function interval(otherwise: i32): i32 {
  const ms = parseSeconds(word(2), wordLength(2));
  if (ms >= MIN_INTERVAL_MS && ms <= MAX_INTERVAL_MS) return <i32>ms;
  badValue(Option.INTERVAL)
    .text(" is not possible; it is seconds from ")
    .seconds(MIN_INTERVAL_MS)
    .text(" to ")
    .seconds(MAX_INTERVAL_MS)
    .text(" with at most three decimals, such as 10 or 0.5");
  endMistake();
  return otherwise;
}

function number(option: Option, from: i32, to: i32, otherwise: i32): i32 {
  const value = parseNumber(word(2), wordLength(2), from, to);
  if (value >= 0) return value;
  const w = badValue(option).text(" is not possible; it is a whole number ");
  if (option == Option.SIZE) w.text("of bytes ");
  if (option == Option.PHASE1_LIFETIME || option == Option.HOOK_TIMEOUT) w.text("of seconds ");
  w.text("from ").decimal(from).text(" to ").decimal(to);
  if (option == Option.PHASE1_LIFETIME) w.text(" (0: never)");
  endMistake();
  return otherwise;
}

function setFlag(config: VpnConfig, option: Option, flag: VpnFlag): void {
  const on = onOrOff(option);
  if (on > 0) config.flags |= flag;
  if (on < 0 && option == Option.MONITOR) monitor_unclear = true;
}

/** 1 on, 0 off, -1 neither: a mistake. */
function onOrOff(option: Option): i32 {
  const on = parseBool(word(2), wordLength(2));
  if (on >= 0) return on;
  badValue(option).text(" is neither on nor off; it is 1 or 0");
  endMistake();
  return on;
}

function setIkeName(option: Option, field: usize): void {
  const len = wordLength(2);
  if (len > 0 && setName(field, MAX_IKE_NAME_BYTES, word(2), len)) return;
  const w = badValue(option);
  if (len == 0) {
    w.text(" is empty");
  } else {
    w.text(" has ").decimal(len).text(" bytes; at most ").decimal(MAX_IKE_NAME_BYTES).text(" fit");
  }
  w.text("; it is the name of strongSwan's ");
  w.text(option == Option.GATEWAY ? "connection" : "child");
  endMistake();
}

function setInterface(field: usize): void {
  const p = word(2);
  const len = wordLength(2);
  if (len > 0 && isInterfaceName(p, len) && setName(field, MAX_INTERFACE_BYTES, p, len)) return;
  badValue(Option.SOURCE_INTERFACE)
    .text(" is no interface; it is a name such as br-lan of at most ")
    .decimal(MAX_INTERFACE_BYTES)
    .text(" bytes, or write option source_ip instead");
  endMistake();
}

/** A path, or what says that no hook is to run: an empty name is then left to the global one. */
function setHook(field: usize): void {
  const p = word(2);
  const len = wordLength(2);
  if (setPath(field) || (isNoHook(p, len) && setName(field, MAX_PATH_BYTES, p, len))) return;
  const w = badValue(Option.HOOK);
  if (len > MAX_PATH_BYTES) {
    w.text(" is too long; at most ").decimal(MAX_PATH_BYTES).text(" bytes are possible");
  } else {
    w.text(" is no absolute path; it is the path of a program, such as ");
    w.text(optionExample(Option.HOOK)).text(", or none");
  }
  endMistake();
}

/** Takes an absolute path. */
function setPath(field: usize): bool {
  const p = word(2);
  const len = wordLength(2);
  return len > 1 && load<u8>(p) == 0x2f && setName(field, MAX_PATH_BYTES, p, len);
}

function setVici(field: usize): void {
  const len = wordLength(2);
  if (setPath(field)) return;
  const w = badValue(Option.VICI);
  if (len > MAX_PATH_BYTES) {
    w.text(" is too long for a socket; at most ");
    w.decimal(MAX_PATH_BYTES).text(" bytes are possible");
  } else {
    w.text(" is no absolute path; it is the path of charon's socket, such as ");
    w.text(optionExample(Option.VICI));
  }
  endMistake();
}

/** Reads an address into `address`. */
function host(option: Option): bool {
  const p = word(2);
  const len = wordLength(2);
  const kind = parseHost(p, len, address);
  if (kind == Host.GOOD) return true;
  const w = badValue(option);
  if (kind != Host.MALFORMED) {
    w.text(unsuitable(kind)).text("; it is the address of one host, such as ");
    w.text(optionExample(option)).text(" or fd00::1");
  } else if (indexOf(p, len, 0x2f) >= 0) {
    w.text(" is a network; it is the address of one host, without /");
  } else if (indexOf(p, len, 0x25) >= 0) {
    w.text(" names a zone; it is an address without %");
  } else {
    w.text(" is not the IP address of a host; it is one such as ");
    w.text(optionExample(option)).text(" or fd00::1");
  }
  endMistake();
  return false;
}

/** Why no echo of a tunnel goes from or to such an address. */
function unsuitable(kind: Host): string {
  switch (kind) {
    case Host.UNSPECIFIED:
      return " is the unspecified address";
    case Host.LOOPBACK:
      return " is a loopback address, which never leaves this machine";
    case Host.LINK_LOCAL:
      return " is a link-local address, which no tunnel carries";
    case Host.MULTICAST:
      return " is a multicast address";
    default:
      return " is a reserved address";
  }
}

function addDestination(config: VpnConfig): void {
  const count = config.destination_count;
  for (let i = 0; i < count; i++) {
    if (!sameAddress(config.destination_ip(i), address)) continue;
    badValue(Option.DESTINATION_IP).text(" stands twice; keep one of them");
    return endMistake();
  }
  if (count > 0 && isV4(config.destination_ip(0)) != isV4(address)) {
    badValue(Option.DESTINATION_IP).text(
      " is not of the first one's family; all must be IPv4 or all IPv6",
    );
    return endMistake();
  }
  if (count == MAX_DESTINATIONS) {
    badValue(Option.DESTINATION_IP)
      .text(" is one too many; at most ")
      .decimal(MAX_DESTINATIONS)
      .text(" are possible");
    return endMistake();
  }
  memory.copy(config.destination_ip(count), address, ADDRESS_BYTES);
  config.destination_count = count + 1;
}

function setQuorum(config: VpnConfig): void {
  const p = word(2);
  const len = wordLength(2);
  config.quorum = ANY;
  if (equalText(p, len, "any")) return;
  if (equalText(p, len, "all")) {
    config.quorum = ALL;
    return;
  }
  const value = parseNumber(p, len, 1, MAX_QUORUM);
  if (value > 0) {
    config.quorum = value;
    return;
  }
  badValue(Option.QUORUM)
    .text(" is not possible; it is any, all or a number from 1 to ")
    .decimal(MAX_DESTINATIONS);
  endMistake();
}

/** What a VpnConfig can hold; the number of destinations is known when the section ends. */
const MAX_QUORUM: i32 = 255;
