/** What is made once from some inputs, and not again until they change. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { digest } from "./tree.ts";

/** Says what begins and, at its end, how long it took. */
export function step(title: string, work: () => void): void {
  console.log(`build: ${title}`);
  const start_ms = Date.now();
  work();
  console.log(`build: ${title}: done in ${((Date.now() - start_ms) / 1000).toFixed(1)} s`);
}

/** Does `work` unless `outputs` are there and were made from the same `inputs`. */
export function whenChanged(
  title: string,
  inputs: string[],
  outputs: string[],
  work: () => void,
): void {
  const stamp = `${outputs[0]}.from`;
  const now = digest(inputs);
  const before = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (now === before && outputs.every((path) => existsSync(path))) return;
  rmSync(stamp, { force: true });
  step(title, work);
  writeFileSync(stamp, now);
}
