/** The kinds of values, which the grammar's notations write in capitals. */
import { equalText, nameBytes, nameLength } from "../bytes/slice";

/** The kinds. */
export const enum Kind {
  /** `NAME`: a VPN that is configured. */
  VPN,
  /** `ID`: the SA ID of a VPN, hexadecimal with or without 0x. */
  SA_ID,
  /** `LEVEL`: a severity, which may be abbreviated. */
  SEVERITY,
  /** `N`, `COLUMNS`, `ROWS`: a number above 0. */
  NUMBER,
  /** `FILE`: a path where rekeyctl runs. */
  FILE,
  /** `PLACE`: where the part of an answer ended, as the part says. */
  PLACE,
  /** `OID`: an SNMP object identifier. */
  OID,
  /** `VPN`: a VPN that is configured, or is to be. */
  ANY_VPN,
  /** `LOGGED`: a VPN that is configured, or has left events. */
  LOGGED_VPN,
  /** `TUNNEL`: a tunnel interface that is configured. */
  TUNNEL,
  // Values of the configuration: they are judged when that is read.
  /** `GW`: a connection of strongSwan's. */
  GATEWAY,
  /** `IF`: a network interface. */
  INTERFACE,
  /** `SOURCE`: an address of this machine. */
  SOURCE,
  QUORUM,
  /** `INTERFACE`: a tunnel interface that is configured, or is to be. */
  ANY_TUNNEL,
  /** `TARGET`: the network that a route leads to. */
  TARGET,
  /** `NEXTHOP`: the address of a next hop. */
  NEXT_HOP,
  /** Any other value of the configuration. */
  OPTION,
}

/** The kind that a notation calls so (a name field). */
export function kindOf(meaning: usize): Kind {
  const p = nameBytes(meaning);
  const len = nameLength(meaning);
  if (equalText(p, len, "NAME")) return Kind.VPN;
  if (equalText(p, len, "ID")) return Kind.SA_ID;
  if (equalText(p, len, "LEVEL")) return Kind.SEVERITY;
  if (equalText(p, len, "N")) return Kind.NUMBER;
  if (equalText(p, len, "COLUMNS") || equalText(p, len, "ROWS")) return Kind.NUMBER;
  if (equalText(p, len, "PLACE")) return Kind.PLACE;
  if (equalText(p, len, "OID")) return Kind.OID;
  if (equalText(p, len, "FILE")) return Kind.FILE;
  if (equalText(p, len, "VPN")) return Kind.ANY_VPN;
  if (equalText(p, len, "LOGGED")) return Kind.LOGGED_VPN;
  if (equalText(p, len, "GW")) return Kind.GATEWAY;
  if (equalText(p, len, "IF")) return Kind.INTERFACE;
  if (equalText(p, len, "SOURCE")) return Kind.SOURCE;
  if (equalText(p, len, "QUORUM")) return Kind.QUORUM;
  if (equalText(p, len, "TUNNEL")) return Kind.TUNNEL;
  if (equalText(p, len, "INTERFACE")) return Kind.ANY_TUNNEL;
  if (equalText(p, len, "TARGET")) return Kind.TARGET;
  if (equalText(p, len, "NEXTHOP")) return Kind.NEXT_HOP;
  return Kind.OPTION;
}
