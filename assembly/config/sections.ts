import { Table, TABLE_BYTES, tableAt } from "../bytes/table";
import { Option } from "./option";

/** Lines that are kept: the section's, and those of four options. */
const LINES_BYTES: i32 = 20;
const MIN_RECORD_BYTES: i32 = 64;

/**
 * The sections of one kind, in the order of the file: what each says, and behind it the lines of
 * its head and of the options that are judged when the whole file has been read.
 */
@unmanaged
export class Sections {
  private table: Table;
  private lines: i32;
  private record_bytes: i32;
  private spare: usize;
  /** How many there are. */
  count: i32;

  /** Once; what a section says takes `config_bytes`. */
  init(config_bytes: i32, max: i32): void {
    this.lines = (config_bytes + 3) & ~3;
    this.record_bytes = MIN_RECORD_BYTES;
    while (this.record_bytes < this.lines + LINES_BYTES) this.record_bytes <<= 1;
    this.table = tableAt(heap.alloc(TABLE_BYTES)).init(this.record_bytes, max);
    this.spare = heap.alloc(this.record_bytes);
    this.count = 0;
  }

  /** What section `i` says. */
  at(i: i32): usize {
    return this.table.at(i);
  }

  /** A zeroed section whose head is in `line`; 0 at the limit. */
  add(line: i32): usize {
    if (!this.table.ensure(this.count + 1)) return 0;
    return this.clear(this.table.at(this.count++), line);
  }

  /**
   * A zeroed section that is no part of the configuration: its head is wrong, but its options
   * are checked all the same.
   */
  scratch(line: i32): usize {
    return this.clear(this.spare, line);
  }

  private clear(record: usize, line: i32): usize {
    memory.fill(record, 0, this.record_bytes);
    store<i32>(record + this.lines, line);
    return record;
  }

  /** The section's option stands first in this line; not every option's line is kept. */
  noteLine(record: usize, option: Option, line: i32): void {
    const place = record + this.lines + (placeOf(option) << 2);
    if (load<i32>(place) == 0) store<i32>(place, line);
  }

  /** The line of section `i`. */
  lineOf(i: i32): i32 {
    return load<i32>(this.at(i) + this.lines);
  }

  /** Whether it has the option, one of those whose lines are kept. */
  hasLine(i: i32, option: Option): bool {
    return this.lineAt(i, option) > 0;
  }

  /** The line of that option; the section's if it has it not. */
  lineOfOption(i: i32, option: Option): i32 {
    return this.hasLine(i, option) ? this.lineAt(i, option) : this.lineOf(i);
  }

  private lineAt(i: i32, option: Option): i32 {
    assert(placeOf(option) > 0);
    return load<i32>(this.at(i) + this.lines + (placeOf(option) << 2));
  }
}

/** Bytes of a Sections, for `memory.data`. */
export const SECTIONS_BYTES: i32 = 20;

/** Makes it over static memory: for module-level constants. */
export function sectionsAt(memory: usize): Sections {
  return changetype<Sections>(memory);
}

/** Which of the lines is the option's: no two options of one section share one. */
function placeOf(option: Option): i32 {
  switch (option) {
    case Option.TUNNEL:
    case Option.INTERFACE:
    case Option.IF_ID:
      return 1;
    case Option.DESTINATION_IP:
    case Option.TARGET:
    case Option.NEXTHOP:
      return 2;
    case Option.ROUTE_GATEWAY:
    case Option.VPN:
      return 3;
    case Option.METRIC:
      return 4;
    default:
      return 0;
  }
}
