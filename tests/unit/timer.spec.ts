import { NEVER } from "../../assembly/clock";
import { MAX_TIMERS } from "../../assembly/limits";
import { randomBelow, seedRandom } from "../../assembly/random";
import {
  cancel,
  freeTimer,
  initWheel,
  newTimer,
  nextDeadline,
  ownerOf,
  popDue,
  schedule,
} from "../../assembly/timer/wheel";
import { random } from "./hostile";

/** Times around which the digits of the wheel carry over. */
const bases: i64[] = [
  0,
  63,
  64,
  4095,
  4096,
  262_143,
  1_764_000_000_000,
  ((<i64>1) << 36) - 1,
  ((<i64>1) << 60) - 1,
  (<i64>1) << 60,
  (<i64>1) << 62,
];

// The model: a list of timers with their time, or -1, and the number of their scheduling.
const MODEL = 60;
const used = new StaticArray<bool>(MODEL);
const at_ms = new StaticArray<i64>(MODEL);
const turn = new StaticArray<i32>(MODEL);

/** The first timer that is due, or -1. */
function firstOfModel(): i32 {
  let first = -1;
  for (let i = 0; i < MODEL; i++) {
    if (!used[i] || at_ms[i] < 0) continue;
    const earlier =
      first < 0 || at_ms[i] < at_ms[first] || (at_ms[i] == at_ms[first] && turn[i] < turn[first]);
    if (earlier) first = i;
  }
  return first;
}

/** Distances as they occur: often short, sometimes across any digit, sometimes for ever. */
function randomDistance(): i64 {
  const kind = random(10);
  if (kind == 0) return -random(5000);
  if (kind == 1) return 0;
  if (kind < 5) return random(130);
  if (kind < 8) return random(20_000);
  return randomBelow((<i64>1) << (1 + random(59)));
}

function useAtRandom(seed: i32): void {
  seedRandom(seed);
  let now = bases[seed % bases.length] & (((<i64>1) << 61) - 1);
  let reached = now;
  initWheel(now);
  used.fill(false);

  for (let step = 0; step < 3000; step++) {
    const t = random(MODEL);
    const kind = random(12);
    if (kind < 6) {
      if (!used[t]) {
        const given = newTimer(1000 + step);
        if (given < 0 || given >= MODEL || used[given]) throw new Error(`${seed}: timer ${given}`);
        used[given] = true;
        at_ms[given] = -1;
      } else {
        const at = random(50) == 0 ? NEVER : now + randomDistance();
        schedule(t, at);
        at_ms[t] = max(at, reached);
        turn[t] = step;
      }
    } else if (kind == 6 && used[t]) {
      cancel(t);
      at_ms[t] = -1;
    } else if (kind == 7 && used[t] && random(4) == 0) {
      freeTimer(t);
      used[t] = false;
    } else if (kind == 8) {
      // The clock: it goes on, jumps ahead, or back.
      const by = randomDistance();
      if (by < (<i64>1) << 40 || random(20) == 0) now = min(max(now + by, 0), (<i64>1) << 62);
    } else if (kind > 8) {
      // Some of what is due, or all.
      for (let pops = random(4) == 0 ? 1 : MODEL; pops > 0; pops--) {
        const first = firstOfModel();
        const clock = max(now, reached);
        const right = first >= 0 && at_ms[first] <= clock ? first : -1;
        const popped = popDue(now);
        if (popped != right) throw new Error(`${seed}, step ${step}: ${popped}, not ${right}`);
        reached = right >= 0 ? at_ms[right] : clock;
        if (right < 0) break;
        at_ms[right] = -1;
      }
    }
    const first = firstOfModel();
    const deadline = first < 0 ? NEVER : at_ms[first];
    if (nextDeadline() != deadline) throw new Error(`${seed}, step ${step}: deadline ${deadline}`);
  }
}

describe("timer/wheel", () => {
  test("is due never while nothing is scheduled", () => {
    initWheel(5);
    expect(nextDeadline()).toBe(NEVER);
    expect(popDue(5)).toBe(-1);
    newTimer(1);
    expect(nextDeadline()).toBe(NEVER);
    expect(popDue(i64.MAX_VALUE)).toBe(-1);
  });

  test("is due at its millisecond, not before, at any distance", () => {
    for (let b = 0; b < bases.length; b++) {
      let now = bases[b];
      initWheel(now);
      const t = newTimer(0);
      for (let distance: i64 = 1; distance < (<i64>1) << 58; distance += 1 + distance / 7) {
        const at = now + distance;
        schedule(t, at);
        if (nextDeadline() != at) throw new Error(`deadline ${at}, seen from ${now}`);
        if (popDue(at - 1) != -1) throw new Error(`early: ${at}, seen from ${now}`);
        if (nextDeadline() != at) throw new Error(`deadline ${at}, seen from just before`);
        if (popDue(at) != t) throw new Error(`late: ${at}, seen from ${now}`);
        if (popDue(at) != -1) throw new Error(`twice: ${at}, seen from ${now}`);
        now = at;
      }
    }
  });

  test("is due at once when the time is past", () => {
    initWheel(1000);
    const t = newTimer(0);
    schedule(t, 10);
    expect(nextDeadline() <= 1000).toBe(true);
    expect(popDue(1000)).toBe(t);
    schedule(t, i64.MIN_VALUE);
    expect(popDue(1000)).toBe(t);
    expect(nextDeadline()).toBe(NEVER);
  });

  test("gives timers of one time in the order in which they were scheduled", () => {
    initWheel(0);
    // From afar, from nearby and from the same 64 ms.
    const first = newTimer(0);
    const second = newTimer(0);
    const third = newTimer(0);
    schedule(first, 100_000);
    expect(popDue(99_000)).toBe(-1);
    schedule(second, 100_000);
    expect(popDue(99_999)).toBe(-1);
    schedule(third, 100_000);
    expect(popDue(200_000)).toBe(first);
    expect(popDue(200_000)).toBe(second);
    expect(popDue(200_000)).toBe(third);
  });

  test("forgets the earlier time of a timer that is scheduled again or cancelled", () => {
    initWheel(0);
    const t = newTimer(0);
    schedule(t, 50);
    schedule(t, 5000);
    expect(nextDeadline()).toBe(5000);
    schedule(t, 70);
    expect(nextDeadline()).toBe(70);
    cancel(t);
    cancel(t);
    expect(nextDeadline()).toBe(NEVER);
    expect(popDue(10_000)).toBe(-1);
  });

  test("finds the exact deadline again when the earliest of a far slot leaves it", () => {
    initWheel(0);
    const early = newTimer(0);
    const late = newTimer(0);
    schedule(late, 1_000_003);
    schedule(early, 1_000_001);
    expect(nextDeadline()).toBe(1_000_001);
    cancel(early);
    expect(nextDeadline()).toBe(1_000_003);
    schedule(early, 1_000_002);
    expect(nextDeadline()).toBe(1_000_002);
    freeTimer(early);
    expect(nextDeadline()).toBe(1_000_003);
  });

  test("takes time that runs back for time that stands still", () => {
    initWheel(1000);
    const t = newTimer(0);
    schedule(t, 1500);
    expect(popDue(1400)).toBe(-1);
    expect(popDue(3)).toBe(-1);
    expect(nextDeadline()).toBe(1500);
    schedule(t, 500);
    expect(popDue(3)).toBe(t);
  });

  test("comes back from a long suspension with everything in order", () => {
    initWheel(0);
    for (let i = 0; i < 1000; i++) schedule(newTimer(i), 10_000 + 7919 * i);
    // Ten years.
    const now: i64 = 315_360_000_000;
    for (let i = 0; i < 1000; i++) expect(popDue(now)).toBe(i);
    expect(popDue(now)).toBe(-1);
  });

  test("knows owners, and uses freed timers again", () => {
    initWheel(0);
    const a = newTimer(11);
    const b = newTimer(u32.MAX_VALUE);
    expect(ownerOf(a)).toBe(11);
    expect(ownerOf(b)).toBe(u32.MAX_VALUE);
    schedule(a, 10);
    freeTimer(a);
    expect(popDue(20)).toBe(-1);
    expect(newTimer(12)).toBe(a);
    expect(ownerOf(a)).toBe(12);
    expect(popDue(20)).toBe(-1);
  });

  test("asserts that a timer was given out", () => {
    initWheel(0);
    freeTimer(newTimer(0));
    expect(() => {
      schedule(0, 10);
    }).toThrow();
    expect(() => {
      freeTimer(0);
    }).toThrow();
    expect(() => {
      cancel(-1);
    }).toThrow();
  });

  test("agrees with a plain list under random use", () => {
    for (let seed = 1; seed <= 40; seed++) useAtRandom(seed);
  });

  test("takes no memory for anything but new timers", () => {
    initWheel(0);
    seedRandom(99);
    for (let i = 0; i < 10_000; i++) newTimer(i);
    const pages = memory.size();
    let now: i64 = 0;
    for (let i = 0; i < 100_000; i++) {
      schedule(random(10_000), now + randomBelow(100_000));
      cancel(random(10_000));
      now = min(now + random(20), nextDeadline());
      for (let t = popDue(now); t >= 0; t = popDue(now)) schedule(t, now + 10_000);
    }
    expect(memory.size()).toBe(pages);
  });

  test("refuses one timer more than the limit, and no sooner", () => {
    initWheel(0);
    let given = 0;
    while (newTimer(0) == given) given++;
    expect(given).toBe(MAX_TIMERS);
    expect(newTimer(0)).toBe(-1);
    freeTimer(7);
    expect(newTimer(0)).toBe(7);
  });
});
