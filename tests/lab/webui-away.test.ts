/** What goes away is shown as away on the pages, and as back when it is back, by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { VPN } from "./lib/recovery.ts";
import { TcpRelay } from "./lib/tcp_relay.ts";
import { DESK, PHONE, visit, withWebui } from "./lib/webui.ts";

const notice = (page: Page, text: string): Locator =>
  page.getByRole("status").filter({ hasText: text });

/** The state of a VPN in the list. */
const up = (page: Page): Locator =>
  page.getByRole("row", { name: VPN }).getByText("up", { exact: true });

test("a daemon that is killed, and started again", () =>
  withWebui("webui-daemon", {}, (stage) =>
    visit(stage, stage.web.address, DESK, async (visitor) => {
      const { page } = visitor;
      await up(page).waitFor();
      await stage.rekeyd.kill();
      await notice(page, "No daemon answers").waitFor();
      await visitor.assertAccessible("AutoKey IKE, no daemon");
      // Also for somebody who comes just now.
      await visit(stage, stage.web.address, PHONE, async (other) => {
        await notice(other.page, "No daemon answers").waitFor();
        await other.assertAccessible("AutoKey IKE on a phone, no daemon");
      });
      await stage.rekeyd.start();
      await notice(page, "No daemon answers").waitFor({ state: "detached" });
      await up(page).waitFor();
    }),
  ));

test("a way to rekeyd-web that is cut, or swallows all, and heals; then rekeyd-web itself", () =>
  withWebui("webui-server", {}, async (stage) => {
    const { web } = stage;
    const relay = await TcpRelay.open(Number(new URL(web.origin).port));
    const address = (): string => web.address.replace(/\/\/[^/]+/, `//localhost:${relay.port}`);
    try {
      await visit(stage, address(), DESK, async (visitor) => {
        const { page } = visitor;
        await up(page).waitFor();
        const path = page.url();
        relay.cut();
        await notice(page, "is lost").waitFor();
        await visitor.assertAccessible("AutoKey IKE, no server");
        relay.heal();
        await notice(page, "is lost").waitFor({ state: "detached" });
        await up(page).waitFor();

        relay.swallow();
        await notice(page, "is lost").waitFor();
        relay.heal();
        await notice(page, "is lost").waitFor({ state: "detached" });
        await up(page).waitFor();

        await web.kill();
        await notice(page, "is lost").waitFor();
        await web.start();
        // It remembers no session, and has drawn another token.
        const secret = page.getByLabel("Token or password");
        await secret.fill(web.token);
        await page.getByRole("button", { name: "Log in" }).click();
        await up(page).waitFor();
        assert.equal(page.url(), path, "the same page as before");
      });
    } finally {
      relay.close();
    }
  }));
