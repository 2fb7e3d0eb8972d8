/** A thread of run.ts that compiles. */
import { parentPort } from "node:worker_threads";
import { compile } from "./compile.ts";
import type { Mutant } from "./list.ts";

parentPort!.on("message", (mutant?: Mutant) => {
  void compile(mutant).then(
    (module) => parentPort!.postMessage({ module }),
    (error: Error) => parentPort!.postMessage({ error: error.message }),
  );
});
