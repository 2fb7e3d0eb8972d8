/** Finds CHILD_SAs by their SPIs: what a packet says of the SA that it came through. */
import { Phase2, phase2At } from "./phase2";

/** Inbound SPIs are random (strongSwan's own choice), so their low bits spread them. */
const BUCKETS: i32 = 1 << 14;

/** For each bucket its first CHILD_SA + 1, chained by Phase2.next_of_spi; 0: none. */
const buckets: usize = memory.data(BUCKETS * sizeof<i32>(), 4);

function bucketOf(spi_in: u32): usize {
  return buckets + ((spi_in & (BUCKETS - 1)) << 2);
}

/** Empties the index. */
export function initSpis(): void {
  memory.fill(buckets, 0, BUCKETS * sizeof<i32>());
}

/** The CHILD_SA with both SPIs, as this end sees them; -1: none is known. */
export function findSpis(spi_in: u32, spi_out: u32): i32 {
  for (let i = load<i32>(bucketOf(spi_in)) - 1; i >= 0; i = phase2At(i).next_of_spi) {
    const sa = phase2At(i);
    if (sa.spi_in == spi_in && sa.spi_out == spi_out) return i;
  }
  return -1;
}

/** The record has its SPIs; before it is installed it has none, and cannot be found. */
export function enterSpis(index: i32): void {
  const sa = phase2At(index);
  if (sa.spi_in == 0) return;
  const bucket = bucketOf(sa.spi_in);
  sa.next_of_spi = load<i32>(bucket) - 1;
  store<i32>(bucket, index + 1);
}

/** The record is about to go, or to have others. */
export function leaveSpis(index: i32): void {
  const sa = phase2At(index);
  if (sa.spi_in == 0) return;
  const bucket = bucketOf(sa.spi_in);
  let before: Phase2 = changetype<Phase2>(0);
  let i = load<i32>(bucket) - 1;
  while (i != index) {
    before = phase2At(i);
    i = before.next_of_spi;
  }
  if (changetype<usize>(before) == 0) store<i32>(bucket, sa.next_of_spi + 1);
  else before.next_of_spi = sa.next_of_spi;
}
