import { Writer, WRITER_BYTES, writerAt } from "../bytes/writer";

/** Cells of the text tables: written aside first, so that their width is known. */
const CELL_BYTES: i32 = 64;
const cell: Writer = writerAt(memory.data(WRITER_BYTES, 8));
const room: usize = memory.data(CELL_BYTES);

/** Begins a cell. */
export function newCell(): Writer {
  return cell.reset(room, CELL_BYTES);
}

/** Appends the cell to `w`, at the left of `width` columns or of as many as it needs. */
export function leftCell(w: Writer, width: i32): Writer {
  w.bytes(cell.start, cell.length);
  return spaces(w, width - cell.length);
}

/** Appends the cell to `w`, at the right of them. */
export function rightCell(w: Writer, width: i32): Writer {
  spaces(w, width - cell.length);
  return w.bytes(cell.start, cell.length);
}

/** Appends spaces; none if `count` is below 1. */
export function spaces(w: Writer, count: i32): Writer {
  for (let i = 0; i < count; i++) w.u8(0x20);
  return w;
}
