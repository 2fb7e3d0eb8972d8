/** The text of the configuration in force: comments, order and spaces are the user's. */
import { wipe } from "../bytes/wipe";
import { MAX_CONFIG_BYTES } from "../limits";

/** Two take turns: one is in force, and in the other a changed one is written. */
const texts: usize = memory.data(2 * MAX_CONFIG_BYTES);
let text: usize = texts;
let length: i32 = 0;
let edited: bool = false;

/** Keeps the text that was taken. `has_changes`: commands made it what it is, and no file. */
export function keepText(p: usize, len: i32, has_changes: bool): void {
  assert(<u32>len <= <u32>MAX_CONFIG_BYTES);
  memory.copy(text, p, len);
  length = len;
  edited = has_changes;
}

/** Where it is. */
export function runningText(): usize {
  return text;
}

/** How many bytes it has; 0 before the first one was taken. */
export function runningTextLength(): i32 {
  return length;
}

/** Whether commands have changed it since it was read or saved. */
export function isEdited(): bool {
  return edited;
}

/** The file has it now. */
export function noteSaved(): void {
  edited = false;
}

/** Where a changed text is written, of at most MAX_CONFIG_BYTES. */
export function draftRoom(): usize {
  return text == texts ? texts + MAX_CONFIG_BYTES : texts;
}

/** The text of `len` bytes that was written there is in force now. */
export function takeDraft(len: i32): void {
  assert(<u32>len <= <u32>MAX_CONFIG_BYTES);
  text = draftRoom();
  length = len;
  edited = true;
}

/** Clears the text that is not in force. */
export function wipeDraft(): void {
  wipe(draftRoom(), MAX_CONFIG_BYTES);
}
