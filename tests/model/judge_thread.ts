/** The thread of judge.ts. */
import { parentPort } from "node:worker_threads";
import { differences } from "./compare.ts";
import type { Answer, Question } from "./judge.ts";
import { ModelStage } from "./model_stage.ts";
import { MUTANTS } from "./mutants.ts";
import { SCENARIOS } from "./scenario.ts";

/** Where chance decides, as which of two VPNs is first, one of so many runs must be like it. */
const SEEDS = 32;

async function unlike(question: Question): Promise<string[]> {
  const { chapters, scenario: name, strongswans, mutant } = question;
  const scenario = SCENARIOS.find((known) => known.name === name)!;
  const change = MUTANTS.find((known) => known.name === mutant)?.change;
  let found: string[] | undefined;
  const seeds = scenario.chance ? SEEDS : 1;
  for (let seed = 1; seed <= seeds && found?.length !== 0; seed++) {
    const model = await ModelStage.conversation(scenario, seed, strongswans, change).catch(String);
    const told = typeof model === "string" ? [model] : differences(chapters, model.chapters);
    if (found === undefined || told.length < found.length) found = told;
  }
  return found!;
}

parentPort!.on("message", (question: Question) => {
  const answer = (answer: Answer): void => parentPort!.postMessage(answer);
  void unlike(question).then(
    (differences) => answer({ differences, error: undefined }),
    (error: Error) => answer({ differences: [], error: `${error.stack}` }),
  );
});
