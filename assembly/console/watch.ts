/**
 * `watch`: a frame of the live screen. Above it counts, then a row for each VPN, in the order in
 * which they need a person (watch_order.ts); below that the end of the event log.
 */
import { MAX_FRAME_COLUMNS, MAX_FRAME_ROWS } from "../limits";
import { SaFilter } from "./get_sa";
import { given } from "./line";
import { numberGiven } from "./parameter";
import { beginFrame, beginReply, endReply, endVerbatim, json } from "./reply";
import { beginScreen } from "./screen";
import { getVpnsJson } from "./vpn_json";
import { writeLog, writeSummary } from "./watch_log";
import { countVpns, selectRows, vpnInRow } from "./watch_order";
import { fitColumns, writeHead, writeVpn } from "./watch_row";

/** Where nobody says how large the screen is. */
const COLUMNS: i32 = 80;
const ROWS: i32 = 24;

/** Lines above the VPNs: the summary and the table's head. */
const HEAD_ROWS: i32 = 2;
/** With fewer lines than these below the head, all of them are for VPNs. */
const LOG_FROM_ROWS: i32 = 8;
/** The log's title, and at least three events. */
const MIN_LOG_ROWS: i32 = 4;

/** `watch [size COLUMNS ROWS] [skip N] [ascii] [color]`: as JSON the document of `get vpn`. */
export function showWatch(): void {
  const live = !given("size");
  if (json) {
    getVpnsJson(live ? beginFrame(true, 0, 0) : beginReply(), SaFilter.ALL, 0);
    return endReply();
  }
  const columns = min(numberGiven(COLUMNS, "COLUMNS"), MAX_FRAME_COLUMNS);
  const rows = min(numberGiven(ROWS, "ROWS"), MAX_FRAME_ROWS);
  const total = countVpns();
  const below = max(0, rows - HEAD_ROWS);
  const log = logRows(below, total);
  const page = min(below - log, total);
  const first = min(numberGiven(0), total - page);
  selectRows(first, page);

  const w = beginFrame(live, first, page);
  beginScreen(w, columns, live || given("ascii"), given("color") && !live);
  fitColumns(columns, page);
  writeSummary();
  if (rows >= HEAD_ROWS) writeHead();
  for (let row = 0; row < page; row++) writeVpn(vpnInRow(row));
  if (log > 0) writeLog(below - page, first, page, total);
  endVerbatim();
}

/** A third of the lines for the log, and what the VPNs leave; below its title there is an event. */
function logRows(below: i32, total: i32): i32 {
  const share = below < LOG_FROM_ROWS ? 0 : max(MIN_LOG_ROWS, below / 3);
  const log = max(share, below - total);
  return log < 2 ? 0 : log;
}
