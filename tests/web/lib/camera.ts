import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Visitor } from "./visitor.ts";

/** Where pictures go; none are taken where this is not set. */
const FOLDER = process.env["SCREENSHOTS"];
/** So large that they can be read in a README, and small enough for the tree. */
const SIZE = { width: 920, height: 640 };

/** A picture of what is shown now, for the documents (`npm run screenshots`). */
export async function takePicture({ page, view }: Visitor, name: string): Promise<void> {
  if (FOLDER === undefined) return;
  mkdirSync(FOLDER, { recursive: true });
  await page.setViewportSize(SIZE);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const path = join(FOLDER, `${name}-${colorScheme}.png`);
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({ path, animations: "disabled", caret: "hide" });
  }
  await page.emulateMedia({ colorScheme: view.theme });
  await page.setViewportSize({ width: view.width, height: view.height });
}
