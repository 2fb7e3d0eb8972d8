/** Writes the console's transcripts anew: `npm run transcripts`. What changed, git shows. */
import { readFileSync, writeFileSync } from "node:fs";
import { play } from "../tests/sim/lib/transcript.ts";
import { filesBelow } from "./tree.ts";

for (const path of filesBelow("tests/sim/transcripts", ".txt")) {
  writeFileSync(path, play(readFileSync(path, "utf8")));
}
