/** The options of a `config tunnel` section: each by itself, and together. */
import { ADDRESS_BYTES, sameAddress } from "../bytes/address";
import { equalText, startsWith } from "../bytes/slice";
import { MAX_METRIC, MAX_MTU, MAX_TUNNEL_ADDRESSES, MIN_MTU } from "../limits";
import { optionLine } from "./given";
import { endMistake, mistake } from "./mistakes";
import { Option, optionName } from "./option";
import { addPrefix } from "./prefix_list";
import {
  address,
  badValue,
  flagSetting,
  interfaceAddressSetting,
  numberSetting,
  prefix,
} from "./setting";
import { PrefixKind, TunnelConfig, WITHDRAW } from "./tunnel_model";
import { word, wordLength } from "./uci";
import { parseIfId, parseNumber } from "./value";

/** Whether `create` is neither on nor off: then nobody knows what goes with it. */
let create_unclear: bool = false;

/** Before the number of a metric that is worse. */
const METRIC = "metric ";

/** Sets the option to the statement's value, or reports the mistake. */
export function setTunnelOption(config: TunnelConfig, option: Option): void {
  switch (option) {
    case Option.CREATE:
      setCreate(config);
      break;
    case Option.IF_ID:
      setIfId(config);
      break;
    case Option.ADDRESS:
      if (interfaceAddressSetting(option)) addAddress(config);
      break;
    case Option.MTU:
      config.mtu = numberSetting(option, MIN_MTU, MAX_MTU, 0);
      break;
    case Option.DOWN:
      setDown(config);
      break;
    case Option.NHTB_ANNOUNCE:
      addPrefix(option, config.name, false, PrefixKind.ANNOUNCE);
      break;
    default:
      addPrefix(option, config.name, false, PrefixKind.ACCEPT);
  }
}

/** Checks what only the options together can tell. */
export function checkTunnel(config: TunnelConfig): void {
  if (optionLine(Option.DOWN) == 0) config.down_metric = WITHDRAW;
  if (!config.create && !create_unclear) {
    needsCreate(Option.ADDRESS);
    needsCreate(Option.MTU);
  }
  create_unclear = false;
}

/** Who makes an interface gives it what it has. */
function needsCreate(option: Option): void {
  const line = optionLine(option);
  if (line == 0) return;
  mistake(line)
    .text(optionName(option))
    .text(" is only given to an interface that rekeyd makes; write option create '1' as well");
  endMistake();
}

function setCreate(config: TunnelConfig): void {
  const on = flagSetting(Option.CREATE);
  config.create = on > 0;
  create_unclear = on < 0;
}

function setIfId(config: TunnelConfig): void {
  const id = parseIfId(word(2), wordLength(2));
  if (id > 0) {
    config.if_id = <u32>id;
    return;
  }
  badValue(Option.IF_ID).text(
    " is not possible; it is the if_id of the VPN's SAs, a whole number from 1 to 4294967295, " +
      "also as 0x1f",
  );
  endMistake();
}

function addAddress(config: TunnelConfig): void {
  const count = config.address_count;
  for (let i = 0; i < count; i++) {
    if (!sameAddress(config.address(i), address)) continue;
    badValue(Option.ADDRESS).text(" is an address that stands twice; keep one of them");
    return endMistake();
  }
  if (count == MAX_TUNNEL_ADDRESSES) {
    badValue(Option.ADDRESS)
      .text(" is one too many; at most ")
      .decimal(MAX_TUNNEL_ADDRESSES)
      .text(" are possible");
    return endMistake();
  }
  memory.copy(config.address(count), address, ADDRESS_BYTES);
  config.set_address_prefix(count, prefix);
  config.address_count = count + 1;
}

function setDown(config: TunnelConfig): void {
  const p = word(2);
  const len = wordLength(2);
  config.down_metric = WITHDRAW;
  if (equalText(p, len, "withdraw")) return;
  if (startsWith(p, len, METRIC)) {
    const metric = parseNumber(p + METRIC.length, len - METRIC.length, 1, MAX_METRIC);
    if (metric > 0) {
      config.down_metric = metric;
      return;
    }
  }
  badValue(Option.DOWN)
    .text(" is not possible; it is withdraw, or metric and a whole number from 1 to ")
    .decimal(MAX_METRIC);
  endMistake();
}
