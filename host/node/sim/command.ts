/** The command that shows a run again. */
import { KINDS } from "./fault.ts";
import type { Options } from "./simulate.ts";

/** `only`: of the faults that the seed draws these numbers; all, unless it is given. */
export function commandOf(options: Options, only = options.only): string {
  const { seed, hours, vpns, faults, engine, tolerated = [] } = options;
  const words = [`--seed ${seed} --hours ${hours} --vpns ${vpns}`];
  if (options.tunnels) words.push("--tunnels");
  if (options.defaults) words.push("--defaults");
  if (faults.length !== Object.keys(KINDS).length) {
    words.push(`--faults ${faults.join(",") || "none"}`);
  }
  if (only !== undefined) words.push(`--only ${only.join(",") || "none"}`);
  if (tolerated.length > 0) words.push(`--tolerate ${tolerated.join(",")}`);
  if (engine !== "build/engine.wasm") words.push(`--engine ${engine}`);
  return `npm run sim -- ${words.join(" ")}`;
}
