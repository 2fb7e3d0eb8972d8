/**
 * What proves that an announcement came through an SA: our challenge left through that SA alone,
 * and comes back in the answer (docs/nhtb.md). It is a keyed hash of the SA's SPIs, so nothing has
 * to be kept of it, and it is void with the SA and with the instance that made it.
 */
import { token } from "./token";

/** A number of each use, so that one's values are never the other's; nor echoes', by the length. */
const enum Use {
  CHALLENGE = 1,
  PAD,
}

const hashed: usize = memory.data(12, 8);

/** Our challenge on the SA with these SPIs, as we see them; never 0. */
export function challengeOf(spi_in: u32, spi_out: u32): u64 {
  return max<u64>(hash(Use.CHALLENGE, spi_in, spi_out), 1);
}

/**
 * A peer's challenge in a form that tells nothing without our key, and back again: what is kept of
 * it, and what a recording holds.
 */
export function masked(challenge: u64, spi_in: u32, spi_out: u32): u64 {
  return challenge ^ hash(Use.PAD, spi_in, spi_out);
}

function hash(use: Use, spi_in: u32, spi_out: u32): u64 {
  store<u32>(hashed, use);
  store<u32>(hashed, spi_in, 4);
  store<u32>(hashed, spi_out, 8);
  return token(hashed, 12);
}
