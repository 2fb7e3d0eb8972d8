/** What has happened in a run, as a number: all times, and all that the engine asked for. */
export class Trace {
  private hash = 0;

  /** MurmurHash3's step for 32 bits. */
  add(word: number): void {
    let mixed = Math.imul(word, 0xcc9e2d51);
    mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    const hash = this.hash ^ mixed;
    this.hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }

  addBytes(bytes: Buffer): void {
    this.add(bytes.length);
    const words = bytes.length & ~3;
    for (let at = 0; at < words; at += 4) this.add(bytes.readInt32LE(at));
    for (let at = words; at < bytes.length; at++) this.add(bytes[at]!);
  }

  get text(): string {
    return (this.hash >>> 0).toString(16).padStart(8, "0");
  }
}
