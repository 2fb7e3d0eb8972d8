/**
 * Builds the programs for the processors of tools/cross/targets.ts, in build/cross/TRIPLE, and
 * prints what each part of them has: `npm run cross [-- TRIPLE...]`. Without names it builds for
 * all that this machine can build for.
 */
import { UNAVAILABLE } from "./image/apt.ts";
import { buildParts } from "./parts.ts";
import { buildPrograms, sizes } from "./cross/programs.ts";
import { targetOf, TARGETS, type Target } from "./cross/targets.ts";
import { missing } from "./cross/toolchain.ts";

const names = process.argv.slice(2);
const possible = chosen().filter(isPossible);
if (possible.length === 0) process.exit(UNAVAILABLE);
buildParts();
for (const target of possible) buildPrograms(target);
for (const target of possible) console.log(sizes(target));

function chosen(): Target[] {
  try {
    return names.length > 0 ? names.map(targetOf) : TARGETS;
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

/** Says what is missing; a target that was asked for by its name ends the build. */
function isPossible(target: Target): boolean {
  const wanted = missing(target);
  if (wanted.length === 0) return true;
  console.error(`no programs for ${target.triple}: no ${wanted.join(", no ")}`);
  if (names.length > 0) process.exit(UNAVAILABLE);
  return false;
}
