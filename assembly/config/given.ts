/** Which options the section that is being read has. */
import { resembles } from "./nearest";
import { Option, optionName } from "./option";

/** For each option, the line in which the section has it first; 0: not. */
const given_in: usize = memory.data(Option.COUNT * sizeof<i32>(), 4);
/** For each, whether some unknown option of the section is this one misspelt. */
const misspelt: usize = memory.data(Option.COUNT);

/** Begins a new section. */
export function forgetOptions(): void {
  memory.fill(given_in, 0, Option.COUNT * sizeof<i32>());
  memory.fill(misspelt, 0, Option.COUNT);
}

/** The section has the option in this line. */
export function noteOption(option: Option, line: i32): void {
  const at = given_in + option * sizeof<i32>();
  if (load<i32>(at) == 0) store<i32>(at, line);
}

/** The section has an unknown option with this name. */
export function noteUnknown(p: usize, len: i32): void {
  for (let i = 0; i < Option.COUNT; i++) {
    if (resembles(p, len, optionName(i))) store<u8>(misspelt + i, 1);
  }
}

/** The line in which the section has the option; 0: it has not. */
export function optionLine(option: Option): i32 {
  return load<i32>(given_in + option * sizeof<i32>());
}

/** Whether the section lacks the option; one that it has misspelt is no second mistake. */
export function isMissing(option: Option): bool {
  return optionLine(option) == 0 && load<u8>(misspelt + option) == 0;
}
