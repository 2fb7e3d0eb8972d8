/** What is kept of an event. */
import { MAX_EVENT_BYTES } from "../limits";

const VPN = 16;
const LINE = VPN + 32;
/** `[Root]system-notification-00017: ` and ` (2026-11-23 14:20:01)`, with some to spare. */
const FRAME_BYTES: i32 = 80;
/** Bytes of a line. */
export const LINE_BYTES: i32 = FRAME_BYTES + MAX_EVENT_BYTES;
/** Bytes of an Event. */
export const EVENT_BYTES: i32 = LINE + LINE_BYTES;

/** One event, with the line that stands for it in the log. */
@unmanaged
export class Event {
  /** Milliseconds since 1970, UTC. */
  wall_ms: i64;
  /** ScreenOS's five-digit number. */
  id: u16;
  /** Severity. */
  severity: u8;
  /** Offset of the text in the line. */
  private text_offset: u8;
  text_length: u16;
  line_length: u16;

  /** Name of the VPN that it is about (bytes/slice.ts, `setName`); empty for none. */
  get vpn(): usize {
    return changetype<usize>(this) + VPN;
  }
  /** `[Root]system-critical-00040: VPN 'x' from 1.2.3.4 is up. (2026-11-23 14:20:01)` */
  get line(): usize {
    return changetype<usize>(this) + LINE;
  }
  get text(): usize {
    return this.line + this.text_offset;
  }
  set text(at: usize) {
    this.text_offset = <u8>(at - this.line);
  }
}
