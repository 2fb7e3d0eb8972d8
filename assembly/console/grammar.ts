/**
 * Every command: its notation (notation.ts), what it does in a few words, and the function that
 * does it. Abbreviations, errors, `?` and completion come of the notation. A new command is a row
 * here and a file with its function, which asks parameter.ts and line.ts (`given`) for what was
 * written and answers by reply.ts; a new kind of value is a case in kind.ts and parameter.ts. No
 * line may fit two rows.
 */
import { clearEvent } from "./clear_event";
import { doctor } from "./doctor";
import { clearSa, execRekey } from "./exec";
import { row } from "./matcher";
import { showMetrics } from "./metrics";
import { record, saveRecord } from "./record";
import { save } from "./save";
import {
  setDown,
  setInterface,
  setNhtb,
  setRoute,
  unsetInterface,
  unsetNhtb,
  unsetRoute,
} from "./set_route";
import { setVpn, setVpnmonitor, unsetVpn, unsetVpnmonitor } from "./set";
import {
  showConfig,
  showEvents,
  showInterfaces,
  showRoutes,
  showSas,
  showVpnmonitor,
  showVpns,
} from "./show";
import { showSnmp } from "./snmp";
import { showWatch } from "./watch";

// prettier-ignore
/** Goes through the table: what each row then does, matcher.ts says. */
export function commands(): void {
  if (row("get config", "the configuration in force, in UCI's syntax")) showConfig();
  if (row("get event [level LEVEL] [vpn LOGGED] [last N]", "what happened, the newest last")) showEvents();
  if (row("get interface", "this machine's interfaces and their addresses")) showInterfaces();
  if (row("get interface TUNNEL [nhtb]", "a tunnel interface, or its next-hop tunnel binding table")) showInterfaces();
  if (row("get route", "the routes over tunnel interfaces")) showRoutes();
  if (row("get sa [active|inactive|id ID]", "the SAs, a line for each direction")) showSas();
  if (row("get vpn [NAME]", "all VPNs, or everything about one")) showVpns();
  if (row("get vpnmonitor", "settings for all VPNs, the configuration, counts")) showVpnmonitor();

  if (row("clear event", "forgets the events so far")) clearEvent();
  if (row("clear sa id ID", "removes an SA; with rekey it is made anew")) clearSa();

  if (row("exec vpn NAME rekey", "renews the VPN's key now")) execRekey();

  if (row("metrics [textfile] [from PLACE]", "states and counters for Prometheus")) showMetrics();
  if (row("snmp get|getnext OID", "a value of nsVpnMonTable, for snmpd")) showSnmp();
  if (row("doctor [NAME]", "what is wrong, why, and what to do")) doctor();

  if (row("set vpn VPN gateway GW [child CHILD]", "the VPN's connection; makes the VPN if it is new")) setVpn();
  if (row("set vpn VPN monitor [source-interface IF] [source-ip SOURCE] [destination-ip IP ...] [optimized] [rekey]", "has the VPN monitored, with these settings alone")) setVpn();
  if (row("set vpn VPN interval SECONDS", "time between its rounds of echoes")) setVpn();
  if (row("set vpn VPN threshold ROUNDS", "rounds missed in a row until it is down")) setVpn();
  if (row("set vpn VPN recover ROUNDS", "rounds answered in a row until it is up")) setVpn();
  if (row("set vpn VPN quorum QUORUM", "how many destinations must answer")) setVpn();
  if (row("set vpn VPN size BYTES", "an echo's length")) setVpn();
  if (row("set vpn VPN phase1-lifetime LIFETIME", "when the IKE_SA gets a new key")) setVpn();
  if (row("set vpn VPN bind interface TUNNEL", "the tunnel interface that it is bound to")) setVpn();
  if (row("set vpn VPN nhtb-accept NETWORK [nhtb-accept NETWORK ...]", "what its peer may announce, instead of its interface's list")) setVpn();
  if (row("set vpnmonitor interval SECONDS", "time between rounds of echoes, for all VPNs")) setVpnmonitor();
  if (row("set vpnmonitor threshold ROUNDS", "rounds missed until down, for all VPNs")) setVpnmonitor();
  if (row("set interface INTERFACE [create] [if-id IFID] [ip ADDRESS ...] [mtu MTU]", "a tunnel interface, and what the line says of it")) setInterface();
  if (row("set interface INTERFACE nhtb-announce NETWORK [nhtb-announce NETWORK ...]", "what peers are told of this side")) setInterface();
  if (row("set interface INTERFACE nhtb-accept NETWORK [nhtb-accept NETWORK ...]", "what peers may announce")) setInterface();
  if (row("set interface INTERFACE down withdraw", "routes over it go while it is down")) setDown();
  if (row("set interface INTERFACE down metric METRIC", "routes over it have this metric while it is down")) setDown();
  if (row("set interface INTERFACE nhtb NEXTHOP vpn NAME", "the VPN that leads to the next hop")) setNhtb();
  if (row("set route TARGET interface TUNNEL [gateway NEXTHOP] [metric METRIC]", "a route over a tunnel interface")) setRoute();
  if (row("set vrouter trust-vr route TARGET interface TUNNEL [gateway NEXTHOP] [metric METRIC]", "the same, as ScreenOS writes it")) setRoute();

  if (row("unset vpn NAME [child|monitor|rekey|optimized|source-interface|source-ip|destination-ip|interval|threshold|recover|quorum|size|phase1-lifetime|bind|nhtb-accept]", "takes the VPN, or one of its settings, away")) unsetVpn();
  if (row("unset vpnmonitor interval|threshold", "what holds without it, for all VPNs")) unsetVpnmonitor();
  if (row("unset interface TUNNEL [create|if-id|ip|mtu|down|nhtb-announce|nhtb-accept]", "takes the tunnel interface, or one of its settings, away")) unsetInterface();
  if (row("unset interface TUNNEL nhtb NEXTHOP", "takes the next hop away")) unsetNhtb();
  if (row("unset route TARGET [interface TUNNEL] [gateway NEXTHOP]", "takes the routes away that are so")) unsetRoute();
  if (row("unset vrouter trust-vr route TARGET [interface TUNNEL] [gateway NEXTHOP]", "the same, as ScreenOS writes it")) unsetRoute();

  if (row("save [force]", "writes the configuration to its file")) save();

  if (row("watch [size COLUMNS ROWS] [skip N] [ascii] [color]", "a live screen of all VPNs; with size one frame of it")) showWatch();

  if (row("record start|stop", "begins or ends a recording of all that happens")) record();
  if (row("record save FILE", "writes what was recorded to FILE")) saveRecord();
}
