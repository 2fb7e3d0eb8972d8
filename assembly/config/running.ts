/** The text of the configuration in force: comments, order and spaces are the user's. */
import { MAX_CONFIG_BYTES } from "../limits";

const text: usize = memory.data(MAX_CONFIG_BYTES);
let length: i32 = 0;

/** Keeps the text that was taken. */
export function keepText(p: usize, len: i32): void {
  assert(<u32>len <= <u32>MAX_CONFIG_BYTES);
  memory.copy(text, p, len);
  length = len;
}

/** Where it is. */
export function runningText(): usize {
  return text;
}

/** How many bytes it has; 0 before the first one was taken. */
export function runningTextLength(): i32 {
  return length;
}
