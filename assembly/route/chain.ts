/** The routes that belong to one VPN: to its targets, its next hops and its networks. */
import { vpnAt } from "../sa/vpn";
import { dropRoute, Origin, routeAt } from "./table";

/** Puts a route at the head of its VPN's chain. */
export function chainRoute(index: i32): void {
  const route = routeAt(index);
  const vpn = vpnAt(route.vpn);
  route.next = vpn.first_route;
  vpn.first_route = index;
}

/** Takes it out, and drops it. */
export function dropChained(index: i32): void {
  const vpn = vpnAt(routeAt(index).vpn);
  const next = routeAt(index).next;
  if (vpn.first_route == index) {
    vpn.first_route = next;
  } else {
    let i = vpn.first_route;
    while (routeAt(i).next != index) i = routeAt(i).next;
    routeAt(i).next = next;
  }
  dropRoute(index);
}

/** Drops those of the VPN's routes that have this origin; whether there were any. */
export function dropOf(vpn: i32, origin: Origin): bool {
  let any = false;
  for (let i = vpnAt(vpn).first_route; i >= 0;) {
    const next = routeAt(i).next;
    if (routeAt(i).origin == origin) {
      dropChained(i);
      any = true;
    }
    i = next;
  }
  return any;
}
