/** The value of the statement that is being read, of the kinds that several options have. */
import { ADDRESS_BYTES } from "../bytes/address";
import { indexOf, setName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { MAX_INTERFACE_BYTES, MAX_INTERVAL_MS, MAX_PATH_BYTES, MIN_INTERVAL_MS } from "../limits";
import { endMistake, mistake, quoted } from "./mistakes";
import { Option, optionExample, optionName } from "./option";
import { statementLine, word, wordLength } from "./uci";
import {
  Host,
  isInterfaceName,
  isNoHook,
  Network,
  parseBool,
  parseHost,
  parseNetwork,
  parseNumber,
  parsePrefix,
  parseSeconds,
} from "./value";

/** The address that was read last. */
export const address: usize = memory.data(ADDRESS_BYTES, 8);
/** The prefix that was read with it, in bits as its family counts them. */
export let prefix: i32 = 0;

/** Begins `NAME 'VALUE'`, the subject of every message about a value. */
export function badValue(option: Option): Writer {
  return quoted(mistake(statementLine()).text(optionName(option)).u8(0x20), word(2), wordLength(2));
}

/** Milliseconds; `otherwise` where it is a mistake. */
export function intervalSetting(otherwise: i32): i32 {
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

/** A whole number; `otherwise` where it is a mistake. */
export function numberSetting(option: Option, from: i32, to: i32, otherwise: i32): i32 {
  const value = parseNumber(word(2), wordLength(2), from, to);
  if (value >= 0) return value;
  const w = badValue(option).text(" is not possible; it is a whole number ");
  if (option == Option.SIZE || option == Option.MTU) w.text("of bytes ");
  if (option == Option.PHASE1_LIFETIME || option == Option.HOOK_TIMEOUT) w.text("of seconds ");
  w.text("from ").decimal(from).text(" to ").decimal(to);
  if (option == Option.PHASE1_LIFETIME) w.text(" (0: never)");
  endMistake();
  return otherwise;
}

/** 1 on, 0 off, -1 neither: a mistake. */
export function flagSetting(option: Option): i32 {
  const on = parseBool(word(2), wordLength(2));
  if (on >= 0) return on;
  badValue(option).text(" is neither on nor off; it is 1 or 0");
  endMistake();
  return on;
}

/** An interface's name. */
export function interfaceSetting(option: Option, field: usize): void {
  const p = word(2);
  const len = wordLength(2);
  if (len > 0 && isInterfaceName(p, len) && setName(field, MAX_INTERFACE_BYTES, p, len)) return;
  const w = badValue(option)
    .text(" is no interface; it is a name such as ")
    .text(optionExample(option))
    .text(" of at most ")
    .decimal(MAX_INTERFACE_BYTES)
    .text(" bytes");
  if (option == Option.SOURCE_INTERFACE) w.text(", or write option source_ip instead");
  endMistake();
}

/** A path, or what says that no hook is to run: an empty name is then left to the global one. */
export function hookSetting(field: usize): void {
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
export function setPath(field: usize): bool {
  const p = word(2);
  const len = wordLength(2);
  return len > 1 && load<u8>(p) == 0x2f && setName(field, MAX_PATH_BYTES, p, len);
}

/** Reads an address of a host into `address`. */
export function hostSetting(option: Option): bool {
  const p = word(2);
  const len = wordLength(2);
  const kind = parseHost(p, len, address);
  // Routes lead over IPv6's link-local addresses; no echo does.
  if (kind == Host.GOOD || (kind == Host.LINK_LOCAL && isNextHop(option))) return true;
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

function isNextHop(option: Option): bool {
  return option == Option.ROUTE_GATEWAY || option == Option.NEXTHOP;
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

/** Reads a network into `address` and `prefix`. */
export function networkSetting(option: Option): bool {
  const network = parseNetwork(word(2), wordLength(2), address);
  prefix = network;
  if (network >= 0) return true;
  const w = badValue(option);
  switch (network) {
    case Network.HOST_BITS:
      w.text(" has bits of a host behind its prefix; it is a network");
      break;
    case Network.MULTICAST:
      w.text(" is a network of multicast addresses; it is one of hosts");
      break;
    default:
      w.text(" is no network; it is an address and the bits of its prefix");
  }
  w.text(", such as ").text(optionExample(option)).text(" or fd00:1::/64");
  endMistake();
  return false;
}

/** Reads the address of an interface into `address`, with the network that it is in. */
export function interfaceAddressSetting(option: Option): bool {
  const p = word(2);
  const len = wordLength(2);
  const slash = indexOf(p, len, 0x2f);
  const host = parseHost(p, slash < 0 ? len : slash, address);
  prefix = slash < 0 ? -1 : parsePrefix(p + slash + 1, len - slash - 1, address);
  if ((host == Host.GOOD || host == Host.LINK_LOCAL) && prefix >= 0) return true;
  const w = badValue(option);
  if (host != Host.MALFORMED && host != Host.GOOD && host != Host.LINK_LOCAL) {
    w.text(unsuitable(host));
  } else if (slash < 0 && host != Host.MALFORMED) {
    w.text(" has no prefix");
  } else {
    w.text(" is no address with a prefix");
  }
  w.text("; it is the interface's address with the bits of its network, such as ");
  w.text(optionExample(option)).text(" or fd00:1::1/64");
  endMistake();
  return false;
}
