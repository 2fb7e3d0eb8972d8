/**
 * Builds the programs for the processors of tools/cross/targets.ts, in build/cross/TRIPLE, and
 * prints what each part of them has: `npm run cross [-- TRIPLE...]`. Without names it builds for
 * all that this machine can build for.
 */
import { UNAVAILABLE, Unavailable } from "./image/apt.ts";
import { buildParts } from "./parts.ts";
import { buildPrograms, sizes } from "./cross/programs.ts";
import { targetOf, TARGETS, type Target } from "./cross/targets.ts";
import { missing } from "./cross/toolchain.ts";

const names = process.argv.slice(2);
const possible = chosen().filter(isPossible);
if (possible.length === 0) process.exit(UNAVAILABLE);
buildParts();
const built = possible.filter(build);
for (const target of built) console.log(sizes(target));
const is_enough = names.length > 0 ? built.length === names.length : built.length > 0;
if (!is_enough) process.exit(UNAVAILABLE);

function chosen(): Target[] {
  try {
    return names.length > 0 ? names.map(targetOf) : TARGETS;
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

/** False, and said: Debian's packages for it can't be had. */
function build(target: Target): boolean {
  try {
    buildPrograms(target);
    return true;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.error(`no programs for ${target.triple}: ${error.message}`);
    return false;
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
