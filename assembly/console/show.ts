/** The `get` commands: from the words of the line to what is shown. */
import { MAX_EVENTS } from "../limits";
import { getConfig, getConfigJson } from "./get_config";
import { getEvent, getEventJson, selectEvents } from "./get_event";
import { getInterfaces, getInterfacesJson } from "./get_interface";
import { getRoute, getRouteJson } from "./get_route";
import { getSa, SaFilter } from "./get_sa";
import { getNhtb, getNhtbJson, getTunnel, getTunnelJson } from "./get_tunnel";
import { getVpnDetail, getVpnTable } from "./get_vpn";
import { getVpnmonitor, getVpnmonitorJson } from "./get_vpnmonitor";
import { given } from "./line";
import { idGiven, levelGiven, loggedGiven, numberGiven, tunnelGiven, vpnGiven } from "./parameter";
import { beginReply, endReply, endVerbatim, json } from "./reply";
import { getVpnJson, getVpnsJson } from "./vpn_json";

/** `get sa [active|inactive|id ID]` */
export function showSas(): void {
  let filter = SaFilter.ALL;
  if (given("active")) filter = SaFilter.ACTIVE;
  else if (given("inactive")) filter = SaFilter.INACTIVE;
  else if (given("id")) filter = SaFilter.ID;
  const w = beginReply();
  if (json) getVpnsJson(w, filter, idGiven());
  else getSa(w, filter, idGiven());
  endReply();
}

/** `get vpn [NAME]` */
export function showVpns(): void {
  const index = vpnGiven();
  const w = beginReply();
  if (index >= 0) {
    if (json) getVpnJson(w, index);
    else getVpnDetail(w, index);
  } else {
    if (json) getVpnsJson(w, SaFilter.ALL, 0);
    else getVpnTable(w);
  }
  endReply();
}

/** `get interface [TUNNEL [nhtb]]` */
export function showInterfaces(): void {
  const tunnel = tunnelGiven();
  const w = beginReply();
  if (tunnel < 0) {
    if (json) getInterfacesJson(w);
    else getInterfaces(w);
  } else if (given("nhtb")) {
    if (json) getNhtbJson(w, tunnel);
    else getNhtb(w, tunnel);
  } else {
    if (json) getTunnelJson(w, tunnel);
    else getTunnel(w, tunnel);
  }
  endReply();
}

/** `get route` */
export function showRoutes(): void {
  const w = beginReply();
  if (json) getRouteJson(w);
  else getRoute(w);
  endReply();
}

/** `get vpnmonitor` */
export function showVpnmonitor(): void {
  const w = beginReply();
  if (json) getVpnmonitorJson(w);
  else getVpnmonitor(w);
  endReply();
}

/** `get event [level LEVEL] [vpn LOGGED] [last N]` */
export function showEvents(): void {
  selectEvents(levelGiven(), loggedGiven(), numberGiven(MAX_EVENTS));
  const w = beginReply();
  if (json) getEventJson(w);
  else getEvent(w);
  endReply();
}

/** `get config` */
export function showConfig(): void {
  const w = beginReply();
  if (json) {
    getConfigJson(w);
    endReply();
  } else {
    getConfig(w);
    endVerbatim();
  }
}
