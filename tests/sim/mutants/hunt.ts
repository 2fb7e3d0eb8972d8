/** Compiles mutants and runs seeds on them, on all cores, until an invariant catches each. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { kindsOf } from "../../../host/node/sim/fault.ts";
import { INVARIANTS } from "../../../host/node/sim/invariants.ts";
import { Pool } from "../../../host/node/sim/pool.ts";
import type { Options } from "../../../host/node/sim/simulate.ts";
import type { Mutant } from "./list.ts";
import { startThread } from "../../../host/node/thread.ts";

/** Seeds that are tried beside the one that is known to catch it. */
const SEEDS = 12;
const COMPILERS = 2;
/** Longer than any call takes, even on a machine that has much else to do. */
const HANGS_MS = 8_000;

export class Hunt {
  private readonly folder = mkdtempSync(join(tmpdir(), "rekeyd-mutants-"));
  private readonly pool = new Pool(undefined, HANGS_MS);
  private readonly compilers = Array.from({ length: COMPILERS }, () => new Compiler());
  private as_is: Promise<string> | undefined;
  private next = 0;
  /** Seeds that the engine as it is gets through, by their options: they can tell a mutant. */
  private readonly sound = new Map<string, Promise<boolean>>();

  /** The seed that shows it. */
  async catch(mutant: Mutant): Promise<number | undefined> {
    const engine = await this.build(mutant);
    const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1);
    for (const seed of mutant.seed === undefined ? seeds : [mutant.seed, ...seeds]) {
      const options = { ...optionsOf(mutant), seed };
      const { failure } = (await this.pool.run({ ...options, engine })).result;
      if (failure?.invariant !== mutant.for) continue;
      if (await this.isSound(options)) return seed;
    }
    return undefined;
  }

  private async isSound(options: Options): Promise<boolean> {
    this.as_is ??= this.build();
    const engine = await this.as_is;
    const key = JSON.stringify(options);
    const known =
      this.sound.get(key) ??
      this.pool.run({ ...options, engine }).then(({ result }) => result.failure === undefined);
    this.sound.set(key, known);
    return await known;
  }

  private async build(mutant?: Mutant): Promise<string> {
    const path = join(this.folder, `${++this.next}.wasm`);
    const compiler = this.compilers[this.next % COMPILERS]!;
    writeFileSync(path, await compiler.compile(mutant));
    return path;
  }

  async close(): Promise<void> {
    await this.pool.close();
    await Promise.all(this.compilers.map((compiler) => compiler.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Of the invariants only the one is asked that the mutant is for: that one can fail. */
function optionsOf({ faults = "all", vpns = 4, hours = 1, ...mutant }: Mutant): Options {
  const { tunnels = false } = mutant;
  const tolerated = INVARIANTS.map(({ name }) => name).filter((name) => name !== mutant.for);
  return { seed: 0, hours, vpns, tunnels, faults: kindsOf(faults), engine: "", tolerated };
}

/** One after the other: the compiler keeps what it has learned of the engine. */
class Compiler {
  private readonly worker: Worker = startThread(new URL("./worker.ts", import.meta.url));
  private last: Promise<unknown> = Promise.resolve();

  compile(mutant?: Mutant): Promise<Uint8Array> {
    const module = this.last.then(() => this.ask(mutant));
    this.last = module.catch(() => undefined);
    return module;
  }

  private ask(mutant?: Mutant): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.worker.once("message", (answer: { module?: Uint8Array; error?: string }) => {
        if (answer.module !== undefined) resolve(answer.module);
        else reject(new Error(answer.error));
      });
      this.worker.postMessage(mutant);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}
