/**
 * The events ike-updown, ike-rekey, child-updown, child-rekey and alert. They
 * are hints: what is true after them is seen by listing the connection again.
 */
import { equalText, setName } from "../../bytes/slice";
import { MAX_IKE_NAME_BYTES } from "../../limits";
import { Element, Message, MESSAGE_BYTES, messageAt } from "../vici/message";

/** Name field: the connection that the event is about. */
export const event_connection: usize = memory.data(MAX_IKE_NAME_BYTES + 1);

const reader: Message = messageAt(memory.data(MESSAGE_BYTES));

/**
 * Reads which connection the event is about: the name of its first section, or
 * in an alert that of the section inside `ike-sa`. False if it names none.
 */
export function readEvent(event: usize, event_length: i32, p: usize, length: i32): bool {
  const depth = equalText(event, event_length, "alert") ? 2 : 1;
  const m = reader.open(p, length);
  while (true) {
    const element = m.next();
    if (element == Element.SECTION_START) {
      if (m.depth == depth) {
        return setName(event_connection, MAX_IKE_NAME_BYTES, m.name, m.name_length);
      }
    } else if (element == Element.END || element == Element.BAD) {
      return false;
    }
  }
}
