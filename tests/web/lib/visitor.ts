/** A person at the pages: one tab, whose every request and complaint is kept account of. */
import assert from "node:assert/strict";
import axe from "axe-core";
import type { BrowserContext, ConsoleMessage, Page } from "playwright-core";
import { waitUntil } from "../../lab/lib/wait.ts";
import type { Browser, Theme, View } from "./browser.ts";

/** Chromium's words for an answer that is an error; the page shows those in words of its own. */
const NOT_LOADED = /^Failed to load resource: /;

/** What follows the size of the window does so a moment later. */
const FIT_MS = 5000;
/** Times that axe-core may look where it was unsure. */
const LOOKS = 5;
const THEMES: readonly Theme[] = ["light", "dark"];

export class Visitor {
  /** What must not happen at all. */
  private readonly offences: string[] = [];

  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
    private readonly origin: string,
    readonly view: View,
  ) {}

  /** Comes with nothing in the browser, neither cookie nor storage. */
  static async come(browser: Browser, address: string, view: View): Promise<Visitor> {
    const context = await browser.visitor(view);
    const page = await context.newPage();
    const { origin } = new URL(address);
    const visitor = new Visitor(context, page, origin, view);
    visitor.keepAccount();
    await page.goto(address);
    return visitor;
  }

  private keepAccount(): void {
    const { page, context, offences } = this;
    context.on("request", (request) => {
      const url = new URL(request.url());
      const inside = url.protocol === "data:" || url.origin === this.origin;
      if (!inside) offences.push(`a request to ${url}`);
    });
    // A violation of the policy is an error of the console, too.
    page.on("console", (message: ConsoleMessage) => {
      const kind = message.type();
      if (kind !== "error" && kind !== "warning") return;
      if (NOT_LOADED.test(message.text())) return;
      offences.push(`console, ${kind}: ${message.text()}`);
    });
    page.on("pageerror", (error) => offences.push(`an exception: ${error.stack ?? error}`));
    page.on("crash", () => offences.push("the page crashed"));
    page.on("dialog", (dialog) => {
      offences.push(`a dialogue: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on("page", (other) => offences.push(`another tab: ${other.url()}`));
  }

  /** Nothing has left for elsewhere, no policy was violated, nothing was thrown. */
  assertClean(): void {
    assert.deepEqual(this.offences, []);
  }

  /**
   * In both themes: axe-core finds nothing; and all fits into the window. `where` tells the reader
   * of a failure which page it was.
   */
  async assertAccessible(where: string): Promise<void> {
    for (const theme of THEMES) {
      await this.page.emulateMedia({ colorScheme: theme });
      await this.assertRules(`${where}, ${theme}`);
    }
    await this.page.emulateMedia({ colorScheme: this.view.theme });
    await this.assertFits(where);
  }

  /** What moves while axe-core looks leaves it unsure: then it looks again. */
  private async assertRules(where: string): Promise<void> {
    for (let look = 1; ; look++) {
      const { violations, unsure } = await this.lookByRules();
      assert.deepEqual(violations, [], where);
      if (unsure.length === 0) return;
      if (look === LOOKS) assert.deepEqual(unsure, [], where);
    }
  }

  private async lookByRules(): Promise<{ violations: string[]; unsure: string[] }> {
    const { page } = this;
    const loaded = await page.evaluate(() => "axe" in window);
    if (!loaded) await page.evaluate(axe.source);
    const { violations, incomplete, passes } = await page.evaluate(() =>
      (window as unknown as { axe: typeof axe }).axe.run(document, {
        resultTypes: ["violations", "incomplete", "passes"],
      }),
    );
    assert.ok(passes.length > 5, "axe-core looked at something");
    // A contrast that it cannot tell is none that is right.
    const unsure = incomplete.filter(({ id }) => id === "color-contrast");
    return { violations: violations.flatMap(linesOf), unsure: unsure.flatMap(linesOf) };
  }

  /** Nothing lies beyond the window's sides, and no text below something else. */
  async assertFits(where: string, within_ms = FIT_MS): Promise<void> {
    await waitUntil(
      where,
      within_ms,
      () => this.page.evaluate(misfits),
      (found) => found.length === 0,
    );
  }

  /** For whoever reads of a failure: where the page is, what it shows, what it complained of. */
  async describe(): Promise<string> {
    const shown = await this.page.locator("body").ariaSnapshot().catch(String);
    return [this.page.url(), shown, ...this.offences].join("\n");
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

function linesOf({ id, help, nodes }: axe.Result): string[] {
  return nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html}: ${failureSummary}`);
}

/** Runs in the page. */
function misfits(): string[] {
  const { scrollWidth, clientWidth } = document.documentElement;
  window.scrollTo(0, 0);
  const texts = [...document.querySelectorAll<HTMLElement>("main *")].filter(
    ({ childElementCount, innerText }) => childElementCount === 0 && innerText?.trim(),
  );
  const covered = texts.flatMap((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    if (width < 2 || height < 2) return []; // only to be read out
    const above = document.elementFromPoint(left + width / 2, top + height / 2);
    if (above === null || above.contains(element)) return [];
    return [`'${element.innerText}' below ${above.outerHTML.slice(0, 80)}`];
  });
  const wide = `${scrollWidth} pixels wide in a window of ${clientWidth}`;
  return scrollWidth > clientWidth ? [wide, ...covered] : covered;
}
