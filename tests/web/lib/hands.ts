/** How a person reaches what a page offers: with a pointer, or with the keyboard alone. */
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";

export interface Hands {
  /** Follows a link, or presses a button. */
  press(what: Locator): Promise<void>;
  /** Ticks a checkbox, or takes the tick away. */
  tick(what: Locator): Promise<void>;
  /** Writes a text in place of the one that is there. */
  write(what: Locator, text: string): Promise<void>;
  /** Chooses from a list what is called so. */
  choose(what: Locator, label: RegExp): Promise<void>;
}

export const pointer = (): Hands => ({
  press: (what) => what.click(),
  tick: (what) => what.click(),
  write: (what, text) => what.fill(text),
  choose: async (what, label) => {
    await what.selectOption({ label: await labelLike(what, label) });
  },
});

/** What a list offers that is called so. */
async function labelLike(what: Locator, label: RegExp): Promise<string> {
  const labels = await what.locator("option").allInnerTexts();
  return labels.find((each) => label.test(each)) ?? assert.fail(`${labels}: none is ${label}`);
}

/** More than any of the pages has places where Tab stops. */
const MAX_STOPS = 80;

export function keyboard(page: Page): Hands {
  const { keyboard: keys } = page;

  /** Tabs on until it has the focus, which must be seen. */
  async function reach(what: Locator): Promise<void> {
    await what.waitFor();
    for (let stops = 0; stops < MAX_STOPS; stops++) {
      if (await what.evaluate((element) => element === document.activeElement)) {
        const seen = await what.evaluate((element) => {
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
          return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
        });
        assert.ok(seen, `no mark shows that ${what} has the focus`);
        return;
      }
      await keys.press("Tab");
    }
    assert.fail(`Tab does not lead to ${what}`);
  }

  return {
    async press(what) {
      await reach(what);
      await keys.press("Enter");
    },
    async tick(what) {
      await reach(what);
      await keys.press("Space");
    },
    async write(what, text) {
      await reach(what);
      await keys.press("Control+A");
      await keys.type(text);
    },
    async choose(what, label) {
      const wanted = await labelLike(what, label);
      await reach(what);
      // A list that has the focus goes to what begins with the letters that are typed.
      await keys.type(wanted);
      const chosen = await what.evaluate(
        (element) => (element as HTMLSelectElement).selectedOptions[0]?.label,
      );
      assert.equal(chosen, wanted);
    },
  };
}
