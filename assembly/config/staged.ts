/** The configuration that was read last, section by section. */
import { nameBytes, nameLength, setName } from "../bytes/slice";
import {
  MAX_NHTB,
  MAX_PATH_BYTES,
  MAX_PREFIXES,
  MAX_ROUTES,
  MAX_TUNNELS,
  MAX_VPNS,
} from "../limits";
import {
  GLOBAL_CONFIG_BYTES,
  GlobalConfig,
  setGlobalDefaults,
  VPN_CONFIG_BYTES,
  VpnConfig,
} from "./model";
import { Sections, SECTIONS_BYTES, sectionsAt } from "./sections";
import {
  NHTB_CONFIG_BYTES,
  NhtbConfig,
  PREFIX_CONFIG_BYTES,
  PrefixConfig,
  ROUTE_CONFIG_BYTES,
  RouteConfig,
  TUNNEL_CONFIG_BYTES,
  TunnelConfig,
} from "./tunnel_model";
import { isNoHook } from "./value";

const global: GlobalConfig = changetype<GlobalConfig>(memory.data(GLOBAL_CONFIG_BYTES, 8));
/** The sections of each kind, for those who read and check them. */
export const vpns: Sections = sectionsAt(memory.data(SECTIONS_BYTES, 4));
export const tunnels: Sections = sectionsAt(memory.data(SECTIONS_BYTES, 4));
export const routes: Sections = sectionsAt(memory.data(SECTIONS_BYTES, 4));
export const nhtb: Sections = sectionsAt(memory.data(SECTIONS_BYTES, 4));
/** The networks of all lists; those of one section stand together. */
export const prefixes: Sections = sectionsAt(memory.data(SECTIONS_BYTES, 4));

/** Once, before the first configuration is read. */
export function initConfig(): void {
  vpns.init(VPN_CONFIG_BYTES, MAX_VPNS);
  tunnels.init(TUNNEL_CONFIG_BYTES, MAX_TUNNELS);
  routes.init(ROUTE_CONFIG_BYTES, MAX_ROUTES);
  nhtb.init(NHTB_CONFIG_BYTES, MAX_NHTB);
  prefixes.init(PREFIX_CONFIG_BYTES, MAX_PREFIXES);
  clearStaged();
}

/** Begins a new configuration. */
export function clearStaged(): void {
  vpns.count = 0;
  tunnels.count = 0;
  routes.count = 0;
  nhtb.count = 0;
  prefixes.count = 0;
  setGlobalDefaults(global);
}

/** VPNs of the configuration that was read last. */
export function stagedCount(): i32 {
  return vpns.count;
}

/** VPN `i`, in the order of the file. */
export function stagedVpn(i: i32): VpnConfig {
  return changetype<VpnConfig>(vpns.at(i));
}

/** Its tunnel interfaces. */
export function stagedTunnelCount(): i32 {
  return tunnels.count;
}

/** Tunnel interface `i`, in the order of the file. */
export function stagedTunnel(i: i32): TunnelConfig {
  return changetype<TunnelConfig>(tunnels.at(i));
}

/** Its static routes over tunnel interfaces. */
export function stagedRouteCount(): i32 {
  return routes.count;
}

/** Route `i`, in the order of the file. */
export function stagedRoute(i: i32): RouteConfig {
  return changetype<RouteConfig>(routes.at(i));
}

/** Its static entries of the next-hop tunnel binding table. */
export function stagedNhtbCount(): i32 {
  return nhtb.count;
}

/** Entry `i`, in the order of the file. */
export function stagedNhtb(i: i32): NhtbConfig {
  return changetype<NhtbConfig>(nhtb.at(i));
}

/** The networks of all its lists. */
export function stagedPrefixCount(): i32 {
  return prefixes.count;
}

/** Network `i`, in the order of the file; those of one section stand together. */
export function stagedPrefix(i: i32): PrefixConfig {
  return changetype<PrefixConfig>(prefixes.at(i));
}

/** What holds for all VPNs. */
export function stagedGlobal(): GlobalConfig {
  return global;
}

/** Gives the VPNs what only the global section says; once, when the whole file has been read. */
export function settleVpns(): void {
  for (let i = 0; i < vpns.count; i++) {
    const vpn = stagedVpn(i);
    if (vpn.interval_ms == 0) vpn.interval_ms = global.interval_ms;
    if (vpn.threshold == 0) vpn.threshold = global.threshold;
    settleHook(vpn.hook);
  }
}

/** A VPN's own hook, else the global one; `none` in either place is no hook. */
function settleHook(field: usize): void {
  if (nameLength(field) == 0) memory.copy(field, global.hook, 1 + MAX_PATH_BYTES);
  if (isNoHook(nameBytes(field), nameLength(field))) setName(field, MAX_PATH_BYTES, 0, 0);
}
