/** The one source of chance: the same seed gives the same run, on every machine. */

const GOLDEN = 0x9e3779b9;

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number from 0 to 2^32 - 1 (splitmix32). */
  u32(): number {
    this.state = (this.state + GOLDEN) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** From 0 to `bound - 1`. */
  below(bound: number): number {
    return this.u32() % bound;
  }

  /** Both ends included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in so many of a hundred cases. */
  percent(share: number): boolean {
    return share > 0 && this.below(100) < share;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  /** A generator of its own: what is drawn from it does not shift what is drawn from this one. */
  fork(): Random {
    return new Random(this.u32());
  }
}
