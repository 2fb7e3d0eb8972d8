/**
 * What is to change in one section of the configuration: noted first, then written by draft.ts. A
 * VPN or a tunnel interface is found by its name. Routes and next hops need none: they are found by
 * what they say.
 */
import { Option, Section } from "./option";

/** More values than a command has words for. */
const MAX_VALUES: i32 = 32;
/** Options by which a section is found. */
const MAX_KEYS: i32 = 4;

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
let decided: u64 = 0;
const keys: usize = memory.data(MAX_KEYS * VALUE_BYTES, 8);
let key_count: i32 = 0;

/** The section's type; its name follows, where it is found by that. */
export let section: Section = Section.NONE;
export let name_at: usize = 0;
export let name_length: i32 = 0;
/** Whether the whole section goes. */
export let is_removal: bool = false;
/** Whether the section is to be there, even if no option is set. */
export let is_wanted: bool = false;

/** Begins a change of the section; where it has a name, that is at `p`, which must stay there. */
export function beginChange(type: Section, p: usize, len: i32): void {
  assert(Option.COUNT <= 64);
  section = type;
  name_at = p;
  name_length = len;
  is_removal = false;
  is_wanted = false;
  decided = 0;
  count = 0;
  key_count = 0;
}

/** Only a section that has the option with this value is meant; the value must stay where it is. */
export function findBy(option: Option, p: usize, len: i32): void {
  assert(key_count < MAX_KEYS);
  const key = keyAt(key_count++);
  key.option = option;
  key.at = p;
  key.length = len;
}

/** Only a section that has not the option is meant. */
export function findWithout(option: Option): void {
  findBy(option, 0, 0);
}

/** By how many options the section is found. */
export function keyCount(): i32 {
  return key_count;
}

/** Option `i` of them; at 0: the section must not have it. */
export function keyAt(i: i32): Value {
  return changetype<Value>(keys + i * VALUE_BYTES);
}

/** The section is to be made if it is not there, whatever it has. */
export function wantSection(): void {
  is_wanted = true;
}

/** The section is to go, with all its options. */
export function removeSection(): void {
  is_removal = true;
}

/** The option is to go, unless it is given a value. */
export function removeOption(option: Option): void {
  decided |= (<u64>1) << option;
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
  return (decided & ((<u64>1) << option)) != 0;
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
