/** What tests in a browser rely on: each thing that must not happen is seen when it happens. */
import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { State } from "../lab/lib/state.ts";
import { Browser } from "./lib/browser.ts";
import { keyboard } from "./lib/hands.ts";
import { Visitor } from "./lib/visitor.ts";

const VIEW = { theme: "dark", width: 360, height: 740 } as const;
const HEAD = `<!doctype html><html lang="en"><title>x</title>
  <style>:root { color-scheme: light dark; color: CanvasText; background: Canvas }</style>`;
const GOOD = `<main><h1>Page</h1><p>Text</p><a href="#x">Link</a><button>Go</button></main>`;

/** A page by its path. */
const PAGES: Record<string, string> = {
  "/good": GOOD,
  "/elsewhere": `${GOOD}<img alt="" src="http://127.0.0.2:9/x.png">`,
  "/inline": `${GOOD}<script>1</script>`,
  "/pale": `<main><h1>Page</h1><p style="color: #777">Text</p></main>`,
  "/only-light": `<main style="background: #fff"><h1>Page</h1></main>`,
  "/no-label": `${GOOD}<main><input></main>`,
  "/wide": `<main><h1>Page</h1><p style="width: 500px">Text</p></main>`,
  "/covered": `<main><h1>Page</h1><p>Text</p>
    <div style="position: absolute; top: 0; width: 300px; height: 300px"></div></main>`,
  "/no-mark": `<style>button { outline: none }</style>${GOOD}`,
  "/out-of-reach": `<main><h1>Page</h1><button tabindex="-1">Go</button></main>`,
};

describe("a visitor", () => {
  const state = State.create("test", "visitor");
  let browser: Browser;
  let server: http.Server;

  before(async () => {
    server = http.createServer((request, response) => {
      const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src *";
      response.setHeader("Content-Security-Policy", policy);
      response.setHeader("Content-Type", "text/html");
      response.end(HEAD + PAGES[request.url ?? ""]);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await Browser.start(state);
  });

  after(async () => {
    await browser?.close();
    server?.close();
    await state.remove();
  });

  async function at(path: string, body: (visitor: Visitor) => Promise<unknown>): Promise<void> {
    const { port } = server.address() as AddressInfo;
    const visitor = await Visitor.come(browser, `http://127.0.0.1:${port}${path}`, VIEW);
    await body(visitor);
    await visitor.leave();
  }

  test("is content with a good page", () =>
    at("/good", async (visitor) => {
      await visitor.assertAccessible("good");
      await keyboard(visitor.page).press(visitor.page.getByRole("button"));
      visitor.assertClean();
    }));

  for (const [path, sees] of [
    ["/elsewhere", /a request to http:\/\/127\.0\.0\.2:9/],
    ["/inline", /Content Security Policy/],
  ] as const) {
    test(`sees ${path}`, () =>
      at(path, async (visitor) => assert.throws(() => visitor.assertClean(), sees)));
  }

  for (const [path, sees] of [
    ["/pale", /color-contrast/],
    ["/only-light", /only-light, dark\n[^]*color-contrast/],
    ["/no-label", /label/],
  ] as const) {
    test(`sees ${path}`, () =>
      at(path, (visitor) => assert.rejects(visitor.assertAccessible(path), sees)));
  }

  for (const [path, sees] of [
    ["/wide", /pixels wide in a window of 360/],
    ["/covered", /'Text' below/],
  ] as const) {
    test(`sees ${path}`, () =>
      at(path, (visitor) => assert.rejects(visitor.assertFits(path, 0), sees)));
  }

  for (const [path, sees] of [
    ["/no-mark", /no mark shows/],
    ["/out-of-reach", /Tab does not lead/],
  ] as const) {
    test(`sees ${path}`, () =>
      at(path, ({ page }) => assert.rejects(keyboard(page).press(page.getByRole("button")), sees)));
  }
});
