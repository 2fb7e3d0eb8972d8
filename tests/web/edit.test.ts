/** The form of Edit, where what it holds and what is in force are not the same. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { sleep } from "../lab/lib/wait.ts";
import { Browser } from "./lib/browser.ts";
import { SECRET, Site } from "./lib/site.ts";

const VPNS = ["branch", "office"];
const PENDING = "Not applied yet.";

let site: Site;
let browser: Browser;
before(async () => {
  site = await Site.create({ vpns: VPNS });
  browser = await Browser.start(site.state);
});
after(async () => {
  await browser?.close();
  await site?.remove();
});

/** Runs the body with the form of a VPN. */
async function withForm(name: string, body: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.visitor({ theme: "light", width: 1024, height: 768 });
  try {
    const page = await context.newPage();
    await page.goto(`${site.origin}/#token=${encodeURIComponent(SECRET)}`);
    await page.getByRole("link", { name: `Edit ${name}` }).click();
    await page.getByLabel("VPN Monitor").waitFor();
    await body(page);
  } finally {
    await context.close();
  }
}

const destination = (page: Page): ReturnType<Page["getByLabel"]> =>
  page.getByLabel("Destination IP");
const press = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();

test("what is applied is shown as the engine writes it, and nothing is left to apply", () =>
  withForm("branch", async (page) => {
    await page.getByLabel("VPN Monitor").click();
    await destination(page).fill("2001:DB8:0::1,2001:DB8::2");
    await page.getByText(PENDING).waitFor();
    await press(page, "Apply");
    await page.getByText("Applied: it is in force.").waitFor();
    await page.getByText(PENDING).waitFor({ state: "hidden" });
    assert.equal(await destination(page).inputValue(), "2001:db8::1 2001:db8::2");
    await page.getByLabel("VPN Monitor").click();
    await press(page, "Apply");
    await page.getByText(PENDING).waitFor({ state: "hidden" });
    const { monitor } = await site.rekeyd.vpn("branch");
    assert.equal(monitor, false);
    // The log's event has the page ask once more, which must not clear it either.
    await sleep(3000);
    assert.equal(await destination(page).inputValue(), "2001:db8::1 2001:db8::2", "off, not lost");
  }));

test("what somebody else applies while a form is filled in is told, and can be taken over", () =>
  withForm("office", async (page) => {
    const set = (address: string): Promise<unknown> =>
      site.rekeyd.rekeyctl("set", "vpn", "office", "monitor", "destination-ip", address, "rekey");
    // Nothing was entered: the form follows.
    await set("10.0.0.1");
    const rekey = page.getByLabel("Rekey", { exact: true });
    await rekey.and(page.locator(":checked")).waitFor();
    const overtaken = page.getByText("Somebody else has changed it");
    assert.equal(await overtaken.count(), 0);

    await destination(page).fill("10.0.0.9");
    await set("10.0.0.2");
    await overtaken.waitFor();
    assert.equal(await destination(page).inputValue(), "10.0.0.9", "what was entered stays");
    await press(page, "Show what is in force");
    assert.equal(await destination(page).inputValue(), "10.0.0.2");
    await overtaken.waitFor({ state: "hidden" });
    const focused = page.getByLabel("VPN Monitor").and(page.locator(":focus"));
    assert.equal(await focused.count(), 1, "the focus is not lost with the button");
    assert.equal(await page.getByText(PENDING).count(), 0);
  }));
