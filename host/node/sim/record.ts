/** A run as a recording, to be looked at with `npm run replay`. */
import { RecordingEngine } from "../replay/record.ts";
import { simulate, type Options } from "./simulate.ts";

/** Runs it, and answers the segments of all instances of the engine in a row. */
export function recordRun(options: Options): Buffer {
  const engines: RecordingEngine[] = [];
  simulate(options, undefined, () => {
    const engine = new RecordingEngine(options.engine);
    engines.push(engine);
    return engine;
  });
  return Buffer.concat(engines.map((engine) => engine.recording()));
}
