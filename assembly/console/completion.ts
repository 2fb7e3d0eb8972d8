/** `complete LINE`: the words that the line's last one can become, each once. */
import { sameName } from "../bytes/slice";
import { Writer } from "../bytes/writer";
import { MAX_COMMANDS } from "../limits";
import { nameValue } from "../bytes/json";
import { ITEM_BYTES } from "./notation";
import { json, replyWriter } from "./reply";

/** Keywords that may stand at one place: more are not completed. */
const MAX_KEYWORDS: i32 = 2 * MAX_COMMANDS;

const keywords: usize = memory.data(MAX_KEYWORDS * (ITEM_BYTES + 1));
let count: i32 = 0;

/** Nothing has been proposed yet. */
export function beginCompletion(): void {
  count = 0;
}

/** Proposes a keyword (a name field); the same one of another row is not proposed again. */
export function completeKeyword(keyword: usize): void {
  for (let i = 0; i < count; i++) if (sameName(keywordAt(i), keyword)) return;
  if (count == MAX_KEYWORDS) return;
  memory.copy(keywordAt(count++), keyword, ITEM_BYTES + 1);
  complete(keyword);
}

/** Proposes a word (a name field). */
export function complete(field: usize): void {
  const w: Writer = replyWriter();
  if (json) nameValue(w, field);
  else w.name(field).u8(0x0a);
}

function keywordAt(i: i32): usize {
  return keywords + i * (ITEM_BYTES + 1);
}
