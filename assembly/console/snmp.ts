/**
 * `snmp get|getnext OID`: nsVpnMonTable of ScreenOS, read-only, in the words of net-snmp's
 * pass_persist: three lines with the identifier, the type and the value, or `NONE`. A row's index
 * is the number of the VPN's SA, which it keeps as long as it is configured.
 */
import { Note, vpnAt, vpnCount } from "../sa/vpn";
import { find, given, word, wordLength } from "./line";
import { oidNumber, parseOid, writeOid } from "./oid";
import { beginError, beginReply, endError, endReply, json } from "./reply";
import { COLUMNS, hasColumn, writeColumn } from "./snmp_column";

/** nsVpnMonEntry (screenos.md, "Statistics"); COLUMN.INDEX follows. */
const ENTRY: string = ".1.3.6.1.4.1.3224.4.1.1.1";
const entry: usize = memory.data<u32>([1, 3, 6, 1, 4, 1, 3224, 4, 1, 1, 1]);
const ENTRY_NUMBERS: i32 = 11;

/** The cell that is asked for: row `index` is VPN `index - 1` (sa/vpn.ts, `tunnelId`). */
let column: i32 = 0;
let index: u32 = 0;

/** `snmp get|getnext OID` */
export function showSnmp(): void {
  if (json) {
    beginError().text("snmpd is answered in lines of its own; get vpn answers in JSON");
    return endError();
  }
  const i = find("OID");
  const count = parseOid(word(i), wordLength(i));
  const found = given("getnext") ? findNext(count) : findExact(count);
  const w = beginReply();
  if (found) {
    writeOid(w, ENTRY, column, index).u8(0x0a);
    writeColumn(w, vpnAt(index - 1), index, column);
  } else {
    w.text("NONE\n");
  }
  endReply();
}

function findExact(count: i32): bool {
  if (count != ENTRY_NUMBERS + 2 || compareToEntry(count) != 0) return false;
  const asked = oidNumber(ENTRY_NUMBERS);
  if (asked > <u32>COLUMNS || !hasColumn(asked)) return false;
  column = asked;
  index = oidNumber(ENTRY_NUMBERS + 1);
  return index > 0 && isRow(index);
}

/** The first cell behind the identifier: columns one by one, in each the rows by their numbers. */
function findNext(count: i32): bool {
  const order = compareToEntry(count);
  if (order > 0) return false;
  column = 1;
  index = 0;
  if (order == 0 && count > ENTRY_NUMBERS) {
    const asked = oidNumber(ENTRY_NUMBERS);
    if (asked > <u32>COLUMNS) return false;
    column = asked;
    // In a column that is not there, the next row is that of the next column.
    if (count > ENTRY_NUMBERS + 1) index = oidNumber(ENTRY_NUMBERS + 1);
  }
  for (; column <= COLUMNS; column++, index = 0) {
    if (!hasColumn(column)) continue;
    while (index < <u32>vpnCount()) if (isRow(++index)) return true;
  }
  return false;
}

/** Below 0: it stands before the entry, or above it; 0: it is the entry, or below that. */
function compareToEntry(count: i32): i32 {
  for (let i = 0; i < ENTRY_NUMBERS; i++) {
    if (i == count) return -1;
    const number = oidNumber(i);
    const ours = load<u32>(entry + 4 * i);
    if (number != ours) return number < ours ? -1 : 1;
  }
  return 0;
}

function isRow(at: u32): bool {
  return at <= <u32>vpnCount() && vpnAt(at - 1).noted(Note.USED);
}
