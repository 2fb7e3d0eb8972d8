/** What the address's fragment names: `#/vpns/NAME`. */

export type View = "vpns" | "status" | "log" | "login";

export interface Route {
  view: View;
  /** Of a VPN; empty: the view of all. */
  name: string;
}

const VIEWS: readonly string[] = ["vpns", "status", "log", "login"];

/** The list of VPNs is what an address shows that names nothing that there is. */
export function routeOf(fragment: string): Route {
  const [, view = "", name = ""] = fragment.replace(/^#/, "").split("/");
  if (!VIEWS.includes(view)) return { view: "vpns", name: "" };
  return { view: view as View, name: decoded(name) };
}

export function linkTo(view: View, name = ""): string {
  return name === "" ? `#/${view}` : `#/${view}/${encodeURIComponent(name)}`;
}

/** A stray percent sign stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The token in the address that rekeyd-web printed: `#token=...`. */
export function tokenOf(fragment: string): string | null {
  const token = /^#token=(.+)$/.exec(fragment)?.[1];
  return token === undefined ? null : decoded(token);
}
