/** What is going to happen, in order of time; at the same time, in the order it was put in. */
interface Item {
  at_ms: number;
  number: number;
  what: () => void;
}

export class Agenda {
  /** A binary heap: no item is sooner than the one at half its index. */
  private readonly items: Item[] = [];
  private last_number = 0;

  /** When the next thing happens. */
  get next_ms(): number {
    return this.items[0]?.at_ms ?? Infinity;
  }

  add(at_ms: number, what: () => void): void {
    const item = { at_ms, number: ++this.last_number, what };
    let i = this.items.length;
    this.items.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!sooner(item, this.items[parent]!)) break;
      this.items[i] = this.items[parent]!;
      i = parent;
    }
    this.items[i] = item;
  }

  /** Takes the next thing out. */
  take(): (() => void) | undefined {
    const first = this.items[0];
    const last = this.items.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.items.length > 0) this.sink(last);
    return first.what;
  }

  private sink(item: Item): void {
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.items.length) break;
      const right = this.items[child + 1];
      if (right !== undefined && sooner(right, this.items[child]!)) child++;
      if (!sooner(this.items[child]!, item)) break;
      this.items[i] = this.items[child]!;
      i = child;
    }
    this.items[i] = item;
  }
}

function sooner(a: Item, b: Item): boolean {
  return a.at_ms < b.at_ms || (a.at_ms === b.at_ms && a.number < b.number);
}
