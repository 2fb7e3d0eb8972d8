/**
 * `npm run sim:mutants [-- NAME...]`: shows that each invariant can fail. Each mutant of list.ts is
 * compiled, and run with a fixed set of seeds until one catches it.
 */
import { Hunt } from "./hunt.ts";
import { MUTANTS, type Mutant } from "./list.ts";

async function main(names: string[]): Promise<number> {
  const begin_ms = performance.now();
  const hunt = new Hunt();
  const chosen = MUTANTS.filter(
    ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
  );
  let survivors = 0;
  const tell = async (mutant: Mutant): Promise<void> => {
    const found = await hunt.catch(mutant).catch((error: Error) => error);
    if (found === undefined || found instanceof Error) survivors++;
    const told =
      found instanceof Error ? found.message : found === undefined ? "SURVIVES" : `seed ${found}`;
    console.log(`${mutant.for.padEnd(22)} ${mutant.name.padEnd(52)} ${told}`);
  };
  try {
    await Promise.all(chosen.map(tell));
  } finally {
    await hunt.close();
  }
  const seconds = Math.round((performance.now() - begin_ms) / 1000);
  console.log(`${chosen.length} mutants, ${survivors} survive (${seconds} s)`);
  return survivors === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
