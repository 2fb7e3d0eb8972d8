import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../lab/lib/command.ts";
import type { Visitor } from "./visitor.ts";

/** Takes a picture of what is shown now, for the documents. */
export type Camera = (visitor: Visitor, name: string, height: number) => Promise<void>;

/** So wide that it can be read in a README. */
const WIDTH = 1000;

/** Pictures of both themes go into the folder SCREENSHOTS (`npm run screenshots`). */
export function camera(): Camera | null {
  const folder = process.env["SCREENSHOTS"];
  if (folder === undefined) return null;
  mkdirSync(folder, { recursive: true });
  return async ({ page, view }, name, height) => {
    await page.setViewportSize({ width: WIDTH, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(() => window.scrollTo(0, 0));
      const path = join(folder, `${name}-${colorScheme}.png`);
      await page.screenshot({ path, animations: "disabled", caret: "hide" });
      await run("pngquant", ["--force", "--strip", "--nofs", "--output", path, "256", path]);
    }
    await page.emulateMedia({ colorScheme: view.theme });
    await page.setViewportSize({ width: view.width, height: view.height });
  };
}
