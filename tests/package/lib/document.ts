/** The commands of docs/install.md, as its reader comes by them. */
import { readFileSync } from "node:fs";

const DOCUMENT = "docs/install.md";

/**
 * Reads a section's blocks of commands one after another: each call answers the next one, which
 * must have `words` in it; "" when there are no more.
 */
export function reader(heading: string): (words?: string) => string {
  const text = readFileSync(DOCUMENT, "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  return (words = "") => {
    const block = blocks.shift() ?? "";
    if (block.includes(words)) return block;
    throw new Error(`${DOCUMENT}, ${heading}: '${words}' should come next, not '${block}'`);
  };
}
