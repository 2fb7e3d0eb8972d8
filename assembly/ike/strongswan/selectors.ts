import { parseSelector, Selector, SELECTOR_BYTES } from "../../bytes/selector";
import { startsWith } from "../../bytes/slice";
import { MAX_SELECTORS } from "../../limits";
import { Element, Message } from "../vici/message";

/** Whether `dynamic` was among the selectors read last. */
export let saw_dynamic: bool = false;
/** Whether there were more selectors than MAX_SELECTORS. */
export let saw_more: bool = false;

/**
 * Behind the LIST_START of `local-ts` or `remote-ts`: reads the selectors into
 * the records from `first` on and answers how many. What names no address and
 * what is past MAX_SELECTORS is left out.
 */
export function readSelectors(m: Message, first: Selector): i32 {
  let count = 0;
  saw_dynamic = false;
  saw_more = false;
  while (m.next() == Element.LIST_ITEM) {
    if (startsWith(m.value, m.value_length, "dynamic")) saw_dynamic = true;
    if (count == MAX_SELECTORS) {
      saw_more = true;
      continue;
    }
    const selector = changetype<Selector>(changetype<usize>(first) + count * SELECTOR_BYTES);
    if (parseSelector(m.value, m.value_length, selector)) count++;
  }
  return count;
}
