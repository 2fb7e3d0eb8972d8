/** One number for all that an engine asked for, to hold two engines against each other. */
import { createHash } from "node:crypto";
import { FuzzedEngine, Refused } from "./engine.ts";
import type { Instrumented } from "./instrument.ts";
import type { Target } from "./target.ts";

/** Of one input from its beginning, on an engine of its own. */
export function digestOf(built: Instrumented, target: Target, input: Buffer): string {
  const engine = new FuzzedEngine(built);
  const hash = createHash("sha256");
  engine.watch = ({ kind, argument, bytes }) => {
    hash.update(`${kind} ${argument} ${bytes.length} `).update(bytes);
  };
  target.stages[(input[0] ?? 0) % target.stages.length]!(engine);
  try {
    target.run(input.subarray(1), engine);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    hash.update("refused");
  }
  return hash.digest("hex");
}
