import { Browser, type View } from "../../web/lib/browser.ts";
import { Visitor } from "../../web/lib/visitor.ts";
import { vpnSpec, withLab, type Lab } from "./lab.ts";
import type { Rekeyd, VpnSpec } from "./rekeyd.ts";
import { RekeydWeb } from "./web.ts";

/** A desk's screen and a phone's, each in one of the themes. */
export const DESK: View = { theme: "light", width: 1280, height: 900 };
export const PHONE: View = { theme: "dark", width: 360, height: 740 };

/** Quick rounds, so that little is waited for. */
const GLOBAL = { interval: 0.5, threshold: 3 };

export interface Stage {
  lab: Lab;
  rekeyd: Rekeyd;
  web: RekeydWeb;
  browser: Browser;
}

/** A tunnel that is up, rekeyd with a VPN for it, its WebUI, and a browser. */
export function withWebui(
  name: string,
  options: VpnSpec["options"],
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  return withLab(name, {}, async (lab) => {
    const [browser] = await Promise.all([Browser.start(lab.state), lab.startUp()]);
    try {
      const rekeyd = lab.a.rekeyd([vpnSpec(options)], GLOBAL);
      const web = RekeydWeb.beside(rekeyd, lab.state, "--host", "localhost");
      await rekeyd.start();
      await web.start();
      await body({ lab, rekeyd, web, browser });
    } finally {
      await browser.close();
    }
  });
}

/** Has somebody come to the address; at the end nothing may be wrong with the page. */
export async function visit(
  { browser }: Stage,
  address: string,
  view: View,
  body: (visitor: Visitor) => Promise<void>,
): Promise<void> {
  const visitor = await Visitor.come(browser, address, view);
  try {
    await body(visitor);
    visitor.assertClean();
  } catch (error) {
    // What the page complained of may tell why.
    throw new Error(`${(error as Error).stack}\n${await visitor.describe()}`);
  } finally {
    await visitor.leave();
  }
}
