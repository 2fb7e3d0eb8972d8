import { Writer, WRITER_BYTES, writerAt } from "./bytes/writer";
import { trap } from "./host";
import { MAX_EVENT_BYTES } from "./limits";

const buffer: usize = memory.data(MAX_EVENT_BYTES);
const w: Writer = writerAt(memory.data(WRITER_BYTES));

/** What a failed assertion calls: tells the host `FILE:LINE:COLUMN: message`, then traps. */
export function onabort(message: string | null, file: string | null, line: u32, column: u32): void {
  w.reset(buffer, MAX_EVENT_BYTES);
  if (file) w.text(file);
  w.u8(0x3a).decimal(line).u8(0x3a).decimal(column).text(": ");
  w.text(message ? message : "assertion failed");
  trap(buffer, w.length);
  unreachable();
}
