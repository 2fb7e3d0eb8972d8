/** The options of a `config vpn` section: each by itself, and together. */
import { ADDRESS_BYTES, isUnset, isV4, sameAddress } from "../bytes/address";
import { equalText, nameBytes, nameLength, setName } from "../bytes/slice";
import {
  DEFAULT_PHASE1_LIFETIME_S,
  MAX_DESTINATIONS,
  MAX_ECHO_BYTES,
  MAX_IKE_NAME_BYTES,
  MAX_PHASE1_LIFETIME_S,
  MAX_RECOVER,
  MAX_THRESHOLD,
  MIN_ECHO_BYTES,
  MIN_THRESHOLD,
} from "../limits";
import { isMissing, optionLine } from "./given";
import { endMistake, mistake } from "./mistakes";
import { VpnConfig, VpnFlag } from "./model";
import { Option, optionName } from "./option";
import { addPrefix } from "./prefix_list";
import {
  address,
  badValue,
  flagSetting,
  hookSetting,
  hostSetting,
  interfaceSetting,
  intervalSetting,
  numberSetting,
} from "./setting";
import { PrefixKind } from "./tunnel_model";
import { word, wordLength } from "./uci";
import { parseNumber } from "./value";

/** `quorum`: `all`, and `any`, which holds where nothing is said. */
const ALL: i32 = 0;
const ANY: i32 = 1;

/** Whether `monitor` is neither on nor off: then nobody knows what goes with it. */
let monitor_unclear: bool = false;

/** Sets the option to the statement's value, or reports the mistake. */
export function setVpnOption(config: VpnConfig, option: Option): void {
  switch (option) {
    case Option.INTERVAL:
      config.interval_ms = intervalSetting(0);
      break;
    case Option.THRESHOLD:
      config.threshold = numberSetting(option, MIN_THRESHOLD, MAX_THRESHOLD, 0);
      break;
    case Option.HOOK:
      hookSetting(config.hook);
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
      if (hostSetting(option)) memory.copy(config.source_ip, address, ADDRESS_BYTES);
      break;
    case Option.SOURCE_INTERFACE:
      interfaceSetting(option, config.source_interface);
      break;
    case Option.DESTINATION_IP:
      if (hostSetting(option)) addDestination(config);
      break;
    case Option.SIZE:
      config.size = numberSetting(option, MIN_ECHO_BYTES, MAX_ECHO_BYTES, MIN_ECHO_BYTES);
      break;
    case Option.QUORUM:
      setQuorum(config);
      break;
    case Option.RECOVER:
      config.recover = numberSetting(option, 1, MAX_RECOVER, 1);
      break;
    case Option.TUNNEL:
      interfaceSetting(option, config.tunnel);
      break;
    case Option.NHTB_ACCEPT:
      addPrefix(option, config.name, true, PrefixKind.ACCEPT);
      break;
    default:
      config.phase1_lifetime_s = numberSetting(option, 0, MAX_PHASE1_LIFETIME_S, 0);
  }
}

/** Fills in what the section does not say, and checks what only its options together can tell. */
export function checkVpn(config: VpnConfig, section_line: i32): void {
  if (isMissing(Option.GATEWAY)) {
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
  monitor_unclear = false;
  checkSource(config);
  checkQuorum(config);
  checkBinding();
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

function setFlag(config: VpnConfig, option: Option, flag: VpnFlag): void {
  const on = flagSetting(option);
  if (on > 0) config.flags |= flag;
  if (on < 0 && option == Option.MONITOR) monitor_unclear = true;
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

function checkBinding(): void {
  const line = optionLine(Option.NHTB_ACCEPT);
  if (line == 0 || !isMissing(Option.TUNNEL)) return;
  mistake(line).text("nhtb_accept is given without tunnel; bind the VPN: option tunnel 'tunnel.1'");
  endMistake();
}

/** What a VpnConfig can hold; the number of destinations is known when the section ends. */
const MAX_QUORUM: i32 = 255;
