/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash that is fast on
 * short input. Nobody without the key can make an answer that we believe.
 */

/** In memory, not in variables: so all of it is in one place that a recording leaves out. */
const key: usize = memory.data(16, 8);

/** The key, drawn at random by the host at start. */
export function setKey(k0: u64, k1: u64): void {
  store<u64>(key, k0);
  store<u64>(key, k1, 8);
}

/** Where its 16 bytes are. */
export function keyAddress(): usize {
  return key;
}

/** SipHash-2-4 of `len` bytes under the key. */
export function token(p: usize, len: i32): u64 {
  const key0 = load<u64>(key);
  const key1 = load<u64>(key, 8);
  let v0 = key0 ^ 0x736f6d6570736575;
  let v1 = key1 ^ 0x646f72616e646f6d;
  let v2 = key0 ^ 0x6c7967656e657261;
  let v3 = key1 ^ 0x7465646279746573;
  // The last block holds fewer than eight bytes of input, and the length. One more turn, without a
  // block and with four rounds instead of two, is the finalization.
  let left = len;
  let done: bool;
  do {
    done = left < 0;
    let block: u64 = 0;
    if (left >= 8) block = load<u64>(p);
    else if (done) v2 ^= 0xff;
    else block = ((<u64>len) << 56) | lastBytes(p, left);

    v3 ^= block;
    for (let rounds = done ? 4 : 2; rounds > 0; rounds--) {
      v0 += v1;
      v2 += v3;
      v1 = rotl(v1, 13) ^ v0;
      v3 = rotl(v3, 16) ^ v2;
      v0 = rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = rotl(v1, 17) ^ v2;
      v3 = rotl(v3, 21) ^ v0;
      v2 = rotl(v2, 32);
    }
    v0 ^= block;
    p += 8;
    left -= 8;
  } while (!done);
  return v0 ^ v1 ^ v2 ^ v3;
}

/** Fewer than eight bytes as a number, the first byte lowest. */
function lastBytes(p: usize, count: i32): u64 {
  let value: u64 = 0;
  for (let i = 0; i < count; i++) value |= (<u64>load<u8>(p + i)) << (8 * i);
  return value;
}
