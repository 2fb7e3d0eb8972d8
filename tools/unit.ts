/**
 * Runs the engine's unit tests: `npm run test:unit [-- SPEC...] [-- as-pect's options]`,
 * where SPEC is a file of tests/unit/ or the beginning of its name.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename } from "node:path";

const folder = "tests/unit";
const wanted = process.argv.slice(2).map((name) => basename(name));
const specs = readdirSync(folder)
  .filter((name) => name.endsWith(".spec.ts"))
  .filter((name) => wanted.length === 0 || wanted.some((prefix) => name.startsWith(prefix)));
if (specs.length === 0) {
  console.error(`no spec in ${folder} has such a name`);
  process.exit(2);
}
const run = spawnSync(
  "node_modules/.bin/aspect",
  [
    "--no-logo",
    "--config",
    `${folder}/as-pect.config.js`,
    "--as-config",
    `${folder}/asconfig.json`,
    "--summary",
    ...specs.map((name) => `${folder}/${name}`),
  ],
  { stdio: "inherit" },
);
process.exit(run.status ?? 1);
