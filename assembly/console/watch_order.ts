/**
 * Which VPNs the live screen shows. What is wrong comes first, so that none of it is below the
 * screen's end unseen; among equals the order is that of `get vpn`. A frame looks at the state of
 * each VPN, and at nothing more of those that it does not show.
 */
import { VpnFlag } from "../config/model";
import { MAX_FRAME_ROWS } from "../limits";
import { Note, State, Vpn, vpnAt, vpnCount } from "../sa/vpn";

/** From what needs a person to what does not. */
const enum Rank {
  DOWN = 0,
  INACTIVE,
  READY,
  UP,
  /** Nobody asked to hear of it. */
  UNMONITORED,
}
const RANKS: i32 = 5;

const in_state: usize = memory.data(4 * 4, 4);
const in_rank: usize = memory.data(RANKS * 4, 4);
const rows: usize = memory.data(MAX_FRAME_ROWS * 4, 4);

/** Counts the VPNs, also by their states. */
export function countVpns(): i32 {
  memory.fill(in_state, 0, 4 * 4);
  memory.fill(in_rank, 0, RANKS * 4);
  let total = 0;
  for (let i = 0; i < vpnCount(); i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED)) continue;
    total++;
    add(in_state, vpn.state);
    add(in_rank, rankOf(vpn));
  }
  return total;
}

/** How many there were in that state. */
export function countIn(state: State): i32 {
  return load<i32>(in_state + 4 * state);
}

/** Finds those in the rows from `first` on: `vpnInRow`. After `countVpns`. */
export function selectRows(first: i32, count: i32): void {
  // Each rank's next row, counted from `first`.
  let next = -first;
  for (let rank = 0; rank < RANKS; rank++) {
    const size = load<i32>(in_rank + 4 * rank);
    store<i32>(in_rank + 4 * rank, next);
    next += size;
  }
  let found = 0;
  for (let i = 0; i < vpnCount() && found < count; i++) {
    const vpn = vpnAt(i);
    if (!vpn.noted(Note.USED)) continue;
    const row = add(in_rank, rankOf(vpn));
    if (<u32>row >= <u32>count) continue;
    store<i32>(rows + 4 * row, i);
    found++;
  }
}

/** Index of the VPN in a row that was selected. */
export function vpnInRow(row: i32): i32 {
  return load<i32>(rows + 4 * row);
}

/** Adds one; answers what was there before. */
function add(counts: usize, i: i32): i32 {
  const before = load<i32>(counts + 4 * i);
  store<i32>(counts + 4 * i, before + 1);
  return before;
}

function rankOf(vpn: Vpn): Rank {
  if (vpn.state == State.UP) return Rank.UP;
  if (vpn.state == State.DOWN) return Rank.DOWN;
  if (!vpn.config.has(VpnFlag.MONITOR)) return Rank.UNMONITORED;
  return vpn.state == State.READY ? Rank.READY : Rank.INACTIVE;
}
