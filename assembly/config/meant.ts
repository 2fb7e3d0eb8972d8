/** Whether a section of the text is the one that a change is about (change.ts). */
import { ADDRESS_BYTES, parseAddress, sameAddress } from "../bytes/address";
import { equal, equalText } from "../bytes/slice";
import { keyAt, keyCount, name_at, name_length, section, Value } from "./change";
import { findOption, isFlag, Option, Section, sectionName } from "./option";
import {
  nextStatement,
  rewind,
  statementLine,
  word,
  wordCount,
  wordLength,
  wordStart,
} from "./uci";
import { parseBool, parseNetwork } from "./value";

const a: usize = memory.data(ADDRESS_BYTES, 8);
const b: usize = memory.data(ADDRESS_BYTES, 8);

/** Whether it is the one whose head the statement is. */
export function isMeant(): bool {
  if (wordCount() < 2 || !equalText(word(1), wordLength(1), sectionName(section))) return false;
  if (section == Section.ROUTE || section == Section.NHTB) return hasKeys();
  if (wordCount() < 3) return false;
  return section == Section.GLOBAL || equal(word(2), wordLength(2), name_at, name_length);
}

/** Looks ahead at what the section says. */
function hasKeys(): bool {
  const head = wordStart(0);
  const line = statementLine();
  // A bit for each key: the section has the option, and with the value.
  let has = 0;
  let fits = 0;
  while (nextStatement() && !equalText(word(0), wordLength(0), "config")) {
    if (wordCount() != 3) continue;
    const option = findOption(section, word(1), wordLength(1));
    for (let i = 0; i < keyCount(); i++) {
      const key = keyAt(i);
      if (key.option != option) continue;
      has |= 1 << i;
      if (key.at != 0 && saysThat(key)) fits |= 1 << i;
    }
  }
  rewind(head, line);
  nextStatement();
  for (let i = 0; i < keyCount(); i++) if (keyAt(i).at == 0) fits |= ~has & (1 << i);
  return fits == (1 << keyCount()) - 1;
}

/** Whether the statement gives its option this value, however that is written. */
export function saysThat(value: Value): bool {
  const p = word(2);
  const len = wordLength(2);
  if (equal(p, len, value.at, value.length)) return true;
  switch (value.option) {
    case Option.TARGET: {
      const bits = parseNetwork(p, len, a);
      return bits >= 0 && parseNetwork(value.at, value.length, b) == bits && sameAddress(a, b);
    }
    case Option.ROUTE_GATEWAY:
    case Option.NEXTHOP:
      if (!parseAddress(p, len, a) || !parseAddress(value.at, value.length, b)) return false;
      return sameAddress(a, b);
    default:
      return isFlag(value.option) && parseBool(p, len) == parseBool(value.at, value.length);
  }
}
