/** What a browser does with the pages besides showing one of them: tabs, addresses, goodbyes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { sleep } from "../lab/lib/wait.ts";
import { Browser } from "./lib/browser.ts";
import { SECRET, Site } from "./lib/site.ts";

const VIEW = { theme: "light", width: 1024, height: 768 } as const;
/** More than a browser has connections to one host. */
const TABS = 8;
/** By then a page has asked for all that it shows. */
const SETTLED_MS = 3_000;
/** After 12 s of silence a page would look whether somebody is there. */
const QUIET_MS = 18_000;

let site: Site;
let browser: Browser;
before(async () => {
  site = await Site.create();
  browser = await Browser.start(site.state);
});
after(async () => {
  await browser?.close();
  await site?.remove();
});

/** Runs the body with cookies of its own. */
async function withContext(body: (context: BrowserContext) => Promise<void>): Promise<void> {
  const context = await browser.visitor(VIEW);
  try {
    await body(context);
  } finally {
    await context.close();
  }
}

const withToken = (token: string): string => `${site.origin}/#token=${encodeURIComponent(token)}`;

async function open(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

const seesVpn = (page: Page): Promise<void> =>
  page.getByRole("row", { name: "branch" }).first().waitFor();

test("the address with the token is taken by a tab that shows the login already, too", () =>
  withContext(async (context) => {
    const page = await open(context, site.origin);
    await page.getByLabel("Token or password").waitFor();
    await page.goto(withToken(SECRET));
    await seesVpn(page);
    assert.doesNotMatch(page.url(), /token/);
  }));

test("a token in the address that is wrong is said to be wrong, and does not stay there", () =>
  withContext(async (context) => {
    const page = await open(context, withToken("of an earlier start"));
    await page.getByRole("alert").filter({ hasText: "not the token" }).waitFor();
    assert.doesNotMatch(page.url(), /token/);
  }));

test("as many tabs as one likes: those used last are live, another one when it is used", () =>
  withContext(async (context) => {
    const first = await open(context, withToken(SECRET));
    await seesVpn(first);
    let last = first;
    for (let i = 1; i < TABS; i++) {
      last = await open(context, site.origin);
      await seesVpn(last);
    }
    const rests = first.getByText("This tab rests");
    await rests.waitFor();
    await first.getByRole("link", { name: "Monitor Status" }).click();
    await rests.waitFor({ state: "hidden" });
    assert.equal(await last.getByText("This tab rests").count(), 0);
  }));

test("where nothing changes a page hears that the server is there, and asks nothing anew", () =>
  withContext(async (context) => {
    const page = await open(context, withToken(SECRET));
    await seesVpn(page);
    await sleep(SETTLED_MS);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await sleep(QUIET_MS);
    assert.deepEqual(asked, []);
  }));

test("who cannot be logged out is told so, and is logged out by the next try", () =>
  withContext(async (context) => {
    const page = await open(context, withToken(SECRET));
    await seesVpn(page);
    const leave = page.getByRole("button", { name: "Log out" });
    site.web.signal("SIGSTOP");
    try {
      await leave.click();
      await page.getByRole("alert").filter({ hasText: "Not logged out" }).waitFor();
    } finally {
      site.web.signal("SIGCONT");
    }
    // The server may have come to the first try by now: then there is nothing left to click.
    const login = page.getByLabel("Token or password");
    await Promise.any([leave.click(), login.waitFor()]);
    await login.waitFor();
    assert.equal(await page.getByRole("alert").filter({ hasText: "Not logged out" }).count(), 0);
  }));
