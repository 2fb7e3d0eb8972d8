/** The order of the live screen (`watch`): what is wrong stands at the top. */
import type { State, Vpn } from "./model.ts";

const RANKS: Record<State, number> = { down: 0, inactive: 1, ready: 2, up: 3 };
const UNMONITORED = 4;

const rankOf = ({ monitor, state }: Vpn): number => (monitor ? RANKS[state] : UNMONITORED);

/** Equals keep the order of `get vpn`. */
export function inOrder(vpns: readonly Vpn[]): Vpn[] {
  return [...vpns].sort((a, b) => rankOf(a) - rankOf(b));
}
