/** xorshift32: the same numbers in every run, so that what fails once fails again. */
export class Random {
  constructor(private state: number) {}

  below(bound: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % bound;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  bytes(max_length: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(max_length) }, () => this.below(256)));
  }
}
