/** The options of `config route` and `config nhtb`: each by itself, and together. */
import { ADDRESS_BYTES, isUnset, isV4 } from "../bytes/address";
import { setName } from "../bytes/slice";
import { MAX_METRIC, MAX_NAME_BYTES } from "../limits";
import { isMissing, optionLine } from "./given";
import { endMistake, mistake } from "./mistakes";
import { Option, optionExample, optionName } from "./option";
import {
  address,
  badValue,
  hostSetting,
  interfaceSetting,
  networkSetting,
  numberSetting,
  prefix,
} from "./setting";
import { NhtbConfig, NO_TARGET, RouteConfig } from "./tunnel_model";
import { word, wordLength } from "./uci";
import { isVpnName } from "./value";

/** Sets the option to the statement's value, or reports the mistake. */
export function setRouteOption(config: RouteConfig, option: Option): void {
  switch (option) {
    case Option.TARGET:
      config.prefix = networkSetting(option) ? prefix : NO_TARGET;
      memory.copy(config.target, address, ADDRESS_BYTES);
      break;
    case Option.INTERFACE:
      interfaceSetting(option, config.tunnel);
      break;
    case Option.ROUTE_GATEWAY:
      if (hostSetting(option)) memory.copy(config.gateway, address, ADDRESS_BYTES);
      break;
    default:
      config.metric = numberSetting(option, 0, MAX_METRIC, 0);
  }
}

/** Checks what only the options together can tell. */
export function checkRoute(config: RouteConfig, section_line: i32): void {
  needs(Option.TARGET, "the route has no target; name the network that it leads to", section_line);
  needs(Option.INTERFACE, "the route has no interface; name the tunnel's", section_line);
  if (optionLine(Option.TARGET) == 0) config.prefix = NO_TARGET;
  if (isUnset(config.gateway) || config.prefix == NO_TARGET) return;
  if (isV4(config.gateway) == isV4(config.target)) return;
  mistake(optionLine(Option.ROUTE_GATEWAY)).text(
    "gateway and target mix IPv4 and IPv6; both must be of one family",
  );
  endMistake();
}

/** Sets the option to the statement's value, or reports the mistake. */
export function setNhtbOption(config: NhtbConfig, option: Option): void {
  switch (option) {
    case Option.INTERFACE:
      interfaceSetting(option, config.tunnel);
      break;
    case Option.NEXTHOP:
      if (hostSetting(option)) memory.copy(config.next_hop, address, ADDRESS_BYTES);
      break;
    default:
      setVpnName(config);
  }
}

/** Checks that nothing is missing. */
export function checkNhtb(section_line: i32): void {
  needs(Option.INTERFACE, "the entry has no interface; name the tunnel's", section_line);
  needs(Option.NEXTHOP, "the entry has no next hop; name its address", section_line);
  needs(Option.VPN, "the entry has no VPN; name the one that leads to the next hop", section_line);
}

function needs(option: Option, text: string, section_line: i32): void {
  if (!isMissing(option)) return;
  mistake(section_line)
    .text(text)
    .text(": option ")
    .text(optionName(option))
    .text(" '")
    .text(optionExample(option))
    .u8(0x27);
  endMistake();
}

function setVpnName(config: NhtbConfig): void {
  const p = word(2);
  const len = wordLength(2);
  if (isVpnName(p, len) && setName(config.vpn, MAX_NAME_BYTES, p, len)) return;
  badValue(Option.VPN).text(" is no VPN's name; it is the name of a section config vpn 'NAME'");
  endMistake();
}
