/** What a fuzzer looks for: something that shall not be, whatever the input was. */
export class Finding extends Error {
  constructor(
    /** The rule that is broken, in a word. */
    readonly rule: string,
    /** What was seen. Findings of one rule and one text are one. */
    readonly what: string,
  ) {
    super(`${rule}: ${what}`);
  }
}

/** Complains unless it is so. */
export function hold(so: boolean, rule: string, what: () => string): asserts so {
  if (!so) throw new Finding(rule, what());
}
