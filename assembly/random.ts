/**
 * Jitter. Its seed comes from the host, so a recording of the inputs gives the same
 * jitter again. SplitMix64; nothing here is secret.
 */
let state: u64 = 0;

/** Begins the sequence that goes with this seed. */
export function seedRandom(seed: u64): void {
  state = seed;
}

function next(): u64 {
  state += 0x9e3779b97f4a7c15;
  let z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/** A value from 0 to `bound - 1`. */
export function randomBelow(bound: i64): i64 {
  assert(bound > 0);
  return <i64>((next() >> 1) % <u64>bound);
}

/** `ms` +-10 %. */
export function jittered(ms: i64): i64 {
  return ms - ms / 10 + randomBelow(ms / 5 + 1);
}
