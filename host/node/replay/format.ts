/** The numbers of docs/recording.md, which reader and writer share. */

/** What each segment begins with. */
export const MAGIC = Buffer.from("rekeyd-record-1\n");
/** u8 kind, 3 zeros, u32 length; and behind the payload u32 CRC-32. */
export const HEADER_BYTES = 8;
export const CRC_BYTES = 4;
export const MAX_PAYLOAD_BYTES = 8 << 20;

export const Kind = {
  ENGINE: 1,
  START: 2,
  MEMORY: 3,
  PAGE: 4,
  GLOBAL: 5,
  READY: 6,
  INPUT: 7,
  ACTIONS: 8,
  TRAP: 9,
} as const;

export const SHA256_BYTES = 32;
/** SHA-256, i64 beginning, u32 number; then the version. */
export const ENGINE_BYTES = SHA256_BYTES + 12;
export const MAX_VERSION_BYTES = 64;
export const START_BYTES = 32;
export const PAGE_BYTES = 4096;
/** Pages of WebAssembly's memory. */
export const MEMORY_PAGE_BYTES = 65_536;
export const MAX_MEMORY_PAGES = 2048;
export const MAX_GLOBAL_NAME_BYTES = 256;
/** More mutable globals no engine has. */
export const MAX_GLOBALS = 4096;
export const READY_BYTES = 24;
/** u8 call, 3 zeros, three i32, two i64. */
export const INPUT_HEADER_BYTES = 32;
/** u32 kind, argument, length. */
export const ACTION_HEADER_BYTES = 12;
export const MAX_TRAP_BYTES = 512;

/** As in assembly/limits.ts and assembly/icmp/slot.ts. */
export const MAX_ACTIONS = 1536;
export const MAX_INPUT_BYTES = 4 << 20;
export const BATCH = 64;
export const SLOT_BYTES = 1536;
export const SLOT_HEAD_BYTES = 64;
export const SLOT_LENGTH = 4;

/** The engine's calls in the order of their numbers, which begin with 1. */
export const CALLS = [
  "configure",
  "network",
  "networkLost",
  "tick",
  "chores",
  "replies",
  "unsent",
  "viciOpened",
  "viciClosed",
  "viciBytes",
  "command",
  "recorder",
  "hookEnded",
  "hookTold",
  "saved",
  "facts",
  "xfrmOpened",
  "xfrm",
] as const;

export type CallName = (typeof CALLS)[number];

/** How many of an INPUT's numbers belong to the call. */
export const NUMBERS: Record<CallName, number> = {
  configure: 3,
  network: 1,
  networkLost: 0,
  tick: 0,
  chores: 0,
  replies: 2,
  unsent: 3,
  viciOpened: 0,
  viciClosed: 1,
  viciBytes: 1,
  command: 2,
  recorder: 2,
  hookEnded: 3,
  hookTold: 3,
  saved: 1,
  facts: 1,
  xfrmOpened: 1,
  xfrm: 1,
};

/** Bytes in the input buffer that go with a call's numbers; a number below zero is a great one. */
export function inputBytes(name: CallName, numbers: readonly number[]): number {
  const [first = 0, second = 0, third = 0] = numbers.map((number) => number >>> 0);
  switch (name) {
    case "configure":
      return first + second;
    case "network":
    case "viciBytes":
    case "facts":
    case "xfrm":
      return first;
    case "command":
      return second;
    case "hookEnded":
    case "hookTold":
      return third;
    default:
      return 0;
  }
}
