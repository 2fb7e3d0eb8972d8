/** What main.ts and its thread tell each other. */

/** What is wanted of the thread. */
export interface Order {
  path: string;
  engine: string;
  all: boolean;
  quiet: boolean;
  vpn: string | undefined;
  /** Times as a user writes them. */
  from: string | undefined;
  to: string | undefined;
  /** Where it writes how far it is: two numbers of 64 bits, which `Progress` names. */
  progress: SharedArrayBuffer;
}

/** Places in `Order.progress`: calls begun, and where the last one stands in the file. */
export const Progress = { CALLS: 0, OFFSET: 1, BYTES: 2 * Float64Array.BYTES_PER_ELEMENT } as const;

/** What comes of it: what is to be printed, or why there is nothing. */
export type Answer = { lines: string[]; status: number } | { error: string };

export const Status = { SAME: 0, DIFFERENT: 1, WRONG: 2, OTHER_ENGINE: 3, TOO_LONG: 4 } as const;
