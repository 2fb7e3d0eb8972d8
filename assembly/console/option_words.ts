/** Words of a command that name options of the configuration. */
import { setOption } from "../config/change";
import { belongs, isFlag, Option, optionName, Section } from "../config/option";
import { means, word, wordCount, wordLength } from "./line";

/** The value of an option that is on. */
const ON: usize = memory.data<u8>([0x31]);

/** The words from `i` on are options, each but those that are on with its value. */
export function setOptions(section: Section, i: i32): void {
  while (i < wordCount()) {
    const option = optionMeant(section, i);
    if (isFlag(option)) {
      setOption(option, ON, 1, i);
    } else {
      i++;
      setOption(option, word(i), wordLength(i), i);
    }
    i++;
  }
}

/** The option that word `i` is the name of, with hyphens as ScreenOS writes it. */
export function optionMeant(section: Section, i: i32): Option {
  for (let option: i32 = 0; option < Option.COUNT; option++) {
    if (belongs(option, section) && means(i, commandWord(option))) return option;
  }
  // The grammar has no other words there.
  assert(false);
  return Option.COUNT;
}

/** The option as commands have it: ScreenOS's word where that is another one. */
function commandWord(option: Option): string {
  if (option == Option.ADDRESS) return "ip";
  if (option == Option.TUNNEL) return "bind";
  return optionName(option);
}
