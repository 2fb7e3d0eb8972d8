import { randomBelow } from "../../assembly/random";

/** Bytes as a stranger sends them, for the specs of the parsers. */

let end: usize = 0;

/** Pages of memory that are kept free at its end. */
const PAGES: i32 = 8;

/** Room for `len` bytes that ends where memory ends: to read past it traps. At most 512 KiB. */
export function atEdge(len: i32): usize {
  assert(len <= PAGES << 16);
  if (end != (<usize>memory.size()) << 16) {
    // The allocator takes all memory that there is when it is first used: let that be before.
    heap.free(heap.alloc(1));
    memory.grow(PAGES);
    end = (<usize>memory.size()) << 16;
  }
  return end - len;
}

/** Copies bytes there. */
export function copyAtEdge(p: usize, len: i32): usize {
  const at = atEdge(len);
  memory.copy(at, p, len);
  return at;
}

/** Puts the text at the edge of memory and returns where it stands. */
export function put(text: string): usize {
  const len = String.UTF8.byteLength(text);
  const p = atEdge(len);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, p);
  return p;
}

export function random(bound: i32): i32 {
  return <i32>randomBelow(bound);
}

export function randomBytes(p: usize, len: i32): void {
  for (let i = 0; i < len; i++) store<u8>(p + i, <u8>random(256));
}

/** Text of characters out of `alphabet`, which is ASCII. */
export function randomText(alphabet: string, len: i32): string {
  let text = "";
  for (let i = 0; i < len; i++) text += alphabet.charAt(random(alphabet.length));
  return text;
}

/** Flips one bit, counted from the lowest of the first byte. */
export function flip(p: usize, bit: i32): void {
  const at = p + (bit >> 3);
  const mask = 1 << (bit & 7);
  store<u8>(at, <u8>((<i32>load<u8>(at)) ^ mask));
}

/** Gives one of the bytes another value; zero and 255 more often than others. */
export function mutate(p: usize, len: i32): void {
  const at = p + random(len);
  const before = <i32>load<u8>(at);
  const kind = random(4);
  let after = random(256);
  if (kind == 0) after = 0;
  if (kind == 1) after = 255;
  if (after == before) after = before ^ (1 << random(8));
  store<u8>(at, <u8>after);
}
