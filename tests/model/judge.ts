/**
 * Holds real conversations against the model in a thread of its own: the labs' relays, which hand
 * on what rekeyd and charon say, must not wait for 32 simulated runs.
 */
import type { Worker } from "node:worker_threads";
import { startThread } from "../../host/node/thread.ts";
import type { Chapter } from "./conversation.ts";
import type { Strongswans } from "./model_stage.ts";

export interface Question {
  chapters: Chapter[];
  scenario: string;
  strongswans: Strongswans;
  /** Of a model that is a little wrong; undefined: of the model as it is. */
  mutant: string | undefined;
}

/** What differs, and what keeps the thread from telling. */
export interface Answer {
  differences: string[];
  error: string | undefined;
}

export class Judge {
  private readonly worker: Worker = startThread(new URL("./judge_thread.ts", import.meta.url));
  private last: Promise<unknown> = Promise.resolve();

  /** What differs from the run of the model that is most like it. */
  differences(question: Question): Promise<string[]> {
    const answer = this.last.then(() => this.ask(question));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  private ask(question: Question): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.worker.once("error", reject);
      this.worker.once("message", ({ differences, error }: Answer) => {
        this.worker.off("error", reject);
        if (error === undefined) resolve(differences);
        else reject(new Error(error));
      });
      this.worker.postMessage(question);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}
