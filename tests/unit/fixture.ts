// @ts-ignore: a decorator of AssemblyScript
@external("fixture", "load")
declare function load_(name: usize, name_bytes: i32, out: usize, room: i32): i32;

/**
 * Copies tests/unit/fixtures/`name` to `out` and returns its length. A file
 * that is missing or larger than `room` fails the test.
 */
export function loadFixture(name: string, out: usize, room: i32): i32 {
  const length = load_(changetype<usize>(name), name.length << 1, out, room);
  assert(length >= 0, "the fixture is larger than its room");
  return length;
}

/** Whether the bytes are UTF-8 and one JSON document, by JavaScript's own judgement. */
// @ts-ignore: a decorator of AssemblyScript
@external("fixture", "parses")
export declare function parsesAsJson(p: usize, len: i32): bool;
