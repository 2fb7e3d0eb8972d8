/** What a fuzzer is made of beside the loop: where an input goes in, and what must hold then. */
import type { Random } from "../../../host/node/sim/random.ts";
import type { FuzzedEngine } from "./engine.ts";

export interface Target {
  name: string;
  /** What is read, in a few words. */
  reads: string;
  max_bytes: number;
  /**
   * Where inputs begin: an input's first byte picks one. Each is done once. A target without any is
   * not about the engine.
   */
  stages: ((engine: FuzzedEngine) => void)[];
  /**
   * Tries the input, without its first byte; throws a Finding. Where no probes tell what an input
   * reached, it answers with words for that.
   */
  run(input: Buffer, engine: FuzzedEngine): string[] | void;
  /** Another input of which the same must come, for instance without what is to be passed over. */
  alike?(input: Buffer): Buffer;
  /** Inputs to begin with, if the corpus has none. */
  seeds(): Buffer[];
  /** Words of the format. */
  dictionary: Buffer[];
  /** Changes that know the format, in place of those that don't, half of the time. */
  mutate?(random: Random, input: Buffer, other: Buffer): Buffer;
}

/** Tokens of a dictionary. */
export function words(...of: string[]): Buffer[] {
  return of.map((word) => Buffer.from(word));
}
