/** The version of everything that is shipped: package.json is the one place that names it. */
import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

export const VERSION = version;
