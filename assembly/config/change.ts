/** What is to change in one section of the configuration: noted first, then written by draft.ts. */
import { Option, Section } from "./option";

/** More values than a command has words for. */
const MAX_VALUES: i32 = 32;

/** A value that an option gets. */
@unmanaged
export class Value {
  /** Option. */
  option: i32;
  length: i32;
  /** Where its bytes are. */
  at: usize;
  /** The command's word that asks for it. */
  word: i32;
  /** Where the draft has the option; 0: nowhere yet. */
  line_at: usize;
}
const VALUE_BYTES: i32 = 32;

const values: usize = memory.data(MAX_VALUES * VALUE_BYTES, 8);
let count: i32 = 0;
/** Bit for each option that is set or removed. */
let decided: u32 = 0;

/** The section's type; of a VPN, its name follows. */
export let section: Section = Section.NONE;
export let name_at: usize = 0;
export let name_length: i32 = 0;
/** Whether the whole section goes. */
export let is_removal: bool = false;

/** Begins a change of the section; of a VPN the name is at `p`, which must stay there. */
export function beginChange(type: Section, p: usize, len: i32): void {
  assert(Option.COUNT <= 32);
  section = type;
  name_at = p;
  name_length = len;
  is_removal = false;
  decided = 0;
  count = 0;
}

/** The section is to go, with all its options. */
export function removeSection(): void {
  is_removal = true;
}

/** The option is to go, unless it is given a value. */
export function removeOption(option: Option): void {
  decided |= 1 << option;
}

/** The option is to have this value, which must stay where it is; a list may have several. */
export function setOption(option: Option, p: usize, len: i32, word: i32): void {
  removeOption(option);
  assert(count < MAX_VALUES);
  const value = valueAt(count++);
  value.option = option;
  value.at = p;
  value.length = len;
  value.word = word;
  value.line_at = 0;
}

/** Whether the option is set or removed. */
export function isDecided(option: Option): bool {
  return (decided & (1 << option)) != 0;
}

/** Values that are set. */
export function valueCount(): i32 {
  return count;
}

/** Value `i`, in the order of the command. */
export function valueAt(i: i32): Value {
  return changetype<Value>(values + i * VALUE_BYTES);
}

/** The first value of the option that the draft has not yet; null: there is none. */
export function nextValue(option: Option): Value | null {
  for (let i = 0; i < count; i++) {
    const value = valueAt(i);
    if (value.option == option && value.line_at == 0) return value;
  }
  return null;
}

/** Whether the option gets several values: then each is a `list`. */
export function isList(option: Option): bool {
  let found = 0;
  for (let i = 0; i < count; i++) if (valueAt(i).option == option) found++;
  return found > 1;
}
